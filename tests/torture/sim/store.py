"""The port `Store` on a database in memory, without a thread: a job runs where it is asked for.

Tables and unit of work are the product's; file, lock and thread are missing. A till
can be made to die between two jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from app.domain.ids import new_id
from app.domain.times import Moment
from app.ports import Clock, Priority, Reader, UnitOfWork
from app.wire.journal import Damaged, Record
from offline_store import journal, verifying
from offline_store.identity import ensure_identity
from offline_store.reader import StoreReader
from offline_store.unit_of_work import StoreUnit

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")


class Killed(BaseException):
    """The till's process ended here. No handler of the product may catch it."""


class SimStore:
    """A store as a process has it open. Another process on the same data is another `SimStore`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        ensure_identity(connection)
        self.tail_broken = verifying.tail_broken_seq(connection)
        self._unit = StoreUnit(connection, clock, drain_only=False)
        self._reader = StoreReader(connection)
        self.jobs_to_live = -1
        """After so many jobs the process is killed, before the next or right after its COMMIT; -1: never."""
        self.dies_after_commit = False

    @property
    def reader(self) -> Reader:
        """Look-ups on the same connection."""
        return self._reader

    @property
    def drain_only(self) -> bool:
        """Never: the program is as new as the file."""
        return False

    def run(
        self, job: Callable[[UnitOfWork], T], *, priority: Priority = Priority.SCREEN
    ) -> Future[T]:
        """Run a job in one transaction, now."""
        last = self.jobs_to_live == 0
        self.jobs_to_live -= 1
        if last and not self.dies_after_commit:
            raise Killed
        future = self._done(job)
        if last:
            raise Killed
        return future

    def _done(self, job: Callable[[UnitOfWork], T]) -> Future[T]:
        future: Future[T] = Future()
        self.connection.execute("BEGIN IMMEDIATE")
        self._unit.begin()
        try:
            future.set_result(job(self._unit))
        except Exception as error:
            self._unit.undo()
            self.connection.execute("ROLLBACK")
            future.set_exception(error)
        else:
            self.connection.execute("COMMIT")
        return future

    def append(self, rec_id: str, kind: str, body: bytes, at: Moment) -> None:
        """Chain a record on whose fact is not what the record says, as a flawed program might."""

        def chain_on(uow: UnitOfWork) -> None:
            chain = journal.Journal(self.connection)
            step = (chain.next_fact, new_id(), new_id(), 1, "flawed")
            self.connection.execute("INSERT INTO payment_step VALUES (?, ?, ?, ?, ?)", step)
            chain.append(rec_id, kind, body, at, "p-sim")
            self._unit.undo()  # whose journal does not know of it yet

        self.run(chain_on).result()

    def verify_journal(self) -> int | None:
        """Check the whole chain; return the first broken seq or None."""
        return verifying.first_broken_seq(self.connection)

    def sound_copies(self, damaged: Sequence[Damaged]) -> tuple[Record, ...]:
        """Return none: these tills keep no second copy."""
        return ()

    def close(self) -> None:
        """Nothing to let go of: the data outlives the process."""
