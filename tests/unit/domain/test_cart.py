"""The cart: immutable, merging scans, refusing nonsense."""

from __future__ import annotations

import pytest

from app.domain.cart import MAX_QUANTITY, Discount, DiscountKind
from app.domain.catalog import LineKind
from app.domain.people import GuideShare, even_shares, sole_guide
from app.errors import Code, RuleBroken
from tests.unit.domain.goods import cart, sku


def test_a_second_scan_of_the_same_thing_adds_to_its_line() -> None:
    basket = cart().add(sku()).add(sku())
    assert [(line.line_no, line.quantity) for line in basket.lines] == [(1, 2)]
    assert basket.units == 2


def test_a_discounted_or_differently_credited_line_takes_no_more_scans() -> None:
    off = (Discount(DiscountKind.PERCENT_OFF, 500, "manual"),)
    basket = cart().add(sku()).with_line_discounts(1, off).add(sku())
    assert len(basket.lines) == 2
    assert len(basket.with_guide("g2").add(sku()).lines) == 3
    assert len(basket.add(sku(), unit_mills=1, merge=False).lines) == 3


def test_changes_leave_the_old_cart_as_it_was() -> None:
    before = cart().add(sku())
    after = before.with_quantity(1, 5).with_member("m", "gold").with_unit_price(1, 99_000)
    assert before.lines[0].quantity == 1
    assert (after.lines[0].quantity, after.lines[0].unit_mills) == (5, 99_000)
    assert (after.member_ref, before.member_ref) == ("m", "")


def test_quantity_zero_removes_the_line_and_numbers_are_not_reused() -> None:
    basket = cart().add(sku("A-1")).add(sku("B-1")).with_quantity(2, 0).add(sku("C-1"))
    assert [line.line_no for line in basket.lines] == [1, 3]


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1])
def test_goods_have_a_sensible_quantity(quantity: int) -> None:
    with pytest.raises(RuleBroken) as error:
        cart().add(sku(), quantity)
    assert error.value.code is Code.QUANTITY_INVALID


def test_only_an_adjustment_may_be_below_zero() -> None:
    charge = sku("ADJ-1", kind=LineKind.ADJUSTMENT)
    assert cart().add(charge, -1, unit_mills=-500).lines[0].quantity == -1
    assert cart().add(charge).with_unit_price(1, -5).lines[0].unit_mills == -5
    with pytest.raises(RuleBroken):
        cart().add(sku()).with_unit_price(1, -5)


def test_a_line_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(RuleBroken) as error:
        cart().without(7)
    assert error.value.code is Code.LINE_UNKNOWN


def test_guides_share_a_line_exactly() -> None:
    shares = even_shares(["a", "b", "c"])
    assert [share.weight_bp for share in shares] == [3334, 3333, 3333]
    assert cart().add(sku()).with_line_guides(1, shares).lines[0].guides == shares
    assert cart(guide="").add(sku()).lines[0].guides == ()


@pytest.mark.parametrize(
    "shares",
    [
        (GuideShare("a", 9_999),),
        (GuideShare("a", 5_000), GuideShare("a", 5_000)),
        (GuideShare("a", 0), GuideShare("b", 10_000)),
        tuple(GuideShare(str(n), 10_000 // 6) for n in range(6)),
    ],
)
def test_shares_that_do_not_make_a_whole_are_refused(shares: tuple[GuideShare, ...]) -> None:
    with pytest.raises(RuleBroken) as error:
        cart().add(sku()).with_line_guides(1, shares)
    assert error.value.code is Code.GUIDE_SHARES_INVALID
    assert sole_guide("a") == (GuideShare("a", 10_000),)
    with pytest.raises(RuleBroken):
        even_shares([])
