"""Selling: carts that guides may build, sales that exist once, drafts that come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cart import Discount, DiscountKind
from app.domain.catalog import LineKind
from app.domain.money import MAX_MINOR
from app.domain.people import even_shares
from app.domain.pricing import price
from app.domain.sale import Tender, TenderKind
from app.errors import Code, RuleBroken
from app.services.checkout import MEMBER_TIER, OPEN_SLOT, check_discounts
from tests.unit.domain.goods import cart, sku
from tests.unit.services.till import (
    COAT,
    CONFIG,
    GOLD,
    GUIDE,
    LABEL,
    MANAGER,
    PLAIN,
    SCARF,
    Till,
    code_of,
    refusal,
)


def percent(bp: int, reason: str = "manual") -> tuple[Discount, ...]:
    return (Discount(DiscountKind.PERCENT_OFF, bp, reason),)


def amount(fen: int, reason: str = "manual") -> tuple[Discount, ...]:
    return (Discount(DiscountKind.AMOUNT_OFF, fen, reason),)


# --- the cart -------------------------------------------------------------------------------------


def test_scans_of_one_code_make_one_line(till: Till) -> None:
    priced = till.basket(COAT, COAT, LABEL)
    assert [(x.line.sku.sku_id, x.line.quantity) for x in priced.lines] == [(COAT, 2), (SCARF, 1)]
    assert priced.total == 2 * 129_900 + 9_990


def test_an_unknown_code_is_said_short(till: Till) -> None:
    with pytest.raises(RuleBroken) as error:
        till.basket("x" * 500)
    assert code_of(error) is Code.CODE_UNKNOWN
    assert error.value.facts == {"text": "x" * 40}
    with pytest.raises(RuleBroken) as error:
        till.checkout.add_sku(till.basket(), "nothing")
    assert code_of(error) is Code.SKU_UNKNOWN


def test_every_step_prices_as_if_from_nothing(till: Till) -> None:
    priced = till.basket(COAT, SCARF)
    priced = till.checkout.add_sku(priced, SCARF, 3)
    priced = till.checkout.set_quantity(priced, 1, 2)
    priced = till.checkout.discount_line(priced, 2, percent(1_000), GUIDE)
    priced = till.checkout.attach_member(priced, GOLD)
    priced = till.checkout.set_guides(priced, 1, even_shares(["p-lin", "p-chen"]))
    priced = till.checkout.set_guide(priced, "p-chen")
    priced = till.checkout.scan(priced, COAT)
    priced = till.checkout.remove(priced, 2)
    assert priced == price(priced.cart)


# --- discounts ------------------------------------------------------------------------------------


def refused(job: Callable[[], object]) -> bool:
    code = refusal(job)
    assert code in (None, Code.MANAGER_NEEDED)
    return code is not None


@pytest.mark.parametrize(
    ("given_", "needs_manager"),
    [
        (percent(1_000), False),
        (percent(1_001), True),
        (percent(3_000, "flaw"), False),
        (percent(1, "invented"), True),
        (amount(12_990), False),
        (amount(12_991), True),
        ((Discount(DiscountKind.PRICE, 116_910, "manual"),), False),
        ((Discount(DiscountKind.PRICE, 116_909, "manual"),), True),
        (percent(600) + percent(600), True),
        (percent(1_000) + percent(2_500, "flaw"), True),
        (percent(1_000) + percent(2_000, "flaw"), False),
        (percent(9_000, MEMBER_TIER), True),
        ((Discount(DiscountKind.PERCENT_OFF, 9_000, "manual", rule="gold"),), True),
        ((Discount(DiscountKind.PERCENT_OFF, 9_000, "manual", allowed_by="p-chen"),), True),
    ],
    ids=str,
)
def test_a_guide_gives_what_the_reason_allows(
    till: Till, given_: tuple[Discount, ...], needs_manager: bool
) -> None:
    priced = till.basket()
    assert refused(lambda: till.checkout.discount_line(priced, 1, given_, GUIDE)) is needs_manager
    if given_[0].kind is not DiscountKind.PRICE:
        on_order = refused(lambda: till.checkout.discount_order(priced, given_, GUIDE))
        assert on_order is needs_manager
    by_manager = till.checkout.discount_line(priced, 1, given_, MANAGER)
    assert {reason.allowed_by for reason in by_manager.lines[0].reasons} == {"p-chen"}


def test_line_and_order_discounts_do_not_add_up_to_more_than_the_reason(till: Till) -> None:
    priced = till.checkout.discount_line(till.basket(), 1, percent(800), GUIDE)
    assert refused(lambda: till.checkout.discount_order(priced, percent(500), GUIDE))
    till.checkout.discount_order(priced, percent(100), GUIDE)


def test_a_discount_that_grew_by_taking_pieces_out_needs_a_manager_to_sell(till: Till) -> None:
    priced = till.checkout.set_quantity(till.basket(), 1, 10)
    priced = till.checkout.discount_line(priced, 1, amount(100_000), GUIDE)
    priced = till.checkout.set_quantity(priced, 1, 1)
    with pytest.raises(RuleBroken) as error:
        till.sell_for_cash(priced)
    assert code_of(error) is Code.MANAGER_NEEDED
    priced = till.checkout.discount_line(priced, 1, amount(100_000), MANAGER)
    sale = till.sell_for_cash(priced)
    assert sale.lines[0].reasons[0].allowed_by == MANAGER.person_id


SMALL = st.lists(
    st.tuples(st.sampled_from(["manual", "flaw"]), st.integers(0, 4_000)), max_size=3
).map(lambda given_: tuple(Discount(DiscountKind.PERCENT_OFF, bp, why) for why, bp in given_))


@given(SMALL, SMALL, st.integers(1, 30))
@settings(max_examples=60)
def test_no_mix_of_a_guides_discounts_beats_the_most_generous_reason(
    line: tuple[Discount, ...], order: tuple[Discount, ...], pieces: int
) -> None:
    class Reasons:
        def discount_reasons(self):
            return tuple(CONFIG.discount_reasons)

    basket = cart().add(sku("A-1", 9_999), pieces).add(sku("B-1", 101))
    priced = price(basket.with_line_discounts(1, line).with_discounts(order))
    if refusal(lambda: check_discounts(priced, Reasons())):  # type: ignore[arg-type]
        return
    assert priced.savings <= priced.gross * 3_000 // 10_000 + len(line) + len(order) + 1


# --- members --------------------------------------------------------------------------------------


def test_a_tier_pays_less_and_comes_first(till: Till) -> None:
    priced = till.checkout.discount_order(till.basket(), amount(100), GUIDE)
    priced = till.checkout.attach_member(priced, GOLD)
    assert [reason.code for reason in priced.order_reasons] == [MEMBER_TIER, "manual"]
    assert priced.total == 129_900 - 6_495 - 100
    again = till.checkout.attach_member(priced, GOLD)
    assert again.total == priced.total
    assert till.checkout.detach_member(priced).total == 129_900 - 100
    changed = till.checkout.discount_order(priced, (), GUIDE)
    assert [reason.code for reason in changed.order_reasons] == [MEMBER_TIER]
    plain = till.checkout.attach_member(priced, PLAIN)
    assert [reason.code for reason in plain.order_reasons] == ["manual"]
    with pytest.raises(RuleBroken) as error:
        till.checkout.attach_member(priced, "nobody")
    assert code_of(error) is Code.MEMBER_UNKNOWN


def test_a_tier_does_not_use_up_what_a_guide_may_give(till: Till) -> None:
    priced = till.checkout.attach_member(till.basket(), GOLD)
    priced = till.checkout.discount_order(priced, percent(1_000), GUIDE)
    sale = till.sell_for_cash(priced)
    assert sale.member_ref == GOLD
    assert sale.total == priced.total


# --- the sale -------------------------------------------------------------------------------------


def test_cash_is_counted_with_its_change(till: Till) -> None:
    priced = till.basket()
    tender = till.checkout.cash_tender(priced, 130_000)
    assert (tender.amount, tender.given, tender.change) == (129_900, 130_000, 100)
    with pytest.raises(RuleBroken) as error:
        till.checkout.cash_tender(priced, 129_899)
    assert error.value.facts == {"missing": 1}
    with pytest.raises(RuleBroken) as error:
        till.checkout.cash_tender(priced, MAX_MINOR + 1)
    assert code_of(error) is Code.AMOUNT_TOO_LARGE


def test_a_sale_never_pays_money_out(till: Till) -> None:
    coat = till.store.reader.sku(COAT)
    assert coat is not None
    adjustment = replace(coat, kind=LineKind.ADJUSTMENT)
    priced = till.checkout.add(till.checkout.open(), adjustment, unit_mills=-5_000)
    with pytest.raises(RuleBroken) as error:
        till.checkout.cash_tender(priced, 0)
    assert code_of(error) is Code.AMOUNT_INVALID


def test_a_sale_is_recorded_with_all_that_follows_from_it(till: Till) -> None:
    priced = till.basket(COAT, SCARF)
    sale = till.sell_for_cash(priced)
    assert sale.sale_id == priced.cart.cart_id
    assert sale.receipt_no
    assert {m.sku_id: m.delta for m in sale.movements} == {COAT: -1, SCARF: -1}
    assert [entry.amount for entry in sale.commissions] == [4_547, 200]
    assert till.store.reader.document(sale.sale_id) == sale
    assert till.do(lambda uow: uow.sale(sale.sale_id)) == sale


def test_completing_twice_is_one_sale(till: Till) -> None:
    priced = till.basket()
    tender = till.checkout.cash_tender(priced, priced.total)
    futures = [till.checkout.complete(priced, [tender], "p-lin") for _ in range(3)]
    first, *others = [future.result() for future in futures]
    assert others == [first, first]
    till.restart()
    assert till.checkout.complete(priced, [tender], "p-lin").result() == first
    assert till.sales() == [first.sale_id]
    assert first.receipt_no != till.sell_for_cash(till.basket()).receipt_no


def test_what_does_not_add_up_is_not_recorded(till: Till) -> None:
    priced = till.basket()
    for tenders in (
        [],
        [Tender("t", TenderKind.EXTERNAL, priced.total - 1)],
        [Tender("t", TenderKind.CASH, priced.total, given=priced.total, change=1)],
        [Tender("t", TenderKind.EXTERNAL, priced.total + 5), Tender("u", TenderKind.EXTERNAL, -5)],
        [Tender("t", TenderKind.EXTERNAL, 1), Tender("t", TenderKind.EXTERNAL, priced.total - 1)],
    ):
        with pytest.raises(RuleBroken) as error:
            till.checkout.complete(priced, tenders, "p-lin").result()
        assert code_of(error) is Code.SALE_UNBALANCED
    with pytest.raises(RuleBroken) as error:
        till.checkout.complete(till.checkout.open(), [], "p-lin").result()
    assert code_of(error) is Code.CART_EMPTY
    assert till.sales() == []


def test_an_outside_number_is_used_once(till: Till) -> None:
    till.sell_for_cash(till.basket(reference="EXT-7"))
    with pytest.raises(RuleBroken) as error:
        till.sell_for_cash(till.basket(reference="EXT-7"))
    assert code_of(error) is Code.REFERENCE_ALREADY_USED
    with pytest.raises(RuleBroken) as error:
        till.sell_for_cash(till.basket(reference="x" * 65))
    assert code_of(error) is Code.TEXT_TOO_LONG


def test_a_refused_sale_uses_no_receipt_number(till: Till) -> None:
    first = till.sell_for_cash(till.basket(reference="A")).receipt_no
    with pytest.raises(RuleBroken):
        till.sell_for_cash(till.basket(reference="A"))
    second = till.sell_for_cash(till.basket()).receipt_no
    number = [int(text.rpartition("-")[2]) for text in (first, second)]
    assert number[1] == number[0] + 1


# --- drafts ---------------------------------------------------------------------------------------


def test_a_crash_gives_the_cart_back(till: Till) -> None:
    priced = till.checkout.attach_member(till.basket(COAT, SCARF), GOLD)
    till.checkout.keep_draft(priced).result()
    till.restart()
    assert till.checkout.recall(OPEN_SLOT) == priced


def test_an_emptied_cart_is_forgotten(till: Till) -> None:
    priced = till.basket()
    till.checkout.keep_draft(priced).result()
    till.checkout.keep_draft(till.checkout.remove(priced, 1)).result()
    assert till.checkout.recall(OPEN_SLOT) is None


def test_a_draft_kept_too_late_does_not_bring_a_sold_cart_back(till: Till) -> None:
    priced = till.basket()
    till.sell_for_cash(priced)
    till.checkout.keep_draft(priced).result()
    till.checkout.park(priced).result()
    assert till.checkout.recall(OPEN_SLOT) is None
    assert till.checkout.parked() == ()


def test_carts_are_put_aside_and_taken_up(till: Till) -> None:
    first, second = till.basket(COAT), till.basket(SCARF)
    for priced in (first, second):
        till.checkout.keep_draft(priced).result()
        till.checkout.park(priced).result()
        till.clock.advance(1)
    assert till.checkout.recall(OPEN_SLOT) is None
    assert [draft.cart for draft in till.checkout.parked()] == [second.cart, first.cart]
    assert till.checkout.recall(first.cart.cart_id) == first
    till.checkout.forget(second.cart.cart_id).result()
    till.sell_for_cash(first)
    assert till.checkout.parked() == ()


def test_a_shown_qr_is_no_parked_cart(till: Till) -> None:
    till.payments.start(till.basket(), GUIDE).result()
    assert till.checkout.parked() == ()
