"""Money that goes back: the tables of PAYMENTS.md, and never more than came, in any order of parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money_back import Back, Paid, from_one, from_several, joined
from app.domain.refund import way_back
from app.domain.sale import Sale, Tender, TenderKind
from app.errors import Code, RuleBroken
from tests.unit.tables import table
from tests.unit.wire.samples import SALE


@pytest.mark.parametrize("row", table("PAYMENTS.md", "Where it stands"), ids=lambda r: r["known"])
def test_where_news_lead_is_what_people_read(row: dict[str, str]) -> None:
    known = Back(row["known"])
    assert {heard: known.after(heard).value for heard in Back} == {
        heard: row[heard.value] for heard in Back
    }


def test_the_table_is_complete() -> None:
    rows = table("PAYMENTS.md", "Where it stands")
    assert {row["known"] for row in rows} == set(Back)
    assert all(set(row) == {"known", *Back} for row in rows)


def sale_of(by_qr: int, in_cash: int) -> Sale:
    tenders = []
    if by_qr:
        tenders.append(Tender("t-1", TenderKind.QR, by_qr, 0, 0, "a-1", "wechat"))
    if in_cash:
        tenders.append(Tender("t-2", TenderKind.CASH, in_cash, given=in_cash))
    return replace(SALE, total=by_qr + in_cash, tenders=tuple(tenders))


@pytest.mark.parametrize("row", table("PAYMENTS.md", "Which way"))
def test_the_original_tender_comes_first(row: dict[str, str]) -> None:
    sale = sale_of(int(row["paid by QR"]), int(row["paid in cash"]))
    way = way_back(int(row["return"]), sale, {"a-1": int(row["gone back by QR"])})
    assert (way.wallet, way.cash) == (int(row["by QR"]), int(row["in cash"]))
    assert (way.attempt_id, way.provider) == (("a-1", "wechat") if way.wallet else ("", ""))


def payments(row: dict[str, str]) -> list[Paid]:
    amounts, gone = row["payments"].split(), row["gone"].split()
    return [
        Paid(f"r{place}", "wechat", int(amount), int(back))
        for place, (amount, back) in enumerate(zip(amounts, gone, strict=True))
    ]


def taken(paid: list[Paid], parts: Any) -> str:
    by_ref = {payment.ref: amount for payment, amount in parts}
    return " ".join(str(by_ref.get(payment.ref, 0)) for payment in paid)


@pytest.mark.parametrize("row", table("PAYMENTS.md", "From which payment"))
@pytest.mark.parametrize("column", ["goods", "too much"])
def test_an_amount_is_taken_from_the_payments_people_read(row: dict[str, str], column: str) -> None:
    paid, amount = payments(row), int(row["amount"])
    try:
        if column == "goods":
            found = taken(paid, [(from_one(paid, amount), amount)])
        else:
            found = taken(paid, from_several(paid, amount))
    except RuleBroken as refused:
        found = f"✗ {refused.facts['left']}"
    assert found == row[column]


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_is_no_refund(amount: int) -> None:
    paid = [Paid("r", "wechat", 10)]
    for job in (from_one, from_several):
        with pytest.raises(RuleBroken) as refused:
            job(paid, amount)
        assert refused.value.code is Code.AMOUNT_INVALID


@given(st.lists(st.integers(1, 500), min_size=1, max_size=4), st.lists(st.integers(1, 400)))
def test_parts_of_several_payments_never_come_to_more_than_came(
    amounts: list[int], asked: list[int]
) -> None:
    gone = dict.fromkeys(range(len(amounts)), 0)
    for amount in asked:
        paid = [Paid(str(n), "p", amounts[n], gone[n]) for n in gone]
        left = sum(payment.left for payment in paid)
        if amount > left:
            with pytest.raises(RuleBroken):
                from_several(paid, amount)
            continue
        for payment, part in from_several(paid, amount):
            gone[int(payment.ref)] += part
        assert all(gone[n] <= amounts[n] for n in gone)


@given(st.lists(st.sampled_from(Back), min_size=1))
def test_news_in_any_order_never_undo_an_end(heard: list[Back]) -> None:
    standing, ended = Back.UNKNOWN, None
    for each in heard:
        standing = standing.after(each)
        if ended is None and standing.is_final:
            ended = standing
        assert ended is None or standing is ended


@given(st.lists(st.sampled_from(Back), min_size=1))
def test_parts_are_done_only_together(parts: list[Back]) -> None:
    assert (joined(parts) is Back.DONE) == (set(parts) == {Back.DONE})
