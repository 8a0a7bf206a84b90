"""No request may bring more than its door needs: refused by its announced length, or cut off on the way.

Pure ASGI. Endpoints that take less than their part of the site allows say so themselves.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.api.contract import refusal
from cloud.api.proof import SIGNED_PATHS
from cloud.errors import Refused

FORM_BYTES = 16_000
"""The forms of the pages hold one token each."""


class BodyLimit:
    """Lets `api_bytes` through to the API and a form's worth to the pages."""

    def __init__(self, app: ASGIApp, api_bytes: int) -> None:
        self._app, self._api_bytes = app, api_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._api_bytes if scope["path"].startswith(SIGNED_PATHS) else FORM_BYTES
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or len(announced) > 15 or int(announced) > limit:
            await refusal(Refused(413, "too_big"))(scope, receive, send)
            return
        left = limit

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
            return message

        await self._app(scope, limited, send)
