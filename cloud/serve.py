"""Runs the application under uvicorn: binds first, so that the port is known, and says when it listens."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from cloud.bootstrap import open_cloud
from cloud.desk import desk_at
from cloud.errors import Refused
from cloud.main import create_app
from cloud.operation import logs
from cloud.settings import Settings
from cloud.workers import Workers

BACKLOG = 512
_COLLECT_AFTER = 50_000
"""Objects made and not let go since the last look: some ten pushes of a hundred sales."""
REST_S = 65
"""How long a connection may rest: a till pulls every half minute, and need not dial again for it."""
GRACE_S = 10
"""How long requests in flight and open streams may take to end after SIGTERM; what is cut off then is
finished in the database or not begun, and the till repeats it."""


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    port_file: Path | None,
    public_url: str,
    say: Callable[[str], None],
    leash: int | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, or until the pipe `leash` (a file descriptor) is closed at its
    other end; returns the exit status.

    Says `listening on http://…` and writes `port_file` once requests are accepted. Raises Refused when
    several workers are asked for on the embedded engine, which has one writer.
    """
    if settings.workers > 1 and not settings.db_url:
        raise Refused(422, "one_worker", "SQLite serves from one process; several need --db")
    listener = _bind(host, port)
    port = listener.getsockname()[1]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    settings = replace(settings, public_url=(public_url or address).rstrip("/"))

    def announce() -> None:
        if port_file is not None:
            _write_whole(port_file, str(port))
        say(f"listening on {address}")

    if settings.workers > 1:
        return _serve_by_many(settings, listener, announce, leash)
    return _serve_here(settings, listener, announce, leash)


def _serve_here(
    settings: Settings, listener: socket.socket, announce: Callable[[], None], leash: int | None
) -> int:
    """Serve from this process."""
    app = create_app(settings)
    _rest_the_collector()
    config = uvicorn.Config(
        app,
        backlog=BACKLOG,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=REST_S,
        server_header=False,
        ws="none",
    )
    server = _Server(config, app, announce)
    if leash is not None:
        threading.Thread(target=server.follow, args=(leash,), name="leash", daemon=True).start()
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _rest_the_collector() -> None:
    """Look for cycles seldom, and never in what the program itself is made of.

    A push makes thousands of rows that hold no cycles; looking for some took a tenth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def _serve_by_many(
    settings: Settings, listener: socket.socket, announce: Callable[[], None], leash: int | None
) -> int:
    """Serve from several processes."""
    open_cloud(settings).close()  # keys, tables and tenant are made once, and errors are said once
    listener.listen(BACKLOG)
    workers = Workers(settings.workers, partial(_work, settings), listener)
    if leash is not None:
        follow = partial(_follow, leash, workers.stopping.set)
        threading.Thread(target=follow, name="leash", daemon=True).start()
    return workers.run(announce)


def _work(
    settings: Settings, listener: socket.socket, accepting: Callable[[], None], leash: int
) -> int:
    """Be one of several workers."""
    logs.configure(requests=settings.log)
    return _serve_here(settings, listener, accepting, leash)


def _follow(leash: int, let_go: Callable[[], None]) -> None:
    """Wait until the other end of a pipe is closed, which the system does for a killed parent too."""
    # Not through sys.stdin: a thread inside its buffer would trouble the interpreter's end.
    try:
        while os.read(leash, 1_024):
            pass
    except OSError:
        pass  # a pipe that is gone is one whose other end was let go
    let_go()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, because asyncio sets TCP_NODELAY only then; without it every answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def _write_whole(file: Path, text: str) -> None:
    """Write a small file so that a reader sees all of it or nothing."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(text, "ascii")
    fresh.replace(file)


class _Server(uvicorn.Server):
    """Says when it accepts requests, lets go of open streams when it stops, and ends with status 0."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._announce = app, announce

    def follow(self, leash: int) -> None:
        """Stop when the other end of a pipe is closed."""
        _follow(leash, lambda: setattr(self, "should_exit", True))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            await asyncio.to_thread(self._announce)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(desk_at(self._app).newsroom.close)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT; unlike uvicorn's own, do not raise them again at the end."""
        stops = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(stop, self.handle_exit) for stop in stops]
        try:
            yield
        finally:
            for stop, handler in zip(stops, before, strict=True):
                signal.signal(stop, handler)
