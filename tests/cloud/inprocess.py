"""A blocking client of the application in this process: real requests, no socket.

Streams are read to their end before an answer is returned; what streams needs a real server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

BASE = "http://shop.example"


class Client:
    """Sends requests to the application and waits for the answers; keeps cookies."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies kept so far."""
        return self._client.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""
        return self._portal.call(partial(self._client.request, method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST."""
        return self.request("POST", path, **options)


@contextmanager
def running(app: FastAPI) -> Iterator[Client]:
    """Start the application and yield a client of it."""
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url=BASE)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        portal.wrap_async_context_manager(client),
    ):
        yield Client(portal, client)
