"""The account of what came down each feed: sums always right, snapshots beside what is in use."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.errors import Code, Trouble
from app.ports import FeedState, SnapshotPiece
from app.wire.messages import (
    MEMBERS,
    MemberChange,
    MemberRow,
    MembersPage,
    PullAnswer,
    Row,
    StockRow,
)
from app.wire.snapshot import SNAPSHOTS, SnapshotBegin
from offline_store import OfflineStore, open_store
from offline_store.connection import open_writer
from offline_store.migrations import VERSION
from tests.fakes.clock import FakeClock
from tests.fakes.sums import sum_of
from tests.store.conftest import Opener
from tests.store.shop import (
    KEY,
    WANG,
    adjustment_of,
    config_row,
    do,
    enrol_answer,
    person_row,
    sku_row,
)


def row(key: str, value: msgspec.Struct) -> Row:
    return Row(key=key, body=msgspec.Raw(msgspec.json.encode(value)))


def goods(*styles: str, price_fen: int = 100) -> list[Row]:
    made = [sku_row(style, price_fen=price_fen) for style in styles]
    return [row(each.sku_id, each) for each in made]


def figures(*figure: tuple[str, str, int]) -> list[Row]:
    return [
        row(f"{store}/{sku}", StockRow(store=store, sku_id=sku, quantity=pieces, as_of_ms=5))
        for store, sku, pieces in figure
    ]


def people_known(*refs: str, **more: object) -> list[Row]:
    return [
        row(ref, MemberRow(member_ref=ref, revision=1, name="林", phone="13800138000", **more))  # type: ignore[arg-type]
        for ref in refs
    ]


def begin(store: OfflineStore, stream: str, expected: int = 0, cursor: str = "c9") -> FeedState:
    begun = SnapshotBegin(
        stream=stream, cursor=cursor, rows=expected, feed_generation=1, server_ms=1
    )
    state: FeedState = do(store, "begin_snapshot", begun)
    return state


def piece(store: OfflineStore, stream: str, rows: Sequence[Row], **more: object) -> None:
    do(store, "apply_snapshot", SnapshotPiece(stream, rows, **more))  # type: ignore[arg-type]


def snapshot(store: OfflineStore, stream: str, rows: Sequence[Row]) -> None:
    """Take a whole snapshot and drop what it left behind."""
    begin(store, stream, len(rows))
    piece(store, stream, rows)
    do(store, "complete_snapshot", stream)
    while do(store, "sweep_feed", stream, 2):
        pass


def feed_page(store: OfflineStore, stream: str, rows: Sequence[Row]) -> None:
    page = PullAnswer(
        stream=stream, rows=list(rows), cursor="c", more=False, feed_generation=1, server_ms=1
    )
    do(store, "apply_page", page)


def state_of(store: OfflineStore, stream: str) -> FeedState:
    state: FeedState = do(store, "feed", stream)
    return state


def expected_sum(stream: str, rows: Sequence[Row]) -> int:
    return sum(sum_of(stream, each) for each in rows)


def styles_of(store: OfflineStore) -> list[str]:
    return [card.style_no for card in store.reader.style_cards()]


def test_before_anything_came_no_feed_is_whole(store):
    assert [feed.stream for feed in store.reader.feeds()] == list(SNAPSHOTS)
    assert not any(feed.is_whole for feed in store.reader.feeds())
    assert state_of(store, "weather") == FeedState("weather")


@pytest.mark.parametrize(
    ("stream", "rows"),
    [
        ("config", [row("shop", config_row())]),
        ("people", [row(WANG, person_row(WANG))]),
        ("catalog", goods("A1", "A2")),
        ("stock", figures(("S1", "A1", 4), ("S2", "A1", -1))),
        (MEMBERS, people_known("m1", "m2")),
    ],
)
def test_a_snapshot_is_in_use_once_it_is_complete(store, stream, rows):
    assert begin(store, stream, 7).filling == 1
    piece(store, stream, rows[:1])
    state = state_of(store, stream)
    assert (state.taken, state.expected, state.after) == (1, 7, rows[0].key)
    assert not state.is_whole
    piece(store, stream, rows[1:])
    do(store, "complete_snapshot", stream)
    state = state_of(store, stream)
    assert state.is_whole
    assert not state.sweeping
    assert state.total == expected_sum(stream, rows)
    assert do(store, "cursor", stream) == "c9"


def test_a_second_snapshot_hides_nothing_while_it_fills_and_drops_what_is_gone(store):
    snapshot(store, "catalog", goods("A1", "A2", "A3"))
    begin(store, "catalog")
    assert styles_of(store) == ["A1", "A2", "A3"]
    piece(store, "catalog", goods("A1", price_fen=200))
    assert styles_of(store) == ["A1", "A2", "A3"]
    piece(store, "catalog", goods("A3", "A4"))
    do(store, "complete_snapshot", "catalog")
    assert state_of(store, "catalog").sweeping
    assert "A2" in styles_of(store)
    while do(store, "sweep_feed", "catalog", 1):
        pass
    assert set(styles_of(store)) == {"A1", "A3", "A4"}
    state = state_of(store, "catalog")
    left = [*goods("A1", price_fen=200), *goods("A3", "A4")]
    assert (state.sweeping, state.total) == (False, expected_sum("catalog", left))


def test_a_snapshot_given_up_leaves_what_is_in_use(store):
    snapshot(store, "catalog", goods("A1", "A2"))
    begin(store, "catalog")
    piece(store, "catalog", goods("A1"))
    snapshot(store, "catalog", goods("A2"))
    assert styles_of(store) == ["A2"]
    assert state_of(store, "catalog").complete == 3


def test_our_stock_keeps_what_was_sold_while_a_snapshot_came(store):
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    snapshot(store, "catalog", goods("A1"))
    sku = sku_row("A1").sku_id
    snapshot(store, "stock", figures(("sh01", sku, 10), ("S2", sku, 3)))
    do(store, "record", adjustment_of(sku, -2))
    begin(store, "stock")
    piece(store, "stock", figures(("sh01", sku, 10)), applied_epoch="00112233aabbccdd")
    do(store, "complete_snapshot", "stock")
    while do(store, "sweep_feed", "stock", 50):
        pass
    matrix = store.reader.matrix("A1")
    (cell,) = [cell for line in matrix.cells for cell in line if cell]
    assert (cell.own_quantity, cell.others) == (8, ())


def test_a_member_with_a_waiting_change_keeps_it_and_one_the_cloud_lost_stays(store):
    snapshot(store, MEMBERS, people_known("m1", "m2"))
    do(
        store,
        "change_member",
        MemberChange(
            change_id="c1", member_ref="m1", field="name", value="王", base_revision=1, t_ms=1
        ),
    )
    snapshot(store, MEMBERS, people_known("m1"))
    assert store.reader.member("m1").name == "王"
    assert store.reader.member("m2") is not None
    assert state_of(store, MEMBERS).total == expected_sum(MEMBERS, people_known("m1"))


def test_a_member_erased_meanwhile_is_emptied_by_the_snapshot(store):
    snapshot(store, MEMBERS, people_known("m1"))
    erased = MemberRow(member_ref="m1", revision=2, erased=True)
    snapshot(store, MEMBERS, [row("m1", erased)])
    assert store.reader.member("m1").name == ""
    assert store.reader.find_members("13800138000") == ()


def test_a_row_that_is_not_what_its_stream_promises_stops_the_piece(store):
    for stream in ("catalog", MEMBERS):
        begin(store, stream)
        with pytest.raises(Trouble) as caught:
            piece(store, stream, [Row(key="x", body=msgspec.Raw(b'{"sku_id":1}'))])
        assert caught.value.code is Code.CLOUD_MESSAGE_INVALID
        assert state_of(store, stream).taken == 0


def test_a_till_that_changes_its_cloud_trusts_no_old_snapshot(store):
    snapshot(store, "catalog", goods("A1"))
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    assert not state_of(store, "catalog").is_whole
    assert styles_of(store) == ["A1"]
    snapshot(store, "catalog", goods("A2"))
    assert state_of(store, "catalog").is_whole
    assert styles_of(store) == ["A2"]


def test_what_a_first_store_held_is_dropped_when_the_cloud_no_longer_has_it(
    opened: Opener, file: Path
):
    store = opened()
    feed_page(store, "catalog", goods("A1", "A2"))
    feed_page(store, "stock", figures(("S2", "A1", 1)))
    store.close()
    connection = open_writer(file, KEY)  # as a store before this version looks
    for statement in (
        "CREATE INDEX member_phone ON member (phone) WHERE phone <> ''",
        "DROP TABLE feed_row",
        "DROP TABLE feed_state",
        "DELETE FROM _sqlite_migrations WHERE name LIKE '% feeds'",
        f"PRAGMA user_version = {VERSION - 1}",
    ):
        connection.execute(statement)
    connection.close()
    store = opened()
    assert state_of(store, "catalog") == FeedState("catalog")
    snapshot(store, "catalog", goods("A2"))
    snapshot(store, "stock", [])
    assert styles_of(store) == ["A2"]
    assert store.reader.matrix("A2") is not None
    assert state_of(store, "catalog").total == expected_sum("catalog", goods("A2"))
    assert state_of(store, "stock").total == 0


class Feeds(RuleBasedStateMachine):
    """Pages and snapshots in any order, restarts in between, against a plain dictionary."""

    keys = st.lists(st.sampled_from("ABCDEF"), unique=True)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "till.db"
        self.store = open_store(self.file, KEY, FakeClock())
        self.model: dict[str, Row] = {}
        self.price = 0

    def fresh(self, styles: list[str]) -> dict[str, Row]:
        self.price += 1
        return {each.key: each for each in goods(*styles, price_fen=self.price)}

    @rule(styles=keys, gone=keys)
    def page(self, styles: list[str], gone: list[str]) -> None:
        fresh = self.fresh([style for style in styles if style not in gone])
        dropped = [sku_row(style).sku_id for style in gone]
        feed_page(
            self.store,
            "catalog",
            [*fresh.values(), *(Row(key=key, deleted=True) for key in dropped)],
        )
        self.model |= fresh
        for key in dropped:
            self.model.pop(key, None)

    @rule(styles=keys, stop=st.integers(0, 6))
    def taken(self, styles: list[str], stop: int) -> None:
        """A snapshot, given up after some rows or taken to its end."""
        fresh = self.fresh(sorted(styles))
        begin(self.store, "catalog", len(fresh))
        some = list(fresh.values())[:stop]
        for each in some:
            piece(self.store, "catalog", [each])
        self.model |= {each.key: each for each in some}
        if stop >= len(fresh):
            do(self.store, "complete_snapshot", "catalog")
            while do(self.store, "sweep_feed", "catalog", 2):
                pass
            self.model = fresh

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.file, KEY, FakeClock())

    @invariant()
    def agrees(self) -> None:
        assert set(styles_of(self.store)) == {key.partition("-")[0] for key in self.model}
        assert state_of(self.store, "catalog").total == expected_sum(
            "catalog", list(self.model.values())
        )

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


Feeds.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestFeeds = Feeds.TestCase


def test_members_pages_and_snapshots_keep_one_sum(store):
    page = MembersPage(
        rows=[MemberRow(member_ref="m3", revision=2, name="王")],
        cursor="c",
        more=False,
        server_ms=1,
    )
    do(store, "apply_members", page)
    piece_rows = people_known("m1")
    begin(store, MEMBERS)
    piece(store, MEMBERS, piece_rows)
    came = [*piece_rows, row("m3", page.rows[0])]
    assert state_of(store, MEMBERS).total == expected_sum(MEMBERS, came)
