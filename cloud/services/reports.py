"""Answers what a shop asks of its sales and commission, from the projections."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, TextIO

import sqlalchemy as sa

from app.domain.reference import invoice_of
from app.wire.messages import CommissionReport, CommissionRow, SalesReport, SalesReportRow
from app.wire.spreadsheets import harmless
from cloud.db.distribution import across
from cloud.db.tables import commission, refund, sale, stock_adjustment
from cloud.errors import Refused
from cloud.services.tokens import DevicePrincipal

MAX_ENTRIES = 50_000


def sales_report(
    connection: sa.Connection, asking: DevicePrincipal, first: str, last: str
) -> SalesReport:
    """Return one row per trading day and currency of the asking till's store, days inclusive.

    `gross` is before discounts, `net` what was paid less what was given back. Raises Refused 422.
    """
    first, last = span_of_days(first, last)
    days: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(_per_day(sale, asking, first, last, sale.c.gross)):
        day = days[(row.business_date, row.currency)]
        day["sales"], day["gross"] = row.documents, int(row.gross)
        day["net"] += int(row.total)
    for row in connection.execute(_per_day(refund, asking, first, last, sa.literal(0))):
        day = days[(row.business_date, row.currency)]
        day["refunds"] = row.documents
        day["net"] -= int(row.total)
    return SalesReport(
        rows=[
            SalesReportRow(
                business_date=business_date,
                store=asking.store,
                currency=currency,
                **{name: day[name] for name in ("sales", "refunds", "gross", "net")},
            )
            for (business_date, currency), day in sorted(days.items())
        ]
    )


def commission_report(
    connection: sa.Connection, asking: DevicePrincipal, first: str, last: str, guide: str
) -> CommissionReport:
    """Return the commission entries of the asking till's store, days inclusive, with sums per guide.

    Raises Refused 422, and 413 when the span holds more than 50,000 entries.
    """
    first, last = span_of_days(first, last)
    query = sa.select(commission).where(
        *_span(commission, asking, first, last),
        *([commission.c.guide_id == guide] if guide else []),
    )
    order = (commission.c.business_date, commission.c.document_id, commission.c.no)
    entries = connection.execute(query.order_by(*order).limit(MAX_ENTRIES + 1)).all()
    if len(entries) > MAX_ENTRIES:
        raise Refused(413, "too_big", "ask for fewer days")
    totals: dict[str, int] = defaultdict(int)
    for entry in entries:
        totals[entry.guide_id] += entry.amount
    return CommissionReport(rows=[_commission_row(entry) for entry in entries], totals=dict(totals))


def invoice_totals(connection: sa.Connection, tenant_id: str) -> Iterator[tuple[str, int]]:
    """Yield (invoice, net in minor units) of all documents of a tenant, in the invoice's order.

    An invoice is what a document's outside reference belongs to, or its receipt number if it has
    none; refunds count below zero and stock adjustments zero, so several documents of one invoice
    give its net.
    """
    parts = [
        _invoices(sale, tenant_id, sale.c.total),
        _invoices(refund, tenant_id, -refund.c.total),
        _adjusted(tenant_id),
    ]
    totals: dict[str, int] = {}
    for row in connection.execute(across(sa.union_all(*parts), "export")):
        invoice = invoice_of(row.invoice)
        totals[invoice] = totals.get(invoice, 0) + int(row.net)
    yield from sorted(totals.items())


def write_invoice_totals(rows: Iterable[tuple[str, int]], out: TextIO) -> int:
    """Write `invoice,net_minor` as CSV that no spreadsheet runs as formulas; returns how many."""
    writer = csv.writer(out)  # RFC 4180 line ends, as the till writes them
    writer.writerow(("invoice", "net_minor"))
    count = 0
    for invoice, net in rows:
        writer.writerow((harmless(invoice), net))
        count += 1
    return count


def span_of_days(first: str, last: str) -> tuple[str, str]:
    """Return the days in the one spelling that documents carry (2025-10-09, not 20251009).

    Raises Refused 422.
    """
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        days = date.max, date.min
    if days[0] > days[1]:
        raise Refused(422, "malformed", "from and to are dates, from not after to")
    return days[0].isoformat(), days[1].isoformat()


def _span(
    table: sa.Table, asking: DevicePrincipal, first: str, last: str
) -> list[sa.ColumnElement[bool]]:
    return [
        table.c.tenant_id == asking.tenant,
        table.c.store_id == asking.store,
        table.c.business_date.between(first, last),
    ]


def _per_day(
    table: sa.Table, asking: DevicePrincipal, first: str, last: str, gross: sa.ColumnElement[int]
) -> sa.Select[Any]:
    return (
        sa.select(
            table.c.business_date,
            table.c.currency,
            sa.func.count().label("documents"),
            sa.func.sum(table.c.total).label("total"),
            sa.func.sum(gross).label("gross"),
        )
        .where(*_span(table, asking, first, last))
        .group_by(table.c.business_date, table.c.currency)
    )


def _commission_row(entry: sa.Row[Any]) -> CommissionRow:
    return CommissionRow(
        business_date=entry.business_date,
        store=entry.store_id,
        document=entry.document_id,
        receipt_no=entry.receipt_no,
        line=entry.line_no,
        guide=entry.guide_id,
        plan=entry.plan_id,
        plan_version=entry.plan_version,
        base=entry.base,
        rate_bp=entry.rate_bp,
        weight_bp=entry.weight_bp,
        amount=entry.amount,
    )


def _invoices(table: sa.Table, tenant_id: str, net: sa.ColumnElement[int]) -> sa.Select[Any]:
    invoice = sa.case((table.c.reference != "", table.c.reference), else_=table.c.receipt_no)
    return sa.select(invoice.label("invoice"), net.label("net")).where(
        table.c.tenant_id == tenant_id
    )


def _adjusted(tenant_id: str) -> sa.Select[Any]:
    """Pieces written off under an outside invoice: it is on record, over nothing."""
    return sa.select(
        stock_adjustment.c.reference.label("invoice"), sa.literal(0).label("net")
    ).where(stock_adjustment.c.tenant_id == tenant_id, stock_adjustment.c.reference != "")
