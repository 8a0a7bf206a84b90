"""Signs every answer of the API, so that a till can tell us from a portal or proxy.

Pure ASGI. Streams and pages are left alone: a stream carries hints only, a page is for people.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.wire.messages import Problem
from app.wire.tokens import NONCE_HEADER, PROOF_HEADER

Prove = Callable[[str, int, bytes], str]
"""(nonce, status, body) → value of the proof header."""

SIGNED_PATHS = "/v1/"
MAX_NONCE = 200
_log = logging.getLogger(__name__)


class ProofMiddleware:
    """Holds an answer back until it is whole, then sends it with its proof."""

    def __init__(self, app: ASGIApp, prove: Prove) -> None:
        self._app = app
        self._prove = prove

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        nonce = Headers(scope=scope).get(NONCE_HEADER, "") if scope["type"] == "http" else ""
        if not 0 < len(nonce) <= MAX_NONCE or not scope["path"].startswith(SIGNED_PATHS):
            await self._app(scope, receive, send)
            return
        answer = _Answer(nonce, self._prove, send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            if answer.started:
                raise
            _log.exception("a bug while serving")
            await answer.send_bug()


class _Answer:
    """One answer on its way out."""

    def __init__(self, nonce: str, prove: Prove, send: Send) -> None:
        self._nonce = nonce
        self._prove = prove
        self._send = send
        self._start: Message | None = None
        self._body: list[bytes] = []
        self.started = False

    async def send(self, message: Message) -> None:
        """Take the next part of the answer."""
        if self.started:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
            if MutableHeaders(scope=message).get("content-type", "").startswith("text/"):
                await self._pass_on()
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._finish(self._start, b"".join(self._body))
        else:
            await self._send(message)

    async def send_bug(self) -> None:
        """Say that we failed, with proof that it was us."""
        body = msgspec.json.encode(Problem(code="bug"))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        start: Message = {"type": "http.response.start", "status": 500, "headers": headers}
        await self._finish(start, body)

    async def _pass_on(self) -> None:
        self.started = True
        if self._start is not None:
            await self._send(self._start)

    async def _finish(self, start: Message, body: bytes) -> None:
        proof = self._prove(self._nonce, start["status"], body)
        MutableHeaders(scope=start)[PROOF_HEADER] = proof
        self.started = True
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})
