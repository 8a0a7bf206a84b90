"""Takes reference and members in, page by page, each page in store jobs short enough for a sale to
slip in between. Knows no HTTP and no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from app.errors import Code, Trouble
from app.ports import Clock, Priority, Store, SyncTransport, UnitOfWork
from app.sync.report import Round
from app.wire.messages import MemberRow, MembersPage, PullAnswer, Row

PAGE_BYTES = 250_000
"""Parsing more at once stalls the screen through the interpreter's lock."""
JOB_S = 0.020
"""A store job of sync holds the writer no longer than this."""
MEMBERS = "members"
_FIRST_ROWS = 200
_MOST_ROWS = 2_000
_FEWEST_ROWS = 10
_FIRST_JOB, _LARGEST_JOB = 50, 300
"""Rows of one store job. 1,000 SKUs were measured at 37 ms and 1,000 members at 52 ms on a desktop,
so what holds the writer 16 ms there begins far below it on a small tablet."""
_GONE = 410
"""The cloud's answer to a cursor it no longer knows."""

T = TypeVar("T")
R = TypeVar("R", Row, MemberRow)
P = TypeVar("P", PullAnswer, MembersPage)


class ReferencePull:
    """Follows the cloud's feeds from their cursors. Remembers how large pages and jobs may be."""

    def __init__(self, store: Store, transport: SyncTransport, clock: Clock) -> None:
        self._store, self._transport, self._clock = store, transport, clock
        self._rows_per_page: dict[str, int] = {}
        self._rows_per_job: dict[str, int] = {}

    def follow(self, stream: str, round_: Round, *, restart: bool = False) -> None:
        """Bring one reference stream up to date. Raises Trouble; finished pages stay.

        `restart` begins at the first page; a cloud that no longer knows the cursor makes it so.
        """

        def fetch(cursor: str, limit: int) -> PullAnswer:
            page = self._transport.pull(stream, cursor, limit)
            if page.stream != stream:
                raise Trouble(Code.CLOUD_MESSAGE_INVALID, stream=stream, got=page.stream)
            return page

        def take(page: PullAnswer, cursor: str) -> None:
            self._apply_page(page, cursor)
            sizes = [len(row.body) for row in page.rows]
            limit = self._rows_per_page.get(stream, _FIRST_ROWS)
            self._rows_per_page[stream] = rows_for(limit, sizes)
            round_.pulled[stream] = round_.pulled.get(stream, 0) + len(page.rows)

        self._follow(stream, fetch, take, round_, restart)

    def follow_members(self, round_: Round, *, restart: bool = False) -> None:
        """Bring the members this store may know up to date. Raises Trouble; finished pages stay."""

        def take(page: MembersPage, cursor: str) -> None:
            self._apply_members(page, cursor)
            limit = self._rows_per_page.get(MEMBERS, _FIRST_ROWS)
            self._rows_per_page[MEMBERS] = min(_FIRST_ROWS, limit * 2)
            round_.members_received += len(page.rows)

        self._follow(MEMBERS, self._transport.pull_members, take, round_, restart)

    def _follow(
        self,
        stream: str,
        fetch: Callable[[str, int], P],
        take: Callable[[P, str], None],
        round_: Round,
        restart: bool,
    ) -> None:
        cursor = "" if restart else self._run(lambda uow: uow.cursor(stream))
        more = True
        while more and not round_.stop():
            try:
                page = fetch(cursor, self._rows_per_page.get(stream, _FIRST_ROWS))
            except Trouble as trouble:
                if trouble.facts.get("timeout"):
                    # A slow line: a smaller page next time, but after the back-off.
                    limit = self._rows_per_page.get(stream, _FIRST_ROWS)
                    self._rows_per_page[stream] = max(_FEWEST_ROWS, limit // 2)
                if trouble.facts.get("status") != _GONE or not cursor:
                    raise
                cursor = ""
                continue
            take(page, cursor)
            if page.more and page.cursor == cursor:
                raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail="the cursor stands still")
            cursor, more = page.cursor, page.more

    def _apply_page(self, page: PullAnswer, cursor: str) -> None:
        def part(rows: list[Row], last: bool) -> Callable[[UnitOfWork], None]:
            piece = replace(page, rows=rows, cursor=page.cursor if last else cursor)
            return lambda uow: uow.apply_page(piece)

        self._in_short_jobs(page.stream, page.rows, part)

    def _apply_members(self, page: MembersPage, cursor: str) -> None:
        def part(rows: list[MemberRow], last: bool) -> Callable[[UnitOfWork], None]:
            more = page.more or not last
            piece = replace(page, rows=rows, cursor=page.cursor if last else cursor, more=more)
            return lambda uow: uow.apply_members(piece)

        self._in_short_jobs(MEMBERS, page.rows, part)

    def _in_short_jobs(
        self,
        stream: str,
        rows: Sequence[R],
        part: Callable[[list[R], bool], Callable[[UnitOfWork], None]],
    ) -> None:
        """Apply rows piece by piece. Only the last piece moves the cursor, so a till that dies in
        between takes the page again; rows replace what they name, so twice is as good as once."""
        done, last = 0, False
        while not last:
            most = self._rows_per_job.get(stream, _FIRST_JOB)
            rows_now = list(rows[done : done + most])
            done += len(rows_now)
            last = done >= len(rows)
            took = self._timed(part(rows_now, last))
            if took > JOB_S:
                self._rows_per_job[stream] = max(_FEWEST_ROWS, most // 2)
            elif took < JOB_S / 4 and len(rows_now) == most:
                self._rows_per_job[stream] = min(_LARGEST_JOB, most * 2)

    def _timed(self, job: Callable[[UnitOfWork], None]) -> float:
        def timed(uow: UnitOfWork) -> float:
            start = self._clock.monotonic()
            job(uow)
            return self._clock.monotonic() - start

        return self._run(timed)

    def _run(self, job: Callable[[UnitOfWork], T]) -> T:
        return self._store.run(job, priority=Priority.SYNC).result()


def rows_for(limit: int, sizes: Sequence[int]) -> int:
    """Return how many rows to ask for next, so that a page stays under 250 KB.

    `sizes` are the bytes of the rows that came; few rows say too little to ask for more.
    """
    if not sizes:
        return limit
    fitting = PAGE_BYTES // max(1, sum(sizes) // len(sizes))
    return max(_FEWEST_ROWS, min(_MOST_ROWS, fitting, limit * 2))
