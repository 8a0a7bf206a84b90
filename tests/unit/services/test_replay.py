"""Replaying a recorded past: every amount arrives, once, whatever the source looks like."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections import Counter
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.catalog import LineKind
from app.domain.money import CNY, GBP, extend
from app.domain.reference import invoice_of
from app.domain.refund import Refund
from app.domain.sale import Sale, TenderKind
from app.errors import Code
from app.services.replay import NO_CODE, Replay, ReplayCounts, Source, member_ref, read_source
from tests.unit.services.till import Till, refusal

RETAIL = Path(__file__).parents[4] / "shared" / "data" / "retail"
COLUMNS = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
DAY = "2011-01-05 10:00:00"


def source_of(*rows: str) -> Source:
    return read_source(io.StringIO(COLUMNS + "".join(f"{row}\n" for row in rows)), GBP)


def line(number: str, code: str, quantity: int, price: str, customer: str = "17850.0") -> str:
    return f"{number},{code},{code} LAMP,{quantity},{DAY},{price},{customer},UK"


def replay(till: Till, source: Source, *, only: int | None = None) -> ReplayCounts:
    job = Replay(till.store, till.clock, GBP, till.checkout, till.refunds, till.stock)
    job.prepare(source)
    told = list(islice(job.run(source), only))
    return told[-1] if told else ReplayCounts()


def nets(till: Till) -> dict[str, int]:
    found: Counter[str] = Counter()
    for reference, net in till.store.reader.references_and_nets():
        found[invoice_of(reference)] += net
    return dict(found)


def document(till: Till, reference: str) -> Sale | Refund:
    document_id = till.do(lambda uow: uow.document_with_reference(reference))
    found = till.store.reader.document(document_id)
    assert found is not None
    return found


def test_an_invoice_is_a_sale_line_by_line(till: Till) -> None:
    counts = replay(
        till,
        source_of(line("1", "A", 6, "2.55"), line("1", "B", 2, "0.001"), line("1", "A", 1, "2.55")),
    )
    sale = document(till, "1")
    assert isinstance(sale, Sale)
    assert [(x.sku_id, x.quantity, x.net, x.rounded) for x in sale.lines] == [
        ("A", 6, 1_530, False),
        ("B", 2, 0, True),
        ("A", 1, 255, False),
    ]
    assert sale.member_ref == member_ref("17850.0")
    assert sale.business_date == "2011-01-05"
    assert sale.tenders[0].kind is TenderKind.EXTERNAL
    assert (counts.sales, counts.lines, counts.rounded_lines) == (1, 3, 1)
    assert sale.commissions == ()


def test_a_cancellation_finds_the_sale_it_cancels(till: Till) -> None:
    counts = replay(
        till,
        source_of(
            line("1", "A", 6, "2.55"),
            line("C2", "A", -4, "2.55"),
            line("C3", "A", -4, "2.55"),
            line("C4", "A", -1, "2.55", customer=""),
        ),
    )
    assert nets(till) == {"1": 1_530, "C2": -1_020, "C3": -1_020, "C4": -255}
    first, second = document(till, "C2"), document(till, "C3")
    assert isinstance(first, Refund)
    assert isinstance(second, Refund)
    assert first.lines[0].origin is not None
    assert second.lines[0].origin is None, "only two of the six are left"
    assert (counts.refund_lines_matched, counts.refund_lines_without_receipt) == (1, 2)


def test_one_invoice_may_hold_a_sale_a_return_and_a_write_off(till: Till) -> None:
    source = source_of(
        line("9", "A", 2, "5.00"), line("9", "A", -1, "3.00"), line("9", "B", -7, "0")
    )
    counts = replay(till, source)
    assert nets(till) == {"9": 700}
    assert (counts.sales, counts.refunds, counts.adjustments) == (1, 1, 1)
    assert document(till, "9/1").total == 1_000
    assert document(till, "9/2").total == 300
    again = replay(till, source)
    assert again.resumed == 1
    assert len(till.store.reader.documents()) == 2


def test_bad_debt_is_money_and_no_goods(till: Till) -> None:
    """A price below zero under a letter invoice, beside the same code at an ordinary price."""
    replay(
        till,
        source_of(
            line("A1", "B", 1, "-11062.06", customer=""),
            line("2", "B", 1, "11062.06", customer=""),
            line("3", "A", 1, "-2.50"),
            line("4", "A", 3, "2.50"),
            line("5", "A", -2, "-1.00"),
        ),
    )
    assert nets(till) == {"A1": -1_106_206, "2": 1_106_206, "3": -250, "4": 750, "5": 200}
    debt, goods = document(till, "3"), document(till, "4")
    assert isinstance(debt, Sale)
    assert (debt.lines[0].kind, debt.movements) == (LineKind.ADJUSTMENT, ())
    assert goods.movements[0].delta == -3, "the code itself stays a thing on a shelf"
    assert till.store.verify_journal() is None


def test_wholesale_figures_are_no_trouble(till: Till) -> None:
    rows = [line("1", f"S{n}", n + 1, "1.25") for n in range(300)]
    replay(
        till,
        source_of(*rows, line("2", "23843", 80_995, "2.08"), line("C3", "23843", -80_995, "2.08")),
    )
    assert nets(till)["1"] == sum((n + 1) * 125 for n in range(300))
    assert nets(till)["2"] == -nets(till)["C3"] == 16_846_960


def test_money_without_a_code_is_kept(till: Till) -> None:
    replay(till, source_of(line("1", "", 1, "4.00"), line("1", "", -1, "1.00")))
    assert nets(till) == {"1": 300}
    assert document(till, "1/1").lines[0].sku_id == NO_CODE


def test_every_skipped_line_has_its_reason() -> None:
    source = source_of(
        line("", "A", 1, "1"),
        line("1", "A", 0, "1"),
        line("1", "", 1, "0"),
        "1,A,LAMP,some,2011-01-05 10:00:00,1,,UK",
        line("1", "A", 1, "free"),
        line("1", "A", 1_000_001, "1"),
        line("x" * 61, "A", 1, "1"),
        line("1", "y" * 61, 1, "1"),
        line("1", "A", 1, "1"),
        "1,A,LAMP,3.0,2011-01-05 10:00:00,1,,UK",
    )
    assert source.skipped == {
        "no_invoice_number": 1,
        "zero_quantity": 1,
        "no_stock_code_and_no_amount": 1,
        "unreadable_quantity": 2,
        "unreadable_price": 1,
        "unreadable_invoice_number": 1,
        "unreadable_stock_code": 1,
    }
    assert [x.quantity for x in source.invoices["1"].lines] == [1, 3]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", Code.COLUMN_MISSING),
        ("a,b\n1,2\n", Code.COLUMN_MISSING),
        (COLUMNS + '1,"A\n', Code.FILE_UNREADABLE),
    ],
)
def test_what_is_no_source_is_said_to_be_none(text: str, code: Code) -> None:
    assert refusal(lambda: read_source(io.StringIO(text), CNY)) is code


def test_a_customers_name_cannot_break_its_record(till: Till) -> None:
    row = f'1,A,LAMP,1,{DAY},1.00,"x"",""phone"":""1",UK'
    source = source_of(row)
    replay(till, source)
    known = till.members.get(member_ref('x","phone":"1'))
    assert known is not None
    assert (known.name, known.phone) == ('Customer x","phone":"1', "")


def test_an_article_whose_code_is_anothers_gtin_is_itself(till: Till) -> None:
    """The scarf carries GTIN 4006381333931; the source has an article with that very code."""
    replay(till, source_of(line("1", "4006381333931", 2, "1.50")))
    assert document(till, "1").lines[0].sku_id == "4006381333931"


def test_a_date_that_cannot_be_read_is_today(till: Till) -> None:
    replay(till, source_of("1,A,LAMP,1,yesterday,1.00,,UK"))
    assert document(till, "1").at.server_ms == till.clock.now().server_ms


STORY = [
    line("1", "A", 6, "2.55"),
    line("2", "A", 2, "2.55", "1.0"),
    line("2", "B", 1, "0.005", "1.0"),
    line("C3", "A", -3, "2.55"),
    line("4", "A", 1, "9.00"),
    line("4", "A", -2, "2.55"),
    line("4", "C", -5, "0"),
    line("A5", "B", 1, "-3.10"),
    line("C6", "A", -2, "2.55", "1.0"),
]


@given(st.integers(0, 6), st.booleans())
@settings(max_examples=14)
def test_killed_anywhere_and_resumed_the_end_is_the_same(after: int, restart: bool) -> None:
    ends = []
    for stops in ([], [after]):
        with tempfile.TemporaryDirectory() as folder:
            till = Till(Path(folder) / "till.db")
            for stop in stops:
                replay(till, source_of(*STORY), only=stop)
                if restart:
                    till.restart()
            counts = replay(till, source_of(*STORY))
            heads = till.do(lambda uow: uow.head().seq)
            facts = [(d.kind, d.net, d.units) for d in till.store.reader.documents()]
            ends.append((nets(till), sorted(facts), heads, counts.sales, counts.refunds))
            assert counts.resumed == (min(after, 6) if stops else 0)
            till.close()
    assert ends[0] == ends[1]


LINES = st.tuples(
    st.sampled_from(["1", "2", "C3", "A4"]),
    st.sampled_from(["A", "B", "POST", ""]),
    st.integers(-50, 50),
    st.sampled_from(["0", "0.001", "0.005", "2.55", "-2.55", "11062.06", "-0.001"]),
    st.sampled_from(["", "1.0", "2.0"]),
)


@given(st.lists(LINES, min_size=1, max_size=12))
@settings(max_examples=30)
def test_any_source_comes_out_to_the_penny(rows: list[tuple[str, str, int, str, str]]) -> None:
    source = source_of(*(line(*row) for row in rows))
    expected: Counter[str] = Counter()
    for number, _, quantity, price, _ in rows:
        expected[number] += extend(quantity, int(Decimal(price) * 100_000))[0]
    with tempfile.TemporaryDirectory() as folder:
        till = Till(Path(folder) / "till.db")
        replay(till, source)
        found = nets(till)
        assert {k: v for k, v in expected.items() if v} == {k: v for k, v in found.items() if v}
        used = sum(len(invoice.lines) for invoice in source.invoices.values())
        assert used + sum(source.skipped.values()) == len(rows)
        assert till.store.verify_journal() is None
        till.close()


def test_the_published_past_adds_up_to_the_published_totals() -> None:
    """All 244,000 lines as they are read; replaying them all is the command's own check."""
    data = RETAIL / "uci_online_retail_until_2011-06.csv.gz"
    totals = RETAIL / "online_retail_invoice_totals_until_2011-06.csv.gz"
    if not (data.exists() and totals.exists()):
        pytest.skip("the published retail records are not beside this checkout")
    with gzip.open(data, "rt", encoding="utf-8-sig", newline="") as file:
        source = read_source(file, GBP)
    assert source.skipped == {}
    with gzip.open(totals, "rt", encoding="utf-8") as file:
        published = dict(row.split(",")[:2] for row in islice(file, 1, None))
    assert set(published) == set(source.invoices)
    for number, invoice in source.invoices.items():
        net = sum(extend(x.quantity, x.unit_mills)[0] for x in invoice.lines)
        assert net == int(Decimal(published[number]) * 100), number


def test_the_first_published_invoices_are_replayed_to_the_penny(till: Till) -> None:
    data = RETAIL / "uci_online_retail_until_2011-06.csv.gz"
    if not data.exists():
        pytest.skip("the published retail records are not beside this checkout")
    with gzip.open(data, "rt", encoding="utf-8-sig", newline="") as file:
        source = read_source(islice(file, 2_000), GBP)
    counts = replay(till, source)
    found = nets(till)
    assert counts.invoices == len(source.invoices)
    for number, invoice in source.invoices.items():
        assert found[number] == sum(extend(x.quantity, x.unit_mills)[0] for x in invoice.lines)
    assert till.store.verify_journal() is None
