"""The second copy: what was committed, appended to a file on another card, in order, by its own thread.

A sale never waits for it and never fails with it. It reads the journal by a connection of its own,
begins where the card's file ends, and says how far behind it is and what keeps it from writing.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Code, Trouble
from app.ports import CopyStanding
from app.wire.messages import MemberChange
from offline_store import facts, members
from offline_store.connection import SqliteError, open_reader, sorted_error
from offline_store.copy_files import JournalCopy, folder_of, write_members
from offline_store.copy_format import RawRecord

if TYPE_CHECKING:
    from sqlite3 import Connection

RETRY_S, BUSY_S = 15.0, 0.5
_PAGE = 200

log = logging.getLogger(__name__)


def begin(place: Path, store_key: bytes) -> None:
    """Make the folder of a store's copy on a card: only what a person asked for is ever written to.
    Raises OSError."""
    folder_of(place, store_key).mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """The last record copied: its epoch's place in the store, and its seq."""

    epoch: int
    seq: int


class SecondCopy:
    """Keeps the copy of one store until it is closed."""

    def __init__(self, place: Path, store_file: Path, store_key: bytes) -> None:
        self._folder = folder_of(place, store_key)
        self._store_file, self._key = store_file, store_key
        self._woken = threading.Event()
        self._turned = threading.Condition()
        self._rounds = self._asked = 0
        self._closing = False
        self._patience: float | None = None
        self._copy: JournalCopy | None = None
        self._reading: Connection | None = None
        self._at = _Place(0, 0)
        self._queue: tuple[object, ...] | None = None
        self._standing = CopyStanding(str(place))
        self._thread = threading.Thread(target=self._live, name="second-copy", daemon=True)
        self._thread.start()

    @property
    def standing(self) -> CopyStanding:
        """How far behind the copy is, and what is wrong with it."""
        return self._standing

    def wake(self) -> None:
        """Something was committed. Returns at once; any thread."""
        self._woken.set()

    def catch_up(self, patience_s: float) -> CopyStanding:
        """Have one round begin now and wait for its end; for commands and tests."""
        with self._turned:
            self._asked = wanted = self._rounds + 2  # one may be under way that began before us
            self._woken.set()
            self._turned.wait_for(lambda: self._rounds >= wanted, patience_s)
        return self._standing

    def close(self) -> None:
        """Copy what is left, if the card lets us, and end."""
        self._closing = True
        self._woken.set()
        self._thread.join()

    # --- on the thread ------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            while True:
                # Asked before: a turn that began earlier may have missed a sale.
                last = self._closing
                self._turn()
                if last:
                    return
                if self._rounds >= self._asked and not self._closing:
                    self._woken.wait(self._patience)
                    self._woken.clear()
        finally:
            self._let_go()
            self._stop_reading()

    def _turn(self) -> None:
        self._patience = None
        try:
            if self._reading is None:
                self._reading = open_reader(self._store_file, self._key)
            self._copy_on(self._reading)
        except OSError as error:
            self._alarm(errno.errorcode.get(error.errno or 0, type(error).__name__))
        except (SqliteError, Trouble) as error:
            wrong = error if isinstance(error, Trouble) else sorted_error(error)
            if isinstance(wrong, Trouble) and wrong.code is Code.STORE_BUSY:
                self._patience = BUSY_S  # nothing is wrong with the card
            else:
                self._alarm(error.code.value if isinstance(error, Trouble) else str(error))
                self._stop_reading()
        except Exception as error:
            log.exception("the second copy failed")
            self._alarm(type(error).__name__)
        with self._turned:
            self._rounds += 1
            self._turned.notify_all()

    def _copy_on(self, connection: Connection) -> None:
        missing = self._standing.missing_here
        if self._copy is None:
            self._copy = JournalCopy(self._folder, self._key)
            self._at = _end_of(connection, self._copy.recent)
            missing = _not_in(connection, self._copy.recent)
            self._copy.recent = []
            self._queue = None
        while rows := _next_rows(connection, self._at):
            self._copy.append([raw for _, raw in rows])
            self._at = rows[-1][0]
            self._say(_behind(connection, self._at), missing)
        self._copy_members(connection)
        self._say(0, missing)

    def _say(self, behind: int, missing: int) -> None:
        alarm = Code.COPY_AHEAD if missing else None
        now_ms = time.time_ns() // 1_000_000
        place = self._standing.place
        self._standing = CopyStanding(place, behind, alarm, "", missing, now_ms)

    def _copy_members(self, connection: Connection) -> None:
        queue = _queue_mark(connection)
        if queue != self._queue:
            write_members(self._folder, self._key, _changes(connection))
            self._queue = queue

    def _alarm(self, detail: str) -> None:
        """Say what is wrong, let go of the card and begin anew next time."""
        self._let_go()
        self._patience = RETRY_S
        before = self._standing
        if before.alarm is not Code.COPY_FAILED or before.detail != detail:
            log.warning("the second copy stands still: %s", detail)
        behind = before.behind
        if self._reading is not None:
            with suppress(SqliteError):
                behind = _behind(self._reading, self._at)
        self._standing = CopyStanding(
            before.place, behind, Code.COPY_FAILED, detail, before.missing_here, before.written_ms
        )

    def _stop_reading(self) -> None:
        """Nothing is tried again on a connection that failed: the next turn opens another."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.close()

    def _let_go(self) -> None:
        copy, self._copy = self._copy, None
        if copy is not None:
            try:
                copy.close()
            except OSError as error:
                log.warning("the card did not let go: %s", error)


def _end_of(connection: Connection, recent: Sequence[RawRecord]) -> _Place:
    """Return where in our journal the card's file ends.

    Where it ends in a history we do not have (the store came back from a backup), everything that
    is not known to be at the cloud is copied again: recovery takes each record once.
    """
    said = next((raw.said for raw in reversed(recent) if raw.said is not None), None)
    last = next((raw.hash for raw in reversed(recent) if raw.said is not None), b"")
    if said is None:
        return _Place(0, 0)
    row = connection.execute(
        "SELECT e.place, j.hash, e.pruned_seq FROM epoch e"
        " LEFT JOIN journal j ON j.epoch = e.epoch AND j.seq = ?2 WHERE e.epoch = ?1",
        (said.epoch, said.seq),
    ).fetchone()
    if row is not None:
        place, hash_, pruned_seq = row
        if hash_ == last or said.seq <= pruned_seq:
            return _Place(place, said.seq)
    place, acked = connection.execute(
        "SELECT place, acked_seq FROM epoch ORDER BY place DESC LIMIT 1"
    ).fetchone()
    return _Place(place, acked)


def _next_rows(connection: Connection, after: _Place) -> list[tuple[_Place, RawRecord]]:
    """Return the rows that follow a place, of one epoch; the next epoch's when that one is done."""
    epochs = connection.execute(
        "SELECT place, epoch FROM epoch WHERE place >= ? ORDER BY place", (after.epoch,)
    ).fetchall()
    for place, epoch in epochs:
        seq = after.seq if place == after.epoch else 0
        rows = connection.execute(
            "SELECT seq, header, prev_hash, hash, body FROM journal"
            " WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
            (epoch, seq, _PAGE),
        ).fetchall()
        if rows:
            return [(_Place(place, row[0]), RawRecord(*row[1:])) for row in rows]
    return []


def _behind(connection: Connection, at: _Place) -> int:
    """Return how many records are not on the card."""
    rows = connection.execute(
        "SELECT e.place, (SELECT max(seq) FROM journal WHERE epoch = e.epoch) FROM epoch e"
        " WHERE e.place >= ?",
        (at.epoch,),
    ).fetchall()
    return sum(max((last or 0) - (at.seq if place == at.epoch else 0), 0) for place, last in rows)


def _not_in(connection: Connection, records: Sequence[RawRecord]) -> int:
    """Return how many copied records the store does not hold under any epoch."""
    said = [record.said for record in records]
    ids = {header.rec_id for header in said if header and header.kind in facts.KINDS}
    return sum(not facts.is_recorded(connection, rec_id) for rec_id in ids)


def _queue_mark(connection: Connection) -> tuple[object, ...]:
    """Return what tells one members' queue from another: changes join its end and leave anywhere, some
    of them to those the cloud refuses."""
    row = connection.execute(
        "SELECT count(*), (SELECT count(*) FROM member_refused),"
        " (SELECT change_id FROM member_change ORDER BY place LIMIT 1),"
        " (SELECT change_id FROM member_change ORDER BY place DESC LIMIT 1) FROM member_change"
    ).fetchone()
    return tuple(row)


def _changes(connection: Connection) -> tuple[MemberChange, ...]:
    return members.kept(connection)
