"""The feeds of the cloud in memory: pages by cursor, snapshots by key, and their checksums."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from app.errors import Code, Trouble
from app.wire.messages import MEMBERS, MemberRow, MembersPage, PullAnswer, Row
from app.wire.snapshot import SnapshotBegin, SnapshotChunk, line_of, pack
from tests.fakes.clock import NOON
from tests.fakes.sums import sum_of


class FakeFeeds:
    """`forgets_cursors` makes every cursor void; `chunk_rows` is the most a chunk holds."""

    def __init__(self) -> None:
        self.now_ms: Callable[[], int] = lambda: NOON
        self.feed_generation = 1
        self.feeds: dict[str, list[Row]] = {}
        self.members: list[MemberRow] = []
        self.forgets_cursors = False
        self.chunk_rows = 5_000

    @property
    def server_ms(self) -> int:
        """The time this cloud tells; it stands still where no test sets it going."""
        return self.now_ms()

    def put(self, stream: str, *rows: Row) -> None:
        """Add changed rows to the end of a feed."""
        self.feeds.setdefault(stream, []).extend(rows)

    def pull(self, stream: str, cursor: str, limit: int, *, check: bool = False) -> PullAnswer:
        rows = self.feeds.get(stream, [])
        start = self._start(cursor)
        page = rows[start : start + limit]
        more = start + len(page) < len(rows)
        return PullAnswer(
            stream=stream,
            rows=page,
            cursor=self._cursor(start + len(page)),
            more=more,
            feed_generation=self.feed_generation,
            server_ms=self.server_ms,
            checksum=self.checksum(stream) if check and not more else "",
        )

    def there(self, stream: str) -> dict[str, Row]:
        """Return the rows of a stream that are there, by key and in its order."""
        if stream == MEMBERS:
            rows = [
                Row(key=row.member_ref, body=msgspec.Raw(msgspec.json.encode(row)))
                for row in self.members
            ]
        else:
            rows = self.feeds.get(stream, [])
        last = {row.key: row for row in rows}
        return {key: last[key] for key in sorted(last) if not last[key].deleted}

    def checksum(self, stream: str) -> str:
        return str(sum(sum_of(stream, row) for row in self.there(stream).values()))

    def begin_snapshot(self, stream: str) -> SnapshotBegin:
        feed = self.members if stream == MEMBERS else self.feeds.get(stream, [])
        return SnapshotBegin(
            stream=stream,
            cursor=self._cursor(len(feed)),
            rows=len(self.there(stream)),
            feed_generation=self.feed_generation,
            server_ms=self.server_ms,
        )

    def snapshot_chunk(self, stream: str, after: str, limit: int) -> SnapshotChunk:
        left = [row for key, row in self.there(stream).items() if key > after]
        rows = left[: min(limit, self.chunk_rows)]
        packed, size, sha256 = pack(line_of(row.key, bytes(row.body)) for row in rows)
        return SnapshotChunk(
            stream=stream,
            rows=len(rows),
            next=rows[-1].key if rows else after,
            more=len(left) > len(rows),
            packed=packed,
            size=size,
            sha256=sha256,
            feed_generation=self.feed_generation,
            server_ms=self.server_ms,
        )

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage:
        start = self._start(cursor)
        page = self.members[start : start + limit]
        more = start + len(page) < len(self.members)
        return MembersPage(
            rows=page,
            cursor=self._cursor(start + len(page)),
            more=more,
            server_ms=self.server_ms,
            checksum=self.checksum(MEMBERS) if check and not more else "",
        )

    def _cursor(self, place: int) -> str:
        return f"{self.feed_generation}:{place}"

    def _start(self, cursor: str) -> int:
        if not cursor:
            return 0
        generation, _, place = cursor.partition(":")
        if self.forgets_cursors or int(generation) != self.feed_generation:
            raise Trouble(Code.CLOUD_REFUSED, status=410, problem="start_over")
        return int(place)
