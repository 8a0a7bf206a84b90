"""What a shop asks: takings per day, commission with its reasons, and files for spreadsheets."""

from __future__ import annotations

import io

import pytest

from app.wire.bodies import CommissionV1
from app.wire.messages import CommissionReport, SalesReport
from app.wire.spreadsheets import harmless
from cloud.bootstrap import Cloud
from cloud.services.reports import invoice_totals, write_invoice_totals
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_refund, a_sale

MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


def sales(device: Device, **span: str) -> list[tuple[object, ...]]:
    report = device.get("/v1/reports/sales", SalesReport, **(span or MARCH))
    return [(r.business_date, r.store, r.sales, r.refunds, r.gross, r.net) for r in report.rows]


def test_takings_are_summed_per_trading_day_less_what_was_given_back(device: Device) -> None:
    first, second = a_sale((100, 200)), a_sale((50,), day="2026-03-02")
    for sale in (first, a_sale((30,)), second, a_sale((7,), day="2026-04-01")):
        device.write("sale", sale)
    device.write("refund", a_refund(first, 2))
    device.push()
    assert sales(device) == [
        ("2026-03-01", "S001", 2, 1, 330, 130),
        ("2026-03-02", "S001", 1, 0, 50, 50),
    ]
    assert sales(device, **{"from": "2026-04-01", "to": "2026-04-01"})[0][-1] == 7


def test_a_store_sees_its_own_figures_only(device: Device, enrol: Enrol) -> None:
    device.write("sale", a_sale((100,)))
    device.push()
    assert sales(enrol("S002")) == []
    other = enrol("S002").get("/v1/reports/commissions", CommissionReport, **MARCH)
    assert (other.rows, other.totals) == ([], {})


def test_commission_is_listed_with_what_explains_it(device: Device) -> None:
    sale = a_sale((10_000, 3_000), rate_bp=300)
    device.write("sale", sale)
    device.push()
    report = device.get("/v1/reports/commissions", CommissionReport, **MARCH)
    first = report.rows[0]
    assert (first.document, first.receipt_no, first.line) == (sale.id, sale.receipt_no, 1)
    assert (first.base, first.rate_bp, first.weight_bp, first.amount) == (10_000, 300, 10_000, 300)
    assert (report.totals, len(report.rows)) == ({"g1": 390}, 2)


def test_commission_can_be_asked_for_one_guide(device: Device) -> None:
    sale = a_sale((10_000,), rate_bp=300)
    (entry,) = sale.commissions
    halves = tuple(
        CommissionV1(
            line=1, guide=guide, plan="p", plan_version=1, base=entry.base, rate_bp=300,
            weight_bp=5_000, amount=150,
        )
        for guide in ("g1", "g2")
    )  # fmt: skip
    from msgspec.structs import replace

    device.write("sale", replace(sale, commissions=halves))
    assert device.push().results[0].verdict == "applied"
    both = device.get("/v1/reports/commissions", CommissionReport, **MARCH)
    one = device.get("/v1/reports/commissions", CommissionReport, guide="g2", **MARCH)
    assert (both.totals, one.totals) == ({"g1": 150, "g2": 150}, {"g2": 150})


@pytest.mark.parametrize(
    ("first", "last"), [("2026-03-02", "2026-03-01"), ("x", "y"), ("", ""), ("2026-13-01", "z")]
)
def test_spans_that_are_no_dates_are_malformed(device: Device, first: str, last: str) -> None:
    for report in ("sales", "commissions"):
        answer = device.client.get(
            f"/v1/reports/{report}", params={"from": first, "to": last}, headers=device.headers()
        )
        assert answer.status_code == 422


def test_days_may_be_written_in_any_form_of_the_standard(device: Device) -> None:
    device.write("sale", a_sale((100,)))
    device.push()
    plain = device.get("/v1/reports/sales", SalesReport, **MARCH)
    short = {name: day.replace("-", "") for name, day in MARCH.items()}
    assert plain.rows
    assert device.get("/v1/reports/sales", SalesReport, **short) == plain


def test_invoices_are_exported_by_reference_or_receipt_number(cloud: Cloud, device: Device) -> None:
    plain, invoice = a_sale((5,)), a_sale((100, 200), reference="C536365")
    device.write("sale", plain)
    device.write("sale", invoice)
    refund = a_refund(invoice, 2)
    from msgspec.structs import replace

    device.write("refund", replace(refund, reference="C536365"))
    device.write("sale", a_sale((1,), reference='=HYPERLINK("http://x","y")'))
    device.push()
    with cloud.db.reading() as connection:
        out = io.StringIO()
        count = write_invoice_totals(invoice_totals(connection, device.me.tenant), out)
    lines = out.getvalue().splitlines()
    assert (count, lines[0]) == (3, "invoice,net_minor")
    assert set(lines[1:]) == {
        f"{plain.receipt_no},5",
        "C536365,100",
        '"\'=HYPERLINK(""http://x"",""y"")",1',
    }


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == "'" + text
    assert harmless("a" + text) == "a" + text
