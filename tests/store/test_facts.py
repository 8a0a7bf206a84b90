"""What is recorded is there whole, once, and stays as it was."""

from __future__ import annotations

from datetime import date

import pytest

from app.domain.commission import NO_PLAN
from app.domain.money import MILLS
from app.domain.people import GuideShare
from app.domain.refund import BlindReturn
from app.errors import Code, RuleBroken
from offline_store import OfflineStore
from offline_store.connection import IntegrityError
from offline_store.schema import INSERT_ONLY
from tests.store.shop import (
    COAT,
    DAY,
    LIN,
    NOON,
    SCARF,
    WANG,
    adjustment_of,
    cart_of,
    refund_of,
    sale_of,
    sku_row,
    step_of,
)

TODAY = date.fromisoformat(DAY)
HALVES = (GuideShare(LIN, 5_000), GuideShare(WANG, 5_000))


def record(store: OfflineStore, *facts):
    return store.run(lambda uow: [uow.record(fact) for fact in facts]).result()[-1]


def sold(store: OfflineStore, sale_id: str):
    return store.run(lambda uow: uow.sold_lines(sale_id)).result()


def test_a_sale_is_read_back_as_it_was_made(store):
    sale = sale_of(cart_of((COAT, 2), (SCARF, 1), reference="A-1"), member_ref="m1")
    mark = record(store, sale)
    assert mark.seq == 1
    assert store.reader.document(sale.sale_id) == sale
    assert store.reader.document_by_receipt(sale.receipt_no) == sale
    assert store.run(lambda uow: uow.sale(sale.sale_id)).result() == sale
    assert store.run(lambda uow: uow.document_with_reference("A-1")).result() == sale.sale_id


def test_a_refund_and_an_adjustment_are_read_back(store):
    sale = sale_of()
    record(store, sale)
    refund = refund_of((sold(store, sale.sale_id)[0], 1))
    adjustment = adjustment_of(COAT.sku_id, 3, reference="count-1")
    record(store, refund, adjustment)
    assert store.reader.document(refund.refund_id) == refund
    assert store.run(lambda uow: uow.sale(refund.refund_id)).result() is None
    assert store.reader.document(adjustment.adjustment_id) is None
    found = store.run(lambda uow: uow.document_with_reference("count-1")).result()
    assert found == adjustment.adjustment_id


def test_what_is_not_there_is_not_found(store):
    assert store.reader.document("x") is None
    assert store.reader.document_by_receipt("") is None
    assert sold(store, "x") == ()
    assert store.run(lambda uow: uow.document_with_reference("")).result() == ""
    assert store.run(lambda uow: uow.attempt("x")).result() is None


def test_the_same_fact_twice_is_refused_and_nothing_is_written(store):
    sale = sale_of()
    record(store, sale)
    with pytest.raises(RuleBroken) as refused:
        record(store, sale)
    assert refused.value.code is Code.SALE_ALREADY_RECORDED
    assert store.reader.sync_status().unsent == 1


def test_a_job_may_go_on_after_a_refusal(store):
    sale, other = sale_of(), sale_of()
    record(store, sale)

    def job(uow):
        with pytest.raises(RuleBroken):
            uow.record(sale)
        return uow.record(other)

    assert store.run(job).result().seq == 2
    assert store.verify_journal() is None


def test_a_reference_belongs_to_one_document(store):
    record(store, sale_of(cart_of((COAT, 1), reference="536365")))
    with pytest.raises(RuleBroken) as refused:
        record(store, sale_of(cart_of((COAT, 1), reference="536365")))
    assert refused.value.code is Code.REFERENCE_ALREADY_USED


def test_a_step_number_is_used_once_in_an_attempt(store):
    record(store, step_of("a1", 1))
    with pytest.raises(RuleBroken) as refused:
        record(store, step_of("a1", 1))
    assert refused.value.code is Code.SALE_ALREADY_RECORDED


def test_a_receipt_number_used_twice_is_a_bug_and_not_a_rule(store):
    record(store, sale_of(receipt_no="R-1"))
    with pytest.raises(IntegrityError):
        record(store, sale_of(receipt_no="R-1"))


def test_receipt_numbers_have_no_gaps_even_when_a_sale_fails(store):
    def fail(uow):
        uow.next_receipt_no()
        raise RuleBroken(Code.CART_EMPTY)

    first = store.run(lambda uow: uow.next_receipt_no()).result()
    with pytest.raises(RuleBroken):
        store.run(fail).result()
    second = store.run(lambda uow: uow.next_receipt_no()).result()
    code = store.reader.identity().device_code
    assert (first, second) == (f"LOCAL{code}-0-000001", f"LOCAL{code}-0-000002")


def test_a_job_that_raises_leaves_nothing_behind(store):
    sale = sale_of()

    def fail(uow):
        uow.record(sale)
        raise RuleBroken(Code.CASH_NOT_ENOUGH)

    with pytest.raises(RuleBroken):
        store.run(fail).result()
    assert store.reader.document(sale.sale_id) is None
    assert record(store, sale).seq == 1
    assert store.verify_journal() is None


@pytest.mark.parametrize("table", INSERT_ONLY)
@pytest.mark.parametrize("sql", ["DELETE FROM {}", "UPDATE {} SET rowid = rowid"])
def test_facts_and_journal_refuse_to_be_changed(store, table, sql):
    sale = sale_of()
    record(store, sale, step_of("a", 1))
    record(store, refund_of((sold(store, sale.sale_id)[0], 1)))
    if "rowid" in sql:
        column = store.reader._connection.execute(f"PRAGMA table_info({table})").fetchone()[1]
        sql = sql.replace("rowid", column)
    with pytest.raises(IntegrityError, match="never changed"):
        store.run(lambda uow: uow._connection.execute(sql.format(table))).result()


@pytest.mark.parametrize("sql", ["DELETE FROM epoch", "UPDATE epoch SET fact_offset = 1"])
def test_what_the_journal_stands_on_refuses_to_be_changed(store, sql):
    with pytest.raises(IntegrityError, match=r"chain|mark"):
        store.run(lambda uow: uow._connection.execute(sql)).result()


def test_lines_know_what_came_back_of_them(store):
    sale = sale_of(cart_of((COAT, 3), guides=HALVES), member_ref="m1")
    record(store, sale)
    refund = refund_of((sold(store, sale.sale_id)[0], 2))
    record(store, refund)
    (line,) = sold(store, sale.sale_id)
    assert (line.quantity_returned, line.net_returned) == (2, refund.total)
    assert sum(line.taken_back) == -sum(entry.amount for entry in refund.commissions)


def test_lines_of_a_sku_are_found_by_member_newest_first_while_pieces_are_left(store):
    old, new = (sale_of(cart_of((COAT, 1)), member_ref="m1") for _ in range(2))
    record(store, old, new, sale_of(cart_of((COAT, 1)), member_ref="m2"))

    def find(limit=20):
        lines = store.run(lambda uow: uow.sold_of_sku(COAT.sku_id, "m1", limit)).result()
        return [line.sale_id for line in lines]

    assert find() == [new.sale_id, old.sale_id]
    assert find(1) == [new.sale_id]
    record(store, refund_of((sold(store, new.sale_id)[0], 1)))
    assert find() == [old.sale_id]


def test_a_blind_return_is_a_document_without_an_origin(store):
    refund = refund_of(BlindReturn(COAT, 1, 10_000 * MILLS), reference="C536379")
    record(store, refund)
    assert store.reader.document(refund.refund_id) == refund
    assert store.reader.earnings(LIN, TODAY).net == 0


def test_a_guides_day_counts_their_part_of_each_line(store):
    record(store, sale_of(cart_of((COAT, 1), (SCARF, 1), guides=HALVES)))
    day = store.reader.earnings(LIN, TODAY)
    assert (day.sales, day.units) == (1, 2)
    assert day.net == 129_900 // 2 + 9_990 // 2
    assert day.hourly_net[17] == day.net == sum(day.hourly_net)
    lines = store.reader.earnings_lines(LIN, TODAY)
    assert [line.name for line in lines] == ["羊毛大衣", "围巾"]
    assert sum(line.amount for line in lines) == day.commission > 0
    assert store.reader.earnings("nobody", TODAY).net == 0
    assert store.reader.earnings(LIN, date(2025, 10, 8)).sales == 0


def test_a_full_return_in_parts_leaves_every_guide_at_zero(store):
    shares = (GuideShare("a", 3_333), GuideShare("b", 3_333), GuideShare("c", 3_334))
    sale = sale_of(cart_of((COAT, 3), guides=shares))
    record(store, sale)
    for _ in range(3):
        record(store, refund_of((sold(store, sale.sale_id)[0], 1)))
    for guide in "abc":
        day = store.reader.earnings(guide, TODAY)
        assert (day.net, day.commission, day.units) == (0, 0, 0)


def test_guides_are_credited_without_a_plan_too(store):
    record(store, sale_of(plan=NO_PLAN))
    day = store.reader.earnings(LIN, TODAY)
    assert (day.sales, day.net, day.commission) == (1, 129_900, 0)


def test_a_return_of_goods_sold_at_another_till_takes_back_what_its_entries_say(store, tmp_path):
    from offline_store import open_store
    from tests.fakes.clock import FakeClock
    from tests.store.shop import KEY

    sale = sale_of()
    with open_store(tmp_path / "other.db", KEY, FakeClock()) as other:
        record(other, sale)
        line = sold(other, sale.sale_id)[0]
    record(store, refund_of((line, 1)))
    day = store.reader.earnings(LIN, TODAY)
    assert (day.sales, day.net) == (0, -129_900)
    assert day.commission == -sale.commissions[0].amount


def test_history_lists_the_latest_first_by_day_and_page(store):
    yesterday = sale_of(ms=NOON - 86_400_000)
    first, second = sale_of(), sale_of()
    record(store, yesterday, first, second, adjustment_of(COAT.sku_id, 1))
    ids = [d.document_id for d in store.reader.documents()]
    assert ids == [second.sale_id, first.sale_id, yesterday.sale_id]
    assert [d.document_id for d in store.reader.documents(day=TODAY)] == ids[:2]
    assert [d.document_id for d in store.reader.documents(limit=1, offset=1)] == ids[1:2]
    row = store.reader.documents()[0]
    assert (row.kind, row.net, row.units, row.sent) == ("sale", 129_900, 1, False)
    assert row.tender_kinds == ("cash",)


def test_history_finds_a_document_by_what_is_in_hand(store):
    store.run(lambda uow: uow.put_skus([sku_row(gtin="6901234567892")])).result()
    sale = sale_of(cart_of((COAT, 1), reference="536365"), receipt_no="SH01A7-1-000042")
    record(store, sale, sale_of(cart_of((SCARF, 1)), receipt_no="SH01A7-1-000043"))
    for text in ("SH01A7-1-000042", "sh01a7-1-000042", "42", "000042", "5363", COAT.sku_id):
        found = store.reader.documents(text=text)
        assert [d.document_id for d in found] == [sale.sale_id], text
    assert len(store.reader.documents(text="SH01")) == 2
    assert [d.document_id for d in store.reader.documents(text="6901234567892")] == [sale.sale_id]
    assert store.reader.documents(text="nothing") == ()


def test_references_and_nets_come_in_journal_order(store):
    sales = [sale_of(cart_of((COAT, 1), reference=f"r{i}")) for i in range(3)]
    record(store, *sales, sale_of())
    record(store, refund_of((sold(store, sales[0].sale_id)[0], 1), reference="c0"))
    pairs = list(store.reader.references_and_nets())
    assert pairs == [("r0", 129_900), ("r1", 129_900), ("r2", 129_900), ("c0", -129_900)]
