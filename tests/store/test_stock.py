"""Own stock is the cloud's figure plus what it does not count yet; remainders of sales never lie."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from app.domain.refund import BlindReturn
from app.wire.messages import PullAnswer, Row, StockRow
from offline_store import OfflineStore, open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import (
    KEY,
    NOON,
    adjustment_of,
    cart_of,
    config_row,
    do,
    enrol_answer,
    refund_of,
    sale_of,
    sku_of,
    sku_row,
)

ROWS = [
    sku_row("W1", colour, size, name="大衣")
    for colour in ("黑色", "红色")
    for size in ("S", "M", "L")
]
SKUS = [sku_of(row) for row in ROWS]


def stock_page(rows: list[StockRow], *, deleted: list[str] | None = None, **more) -> PullAnswer:
    changed = [
        Row(key=f"{row.store}/{row.sku_id}", body=msgspec.Raw(msgspec.json.encode(row)))
        for row in rows
    ]
    values = {
        "stream": "stock",
        "rows": changed + [Row(key=key, deleted=True) for key in deleted or []],
        "cursor": "c",
        "more": False,
        "feed_generation": 1,
        "server_ms": NOON,
        **more,
    }
    return PullAnswer(**values)


def own(sku_id: str, quantity: int, store: str = "local") -> StockRow:
    return StockRow(store=store, sku_id=sku_id, quantity=quantity, as_of_ms=NOON)


def quantities(store: OfflineStore) -> dict[str, int]:
    matrix = store.reader.matrix("W1")
    assert matrix is not None
    return {c.sku.sku_id: c.own_quantity for row in matrix.cells for c in row if c is not None}


def card(store: OfflineStore):
    (found,) = store.reader.style_cards(text="W1")
    return found


def test_a_tile_sums_up_its_style(store):
    store.run(lambda uow: uow.put_skus(ROWS)).result()
    assert (card(store).own_quantity, card(store).broken) == (0, False)
    store.run(lambda uow: uow.put_stock([own(s.sku_id, 2) for s in SKUS])).result()
    assert (card(store).own_quantity, card(store).broken) == (12, False)
    store.run(lambda uow: uow.record(sale_of(cart_of((SKUS[0], 2))))).result()
    assert (card(store).own_quantity, card(store).broken) == (10, True)
    store.run(lambda uow: uow.record(sale_of(cart_of((SKUS[0], 3))))).result()
    assert quantities(store)[SKUS[0].sku_id] == -3


def test_stock_known_before_its_goods_counts_when_they_come(store):
    store.run(lambda uow: uow.put_stock([own(SKUS[0].sku_id, 5)])).result()
    store.run(lambda uow: uow.put_skus(ROWS)).result()
    assert card(store).own_quantity == 5


def test_other_stores_are_shown_with_their_age(store):
    store.run(lambda uow: (uow.put_config(config_row()), uow.put_skus(ROWS))).result()
    others = [
        StockRow(store="bj01", sku_id=SKUS[0].sku_id, quantity=3, as_of_ms=NOON - 5),
        StockRow(store="xx", sku_id=SKUS[1].sku_id, quantity=1, as_of_ms=NOON),
    ]
    store.run(lambda uow: uow.apply_page(stock_page(others))).result()
    matrix = store.reader.matrix("W1")
    cell = matrix.cells[0][0]
    assert [(o.store_name, o.quantity) for o in cell.others] == [("王府井店", 3)]
    assert (cell.others_total, cell.own_quantity) == (3, 0)
    assert matrix.cells[0][1].others[0].store_name == "xx"
    assert matrix.as_of_ms == NOON - 5
    assert card(store).own_quantity == 0
    store.run(
        lambda uow: uow.apply_page(stock_page([], deleted=[f"bj01/{SKUS[0].sku_id}"]))
    ).result()
    assert store.reader.matrix("W1").cells[0][0].others == ()


def test_a_figure_taken_back_by_the_cloud_leaves_our_own_movements(store):
    store.run(lambda uow: uow.put_skus(ROWS)).result()
    store.run(lambda uow: uow.put_stock([own(SKUS[0].sku_id, 5)])).result()
    store.run(lambda uow: uow.record(adjustment_of(SKUS[0].sku_id, -1))).result()
    page = stock_page([], deleted=[f"local/{SKUS[0].sku_id}"])
    store.run(lambda uow: uow.apply_page(page)).result()
    assert quantities(store)[SKUS[0].sku_id] == -1


def test_figures_that_count_an_older_epoch_still_leave_what_came_after(store):
    store.run(lambda uow: uow.put_skus(ROWS)).result()
    store.run(lambda uow: uow.enrol(enrol_answer(), b"k", "")).result()
    sku = SKUS[0].sku_id
    marks = [store.run(lambda uow: uow.record(adjustment_of(sku, -1))).result() for _ in range(3)]
    store.run(lambda uow: uow.mark_received(1, marks[0].hash, 1)).result()
    store.run(lambda uow: uow.enrol(enrol_answer("ff", epoch_ordinal=2), b"k", "")).result()
    store.run(lambda uow: uow.record(adjustment_of(sku, -1))).result()

    def pulled(epoch: str, seq: int) -> int:
        page = stock_page([own(sku, 100, "sh01")], applied_epoch=epoch, applied_seq=seq)
        store.run(lambda uow: uow.apply_page(page)).result()
        return quantities(store)[sku]

    assert pulled("00112233aabbccdd", 1) == 97
    assert pulled("00112233aabbccdd", 2) == 98
    assert pulled("ff", 0) == 97
    assert pulled("ff", 3) == 100
    assert pulled("", 0) == 97


class StockLife(RuleBasedStateMachine):
    """A till sells, takes back, corrects, enrols and pulls figures that lag behind."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(Path(self.folder.name) / "till.db", KEY, FakeClock())
        self.moved: list[list[tuple[str, int]]] = []
        self.base = {sku.sku_id: 0 for sku in SKUS}
        self.shown = dict(self.base)
        self.sales: list[str] = []
        self.left: dict[tuple[str, int], int] = {}
        self.enrolled = False

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @initialize(counts=st.lists(st.integers(0, 5), min_size=6, max_size=6))
    def goods(self, counts: list[int]) -> None:
        rows = [own(sku.sku_id, n) for sku, n in zip(SKUS, counts, strict=True)]
        self.store.run(lambda uow: uow.put_skus(ROWS)).result()
        self.store.run(lambda uow: uow.put_stock(rows)).result()
        for row in rows:
            self.base[row.sku_id] = self.shown[row.sku_id] = row.quantity

    def record(self, fact) -> None:
        self.store.run(lambda uow: uow.record(fact)).result()
        for movement in fact.movements:
            self.shown[movement.sku_id] += movement.delta
        self.moved.append([(m.sku_id, m.delta) for m in fact.movements])

    @rule(
        picked=st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), min_size=1, max_size=4)
    )
    def sell(self, picked) -> None:
        sale = sale_of(cart_of(*picked), member_ref="m")
        self.record(sale)
        self.sales.append(sale.sale_id)
        for line in sale.lines:
            self.left[sale.sale_id, line.line_no] = line.quantity

    @precondition(lambda self: self.sales)
    @rule(data=st.data())
    def take_back(self, data) -> None:
        sale_id = data.draw(st.sampled_from(self.sales))
        lines = self.store.run(lambda uow: uow.sold_lines(sale_id)).result()
        open_lines = [x for x in lines if x.quantity_returned < x.line.quantity]
        if not open_lines:
            return
        line = data.draw(st.sampled_from(open_lines))
        quantity = data.draw(st.integers(1, line.line.quantity - line.quantity_returned))
        self.record(refund_of((line, quantity)))
        self.left[sale_id, line.line.line_no] -= quantity

    @rule(sku=st.sampled_from(SKUS), delta=st.integers(-3, 3).filter(bool))
    def correct(self, sku, delta) -> None:
        self.record(adjustment_of(sku.sku_id, delta))

    @rule(sku=st.sampled_from(SKUS), restock=st.booleans())
    def take_without_receipt(self, sku, restock) -> None:
        self.record(refund_of(BlindReturn(sku, 1, sku.list_price * 1000, restock)))

    @precondition(lambda self: not self.enrolled)
    @rule()
    def enrol(self) -> None:
        self.store.run(lambda uow: uow.enrol(enrol_answer(), b"k", "")).result()
        self.enrolled = True

    @precondition(lambda self: self.enrolled)
    @rule(data=st.data(), sku=st.sampled_from(SKUS), received=st.integers(-5, 20))
    def pull(self, data, sku, received) -> None:
        """The cloud counted some of our records, and something happened there besides."""
        applied = data.draw(st.integers(0, len(self.moved)))
        counted = sum(d for fact in self.moved[:applied] for s, d in fact if s == sku.sku_id)
        later = sum(d for fact in self.moved[applied:] for s, d in fact if s == sku.sku_id)
        figure = self.base[sku.sku_id] + counted + received
        page = stock_page(
            [own(sku.sku_id, figure, "sh01")],
            applied_epoch="00112233aabbccdd" if applied else "",
            applied_seq=applied,
        )
        self.store.run(lambda uow: uow.apply_page(page)).result()
        self.shown[sku.sku_id] = figure + later

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(Path(self.folder.name) / "till.db", KEY, FakeClock())

    @invariant()
    def what_is_shown_is_what_happened(self) -> None:
        if self.store.reader.matrix("W1") is None:
            return
        assert quantities(self.store) == self.shown
        tile = card(self.store)
        assert tile.own_quantity == sum(self.shown.values())
        matrix = self.store.reader.matrix("W1")
        assert matrix is not None
        assert tile.broken == any(matrix.broken_colours())

    @invariant()
    def remainders_are_exact(self) -> None:
        for sku in SKUS:
            lines = do(self.store, "sold_of_sku", sku.sku_id, "m", 1000)
            found = {
                (x.sale_id, x.line.line_no): x.line.quantity - x.quantity_returned for x in lines
            }
            for place, left in found.items():
                assert self.left[place] == left > 0
        for sale_id in self.sales:
            for line in do(self.store, "sold_lines", sale_id):
                left = self.left[sale_id, line.line.line_no]
                assert line.line.quantity - line.quantity_returned == left
                if left == 0:
                    assert line.net_returned == line.line.net
                    assert list(line.taken_back) == [c.amount for c in line.commissions]

    @invariant()
    def the_chain_holds(self) -> None:
        assert self.store.verify_journal() is None


TestStockLife = StockLife.TestCase
TestStockLife.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
