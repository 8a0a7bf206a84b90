"""What a guide sold and earned on a day, from the commission rows of its documents."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from app.domain.times import SHOP_ZONE
from app.ports import Earnings, EarningsLine
from offline_store.documents import document

if TYPE_CHECKING:
    from sqlite3 import Connection

_ENTRIES = (
    "SELECT d.fact_no, d.kind, d.at_ms, c.quantity, c.credited, c.amount FROM commission c"
    " JOIN document d ON d.fact_no = c.fact_no WHERE c.guide_id = ? AND c.business_date = ?"
)
_LINES = (
    "SELECT d.receipt_no, d.document_id, c.line_no, c.base, c.rate_bp, c.weight_bp, c.amount,"
    " d.at_ms FROM commission c JOIN document d ON d.fact_no = c.fact_no"
    " WHERE c.guide_id = ? AND c.business_date = ? ORDER BY c.fact_no, c.line_no"
)
_OFFSET_MS = int(SHOP_ZONE.utcoffset(None).total_seconds() * 1000)
_HOUR_MS = 3_600_000


def of_day(connection: Connection, guide_id: str, day: date) -> Earnings:
    """Return a guide's day; returned goods count against it."""
    rows = connection.execute(_ENTRIES, (guide_id, day.isoformat())).fetchall()
    hourly = [0] * 24
    for _, _, at_ms, _, credited, _ in rows:
        hourly[(at_ms + _OFFSET_MS) // _HOUR_MS % 24] += credited
    return Earnings(
        sales=len({row[0] for row in rows if row[1] == "sale"}),
        units=sum(row[3] for row in rows),
        net=sum(row[4] for row in rows),
        commission=sum(row[5] for row in rows),
        hourly_net=tuple(hourly),
    )


def lines_of_day(connection: Connection, guide_id: str, day: date) -> tuple[EarningsLine, ...]:
    """Return the entries behind a guide's day, in the order they were made."""
    rows = connection.execute(_LINES, (guide_id, day.isoformat())).fetchall()
    names: dict[tuple[str, int], str] = {}
    for document_id in dict.fromkeys(row[1] for row in rows):
        found = document(connection, document_id)
        for line in found.lines if found else ():
            names[document_id, line.line_no] = line.name
    return tuple(
        EarningsLine(
            receipt_no=receipt_no,
            document_id=document_id,
            line_no=line_no,
            name=names.get((document_id, line_no), ""),
            base=base,
            rate_bp=rate,
            weight_bp=weight,
            amount=amount,
            at_ms=at_ms,
        )
        for receipt_no, document_id, line_no, base, rate, weight, amount, at_ms in rows
    )
