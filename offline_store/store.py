"""The store of one till: opened, used through its ports, closed. The only way in from outside."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.errors import Code, Trouble, file_trouble
from app.ports import Clock, CopyStanding, Priority, UnitOfWork
from app.wire.journal import Damaged, Record
from offline_store import device, journal, shelf, verifying
from offline_store.connection import (
    SqliteError,
    check_fitness,
    open_reader,
    open_writer,
    settle,
    sorted_error,
    troubles_sorted,
)
from offline_store.identity import current_epoch, ensure_identity
from offline_store.lock import StoreLock
from offline_store.migrations import VERSION, migrate, version_of
from offline_store.preparing import NOBODY, Onlooker
from offline_store.reader import StoreReader
from offline_store.shelf import Backup
from offline_store.unit_of_work import StoreUnit
from offline_store.worker import StoreWorker

if TYPE_CHECKING:
    from sqlite3 import Connection

    from offline_store.second_copy import SecondCopy

T = TypeVar("T")

log = logging.getLogger(__name__)

SECOND_COPY = "second_copy.place"
"""Device state: the card a second copy is kept on, "" for none."""


def open_store(file: Path, key: bytes, clock: Clock, onlooker: Onlooker = NOBODY) -> OfflineStore:
    """Open a till's store, making it if there is none, and check the end of its journal.

    `key` are the 32 raw bytes that encrypt the file; `onlooker` waits for it and hears what a file of an
    older version needs first. Raises Trouble: SQLITE_UNFIT, STORE_IN_USE,
    STORE_KEY_WRONG, STORE_DAMAGED, STORE_READ_ONLY, STORE_FULL.
    """
    check_fitness()
    lock = StoreLock(file)
    try:
        return OfflineStore(file, key, clock, lock, onlooker)
    except BaseException:
        lock.release()
        raise


class OfflineStore:
    """The port `Store` on one encrypted SQLite file."""

    def __init__(
        self, file: Path, key: bytes, clock: Clock, lock: StoreLock, onlooker: Onlooker = NOBODY
    ) -> None:
        self._file, self._key, self._clock, self._lock = file, key, clock, lock
        self._drain_only = False
        self._tail_broken: int | None = None
        self._last_recorded_ms = 0
        self._local = threading.local()
        self._readers: list[StoreReader] = []
        self._guard = threading.Lock()
        self._closed = False
        self._copy: SecondCopy | None = None
        self._last_job = time.monotonic()
        self._onlooker = onlooker
        self._worker = StoreWorker(self._open_unit, onlooker.wait)
        self._onlooker = NOBODY  # what is opened anew later is of this version
        self._worker.after_job = self._job_done

    def _open_unit(self) -> tuple[Connection, StoreUnit]:
        """On the store thread: open, migrate, and see that the end of the chain holds. Done again
        when the disk failed under a transaction. Raises Trouble for whatever the disk says."""
        try:
            return self._opened()
        except SqliteError as error:
            raise sorted_error(error) from error
        except OSError as error:  # of the lock file, or of the backup before a migration
            raise file_trouble(error) from error

    def _opened(self) -> tuple[Connection, StoreUnit]:
        known = self._lock.key_is_known(self._key)
        if known and self._file.exists() and self._file.stat().st_size == 0:
            raise Trouble(Code.STORE_DAMAGED, size=0)  # SQLite would take it for a new file
        try:
            connection = open_writer(self._file, self._key)
        except Trouble as trouble:
            if trouble.code is Code.STORE_KEY_WRONG and known:
                raise Trouble(Code.STORE_DAMAGED) from trouble
            raise
        try:
            settle(connection)
            return connection, self._prepare(connection)
        except BaseException:
            connection.close()
            raise

    def _prepare(self, connection: Connection) -> StoreUnit:
        migrate(connection, self._file, self._key, self._onlooker)
        self._lock.remember_key(self._key)
        self._drain_only = version_of(connection) > VERSION
        if not self._drain_only:
            ensure_identity(connection)
        self._tail_broken = verifying.tail_broken_seq(connection)
        if self._tail_broken is None:
            self._last_recorded_ms = journal.newest_ms(connection, current_epoch(connection))
        return StoreUnit(connection, self._clock, drain_only=self._drain_only)

    @property
    def reader(self) -> StoreReader:
        """Look-ups for the calling thread."""
        reader: StoreReader | None = getattr(self._local, "reader", None)
        if reader is None or self._closed:
            reader = self._new_reader()
            self._local.reader = reader
        return reader

    def _new_reader(self) -> StoreReader:
        with self._guard:
            if self._closed:
                raise Trouble(Code.STORE_BUSY, closed=True)
            reader = StoreReader(open_reader(self._file, self._key))
            self._readers.append(reader)
        return reader

    @property
    def drain_only(self) -> bool:
        """A newer program wrote this file: unsent records may leave, nothing else is written."""
        return self._drain_only

    @property
    def tail_broken(self) -> int | None:
        """The first broken seq among the last records, as found when the store was opened."""
        return self._tail_broken

    @property
    def last_recorded_ms(self) -> int:
        """When the newest record was made (Unix ms), as found when the store was opened; 0 if there
        is none or it cannot be believed."""
        return self._last_recorded_ms

    def run(
        self, job: Callable[[UnitOfWork], T], *, priority: Priority = Priority.SCREEN
    ) -> Future[T]:
        """Run `job` in one transaction on the store thread."""
        return self._worker.run(job, priority)

    def verify_journal(self) -> int | None:
        """Check the whole chain on the calling thread; return the first broken seq or None."""
        with self._guard:
            if self._closed:
                raise Trouble(Code.STORE_BUSY, closed=True)
        connection = open_reader(self._file, self._key)
        try:
            with troubles_sorted():
                return verifying.first_broken_seq(connection)
        finally:
            connection.close()

    def sound_copies(self, damaged: Sequence[Damaged]) -> tuple[Record, ...]:
        """Return what a second copy still holds of damaged records; the hash is the proof."""
        place = self.reader.state(SECOND_COPY)
        if not place:
            return ()
        from offline_store.copy_files import read_copy

        wanted = {each.hash for each in damaged}
        try:
            copied = read_copy(Path(place), self._key)
        except (OSError, Trouble) as error:
            log.warning("the second copy could not be asked for damaged records: %s", error)
            return ()
        return tuple(record for record in copied.records if record.hash in wanted)

    def begin_second_copy(self, place: Path) -> SecondCopy:
        """Keep a second copy in a folder of `place` from now on, in this process and the next ones.

        Raises Trouble(COPY_FAILED) if nothing can be made there; then nothing has changed.
        """
        from offline_store import second_copy  # no till without one pays for it

        try:
            second_copy.begin(place, self._key)
        except OSError as error:
            raise Trouble(Code.COPY_FAILED, detail=str(error)) from error
        self.run(lambda uow: uow.set_state(SECOND_COPY, str(place))).result()
        return self._start_copy(place)

    def resume_second_copy(self) -> None:
        """Go on with the copy that was begun, if one was. A card that fails is an alarm in
        `second_copy` and stops nothing."""
        place = self.reader.state(SECOND_COPY)
        if place:
            self._start_copy(Path(place))

    def end_second_copy(self) -> None:
        """Keep no second copy any more; what was copied stays where it is."""
        self._stop_copy()
        self.run(lambda uow: uow.set_state(SECOND_COPY, "")).result()

    def _start_copy(self, place: Path) -> SecondCopy:
        from offline_store.second_copy import SecondCopy

        self._stop_copy()
        self._copy = SecondCopy(place, self._file, self._key)
        return self._copy

    def _job_done(self) -> None:
        """On the store thread, after each job."""
        self._last_job = time.monotonic()
        if self._copy is not None:
            self._copy.wake()

    @property
    def idle_s(self) -> float:
        """For how many seconds nothing has been asked of the store thread."""
        return time.monotonic() - self._last_job

    def back_up(self, folder: Path, now: datetime) -> Backup:
        """Put a verified backup on a shelf, on the calling thread and a connection of its own.

        Raises Trouble: STORE_FULL, STORE_READ_ONLY, STORE_DAMAGED, JOURNAL_BROKEN.
        """
        return shelf.add(folder, self._file, self._key, now)

    def _stop_copy(self) -> None:
        copy, self._copy = self._copy, None
        if copy is not None:
            copy.close()

    def settled_copy(self, patience_s: float) -> CopyStanding | None:
        """`second_copy` once it has caught up, or as it stands when patience ends."""
        copy = self._copy
        return copy.catch_up(patience_s) if copy is not None else None

    @property
    def second_copy(self) -> CopyStanding | None:
        """How the second copy stands, None while none is kept."""
        copy = self._copy
        return copy.standing if copy is not None else None

    def close(self) -> None:
        """Finish the jobs taken on, close every connection, let another process in."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        self._worker.close()
        self._stop_copy()
        for reader in self._readers:
            reader.close()
        self._readers.clear()
        self._lock.release()

    def __enter__(self) -> OfflineStore:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def read_state(file: Path, key: bytes, name: str) -> str:
    """Return a piece of device state of a store that another process may have open.

    Raises Trouble: STORE_KEY_WRONG, STORE_READ_ONLY when there is no such file.
    """
    if not file.exists():
        raise Trouble(Code.STORE_READ_ONLY, file=file.name)
    connection = open_reader(file, key)
    try:
        with troubles_sorted():
            return device.state(connection, name)
    finally:
        connection.close()


def verify_file(file: Path, key: bytes) -> int | None:
    """Check the journal of a store that another process may have open; None if it is sound.

    Raises Trouble: STORE_KEY_WRONG, STORE_READ_ONLY when there is no such file.
    """
    if not file.exists():
        raise Trouble(Code.STORE_READ_ONLY, file=file.name)
    connection = open_reader(file, key)
    try:
        with troubles_sorted():
            return verifying.first_broken_seq(connection)
    finally:
        connection.close()
