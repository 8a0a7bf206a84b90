"""Sales, refunds and commission: what must hold for every document, in any order of returns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.cart import Cart, Discount, DiscountKind
from app.domain.catalog import LineKind
from app.domain.commission import NO_PLAN, Commission, CommissionPlan, earn
from app.domain.facts import fact_id
from app.domain.people import even_shares, sole_guide
from app.domain.pricing import price
from app.domain.refund import (
    BlindReturn,
    Refund,
    ReturnedPart,
    SoldLine,
    check_refund,
    make_refund,
    sold_lines,
)
from app.domain.sale import Sale, Tender, TenderKind, check_sale, make_sale
from app.domain.stock import MovementKind, StockMovement
from app.errors import Code, RuleBroken
from tests.unit.domain.goods import NOON, cart, sku

PLAN = CommissionPlan("spring", 3, 200, {"coat": 350})


def sell(basket: Cart, plan: CommissionPlan = PLAN) -> Sale:
    priced = price(basket)
    tender = Tender("t", TenderKind.CASH, priced.total, given=priced.total)
    return make_sale(
        priced, [tender], plan, receipt_no="R1", business_date="2026-11-23", at=NOON, actor="g1"
    )


def give_back(parts: list[ReturnedPart | BlindReturn], *, total: int | None = None) -> Refund:
    worth = sum(
        part.sold.value_of(part.quantity) if isinstance(part, ReturnedPart) else part.value
        for part in parts
    )
    tender = Tender("t", TenderKind.CASH, worth if total is None else total, given=worth)
    return make_refund(
        "r",
        parts,
        [tender],
        receipt_no="R2",
        business_date="2026-11-24",
        at=NOON,
        actor="g1",
        currency="CNY",
        reason="changed_mind",
    )


def test_a_sale_carries_lines_movements_and_commission() -> None:
    basket = cart().add(sku("COAT-1", 100_00), 2).add(sku("BAG-1", 50_00, category="bag"))
    basket = basket.with_line_guides(1, even_shares(["a", "b", "c"]))
    basket = basket.with_discounts((Discount(DiscountKind.PERCENT_OFF, 1000, "member_tier"),))
    sale = sell(basket)
    assert sale.total == 225_00
    assert sale.movements == (
        StockMovement("COAT-1", -2, MovementKind.SALE),
        StockMovement("BAG-1", -1, MovementKind.SALE),
    )
    assert [(c.guide_id, c.base, c.rate_bp, c.amount) for c in sale.commissions] == [
        ("a", 180_00, 350, 210),
        ("b", 180_00, 350, 210),
        ("c", 180_00, 350, 210),
        ("g1", 45_00, 200, 90),
    ]
    assert fact_id(sale) == sale.sale_id


def test_services_and_adjustments_move_no_stock_and_earn_nothing_below_zero() -> None:
    basket = cart().add(sku("POST-1", 500, kind=LineKind.SERVICE))
    basket = basket.add(sku("ADJ-1", kind=LineKind.ADJUSTMENT), unit_mills=-200_000)
    sale = sell(basket)
    assert sale.movements == ()
    assert [entry.line_no for entry in sale.commissions] == [1]
    assert sale.total == 300


def test_an_empty_cart_is_no_sale() -> None:
    with pytest.raises(RuleBroken) as error:
        sell(cart())
    assert error.value.code is Code.CART_EMPTY


def test_a_sale_that_does_not_add_up_cannot_be_made() -> None:
    priced = price(cart().add(sku()))
    with pytest.raises(RuleBroken) as error:
        make_sale(
            priced,
            [Tender("t", TenderKind.EXTERNAL, 1)],
            NO_PLAN,
            receipt_no="R",
            business_date="2026-11-23",
            at=NOON,
            actor="g",
        )
    assert error.value.code is Code.SALE_UNBALANCED
    sale = sell(cart().add(sku()))
    broken_line = replace(sale.lines[0], gross=sale.lines[0].gross + 1)
    with pytest.raises(RuleBroken):
        check_sale(replace(sale, lines=(broken_line,)))
    with pytest.raises(RuleBroken):
        check_sale(replace(sale, tenders=(replace(sale.tenders[0], change=1),)))


def test_nobody_credited_earns_nothing() -> None:
    assert earn(1, "coat", 100, (), PLAN) == ()
    assert earn(1, "coat", 100, sole_guide("a"), NO_PLAN) == ()


def test_a_return_without_receipt_is_its_own_case() -> None:
    refund = give_back([BlindReturn(sku(), 2, 12_900_000)])
    assert refund.lines[0].origin is None
    assert refund.total == 25_800
    assert refund.movements == (StockMovement("QY-1", 2, MovementKind.RETURN),)
    assert refund.commissions == ()
    assert give_back([BlindReturn(sku(), 1, 1000, restock=False)]).movements == ()
    with pytest.raises(RuleBroken):
        give_back([BlindReturn(sku(), 0, 1000)])


def test_a_refund_must_hold_something_and_add_up() -> None:
    with pytest.raises(RuleBroken) as error:
        give_back([])
    assert error.value.code is Code.REFUND_EMPTY
    with pytest.raises(RuleBroken):
        give_back([BlindReturn(sku(), 1, 1000)], total=2)
    with pytest.raises(RuleBroken):
        check_refund(replace(give_back([BlindReturn(sku(), 1, 1000)]), total=9))


def test_one_document_names_a_sold_line_once() -> None:
    (line,) = sold_lines(sell(cart().add(sku(), 2)))
    with pytest.raises(RuleBroken) as error:
        give_back([ReturnedPart(line, 1), ReturnedPart(line, 1)])
    assert error.value.code is Code.REFUND_EXCEEDS_SALE


def _after(sold: SoldLine, refund: Refund) -> SoldLine:
    (line,) = refund.lines
    taken = sold.taken_back or (0,) * len(sold.commissions)
    return replace(
        sold,
        quantity_returned=sold.quantity_returned + line.quantity,
        net_returned=sold.net_returned + line.net,
        taken_back=tuple(t - e.amount for t, e in zip(taken, refund.commissions, strict=True)),
    )


@given(
    st.integers(1, 12),
    st.integers(0, 99_999_999),
    st.integers(0, 10_000),
    st.integers(1, 5),
    st.data(),
)
def test_any_order_of_part_returns_gives_back_all_and_leaves_everyone_at_zero(
    quantity: int, mills: int, off_bp: int, guides: int, data: st.DataObject
) -> None:
    basket = cart().add(sku("COAT-1"), quantity, unit_mills=mills)
    basket = basket.with_line_guides(1, even_shares([f"g{n}" for n in range(guides)]))
    basket = basket.with_discounts((Discount(DiscountKind.PERCENT_OFF, off_bp, "manual"),))
    sale = sell(basket)
    (sold,) = sold_lines(sale)
    earned = {entry.guide_id: entry.amount for entry in sale.commissions}
    given_back = 0
    while sold.quantity_returned < quantity:
        step = data.draw(st.integers(1, quantity - sold.quantity_returned))
        refund = give_back([ReturnedPart(sold, step)])
        assert refund.total >= 0
        given_back += refund.total
        assert given_back <= sale.total
        for entry in refund.commissions:
            assert entry.amount <= 0
            earned[entry.guide_id] += entry.amount
            assert earned[entry.guide_id] >= 0
        sold = _after(sold, refund)
    assert given_back == sale.total
    assert set(earned.values()) <= {0}
    with pytest.raises(RuleBroken) as error:
        sold.value_of(1)
    assert error.value.code is Code.REFUND_EXCEEDS_SALE


def test_every_entry_explains_itself() -> None:
    entry = sell(cart().add(sku("COAT-1", 99_99))).commissions[0]
    assert entry == Commission(1, "g1", "spring", 3, 99_99, 350, 10_000, 350)
