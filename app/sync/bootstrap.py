"""Fills a stream from a snapshot where its feed alone will not do: a new till, a cursor too old, a sum
that is wrong. Resumes at the last row that was stored. Knows no HTTP and no SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, wait

from app.errors import Code, Trouble
from app.ports import Clock, FeedState, Priority, SnapshotPiece, SyncTransport, UnitOfWork
from app.sync.jobs import LARGEST_FILL, STOCK, ShortJobs, counted_epoch
from app.sync.report import Round
from app.wire.messages import Row
from app.wire.snapshot import CHUNK_ROWS, SNAPSHOTS, SnapshotChunk, pieces, rows_in, unpack

PAUSED = "bootstrap.paused"
"""Device state: a person stopped the download of snapshots; "" goes on."""
PIECE_BYTES = 250_000
"""Parsing more at once stalls the screen through the interpreter's lock."""
CHECK_EVERY_MS = 3_600_000
MEND_EVERY_MS = 86_400_000
"""A sum that is wrong again sooner after a snapshot is told and not mended: downloading once more would
not change it."""
_FEWEST_ROWS = 50
_NOT_FOUND = 404
_MOST_BEGINNINGS = 3


class Bootstrap:
    """Snapshots of one till. With `enabled` false it never takes any and every feed is followed from
    its first page.

    `between` is called between two chunks: what was sold meanwhile leaves before the next one comes.
    """

    def __init__(
        self, jobs: ShortJobs, transport: SyncTransport, clock: Clock, *, enabled: bool
    ) -> None:
        self._jobs, self._transport, self._clock = jobs, transport, clock
        self._enabled = enabled
        self._chunk_rows = CHUNK_ROWS
        self.between: Callable[[], None] = lambda: None

    def takes(self, stream: str) -> bool:
        """Tell whether snapshots of a stream are taken at all."""
        return self._enabled and stream in SNAPSHOTS

    def bring(self, stream: str, round_: Round) -> bool:
        """Make a stream whole; True once its feed can be followed. Raises Trouble; what is here stays."""
        if not self.takes(stream):
            return True
        state = self._state(stream)
        if not state.is_whole and not self._fill(state, round_):
            return False
        if self._state(stream).sweeping:
            self._jobs.repeat(f"sweep {stream}", lambda uow, most: uow.sweep_feed(stream, most))
        return True

    def renew(self, stream: str, round_: Round, *, mend: bool = False) -> bool:
        """Take a new snapshot of a stream; `mend` says that a wrong sum is the reason."""
        self._begin(stream, mended_ms=self._clock.now().server_ms if mend else 0)
        return self.bring(stream, round_)

    def check_due(self, stream: str) -> bool:
        """Tell whether the stream's sum should be compared now: hourly and after a snapshot."""
        if not self.takes(stream):
            return False
        state = self._state(stream)
        since_ms = self._clock.now().server_ms - state.checked_ms
        return state.is_whole and not 0 <= since_ms < CHECK_EVERY_MS

    def agrees(self, stream: str, checksum: str, round_: Round) -> bool:
        """Compare the cloud's sum with ours; False if the stream shall be taken anew."""
        now_ms = self._clock.now().server_ms

        def look(uow: UnitOfWork) -> FeedState:
            uow.note_check(stream, now_ms)
            return uow.feed(stream)

        state = self._jobs.run(look)
        if str(state.total) == checksum:
            return True
        round_.mismatched.append(stream)
        return 0 <= now_ms - state.mended_ms < MEND_EVERY_MS

    def _fill(self, state: FeedState, round_: Round) -> bool:
        """Take chunks until the generation is complete; False if it has to wait.

        A cloud without snapshots is an older one: its feed is followed from wherever we stand.
        """
        stream = state.stream
        if self._must_wait(round_):
            return False
        try:
            if not state.filling:
                state = self._begin(stream)
        except Trouble as trouble:
            is_ours = trouble.code is not Code.CLOUD_NOT_OURS  # a stranger knows of no snapshots
            if not is_ours or trouble.facts.get("status") != _NOT_FOUND:
                raise
            return True
        with ThreadPoolExecutor(1, thread_name_prefix="snapshot") as line:
            if not self._take_chunks(state, round_, line):
                return False
        self._jobs.run(lambda uow: uow.complete_snapshot(stream))
        return True

    def _take_chunks(self, state: FeedState, round_: Round, line: Executor) -> bool:
        """Store chunk after chunk to the end; the next one is on its way meanwhile. One question at a
        time: sales are sent when no chunk is."""
        beginnings = 1
        coming = line.submit(self._chunk, state.stream, state.after)
        while True:
            chunk = coming.result()
            if chunk.feed_generation != state.feed_generation:
                if beginnings == _MOST_BEGINNINGS:
                    raise _invalid(state.stream, "its generation changes")
                state, beginnings = self._begin(state.stream), beginnings + 1
                coming = line.submit(self._chunk, state.stream, state.after)
                continue
            if chunk.more:
                coming = line.submit(self._chunk, state.stream, chunk.next)
            if not self._apply(chunk, round_):
                return False
            wait([coming])
            self.between()
            if not chunk.more:
                return True

    def _begin(self, stream: str, *, mended_ms: int = 0) -> FeedState:
        begun = self._transport.begin_snapshot(stream)
        if begun.stream != stream:
            raise _invalid(stream, f"got {begun.stream}")
        return self._jobs.run(lambda uow: uow.begin_snapshot(begun, mended_ms=mended_ms))

    def _chunk(self, stream: str, after: str) -> SnapshotChunk:
        """Ask for the rows after a key. Network thread."""
        epoch = self._jobs.run(counted_epoch) if stream == STOCK else ""
        try:
            chunk = self._transport.snapshot_chunk(stream, after, self._chunk_rows, epoch=epoch)
        except Trouble as trouble:
            if trouble.facts.get("timeout"):
                # A slow line: a smaller chunk next time, but after the back-off.
                self._chunk_rows = max(_FEWEST_ROWS, self._chunk_rows // 2)
            raise
        self._chunk_rows = min(CHUNK_ROWS, self._chunk_rows * 2)
        if chunk.stream != stream:
            raise _invalid(stream, f"got {chunk.stream}")
        if chunk.more and chunk.next == after:
            raise _invalid(stream, "the snapshot stands still")
        return chunk

    def _apply(self, chunk: SnapshotChunk, round_: Round) -> bool:
        """Store a chunk's rows; False if a person or the end of the program came in between."""

        def part(rows: list[Row], _last: bool) -> Callable[[UnitOfWork], None]:
            piece = SnapshotPiece(chunk.stream, rows, chunk.applied_epoch, chunk.applied_seq)
            return lambda uow: uow.apply_snapshot(piece)

        for lines in pieces(unpack(chunk), PIECE_BYTES):
            rows = rows_in(lines)
            self._jobs.in_pieces(
                chunk.stream, rows, part, largest=LARGEST_FILL, priority=Priority.FILL
            )
            done = round_.snapshots.get(chunk.stream, 0)
            round_.snapshots[chunk.stream] = done + len(rows)
            if self._must_wait(round_):
                return False
        return True

    def _must_wait(self, round_: Round) -> bool:
        return round_.stop() or bool(self._jobs.run(lambda uow: uow.state(PAUSED)))

    def _state(self, stream: str) -> FeedState:
        return self._jobs.run(lambda uow: uow.feed(stream))


def _invalid(stream: str, detail: str) -> Trouble:
    return Trouble(Code.CLOUD_MESSAGE_INVALID, stream=stream, detail=detail)
