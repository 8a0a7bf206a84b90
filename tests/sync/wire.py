"""A scripted web server: answers as the cloud would, with its proof, or as a portal in its place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.wire.messages import Message, Problem, TokenAnswer
from app.wire.tokens import NONCE_HEADER, PROOF_HEADER, prove_answer

KID = "s1"


@dataclass
class Reply:
    """What is answered next. `honest` adds the cloud's proof; `cut` closes without an answer."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    honest: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    proof: str = ""
    hold: threading.Event | None = None
    chunks: tuple[bytes, ...] = ()


@dataclass
class Asked:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedCloud:
    """Gives the replies of `script` in order; tokens are given as long as `tokens` says so."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.script: list[Reply] = []
        self.asked: list[Asked] = []
        self.tokens = 0
        self.token_replies: list[Reply] = []
        self.url = ""

    @property
    def keys(self) -> dict[str, bytes]:
        return {KID: self.key.public_key().public_bytes_raw()}

    def say(self, message: Message, status: int = 200, **changes: object) -> Reply:
        """Put a message into the script."""
        reply = Reply(status, msgspec.json.encode(message), **changes)  # type: ignore[arg-type] # fields of Reply
        self.script.append(reply)
        return reply

    def refuse(self, status: int, code: str, **headers: str) -> None:
        """Put a refusal into the script."""
        self.say(
            Problem(code=code, hwm=7, hwm_hash="ab" * 32),
            status,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    def answer_to(self, asked: Asked) -> Reply:
        """Choose the reply to a request."""
        if asked.path == "/v1/token":
            self.tokens += 1
            if self.token_replies:
                return self.token_replies.pop(0)
            given = TokenAnswer(token=f"token-{self.tokens}", expires_in_s=600, server_ms=0)
            return Reply(body=msgspec.json.encode(given))
        self.asked.append(asked)
        return self.script.pop(0) if self.script else Reply(status=599)


def _handler(cloud: ScriptedCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            asked = Asked(
                self.command, self.path, dict(self.headers.items()), self.rfile.read(length)
            )
            reply = cloud.answer_to(asked)
            if reply.hold is not None:
                reply.hold.wait(20)
            if reply.cut:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            if reply.honest:
                nonce = asked.headers[NONCE_HEADER]
                proof = prove_answer(KID, cloud.key, nonce, reply.status, reply.body)
                self.send_header(PROOF_HEADER, reply.proof or proof)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self._send_body(reply)

        do_POST = do_GET  # noqa: N815 - the base class names them

        def _send_body(self, reply: Reply) -> None:
            if not reply.chunks:
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                return
            self.send_header("Connection", "close")
            self.close_connection = True
            self.end_headers()
            for chunk in reply.chunks:
                self.wfile.write(chunk)
                self.wfile.flush()
            if reply.hold is not None:
                reply.hold.clear()
                reply.hold.wait(20)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A till that hangs up is no error here."""


@contextmanager
def scripted_cloud() -> Iterator[ScriptedCloud]:
    """Serve a script on loopback."""
    cloud = ScriptedCloud()
    server = _Server(("127.0.0.1", 0), _handler(cloud))
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
