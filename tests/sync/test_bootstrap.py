"""A till that needs a snapshot takes one, from the last row it holds, and never sells from half a shop."""

from __future__ import annotations

import random
from collections.abc import Callable
from unittest.mock import Mock

import msgspec
import pytest

from app.errors import Code, Trouble
from app.sync.bootstrap import CHECK_EVERY_MS, MEND_EVERY_MS, PAUSED, PIECE_BYTES
from app.sync.engine import SyncEngine
from app.wire.messages import MEMBERS, STREAMS, MemberRow, PullAnswer, Row
from app.wire.snapshot import SNAPSHOTS, SnapshotChunk, rows_in, unpack
from tests.fakes.store import FakeUnitOfWork
from tests.fakes.transport import Fault
from tests.sync.till import Till, stock_rows

ALL = SNAPSHOTS


class KilledError(BaseException):
    """Nothing in the house may catch this."""


@pytest.fixture
def new(till: Till) -> Till:
    """A till just enrolled, that takes snapshots."""
    with_snapshots(till)
    return till


def with_snapshots(till: Till) -> None:
    till.engine = SyncEngine(
        till.store, till.transport, till.clock, app_version="0.2.0", snapshots=True
    )


def people(count: int, first: int = 0) -> list[MemberRow]:
    return [
        MemberRow(member_ref=f"m{n:05d}", revision=1, name="林")
        for n in range(first, first + count)
    ]


def held(till: Till, stream: str = "stock") -> set[str]:
    if stream == MEMBERS:
        return set(till.store.held.members)
    return set(till.store.held.rows.get(stream, {}))


def at_cloud(till: Till, stream: str = "stock") -> set[str]:
    return set(till.cloud.there(stream))


def later(till: Till, ms: int = CHECK_EVERY_MS) -> None:
    till.clock.advance(ms / 1_000)
    now_ms = till.cloud.server_ms + ms
    till.cloud.now_ms = lambda: now_ms


def test_a_new_till_takes_snapshots_in_the_order_it_needs_them(new: Till):
    new.engine.run()
    expected = ["hello"]
    for stream in STREAMS:
        if stream in SNAPSHOTS:
            expected += [f"begin {stream}", f"chunk {stream}"]
        expected.append(f"pull {stream}")
    expected += ["begin members", "chunk members", "pull members"]
    assert new.transport.calls[: len(expected)] == expected


def test_a_snapshot_comes_chunk_by_chunk_and_then_the_feed(new: Till):
    new.cloud.put("stock", *stock_rows(1_050))
    new.cloud.members = people(30)
    new.cloud.chunk_rows = 400
    report = new.engine.run()
    assert (report.trouble, report.mismatched) == (None, ())
    assert report.snapshots == {"stock": 1_050, MEMBERS: 30}
    assert new.transport.calls.count("chunk stock") == 3
    assert held(new) == at_cloud(new)
    assert all(new.store.held.feed(stream).is_whole for stream in ALL)
    assert new.engine.run().changed is False
    assert new.transport.calls.count("begin stock") == 1


def test_what_changes_during_the_download_is_exact_afterwards(new: Till):
    new.cloud.put("stock", *stock_rows(40))
    new.cloud.chunk_rows = 10
    chunk = new.cloud.snapshot_chunk

    def busy(stream: str, after: str, limit: int) -> SnapshotChunk:
        answer = chunk(stream, after, limit)
        if stream == "stock":
            sold_out = rows_in(unpack(answer))[0].key
            new.cloud.put("stock", Row(key=sold_out, deleted=True))
            new.cloud.put("stock", *stock_rows(1, first=100 + len(new.transport.calls)))
        return answer

    new.cloud.snapshot_chunk = busy  # type: ignore[method-assign]
    report = new.engine.run()
    assert (report.trouble, report.mismatched) == (None, ())
    assert held(new) == at_cloud(new)


def test_a_cancelled_download_goes_on_where_it_was(new: Till):
    new.cloud.put("stock", *stock_rows(60))
    new.cloud.chunk_rows = 20
    apply = new.store.held.__class__.apply_snapshot

    class Impatient(new.store.held.__class__):  # type: ignore[misc, name-defined] # a fake, watched
        def apply_snapshot(self, piece) -> None:
            apply(self, piece)
            if len(held(new)) >= 20 and piece.stream == "stock":
                self.set_state(PAUSED, "1")

    new.store.held.__class__ = Impatient
    report = new.engine.run()
    assert report.trouble is None
    state = new.store.held.feed("stock")
    assert (state.taken, state.expected, state.is_whole) == (40, 60, False)
    new.transport.calls.clear()
    assert new.engine.run().trouble is None
    assert not [call for call in new.transport.calls if "stock" in call or "members" in call]
    new.store.held.__class__ = FakeUnitOfWork
    new.store.held.set_state(PAUSED, "")
    new.transport.calls.clear()
    new.engine.run()
    assert new.transport.calls.count("chunk stock") == 1
    assert "begin stock" not in new.transport.calls
    assert held(new) == at_cloud(new)


def test_what_is_whole_is_followed_while_the_rest_is_cancelled(new: Till):
    new.engine.run()
    new.store.held.set_state(PAUSED, "1")
    new.cloud.put("stock", *stock_rows(3))
    assert new.engine.run().pulled["stock"] == 3


def test_a_lost_answer_costs_one_chunk(new: Till):
    new.cloud.put("stock", *stock_rows(60))
    new.cloud.chunk_rows = 20
    calls = 1 + 3 * 3 + 2  # hello, three empty streams, begin, first chunk
    new.transport.faults = [*[None] * calls, Fault.ANSWER_LOST]
    assert new.engine.run().trouble is not None
    assert len(held(new)) == 20
    new.transport.calls.clear()
    assert new.engine.run().trouble is None
    assert new.transport.calls.count("chunk stock") == 2
    assert held(new) == at_cloud(new)


@pytest.mark.parametrize("seed", range(10))
def test_killed_at_any_job_the_download_resumes(new: Till, seed: int):
    chance = random.Random(seed)
    new.cloud.put("stock", *stock_rows(700))
    new.cloud.members = people(300)
    new.cloud.chunk_rows = 150
    kills = 0
    while True:
        # More than a round asks before it takes rows, or it would never end.
        last = new.store.jobs + chance.randrange(3, 80)

        def die(job: int, last: int = last) -> None:
            if job == last:
                raise KilledError

        new.store.before_job = die
        try:
            report = new.engine.run()
        except KilledError:
            kills += 1
            with_snapshots(new)
            continue
        break
    assert kills > 1
    assert (report.trouble, report.mismatched) == (None, ())
    assert held(new) == at_cloud(new)
    assert held(new, MEMBERS) == at_cloud(new, MEMBERS)


def test_sales_made_during_the_download_leave_between_two_chunks(new: Till):
    new.cloud.put("stock", *stock_rows(40))
    new.cloud.chunk_rows = 10
    sold: list[str] = []
    chunk = new.cloud.snapshot_chunk

    def selling(stream: str, after: str, limit: int) -> SnapshotChunk:
        sold.extend(new.record(1))
        return chunk(stream, after, limit)

    new.cloud.snapshot_chunk = selling  # type: ignore[method-assign]
    new.engine.run()
    assert new.at_cloud == sold
    assert new.transport.calls.index("push") < new.transport.calls.index("begin members")


def test_a_refused_push_does_not_keep_the_shop_from_coming(new: Till):
    new.cloud.put("stock", *stock_rows(10))
    chunk = new.cloud.snapshot_chunk

    def selling(stream: str, after: str, limit: int) -> SnapshotChunk:
        new.record(1)
        return chunk(stream, after, limit)

    refused = Trouble(Code.CLOUD_REFUSED, status=403, problem="no")
    new.cloud.snapshot_chunk = selling  # type: ignore[method-assign]
    new.cloud.push = lambda *_: (_ for _ in ()).throw(refused)  # type: ignore[method-assign]
    report = new.engine.run()
    assert report.trouble is refused
    assert held(new) == at_cloud(new)
    assert new.transport.calls.count("push") == 1


def test_a_cursor_too_old_leads_to_a_snapshot_that_drops_what_is_gone(new: Till):
    new.cloud.put("stock", *stock_rows(30))
    new.engine.run()
    new.cloud.put("stock", Row(key="s1/SKU-3", deleted=True), *stock_rows(1, first=90))
    pull, gone = new.cloud.pull, [True]

    def forgetful(stream: str, cursor: str, limit: int, *, check: bool = False) -> PullAnswer:
        if stream == "stock" and gone:
            gone.clear()
            raise Trouble(Code.CLOUD_REFUSED, status=410, problem="start_over")
        return pull(stream, cursor, limit, check=check)

    new.cloud.pull = forgetful  # type: ignore[method-assign]
    report = new.engine.run()
    assert (report.trouble, report.snapshots["stock"], report.mismatched) == (None, 30, ())
    assert held(new) == at_cloud(new)
    assert new.store.held.feed("stock").complete == 2


def test_a_restored_cloud_is_taken_over_by_snapshots(new: Till):
    new.cloud.put("stock", *stock_rows(5))
    new.cloud.members = people(4)
    new.engine.run()
    new.cloud.feed_generation = 2
    new.cloud.feeds["stock"] = stock_rows(3)
    new.cloud.members = people(2)
    assert new.engine.run().trouble is None
    assert held(new) == at_cloud(new)
    # A member the cloud lost is not lost here too.
    assert held(new, MEMBERS) == {row.member_ref for row in people(4)}


def test_a_cloud_restored_during_the_download_begins_it_anew(new: Till):
    new.cloud.put("stock", *stock_rows(40))
    new.cloud.chunk_rows = 10
    chunk = new.cloud.snapshot_chunk

    def restored(stream: str, after: str, limit: int) -> SnapshotChunk:
        if new.transport.calls.count("chunk stock") == 3:
            new.cloud.feed_generation = 2
        return chunk(stream, after, limit)

    new.cloud.snapshot_chunk = restored  # type: ignore[method-assign]
    assert new.engine.run().trouble is None
    assert new.transport.calls.count("begin stock") == 2
    assert held(new) == at_cloud(new)


def spoil(till: Till) -> None:
    """Lose a row at the till and nowhere else, as a bug would."""
    till.store.held.rows["stock"].pop("s1/SKU-1")
    till.store.held.came["stock"].pop("s1/SKU-1")


def test_a_wrong_sum_is_found_within_the_hour_told_and_mended(new: Till):
    new.cloud.put("stock", *stock_rows(20))
    new.engine.run()
    spoil(new)
    assert new.engine.run().mismatched == ()
    later(new)
    report = new.engine.run()
    assert (report.mismatched, report.snapshots) == (("stock",), {"stock": 20})
    assert held(new) == at_cloud(new)
    later(new)
    assert new.engine.run().mismatched == ()


def test_a_sum_that_stays_wrong_is_told_but_mended_once_a_day(new: Till, monkeypatch):
    new.cloud.put("stock", *stock_rows(20))
    monkeypatch.setattr(new.cloud, "checksum", lambda stream: "1")
    report = new.engine.run()
    assert report.mismatched.count("stock") == 2
    assert report.trouble is None
    new.transport.calls.clear()
    later(new)
    assert "stock" in new.engine.run().mismatched
    assert "begin stock" not in new.transport.calls
    later(new, MEND_EVERY_MS)
    new.engine.run()
    assert "begin stock" in new.transport.calls


def test_sums_are_asked_for_after_a_snapshot_and_then_hourly(new: Till):
    asked: list[str] = []
    checksum = new.cloud.checksum

    def counting(stream: str) -> str:
        asked.append(stream)
        return checksum(stream)

    new.cloud.checksum = counting  # type: ignore[method-assign]
    for minutes in (0, 1, 40):
        later(new, minutes * 60_000)
        new.engine.run()
        assert asked == list(ALL)
    later(new)
    new.engine.run()
    assert asked == list(ALL) * 2


def test_a_cloud_without_snapshots_is_followed_from_its_first_page(new: Till):
    new.cloud.put("stock", *stock_rows(5))
    unknown = Trouble(Code.CLOUD_REFUSED, status=404, problem="no_such_endpoint")
    new.cloud.begin_snapshot = Mock(side_effect=unknown)  # type: ignore[method-assign]
    report = new.engine.run()
    assert (report.trouble, report.pulled["stock"]) == (None, 5)
    assert "chunk stock" not in new.transport.calls
    assert not new.store.held.feed("stock").is_whole


def test_a_strangers_status_is_no_cloud_without_snapshots(new: Till):
    new.cloud.put("stock", *stock_rows(5))
    portal = Trouble(Code.CLOUD_NOT_OURS, retryable=True, status=404)
    new.cloud.begin_snapshot = Mock(side_effect=portal)  # type: ignore[method-assign]
    report = new.engine.run()
    assert (report.trouble, report.pulled.get("stock")) == (portal, None)


def spoiled(**changes: object) -> Callable[[SnapshotChunk], SnapshotChunk]:
    return lambda chunk: msgspec.structs.replace(chunk, **changes)


@pytest.mark.parametrize(
    "bad",
    [
        spoiled(stream="catalog"),
        spoiled(sha256="0" * 64),
        spoiled(more=True, next=""),
        spoiled(packed=b""),
    ],
)
def test_a_bad_chunk_is_trouble_of_its_stream_alone(new: Till, bad):
    new.cloud.put("stock", *stock_rows(5))
    new.cloud.members = people(3)
    chunk = new.cloud.snapshot_chunk

    def answer(stream: str, after: str, limit: int) -> SnapshotChunk:
        taken = chunk(stream, after, limit)
        return bad(taken) if stream == "stock" else taken

    new.cloud.snapshot_chunk = answer  # type: ignore[method-assign]
    report = new.engine.run()
    assert report.trouble is not None
    assert report.trouble.code is Code.CLOUD_MESSAGE_INVALID
    assert not new.store.held.feed("stock").is_whole
    assert len(held(new, MEMBERS)) == 3


def test_a_chunk_is_parsed_in_pieces_that_let_the_screen_draw(new: Till):
    note = "x" * 1_000
    new.cloud.members = [
        MemberRow(member_ref=f"m{n:05d}", revision=1, note=note) for n in range(1_200)
    ]
    sizes: list[int] = []
    apply = new.store.held.__class__.apply_snapshot

    class Counting(new.store.held.__class__):  # type: ignore[misc, name-defined] # a fake, watched
        def apply_snapshot(self, piece) -> None:
            sizes.append(sum(len(row.body) for row in piece.rows))
            apply(self, piece)

    new.store.held.__class__ = Counting
    assert new.engine.run().trouble is None
    assert max(sizes) <= PIECE_BYTES
    assert len(held(new, MEMBERS)) == 1_200


def test_a_slow_line_gets_smaller_chunks_and_a_quick_one_larger_ones_again(new: Till):
    asked: list[int] = []
    chunk = new.cloud.snapshot_chunk
    new.cloud.put("stock", *stock_rows(9_000))

    def counting(stream: str, after: str, limit: int) -> SnapshotChunk:
        asked.append(limit)
        return chunk(stream, after, limit)

    new.cloud.snapshot_chunk = counting  # type: ignore[method-assign]
    for before in ("hello", "begin"), ("hello",):
        new.transport.faults = [*[None] * len(before), Fault.ANSWER_TOO_SLOW]
        assert new.engine.run().trouble is not None
    assert new.engine.run().trouble is None
    assert asked[:4] == [5_000, 2_500, 1_250, 2_500]
    assert held(new) == at_cloud(new)
