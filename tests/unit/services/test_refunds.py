"""Giving back: never more than was sold, in any order, once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cart import Discount, DiscountKind
from app.domain.sale import TenderKind
from app.errors import Code, RuleBroken
from app.services.refunds import WantedReturn
from tests.unit.services.till import COAT, GOLD, GUIDE, MANAGER, PLAIN, SCARF, Till, code_of


def sold(till: Till, *codes: str, member: str = ""):
    priced = till.basket(*codes)
    if member:
        priced = till.checkout.attach_member(priced, member)
    return till.sell_for_cash(priced)


def give_back(till: Till, sale_id: str, **quantities: int):
    lines = {int(no.removeprefix("line")): pieces for no, pieces in quantities.items()}
    return till.refunds.of_sale(sale_id, lines, reason="size", actor="p-lin").result()


def wanted(till: Till, code: str, pieces: int = 1, mills: int | None = None) -> WantedReturn:
    sku = till.store.reader.sku(code)
    assert sku is not None
    return WantedReturn(sku, pieces, sku.list_price * 1_000 if mills is None else mills)


def test_a_return_gives_back_what_was_paid_and_takes_the_commission(till: Till) -> None:
    sale = sold(till, COAT, SCARF, member=GOLD)
    refund = give_back(till, sale.sale_id, line1=1)
    assert refund.total == sale.lines[0].net == 123_405
    assert refund.member_ref == GOLD
    assert refund.currency == sale.currency
    assert [(e.guide_id, e.amount) for e in refund.commissions] == [("p-lin", -4_319)]
    assert (refund.tenders[0].kind, refund.tenders[0].given) == (TenderKind.CASH, refund.total)
    assert till.store.reader.document(refund.refund_id) == refund


def test_nothing_is_given_back_twice(till: Till) -> None:
    sale = sold(till, COAT, COAT)
    give_back(till, sale.sale_id, line1=2)
    with pytest.raises(RuleBroken) as error:
        give_back(till, sale.sale_id, line1=1)
    assert code_of(error) is Code.REFUND_EXCEEDS_SALE
    assert error.value.facts["left"] == 0


def test_a_return_begun_once_is_one_refund_however_often_it_is_confirmed(till: Till) -> None:
    sale = sold(till, COAT, COAT, COAT)
    jobs = [
        till.refunds.of_sale(sale.sale_id, {1: 1}, reason="size", actor="p", refund_id="r-1")
        for _ in range(3)
    ]
    first, *others = [job.result() for job in jobs]
    assert others == [first, first]
    assert till.do(lambda uow: uow.sold_lines(sale.sale_id))[0].quantity_returned == 1


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ({}, Code.REFUND_EMPTY),
        ({9: 1}, Code.LINE_UNKNOWN),
        ({1: 0}, Code.QUANTITY_INVALID),
        ({1: -1}, Code.QUANTITY_INVALID),
        ({1: 2}, Code.REFUND_EXCEEDS_SALE),
    ],
)
def test_what_was_not_sold_cannot_come_back(till: Till, lines: dict[int, int], code: Code) -> None:
    sale = sold(till)
    with pytest.raises(RuleBroken) as error:
        till.refunds.of_sale(sale.sale_id, lines, reason="size", actor="p").result()
    assert code_of(error) is code
    assert till.store.reader.documents()[0].kind == "sale"


def test_an_unknown_sale_and_a_sentence_as_reason_are_refused(till: Till) -> None:
    with pytest.raises(RuleBroken) as error:
        give_back(till, "nothing", line1=1)
    assert code_of(error) is Code.SALE_UNKNOWN
    sale = sold(till)
    for reason in ("", "she said it itches, 138 0000 0000"):
        with pytest.raises(RuleBroken) as error:
            till.refunds.of_sale(sale.sale_id, {1: 1}, reason=reason, actor="p").result()
        assert code_of(error) in (Code.TEXT_EMPTY, Code.TEXT_FORBIDDEN_CHARACTER)


def test_a_known_customers_return_finds_its_sale(till: Till) -> None:
    old, new = sold(till, COAT, member=PLAIN), sold(till, COAT, member=PLAIN)
    back = till.refunds.bring_back(
        [wanted(till, COAT), wanted(till, COAT), wanted(till, COAT)],
        reason="size",
        actor="p",
        member_ref=PLAIN,
    ).result()
    origins = [line.origin.sale_id if line.origin else "" for line in back.lines]
    assert sorted(origins) == sorted([old.sale_id, new.sale_id, ""])
    assert back.total == 3 * 129_900


@pytest.mark.parametrize("mills", [129_899_000, 1_000])
def test_another_price_is_another_thing(till: Till, mills: int) -> None:
    sold(till, COAT, member=PLAIN)
    back = till.refunds.bring_back(
        [wanted(till, COAT, mills=mills)], reason="size", actor="p", member_ref=PLAIN
    ).result()
    assert back.lines[0].origin is None


def test_a_discounted_sale_is_not_matched_at_the_full_price(till: Till) -> None:
    sold(till, COAT, member=GOLD)
    back = till.refunds.bring_back(
        [wanted(till, COAT)], reason="size", actor="p", member_ref=GOLD
    ).result()
    assert back.lines[0].origin is None, "the customer paid less than is asked back"


def test_without_a_member_nothing_is_matched(till: Till) -> None:
    sold(till, COAT)
    back = till.refunds.bring_back(
        [wanted(till, COAT, 2)],
        reason="size",
        actor="p",
        tender=TenderKind.EXTERNAL,
        reference="C-1",
    ).result()
    assert back.lines[0].origin is None
    assert (back.tenders[0].given, back.reference) == (0, "C-1")
    with pytest.raises(RuleBroken) as error:
        till.refunds.bring_back([wanted(till, COAT, mills=-1)], reason="size", actor="p").result()
    assert code_of(error) is Code.AMOUNT_INVALID


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 4)), max_size=8), st.integers(0, 900))
@settings(max_examples=25)
def test_no_order_of_returns_gives_back_more_than_was_paid(
    returns: list[tuple[int, int]], off: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        till = Till(Path(folder) / "till.db")
        priced = till.basket(COAT, COAT, COAT, SCARF, SCARF)
        discount = (Discount(DiscountKind.PERCENT_OFF, off, "manual"),)
        sale = till.sell_for_cash(till.checkout.discount_order(priced, discount, GUIDE))
        back = 0
        for line, pieces in returns:
            left = {
                sold_line.line.line_no: sold_line.line.quantity - sold_line.quantity_returned
                for sold_line in till.do(lambda uow: uow.sold_lines(sale.sale_id))
            }
            if pieces <= left[line]:
                back += give_back(till, sale.sale_id, **{f"line{line}": pieces}).total
            else:
                with pytest.raises(RuleBroken) as error:
                    give_back(till, sale.sale_id, **{f"line{line}": pieces})
                assert code_of(error) is Code.REFUND_EXCEEDS_SALE
            assert back <= sale.total
        for sold_line in till.do(lambda uow: uow.sold_lines(sale.sale_id)):
            rest = sold_line.line.quantity - sold_line.quantity_returned
            if rest:
                no = sold_line.line.line_no
                back += give_back(till, sale.sale_id, **{f"line{no}": rest}).total
        assert back == sale.total
        for sold_line in till.do(lambda uow: uow.sold_lines(sale.sale_id)):
            earned = [entry.amount for entry in sold_line.commissions]
            assert list(sold_line.taken_back) == earned
        till.close()


def test_at_the_counter_only_a_manager_gives_money_back(till: Till) -> None:
    sale = sold(till, COAT)
    asked = {"reason": "return_size", "refund_id": "r-9"}
    with pytest.raises(RuleBroken) as error:
        till.refunds.at_the_counter(sale.sale_id, {1: 1}, manager=GUIDE, **asked)
    assert code_of(error) is Code.MANAGER_NEEDED
    refund = till.refunds.at_the_counter(sale.sale_id, {1: 1}, manager=MANAGER, **asked).result()
    assert (refund.refund_id, refund.actor, refund.total) == ("r-9", "p-chen", sale.total)


def test_what_can_come_back_is_told_line_by_line(till: Till) -> None:
    sale = sold(till, COAT, COAT, SCARF)
    give_back(till, sale.sale_id, line1=1)
    lines = till.refunds.returnable(sale.sale_id).result()
    assert [(x.line.line_no, x.line.quantity, x.quantity_returned) for x in lines] == [
        (1, 2, 1),
        (2, 1, 0),
    ]
    assert till.refunds.returnable("no such sale").result() == ()
