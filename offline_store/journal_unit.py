"""The part of the unit of work that reads and sends the journal. Neither begins nor ends transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.domain.times import Moment
from app.ports import JournalMark, Unsent
from app.wire.journal import Record
from app.wire.upkeep import EpochAnswer
from offline_store import device, epochs, journal, member_settled, retention, status
from offline_store.identity import all_epochs, current_epoch
from offline_store.journal import Journal

if TYPE_CHECKING:
    from sqlite3 import Connection


class JournalUnit:
    """What a transaction may do with the journal; `StoreUnit` brings the connection."""

    _connection: Connection
    _journal: Journal

    def _may_write(self) -> None:
        """Raise Trouble where nothing may be written."""
        raise NotImplementedError

    def head(self) -> JournalMark:
        """Return the place of the last record."""
        return self._journal.mark

    def acked(self) -> JournalMark:
        """Return the place up to which the cloud holds the journal."""
        epoch = current_epoch(self._connection)
        return JournalMark(epoch.epoch, epoch.acked_seq, epoch.acked_hash)

    def unsent(self, *, max_records: int, max_bytes: int) -> Unsent:
        """Return records the cloud does not hold yet."""
        return journal.unsent(self._connection, max_records=max_records, max_bytes=max_bytes)

    def batch_after(self, mark: JournalMark, *, max_records: int, max_bytes: int) -> Unsent:
        """Return the places that follow one of any epoch."""
        epoch = next(each for each in all_epochs(self._connection) if each.epoch == mark.epoch)
        return journal.batch_after(
            self._connection, epoch, mark, max_records=max_records, max_bytes=max_bytes
        )

    def stretches(self) -> tuple[tuple[JournalMark, JournalMark], ...]:
        """Return each epoch of this device with where it begins here and where it ends."""
        return journal.stretches(self._connection)

    def mark_received(self, seq: int, hash_: bytes, at_ms: int) -> bool:
        """Set the acknowledged mark; False if the cloud's hash is not ours."""
        ours = journal.mark_received(self._connection, seq, hash_)
        if ours and seq == self._journal.seq and hash_ != self._journal.hash:
            self._journal.reload()  # our last was sent sealed: what was said for it is what counts
        if ours:
            device.set_state(self._connection, status.LAST_PUSH, str(at_ms))
        return ours

    def note_durable(self, seq: int) -> None:
        """Remember up to where the cloud would hold this epoch even after a restore."""
        retention.note_durable(self._connection, self._journal.epoch.epoch, seq)

    def prune(self, before_ms: int, most: int) -> int:
        """Let go of old records, and of settled changes of members, that the cloud cannot lose."""
        self._may_write()
        gone = retention.prune(self._connection, before_ms, most)
        return gone or member_settled.prune(self._connection, most)

    def epoch_marks(self) -> tuple[JournalMark, ...]:
        """Return up to where the cloud was known to hold each enrolled epoch."""
        return epochs.marks(self._connection)

    def open_epoch(self, answer: EpochAnswer, reason: str, at: Moment) -> None:
        """Go on in another epoch."""
        self._may_write()
        epochs.open_next(self._connection, self._journal, answer, reason, at)

    def give_back(self, places: Sequence[JournalMark]) -> tuple[Record, ...]:
        """Return what is sound here of these places, and let none of it go from now on."""
        self._may_write()
        sound = journal.sound_at(self._connection, places)
        for record in sound:
            retention.keep_from(self._connection, record.header.epoch, record.seq)
        return sound
