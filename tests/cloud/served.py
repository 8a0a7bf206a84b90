"""Serves an application on a free loopback port from a thread: real sockets, real streams."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from cloud.desk import desk_at

_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS, and to read the machine's certificates costs each client some 20 ms."""


def client_of(
    address: str, *, headers: dict[str, str] | None = None, timeout: float = 30
) -> httpx.Client:
    """Return a client of what is served at a loopback address; waits `timeout` seconds for an answer."""
    return httpx.Client(base_url=address, headers=headers, timeout=timeout, verify=_TRUSTS_NOBODY)


class _Server(uvicorn.Server):
    """A server that says when it is ready and lets go of open streams when it stops."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        desk_at(self._app).newsroom.close()
        await super().shutdown(sockets)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Yield the base address of the running application."""
    # Named TCP, because asyncio sets TCP_NODELAY only then.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, ws="none")
        server = _Server(config, app)
        thread = threading.Thread(target=server.run, args=([listening],), name="cloud")
        thread.start()
        try:
            assert server.ready.wait(30), "the cloud did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(30)
