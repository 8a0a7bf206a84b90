"""Pricing: the tables of PRICING.md, and what must hold for every cart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import pricing
from app.domain.cart import Cart, Discount, DiscountKind
from app.domain.catalog import LineKind
from app.domain.money import extend
from app.domain.pricing import PricedLine, price, reprice, settle
from app.errors import Code, RuleBroken
from tests.unit.domain.goods import cart, sku
from tests.unit.tables import table


def _discounts(text: str) -> tuple[Discount, ...]:
    pairs = [part.split() for part in text.split(",")]
    return tuple(Discount(DiscountKind(kind), int(value), "manual") for kind, value in pairs)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


@pytest.mark.parametrize("row", table("PRICING.md", "Extending"))
def test_extending_follows_the_page(row: dict[str, str]) -> None:
    gross, rounded = extend(int(row["quantity"]), int(row["unit price (mills)"]))
    assert (gross, rounded) == (int(row["gross (fen)"]), row["rounded"] == "yes")


@pytest.mark.parametrize("row", table("PRICING.md", "Line discounts"))
def test_line_discounts_follow_the_page(row: dict[str, str]) -> None:
    one = cart().add(sku(price=int(row["gross"])))
    priced = price(one.with_line_discounts(1, _discounts(row["discounts"])))
    assert priced.lines[0].net == int(row["net"])
    assert [reason.amount for reason in priced.lines[0].reasons] == _numbers(row["taken off"])


@pytest.mark.parametrize("row", table("PRICING.md", "Order discounts spread over lines"))
def test_order_discounts_follow_the_page(row: dict[str, str]) -> None:
    basket = cart()
    for index, net in enumerate(_numbers(row["line nets"])):
        basket = basket.add(sku(f"S{index}-1", net))
    priced = price(basket.with_discounts(_discounts(row["order discounts"])))
    assert [line.net for line in settle(priced)] == _numbers(row["settled nets"])
    assert priced.total == int(row["total"])


kinds = st.sampled_from([DiscountKind.PERCENT_OFF, DiscountKind.AMOUNT_OFF])
discounts = st.builds(Discount, kind=kinds, value=st.integers(0, 10_000), reason=st.just("manual"))
lines = st.tuples(st.integers(1, 9), st.integers(0, 50_000_000), st.lists(discounts, max_size=3))


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    basket = cart()
    for index, (quantity, mills, off) in enumerate(draw(st.lists(lines, max_size=8))):
        basket = basket.add(sku(f"S{index}-1"), quantity, unit_mills=mills)
        basket = basket.with_line_discounts(index + 1, tuple(off))
    if draw(st.booleans()):
        charge = sku("ADJ-1", kind=LineKind.ADJUSTMENT)
        basket = basket.add(charge, unit_mills=draw(st.integers(-(10**7), -1)))
    return basket.with_discounts(tuple(draw(st.lists(discounts, max_size=3))))


@given(carts())
def test_every_line_states_its_reasons_and_all_adds_up(basket: Cart) -> None:
    priced = price(basket)
    settled = settle(priced)
    assert sum(line.net for line in settled) == priced.total
    assert priced.subtotal - sum(r.amount for r in priced.order_reasons) == priced.total
    assert priced.savings == priced.gross - priced.total
    for line in settled:
        assert line.gross - sum(reason.amount for reason in line.reasons) == line.net
        assert line.net >= 0 or line.line.unit_mills < 0


@given(carts(), st.data())
def test_repricing_equals_pricing_from_nothing(basket: Cart, data: st.DataObject) -> None:
    priced = price(basket)
    changed = basket.add(sku("NEW-1"))
    if basket.lines:
        line_no = data.draw(st.sampled_from([line.line_no for line in basket.lines]))
        changed = changed.with_quantity(line_no, data.draw(st.integers(0, 5)))
    assert reprice(priced, changed) == price(changed)


def test_adding_a_line_prices_that_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    basket = cart()
    for index in range(700):
        basket = basket.add(sku(f"S{index}-1"))
    priced = price(basket)
    seen: list[int] = []

    def counted(line: object) -> PricedLine:
        seen.append(1)
        return original(line)  # type: ignore[arg-type]

    original = pricing.price_line
    monkeypatch.setattr(pricing, "price_line", counted)
    reprice(priced, basket.add(sku("LAST-1")))
    assert len(seen) == 1
    reprice(priced, basket.with_quantity(350, 3))
    assert len(seen) == 2


@pytest.mark.parametrize(("kind", "value"), [("percent_off", 10_001), ("amount_off", -1)])
def test_a_senseless_discount_is_refused(kind: str, value: int) -> None:
    with pytest.raises(RuleBroken) as error:
        Discount(DiscountKind(kind), value, "manual")
    assert error.value.code is Code.DISCOUNT_INVALID


def test_a_discount_needs_a_reason_and_an_order_has_no_new_price() -> None:
    with pytest.raises(RuleBroken):
        Discount(DiscountKind.AMOUNT_OFF, 1, "")
    with pytest.raises(RuleBroken):
        cart().with_discounts((Discount(DiscountKind.PRICE, 1, "manual"),))
