"""One `metadata` for all tables and one `Database` that runs transactions on SQLite or PostgreSQL.

Knows engines, locks and retries; must not know a single table.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import anyio
import anyio.to_thread
import sqlalchemy as sa

from app.errors import Code, Trouble

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the cloud hangs here; the names make migrations the same on both engines."""

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"
UNIQUE_VIOLATION = "23505"
"""Two transactions made the same row at once; a second look sees the other's row."""

ATTEMPTS = 5
CLOSE_WAIT_S = 10.0
READ_ONLY = "guidepos_read_only"
"""Execution option of a connection that only reads; SQLite then begins without the write lock."""


_TRY_LOCK = sa.text("SELECT pg_try_advisory_lock(:errand)")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(:errand)")


class Database:
    """Transactions on one engine. A write holds the store's lock from its first statement on.

    Everything here blocks; coroutines use `awrite` and `aread`, which go through the threadpool.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        options: dict[str, str | bool] = {READ_ONLY: True}
        if engine.dialect.name != "sqlite":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = engine.execution_options(**options)
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        # SQLite has one writer; a fair lock inside the process beats its polling busy handler.
        self._one_writer = threading.Lock() if self.is_sqlite else nullcontext()
        self.on_retry: Callable[[str], None] = lambda sqlstate: None
        """Told of every repeated transaction, with the engine's reason."""
        self._idle = threading.Condition()
        self._running = 0
        self._closed = False

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is the embedded engine."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a write transaction: committed at the end of the block, rolled back on an error."""
        with self._counted(), self._one_writer, self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a read transaction; all statements of the block see one snapshot."""
        with self._counted(), self._reading.begin() as connection:
            yield connection

    def write(self, work: Work[T]) -> T:
        """Run `work` in a write transaction, again from the start when the engine asks for it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.begin() as connection:
                    return work(connection)
            except sa.exc.DBAPIError as error:
                if attempt == ATTEMPTS or not asks_for_retry(error):
                    raise
                self.on_retry(str(getattr(error.orig, "sqlstate", "")))
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter, no secret
        raise AssertionError("unreachable")

    def read(self, work: Work[T]) -> T:
        """Run `work` in a read transaction."""
        with self.reading() as connection:
            return work(connection)

    async def awrite(self, work: Work[T]) -> T:
        """`write` from a coroutine."""
        return await anyio.to_thread.run_sync(self.write, work)

    async def aread(self, work: Work[T], limiter: anyio.CapacityLimiter | None = None) -> T:
        """`read` from a coroutine; with a limiter, in a thread of its own contingent."""
        return await anyio.to_thread.run_sync(self.read, work, limiter=limiter)

    @contextmanager
    def alone(self, errand: int) -> Iterator[bool]:
        """Hold a number for the length of a block; False while another process holds it.

        A process of SQLite is always alone. Costs a connection, but no transaction and so no fence.
        """
        if self.is_sqlite:
            yield True
            return
        with self._counted(), self._alone.connect() as connection:
            held: bool = connection.execute(_TRY_LOCK, {"errand": errand}).scalar_one()
            try:
                yield held
            finally:
                if held:
                    connection.execute(_UNLOCK, {"errand": errand})

    def close(self) -> None:
        """Let running transactions end, refuse new ones and close all connections."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: self._running == 0, CLOSE_WAIT_S)
        self.engine.dispose()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._idle:
            if self._closed:
                raise Trouble(Code.STORE_BUSY, retryable=True)
            self._running += 1
        try:
            yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()


def asks_for_retry(error: sa.exc.DBAPIError) -> bool:
    """Tell whether the engine wants the whole transaction again."""
    sqlstate = getattr(error.orig, "sqlstate", None)
    return sqlstate in (SERIALIZATION_FAILURE, DEADLOCK_DETECTED, UNIQUE_VIOLATION)
