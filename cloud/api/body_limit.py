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
NOTICES = "/notify/"
NOTICE_BYTES = 64 * 1024
"""A payment provider's notification has a few thousand."""


class BodyLimit:
    """Lets `api_bytes` through to the API, a notification's worth to providers, a form's to the pages."""

    def __init__(self, app: ASGIApp, api_bytes: int) -> None:
        self._app, self._api_bytes = app, api_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
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

    def _limit(self, path: str) -> int:
        if path.startswith(SIGNED_PATHS):
            return self._api_bytes
        return NOTICE_BYTES if path.startswith(NOTICES) else FORM_BYTES
