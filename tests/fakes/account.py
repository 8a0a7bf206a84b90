"""What came down the feeds of a till in memory: rows, members, cursors, snapshots and their sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from app.ports import FeedState, SnapshotPiece
from app.wire.checksum import member_sum
from app.wire.messages import MEMBERS, MemberRow, MembersPage, PullAnswer, Row
from app.wire.snapshot import SnapshotBegin
from tests.fakes.sums import sum_of


@dataclass(kw_only=True)
class FakeAccount:
    """Methods are those of the port `UnitOfWork` that feeds and snapshots ask for."""

    cursors: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, bytes]] = field(default_factory=dict)
    members: dict[str, MemberRow] = field(default_factory=dict)
    feed_states: dict[str, FeedState] = field(default_factory=dict)
    begun: dict[str, SnapshotBegin] = field(default_factory=dict)
    came: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    """Per stream and key: generation and sum."""

    def cursor(self, stream: str) -> str:
        return self.cursors.get(stream, "")

    def apply_page(self, page: PullAnswer) -> None:
        self._take(page.stream, page.rows)
        self.cursors[page.stream] = page.cursor

    def _take(self, stream: str, rows: Sequence[Row]) -> None:
        kept, came = self.rows.setdefault(stream, {}), self.came.setdefault(stream, {})
        for row in rows:
            if row.deleted:
                kept.pop(row.key, None)
                came.pop(row.key, None)
            else:
                kept[row.key] = bytes(row.body)
                came[row.key] = (self._generation(stream), sum_of(stream, row))

    def _generation(self, stream: str) -> int:
        state = self.feed(stream)
        return max(state.complete, state.filling)

    def feed(self, stream: str) -> FeedState:
        state = self.feed_states.get(stream, FeedState(stream))
        total = sum(sum_ for _, sum_ in self.came.get(stream, {}).values())
        return replace(state, total=total)

    def begin_snapshot(self, begun: SnapshotBegin, *, mended_ms: int = 0) -> FeedState:
        state = self.feed(begun.stream)
        self.begun[begun.stream] = begun
        self.feed_states[begun.stream] = replace(
            state,
            filling=max(state.complete, state.filling) + 1,
            after="",
            taken=0,
            expected=begun.rows,
            feed_generation=begun.feed_generation,
            sweeping=False,
            mended_ms=mended_ms or state.mended_ms,
        )
        return self.feed(begun.stream)

    def apply_snapshot(self, piece: SnapshotPiece) -> None:
        if not piece.rows:
            return
        if piece.stream == MEMBERS:
            self._take_members(
                [msgspec.json.decode(row.body, type=MemberRow) for row in piece.rows]
            )
        else:
            self._take(piece.stream, piece.rows)
        state = self.feed_states[piece.stream]
        self.feed_states[piece.stream] = replace(
            state, taken=state.taken + len(piece.rows), after=piece.rows[-1].key
        )

    def complete_snapshot(self, stream: str) -> None:
        state = self.feed_states[stream]
        self.feed_states[stream] = replace(
            state, complete=state.filling, filling=0, void=False, sweeping=True, checked_ms=0
        )
        self.cursors[stream] = self.begun[stream].cursor

    def sweep_feed(self, stream: str, most: int) -> bool:
        state, came = self.feed_states[stream], self.came.setdefault(stream, {})
        stale = [key for key, (of, _) in came.items() if of < state.complete][:most]
        for key in stale:
            came.pop(key)
            self.rows.get(stream, {}).pop(key, None)
        self.feed_states[stream] = replace(state, sweeping=bool(stale))
        return bool(stale)

    def note_check(self, stream: str, at_ms: int) -> None:
        self.feed_states[stream] = replace(self.feed_states[stream], checked_ms=at_ms)

    def apply_members(self, page: MembersPage) -> None:
        self._take_members(page.rows)
        self.cursors[MEMBERS] = page.cursor

    def _take_members(self, rows: Sequence[MemberRow]) -> None:
        came = self.came.setdefault(MEMBERS, {})
        for row in rows:
            self.members[row.member_ref] = row
            came[row.member_ref] = (self._generation(MEMBERS), member_sum(row))
