"""The one thread that writes: jobs by priority, each in its own transaction, each synced but a fill's.

A job's result is handed out only after COMMIT. Between jobs, when nobody waits, the thread moves the
WAL into the file. When the disk fails, the file is opened anew before the next job. It knows no table.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.errors import Code, RuleBroken, Trouble
from app.ports import Priority
from offline_store.connection import (
    FILL_LOG_PAGES,
    SqliteError,
    keep_quick,
    keep_safe,
    move_log,
    sorted_error,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

log = logging.getLogger(__name__)

IDLE_S = 0.2
"""So long nothing happens before the WAL is moved; a guide's next scan is rarely that near."""

_CLOSE = Priority.FILL + 1
"""Closing waits for every job that was taken on before it."""


class Unit(Protocol):
    """What the worker needs to know about the unit of work it serves."""

    recorded: list[str]
    has_forgotten: bool
    """Something was deleted that must not stay in the log either."""

    def begin(self) -> None:
        """A transaction has begun."""

    def undo(self) -> None:
        """It was rolled back, or should have been. Does not touch the file, which may be ill."""

    def holds(self, fact_ids: list[str]) -> bool: ...


U = TypeVar("U", bound=Unit)
T = TypeVar("T")


class StoreWorker:
    """Owns the write connection from the first moment to the last.

    `open_unit` runs on the thread and returns the connection and the unit of work; its failure is
    raised by the constructor, which waits for it with `wait`.
    """

    def __init__(
        self,
        open_unit: Callable[[], tuple[Connection, Any]],
        wait: Callable[[Future[None]], object] = Future.result,
    ) -> None:
        self._open_unit = open_unit
        self._jobs: list[tuple[int, int, Callable[[Any], Any] | None, Future[Any]]] = []
        self._count = 0
        self.after_job: Callable[[], None] = _nothing
        """Told after each job, on the store thread; must return at once."""
        self._arrived = threading.Condition(threading.Lock())
        self._closing = False
        self._is_ill = False
        self._fills = self._is_quick = False
        self._connection: Connection
        self._unit: Unit
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._live, args=(started,), name="store", daemon=True
        )
        self._thread.start()
        try:
            wait(started)
        except BaseException:
            self._thread.join()
            raise

    def run(self, job: Callable[[Any], T], priority: int) -> Future[T]:
        """Queue a job. Raises Trouble(STORE_BUSY) once the store is closing."""
        future: Future[T] = Future()
        with self._arrived:
            if self._closing:
                raise Trouble(Code.STORE_BUSY, closed=True)
            self._put(priority, job, future)
        return future

    def close(self) -> None:
        """Finish what was taken on, move the WAL into the file and let go of it."""
        done: Future[None] = Future()
        with self._arrived:
            if self._closing:
                return
            self._closing = True
            self._put(_CLOSE, None, done)
        self._thread.join()

    def _put(self, priority: int, job: Callable[[Any], Any] | None, future: Future[Any]) -> None:
        self._count += 1
        heapq.heappush(self._jobs, (priority, self._count, job, future))
        self._arrived.notify()

    # --- on the thread ------------------------------------------------------------------------

    def _live(self, started: Future[None]) -> None:
        try:
            self._connection, self._unit = self._open_unit()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        wrote = False
        while True:
            taken = self._next(IDLE_S if wrote else None)
            if taken is None:
                if self._is_quick:
                    self._move_fill()
                how = "TRUNCATE" if self._unit.has_forgotten else "PASSIVE"
                if _checkpoint(self._connection, how):
                    self._unit.has_forgotten = False
                wrote = self._unit.has_forgotten  # a reader was in the way: again in a moment
                continue
            priority, job, future = taken
            if job is None:
                _checkpoint(self._connection, "TRUNCATE", patient=True)
                self._connection.close()
                return
            wrote = True
            if future.set_running_or_notify_cancel():
                self._fills = priority == Priority.FILL
                self._do(job, future)
                self.after_job()
            del job, future, taken  # or a result would live until the next job

    def _next(
        self, patience: float | None
    ) -> tuple[int, Callable[[Any], Any] | None, Future[Any]] | None:
        with self._arrived:
            while not self._jobs:
                if not self._arrived.wait(patience):
                    return None
            priority, _, job, future = heapq.heappop(self._jobs)
        return priority, job, future

    def _do(self, job: Callable[[Any], T], future: Future[T]) -> None:
        """Run one job in one transaction and answer its future."""
        try:
            self._begin()
        except Exception as error:  # whatever it is, the thread lives on and the caller is answered
            wrong = self._judged(error)
            if not self._is_ill:  # else there is nothing open, or nothing that will be used again
                self._roll_back()
            future.set_exception(wrong)
            return
        try:
            result = job(self._unit)
        except BaseException as error:
            self._roll_back()
            wrong = self._judged(error)
            future.set_exception(wrong)
            return
        try:
            self._connection.execute("COMMIT")
        except SqliteError as error:
            wrong = self._judged(error)
            if not self._committed_after_all():
                future.set_exception(wrong)
                return
        future.set_result(result)
        if self._fills:
            self._move_fill(FILL_LOG_PAGES)

    def _move_fill(self, least: int = 1) -> None:
        """Move a fill's unsynced pages once there are so many. After a sync that failed, what is recorded
        next would hang on pages that may never reach the disk: the file is opened anew before."""
        try:
            move_log(self._connection, least)
        except SqliteError as error:
            log.warning("a fill could not be moved: %s", error)
            self._judged(error)

    def _begin(self) -> None:
        if self._is_ill:
            self._reopen()
        if self._connection.in_transaction:  # a rollback failed; nothing new may join what it left
            self._connection.execute("ROLLBACK")
        if self._fills != self._is_quick:
            (keep_quick if self._fills else keep_safe)(self._connection)
            self._is_quick = self._fills
        self._connection.execute("BEGIN IMMEDIATE")
        self._unit.begin()

    def _judged(self, error: BaseException) -> BaseException:
        """Return what an error stands for, and remember if the disk failed or lets nothing be written
        (a connection opened then stays read-only when the folder no longer is). A bug is logged."""
        wrong = sorted_error(error) if isinstance(error, SqliteError) else error
        ill = (Code.STORE_DAMAGED, Code.STORE_READ_ONLY)
        if isinstance(wrong, Trouble) and wrong.code in ill:
            self._is_ill = True
        if not isinstance(wrong, RuleBroken | Trouble):
            log.error("a job failed on the store thread", exc_info=error)
        return wrong

    def _reopen(self) -> None:
        """Nothing is tried again on a connection under which the disk failed: it is opened anew, as
        at the start, and only a file that proves sound is worked on. Raises Trouble, SqliteError."""
        log.warning("the disk failed; the store is opened again")
        self._connection.close()
        self._connection, self._unit = self._open_unit()
        self._is_quick = False
        self._is_ill = False

    def _committed_after_all(self) -> bool:
        """An exception from COMMIT means unknown: what was recorded is looked up before anybody is
        told, after a failure of the disk in the file opened anew."""
        facts = list(self._unit.recorded)
        self._roll_back()
        try:
            if self._is_ill:
                self._reopen()
            if self._connection.in_transaction:  # what is read here would be our own unsaved rows
                return False
            return bool(facts) and self._unit.holds(facts)
        except Exception as error:
            log.warning("nobody knows whether the job was committed: %s", error)
            return False

    def _roll_back(self) -> None:
        self._unit.undo()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except SqliteError:
            log.exception("the store could not roll back")


def _checkpoint(connection: Connection, how: str, *, patient: bool = False) -> bool:
    """Move the WAL into the file; False if that was not possible to the end.

    Only a `patient` one waits for readers, as long as the connection waits for anything: while the
    till runs, a sale would wait with it for the end of a backup.
    """
    try:
        if patient:
            return _moved(connection, how)
        ((patience_ms,),) = connection.execute("PRAGMA busy_timeout").fetchall()
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            return _moved(connection, how)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {patience_ms}")
    except SqliteError as error:  # nothing is lost: the WAL keeps it, and the next one tries again
        log.warning("checkpoint failed: %s", error)
        return False


def _moved(connection: Connection, how: str) -> bool:
    ((busy, *_),) = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
    return not busy


def _nothing() -> None:
    """Nobody wants to be told."""
