"""Takes reference and members in, page by page, each page in store jobs short enough for a sale to
slip in between. Knows no HTTP and no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from app.errors import Code, Trouble
from app.ports import SyncTransport, UnitOfWork
from app.sync.bootstrap import Bootstrap
from app.sync.jobs import STOCK, ShortJobs, counted_epoch
from app.sync.report import Round
from app.wire.messages import MEMBERS, MemberRow, MembersPage, PullAnswer, Row

PAGE_BYTES = 250_000
"""Parsing more at once stalls the screen through the interpreter's lock."""
_FIRST_ROWS = 200
_MOST_ROWS = 2_000
_FEWEST_ROWS = 10
_GONE = 410
"""The cloud's answer to a cursor it no longer knows."""

P = TypeVar("P", PullAnswer, MembersPage)


class ReferencePull:
    """Follows the cloud's feeds from their cursors. Remembers how large pages may be."""

    def __init__(self, jobs: ShortJobs, transport: SyncTransport, bootstrap: Bootstrap) -> None:
        self._jobs, self._transport, self._bootstrap = jobs, transport, bootstrap
        self._rows_per_page: dict[str, int] = {}

    def follow(self, stream: str, round_: Round, *, restart: bool = False) -> None:
        """Bring one reference stream up to date. Raises Trouble; finished pages stay.

        `restart` begins at the first page; a cloud that no longer knows the cursor makes it so. Where
        snapshots are taken, one takes the place of that walk.
        """

        def fetch(cursor: str, limit: int, check: bool) -> PullAnswer:
            epoch = self._jobs.run(counted_epoch) if stream == STOCK else ""
            page = self._transport.pull(stream, cursor, limit, check=check, epoch=epoch)
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

        def fetch(cursor: str, limit: int, check: bool) -> MembersPage:
            return self._transport.pull_members(cursor, limit, check=check)

        def take(page: MembersPage, cursor: str) -> None:
            self._apply_members(page, cursor)
            limit = self._rows_per_page.get(MEMBERS, _FIRST_ROWS)
            self._rows_per_page[MEMBERS] = min(_FIRST_ROWS, limit * 2)
            round_.members_received += len(page.rows)

        self._follow(MEMBERS, fetch, take, round_, restart)

    def _follow(
        self,
        stream: str,
        fetch: Callable[[str, int, bool], P],
        take: Callable[[P, str], None],
        round_: Round,
        restart: bool,
    ) -> None:
        """Walk a feed to its end; anew after a snapshot that a wrong sum asked for."""
        agreed = False
        while not agreed and self._bootstrap.bring(stream, round_):
            checksum = self._walk(stream, fetch, take, round_, restart)
            agreed = not checksum or self._bootstrap.agrees(stream, checksum, round_)
            if not agreed and not self._bootstrap.renew(stream, round_, mend=True):
                return

    def _walk(
        self,
        stream: str,
        fetch: Callable[[str, int, bool], P],
        take: Callable[[P, str], None],
        round_: Round,
        restart: bool,
    ) -> str:
        """Follow a feed and return the sum that came with its last page, "" for none."""
        snapshots = self._bootstrap.takes(stream)
        anew = restart and not snapshots
        cursor = "" if anew else self._jobs.run(lambda uow: uow.cursor(stream))
        check, renewed = self._bootstrap.check_due(stream), False
        while not round_.stop():
            try:
                page = fetch(cursor, self._rows_per_page.get(stream, _FIRST_ROWS), check)
            except Trouble as trouble:
                if trouble.facts.get("timeout"):
                    # A slow line: a smaller page next time, but after the back-off.
                    limit = self._rows_per_page.get(stream, _FIRST_ROWS)
                    self._rows_per_page[stream] = max(_FEWEST_ROWS, limit // 2)
                if not _is_gone(trouble) or not cursor or renewed:
                    raise
                cursor = ""
                if snapshots:
                    if not self._bootstrap.renew(stream, round_):
                        return ""
                    cursor = self._jobs.run(lambda uow: uow.cursor(stream))
                    renewed = check = True
                continue
            take(page, cursor)
            if page.more and page.cursor == cursor:
                raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail="the cursor stands still")
            if not page.more:
                return page.checksum
            cursor = page.cursor
        return ""

    # Only the last piece of a page moves the cursor, so a till that dies in between takes the page
    # again; rows replace what they name, so twice is as good as once.

    def _apply_page(self, page: PullAnswer, cursor: str) -> None:
        def part(rows: list[Row], last: bool) -> Callable[[UnitOfWork], None]:
            piece = replace(page, rows=rows, cursor=page.cursor if last else cursor)
            return lambda uow: uow.apply_page(piece)

        self._jobs.in_pieces(page.stream, page.rows, part)

    def _apply_members(self, page: MembersPage, cursor: str) -> None:
        def part(rows: list[MemberRow], last: bool) -> Callable[[UnitOfWork], None]:
            more = page.more or not last
            piece = replace(page, rows=rows, cursor=page.cursor if last else cursor, more=more)
            return lambda uow: uow.apply_members(piece)

        self._jobs.in_pieces(MEMBERS, page.rows, part)


def _is_gone(trouble: Trouble) -> bool:
    """Tell whether the cloud no longer knows a cursor; a stranger's status says nothing about it."""
    return trouble.code is not Code.CLOUD_NOT_OURS and trouble.facts.get("status") == _GONE


def rows_for(limit: int, sizes: Sequence[int]) -> int:
    """Return how many rows to ask for next, so that a page stays under 250 KB.

    `sizes` are the bytes of the rows that came; few rows say too little to ask for more.
    """
    if not sizes:
        return limit
    fitting = PAGE_BYTES // max(1, sum(sizes) // len(sizes))
    return max(_FEWEST_ROWS, min(_MOST_ROWS, fitting, limit * 2))
