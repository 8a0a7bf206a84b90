"""The part of the unit of work that fills a till from snapshots, and a restored cloud from a till. Neither
begins nor ends transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ports import Clock, FeedState, SnapshotPiece
from app.wire.snapshot import SnapshotBegin
from offline_store import feeds, member_lease, member_settled, members, reference
from offline_store.journal import Journal

if TYPE_CHECKING:
    from sqlite3 import Connection


class FeedUnit:
    """What a transaction may do with feeds; `StoreUnit` brings the connection and the journal."""

    _clock: Clock
    _connection: Connection
    _journal: Journal

    def _may_write(self) -> None:
        """Raise Trouble where nothing may be written."""
        raise NotImplementedError

    def feed(self, stream: str) -> FeedState:
        """Return how a feed stands."""
        return feeds.state(self._connection, stream)

    def begin_snapshot(self, begun: SnapshotBegin, *, mended_ms: int = 0) -> FeedState:
        """Start filling the next generation of a stream."""
        self._may_write()
        feeds.begin(self._connection, begun, mended_ms=mended_ms)
        return feeds.state(self._connection, begun.stream)

    def apply_snapshot(self, piece: SnapshotPiece) -> None:
        """Apply rows of the generation being filled and keep their last key."""
        self._may_write()
        if not piece.rows:
            return
        if piece.stream == members.CURSOR:
            member_lease.followed(self._connection, self._clock.now(), to_its_end=False)
            members.apply_snapshot(self._connection, piece)
        else:
            reference.apply_snapshot(self._connection, piece, self._journal.epoch)
        feeds.advance(self._connection, piece.stream, len(piece.rows), piece.rows[-1].key)

    def complete_snapshot(self, stream: str) -> None:
        """Put the filled generation in use and follow the feed from where it began."""
        self._may_write()
        is_swept = not feeds.complete(self._connection, stream)
        if is_swept and stream == members.CURSOR:
            member_settled.missing_told(self._connection)

    def sweep_feed(self, stream: str, most: int) -> bool:
        """Drop what the complete generation left behind among the next `most` rows."""
        self._may_write()
        keys, more = feeds.stale(self._connection, stream, most)
        if stream == members.CURSOR:
            feeds.note(self._connection, stream, {}, keys)
            if member_settled.is_restored(self._connection):
                members.tell_lost(self._connection, keys, self._clock.now())
                if not more:
                    member_settled.missing_told(self._connection)
        elif keys:
            reference.drop(self._connection, stream, keys, self._journal.epoch.chain.store)
        return more

    def note_check(self, stream: str, at_ms: int) -> None:
        """Keep when a stream's sum was compared with the cloud's."""
        self._may_write()
        feeds.checked(self._connection, stream, at_ms)

    def queue_settled_members(self, most: int) -> bool:
        """Queue again what a cloud of another timeline may have lost."""
        self._may_write()
        return member_settled.queue_again(self._connection, most)
