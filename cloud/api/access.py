"""Says of every request in one line what it was, whose, how it ended and how long it took, and counts it.

Pure ASGI and outermost. Knows a request by its route's template: paths hold tokens.
"""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.operation.logs import request_id
from cloud.operation.metrics import Metrics

DEVICE = "guidepos.device"
"""Where in the scope whoever recognises the device leaves its id."""
REQUEST_ID = "X-Request-Id"
NO_ROUTE = "(none)"
_METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())
_SOUND_ID = re.compile(r"[0-9a-f-]{8,40}")
_STREAMS = frozenset({"/v1/live"})
"""Routes that are open for half an hour; their length says nothing."""
_log = logging.getLogger("cloud.access")


class AccessLog:
    """Writes the line when the answer has gone out."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        name = given if _SOUND_ID.fullmatch(given) else uuid4().hex
        mark = request_id.set(name)
        status, started = 500, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = name
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._tell(scope, status, time.perf_counter() - started)
            request_id.reset(mark)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        if route not in _STREAMS:
            self._metrics.request(method, route, status, seconds)
        said = {"method": method, "route": route, "status": status, "ms": round(seconds * 1e3, 1)}
        _log.info("answered", extra={**said, "device": scope.get(DEVICE, "")})
