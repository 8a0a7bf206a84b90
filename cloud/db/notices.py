"""Short texts between all processes on one PostgreSQL, by LISTEN and NOTIFY, over one connection each.

The connection comes back by itself. What others said meanwhile is lost, and whoever listens is told so.
Knows no news and no table.
"""

from __future__ import annotations

import contextlib
import logging
import random
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa

CHANNEL = "guidepos_news"
MOST_BYTES = 7_900
"""PostgreSQL takes payloads of less than 8,000 bytes."""
MOST_WAITING = 10_000
"""Texts kept while the server is away. Beyond it the others are only told that they missed something."""
CHECK_S = 20.0
"""A silent line is asked this often whether it still lives."""
PAUSE_S = 0.05
"""Between two sendings. The first text goes at once; what follows closely goes together."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0
_SEND = f"SELECT pg_notify('{CHANNEL}', said) FROM unnest(%s::text[]) AS given(said)"  # noqa: S608
_log = logging.getLogger(__name__)


class Notices:
    """One process's line. `heard` gets what others said, `missed` is called when something may have
    been lost; both on the line's own thread."""

    def __init__(
        self, engine: sa.Engine, heard: Callable[[str], None], missed: Callable[[], None]
    ) -> None:
        _, self._how = engine.dialect.create_connect_args(engine.url)
        self._heard, self._missed = heard, missed
        self._waiting: dict[str, None] = {}  # in order, each once
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._awake, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._awake.setblocking(False)
        self._thread = threading.Thread(target=self._live, name="notices", daemon=True)

    def open(self) -> None:
        """Begin to listen. Only once."""
        self._thread.start()

    def send(self, text: str) -> None:
        """Say something of at most `MOST_BYTES` to the other processes. Never waits; any thread."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting = {"": None}
            self._waiting[text] = None
        self._ring()

    def close(self) -> None:
        """Send what waits, if the server is there, and end the thread. Idempotent."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._ring()
        if self._thread.is_alive():
            self._thread.join(_LONGEST_WAIT_S)
        if self._thread.is_alive():
            return  # it waits for a server that does not answer, and ends with the process
        self._awake.close()
        self._bell.close()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # rung often enough, or closed
            self._bell.send(b"!")

    # --- the line's own thread --------------------------------------------------------------------

    def _live(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._closing.is_set():
            try:
                with self._connected() as line:
                    wait_s = _FIRST_WAIT_S
                    self._missed()  # whatever was said before we listened
                    self._carry(line)
            except psycopg.Error as error:
                _log.warning("the line for news broke: %s", type(error).__name__)
                self._closing.wait(random.uniform(wait_s / 2, wait_s))  # noqa: S311 - jitter
                wait_s = min(_LONGEST_WAIT_S, wait_s * 2)

    def _connected(self) -> psycopg.Connection[Any]:
        line = psycopg.connect(
            **{**self._how, "application_name": "guidepos-news", "connect_timeout": 10},
            autocommit=True,
            keepalives_idle=30,
        )
        me = line.info.backend_pid
        line.add_notify_handler(lambda said: self._hear(said.payload) if said.pid != me else None)
        line.execute(f"LISTEN {CHANNEL}")
        return line

    def _carry(self, line: psycopg.Connection[Any]) -> None:
        with selectors.DefaultSelector() as both:
            both.register(line.fileno(), selectors.EVENT_READ)
            both.register(self._awake, selectors.EVENT_READ)
            while True:
                closing = self._closing.is_set()
                sent = self._flush(line)
                if closing:
                    return
                if sent:
                    self._closing.wait(PAUSE_S)
                ready = {key.fileobj for key, _ in both.select(CHECK_S)}
                if self._awake in ready:
                    self._awake.recv(4_096)
                if not ready or line.fileno() in ready:
                    line.execute("SELECT 1")  # takes in what has arrived, or finds the line dead

    def _flush(self, line: psycopg.Connection[Any]) -> bool:
        with self._lock:
            saying, self._waiting = self._waiting, {}
        if not saying:
            return False
        try:
            line.execute(_SEND, [list(saying)])
        except psycopg.Error:
            with self._lock:
                self._waiting = {**saying, **self._waiting}
            raise
        return True

    def _hear(self, text: str) -> None:
        if text:
            self._heard(text)
        else:
            self._missed()
