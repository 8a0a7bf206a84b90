"""Where the domain says no: amounts no document may carry, words no fact may hold, sums that do not add."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.cart import MAX_LINES, MAX_QUANTITY, Cart, Discount, DiscountKind
from app.domain.catalog import LineKind
from app.domain.commission import CommissionPlan
from app.domain.member import clean_text
from app.domain.money import CNY, MAX_MINOR, MILLS, check_size, extend, parse_amount
from app.domain.pricing import price, reprice
from app.domain.receipt import Receipt, StoreHeader
from app.domain.reference import invoice_of, references_for
from app.domain.refund import BlindReturn, ReturnedPart, check_refund, make_refund, sold_lines
from app.domain.sale import Sale, Tender, TenderKind, check_sale, check_tender, make_sale
from app.domain.text import MAX_REFERENCE, check_reason, check_reference, is_code
from app.errors import Code, RuleBroken, Trouble
from tests.unit.domain.goods import NOON, cart, sku

PLAN = CommissionPlan("p", 1, 333)
ADJUSTMENT = sku("ADJ-1", kind=LineKind.ADJUSTMENT)


def refused(job, *args, **more) -> Code | None:
    try:
        job(*args, **more)
    except RuleBroken as error:
        return error.code
    return None


def sold(basket: Cart, *tenders: Tender) -> Sale:
    priced = price(basket)
    return make_sale(
        priced,
        tenders or (Tender("t", TenderKind.EXTERNAL, priced.total),),
        PLAN,
        receipt_no="R",
        business_date="2025-10-09",
        at=NOON,
        actor="g1",
    )


def given_back(parts, *, reason: str = "size", reference: str = "", tenders=None):
    total = sum(
        p.sold.value_of(p.quantity) if isinstance(p, ReturnedPart) else p.value for p in parts
    )
    return make_refund(
        "r",
        parts,
        tenders or [Tender("t", TenderKind.EXTERNAL, total)],
        receipt_no="R2",
        business_date="2025-10-09",
        at=NOON,
        actor="g1",
        currency="CNY",
        reason=reason,
        reference=reference,
    )


# --- amounts --------------------------------------------------------------------------------------


def test_no_line_or_cart_is_worth_more_than_a_document_may_carry() -> None:
    assert check_size(-MAX_MINOR) == -MAX_MINOR
    assert extend(1, MAX_MINOR * MILLS) == (MAX_MINOR, False)
    assert refused(extend, 1, (MAX_MINOR + 1) * MILLS) is Code.AMOUNT_TOO_LARGE
    dear = sku("X-1", MAX_MINOR)
    one = price(cart().add(dear))
    assert refused(price, one.cart.add(dear)) is Code.AMOUNT_TOO_LARGE
    assert refused(reprice, one, one.cart.add(sku("Y-1", 1))) is Code.AMOUNT_TOO_LARGE
    assert refused(given_back, [BlindReturn(dear, 2, MAX_MINOR * MILLS)]) is Code.AMOUNT_TOO_LARGE
    two = [BlindReturn(dear, 1, MAX_MINOR * MILLS)] * 2
    assert refused(given_back, two) is Code.AMOUNT_TOO_LARGE


@given(st.integers(1, MAX_QUANTITY), st.integers(0, MAX_MINOR * MILLS))
def test_every_amount_that_is_taken_fits_where_it_is_kept(quantity: int, mills: int) -> None:
    basket = cart().add(sku(), 1, unit_mills=0).with_unit_price(1, mills)
    code = refused(lambda: price(basket.with_quantity(1, quantity)))
    assert code in (None, Code.AMOUNT_TOO_LARGE)
    if code is None:
        assert abs(price(basket.with_quantity(1, quantity)).total) <= MAX_MINOR < 2**53


@pytest.mark.parametrize("text", ["10000000000.01", "9" * 13])
def test_an_amount_typed_beyond_reason_is_refused(text: str) -> None:
    assert refused(parse_amount, text, CNY) is Code.AMOUNT_TOO_LARGE


def test_quantities_are_bounded_whatever_the_line_is() -> None:
    assert refused(cart().add, sku(), MAX_QUANTITY + 1) is Code.QUANTITY_INVALID
    assert refused(cart().add, sku(), -1) is Code.QUANTITY_INVALID
    assert refused(cart().add, ADJUSTMENT, 0) is Code.QUANTITY_INVALID
    assert refused(cart().add, ADJUSTMENT, -MAX_QUANTITY - 1) is Code.QUANTITY_INVALID
    assert cart().add(ADJUSTMENT, -3).units == -3


def test_a_cart_has_a_last_line() -> None:
    full = replace(cart(), lines=cart().add(sku()).lines * MAX_LINES)
    assert refused(full.add, sku("Z-1"), merge=False) is Code.QUANTITY_INVALID


def test_only_an_adjustment_may_cost_less_than_nothing() -> None:
    assert refused(cart().add, sku(), unit_mills=-1) is Code.AMOUNT_INVALID
    assert refused(cart().add(sku()).with_unit_price, 1, -1) is Code.AMOUNT_INVALID
    assert price(cart().add(ADJUSTMENT, unit_mills=-1_000)).total == -1


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (DiscountKind.PERCENT_OFF, -1, "manual"),
        (DiscountKind.PERCENT_OFF, 10_001, "manual"),
        (DiscountKind.AMOUNT_OFF, MAX_MINOR + 1, "manual"),
        (DiscountKind.PRICE, -1, "manual"),
        (DiscountKind.AMOUNT_OFF, 1, ""),
        (DiscountKind.AMOUNT_OFF, 1, "because she is my aunt"),
        (DiscountKind.AMOUNT_OFF, 1, "x" * 41),
    ],
)
def test_discounts_that_are_none_cannot_be_made(
    kind: DiscountKind, value: int, reason: str
) -> None:
    assert refused(Discount, kind, value, reason) is Code.DISCOUNT_INVALID


# --- words ----------------------------------------------------------------------------------------


def test_reasons_are_codes_and_references_short() -> None:
    assert is_code("wrong_size")
    assert is_code("尺码不对")
    assert not is_code("two words")
    check_reason("wrong_size")
    assert refused(check_reason, "") is Code.TEXT_EMPTY
    assert refused(check_reason, "the customer, 138 0000 0000") is Code.TEXT_FORBIDDEN_CHARACTER
    check_reference("")
    check_reference("C536379/2")
    assert refused(check_reference, "x" * (MAX_REFERENCE + 1)) is Code.TEXT_TOO_LONG
    assert refused(check_reference, "a\nb") is Code.TEXT_FORBIDDEN_CHARACTER
    assert refused(given_back, [BlindReturn(sku(), 1, 1)], reference="\0") is (
        Code.TEXT_FORBIDDEN_CHARACTER
    )
    assert refused(given_back, [BlindReturn(sku(), 1, 1)], reason="") is Code.TEXT_EMPTY


@pytest.mark.parametrize("number", ["536365", "C536379", "A/7", "x/", "/3"])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_the_documents_of_an_invoice_lead_back_to_it(number: str, parts: int) -> None:
    references = references_for(number, parts)
    assert len(set(references)) == parts
    if parts > 1:
        assert {invoice_of(reference) for reference in references} == {number}


# --- sums -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tender", "total"),
    [
        (Tender("t", TenderKind.EXTERNAL, -1), 5),
        (Tender("t", TenderKind.EXTERNAL, 1), -5),
        (Tender("t", TenderKind.EXTERNAL, 1), 0),
        (Tender("t", TenderKind.EXTERNAL, -1), 0),
        (Tender("t", TenderKind.CASH, 5, given=4), 5),
        (Tender("t", TenderKind.CASH, 5, given=-1, change=-6), 5),
        (Tender("t", TenderKind.QR, 5, change=-1), 5),
    ],
)
def test_a_tender_that_does_not_fit_its_document_is_refused(tender: Tender, total: int) -> None:
    assert refused(check_tender, tender, total) is Code.SALE_UNBALANCED


def test_money_is_not_taken_in_and_given_out_by_one_sale() -> None:
    basket = cart().add(sku("A-1", 100))
    tenders = Tender("a", TenderKind.EXTERNAL, 150), Tender("b", TenderKind.EXTERNAL, -50)
    assert refused(sold, basket, *tenders) is Code.SALE_UNBALANCED
    twice = Tender("a", TenderKind.EXTERNAL, 50), Tender("a", TenderKind.EXTERNAL, 50)
    assert refused(sold, basket, *twice) is Code.SALE_UNBALANCED


def test_a_sale_whose_commission_does_not_follow_from_its_lines_is_refused() -> None:
    sale = sold(cart().add(sku("A-1", 10_000)).add(sku("B-1", 5_000)))
    first, second = sale.commissions
    for wrong in (
        (replace(first, amount=first.amount + 1), second),
        (replace(first, base=first.base - 1), second),
        (replace(first, guide_id="other"), second),
        (first, first, second),
        (first, replace(second, line_no=9)),
    ):
        assert refused(check_sale, replace(sale, commissions=wrong)) is Code.SALE_UNBALANCED
    check_sale(replace(sale, commissions=(second,)))


def test_a_refund_never_takes_money_from_the_customer() -> None:
    basket = cart().add(sku("A-1", 100)).add(ADJUSTMENT, unit_mills=-30_000)
    goods, adjustment = sold_lines(sold(basket))
    assert given_back([ReturnedPart(goods, 1), ReturnedPart(adjustment, 1)]).total == 70
    assert refused(given_back, [ReturnedPart(adjustment, 1)]) is Code.AMOUNT_INVALID
    assert refused(given_back, [BlindReturn(sku(), 1, -1)]) is Code.AMOUNT_INVALID
    assert refused(given_back, [BlindReturn(sku(), MAX_QUANTITY + 1, 1)]) is Code.QUANTITY_INVALID
    refund = given_back([ReturnedPart(goods, 1)])
    uneven = replace(refund.tenders[0], kind=TenderKind.CASH, given=99)
    assert refused(check_refund, replace(refund, tenders=(uneven,))) is Code.SALE_UNBALANCED


def test_a_line_that_went_out_backwards_cannot_come_back() -> None:
    (line,) = sold_lines(sold(cart().add(ADJUSTMENT, -2, unit_mills=-1_000)))
    assert refused(line.value_of, 1) is Code.REFUND_EXCEEDS_SALE
    assert refused(line.value_of, 0) is Code.QUANTITY_INVALID


# --- small values ---------------------------------------------------------------------------------


def test_errors_carry_a_code_and_facts_and_no_sentence() -> None:
    rule = RuleBroken(Code.CASH_NOT_ENOUGH, missing=5)
    trouble = Trouble(Code.STORE_BUSY, retryable=True, waited_ms=20)
    assert (rule.code, rule.facts) == (Code.CASH_NOT_ENOUGH, {"missing": 5})
    assert (trouble.retryable, trouble.facts) == (True, {"waited_ms": 20})
    assert not Trouble(Code.STORE_FULL).retryable
    for code in Code:
        assert code.value == code.name.lower()
    assert not issubclass(RuleBroken, Trouble)


def test_a_receipt_is_its_document_with_a_header() -> None:
    sale = sold(cart().add(sku()))
    receipt = Receipt(StoreHeader("一店", "One", "路 1", "021"), sale, "林")
    assert receipt.document is sale
    assert not receipt.copy


def test_a_text_of_a_million_characters_is_refused_before_any_work_is_done_on_it() -> None:
    assert refused(clean_text, "x" * 1_000_000, limit=60) is Code.TEXT_TOO_LONG
    assert clean_text(" " * 60 + "e\u0301" * 60, limit=60) == "é" * 60
