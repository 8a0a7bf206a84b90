"""Documents read back: whole from the journal's bodies, and the history from what the tables keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from app.domain.refund import Refund, SoldLine, sold_lines
from app.domain.sale import Sale
from app.ports import DocumentSummary
from app.wire.codec import decode
from app.wire.upkeep import DayBooks
from offline_store import members
from offline_store.goods import find_code
from offline_store.identity import all_epochs, current_epoch
from offline_store.journal import read_fact

if TYPE_CHECKING:
    from sqlite3 import Connection

_SUMMARY = (
    "SELECT d.document_id, d.kind, d.receipt_no, d.at_ms, d.business_date, d.net, d.units,"
    " d.actor, d.member_ref,"
    " (SELECT group_concat(DISTINCT kind) FROM tender t WHERE t.fact_no = d.fact_no),"
    " d.fact_no FROM document d WHERE d.kind IN ('sale', 'refund') "
)
# Whatever a person may have in hand: the number on a receipt or its end, the other system's
# reference, the member, a piece of goods. Each part has an index of its own.
_MATCHING = """
AND d.fact_no IN (
    SELECT fact_no FROM document
        WHERE receipt_no >= :text AND receipt_no < :beyond AND receipt_no <> ''
    UNION SELECT fact_no FROM document
        WHERE substr(receipt_no, -6) = :number AND receipt_no <> ''
    UNION SELECT fact_no FROM document
        WHERE reference >= :raw AND reference < :raw_beyond AND reference <> ''
    UNION SELECT fact_no FROM document
        WHERE member_ref IN (SELECT value FROM json_each(:members)) AND member_ref <> ''
    UNION SELECT fact_no FROM sale_line WHERE sku_id = :sku)
"""
_BEYOND = "\U0010ffff"
_RETURNED = (
    "SELECT origin_line, sum(quantity), sum(net) FROM refund_line"
    " WHERE origin_sale = ? AND origin_sale <> '' GROUP BY origin_line"
)
_TAKEN_BACK = (
    "SELECT l.origin_line, c.guide_id, -sum(c.amount) FROM refund_line l"
    " JOIN commission c ON c.fact_no = l.fact_no AND c.line_no = l.line_no"
    " WHERE l.origin_sale = ? AND l.origin_sale <> '' GROUP BY l.origin_line, c.guide_id"
)
_STILL_THERE = (
    "SELECT d.document_id, s.line_no FROM sale_line s JOIN document d ON d.fact_no = s.fact_no"
    " WHERE s.sku_id = ? AND s.member_ref = ? AND s.quantity > coalesce((SELECT sum(r.quantity)"
    " FROM refund_line r WHERE r.origin_sale = d.document_id AND r.origin_sale <> ''"
    " AND r.origin_line = s.line_no), 0) ORDER BY s.fact_no DESC, s.line_no DESC LIMIT ?"
)
_PAGE = 500


def document(connection: Connection, document_id: str) -> Sale | Refund | None:
    """Return a sale or refund as it was recorded."""
    row = connection.execute(
        "SELECT fact_no FROM document WHERE document_id = ?", (document_id,)
    ).fetchone()
    return _read(connection, row[0]) if row else None


def by_receipt(connection: Connection, receipt_no: str) -> Sale | Refund | None:
    """Return the document with a receipt number."""
    row = connection.execute(
        "SELECT fact_no FROM document WHERE receipt_no = ? AND receipt_no <> ''", (receipt_no,)
    ).fetchone()
    return _read(connection, row[0]) if row else None


def sale(connection: Connection, sale_id: str) -> Sale | None:
    """Return a sale."""
    found = document(connection, sale_id)
    return found if isinstance(found, Sale) else None


def _read(connection: Connection, fact_no: int) -> Sale | Refund | None:
    fact = decode(*read_fact(connection, fact_no))
    return fact if isinstance(fact, Sale | Refund) else None


def lines_sold(connection: Connection, sale_id: str) -> tuple[SoldLine, ...]:
    """Return a sale's lines with what has come back of each, in pieces, net and commission."""
    found = sale(connection, sale_id)
    if found is None:
        return ()
    returned = {
        line_no: (quantity, net)
        for line_no, quantity, net in connection.execute(_RETURNED, (sale_id,)).fetchall()
    }
    taken = {
        (line_no, guide): amount
        for line_no, guide, amount in connection.execute(_TAKEN_BACK, (sale_id,)).fetchall()
    }
    lines = []
    for fresh in sold_lines(found):
        no = fresh.line.line_no
        quantity, net = returned.get(no, (0, 0))
        back = tuple(taken.get((no, entry.guide_id), 0) for entry in fresh.commissions)
        lines.append(replace(fresh, quantity_returned=quantity, net_returned=net, taken_back=back))
    return tuple(lines)


def lines_of_sku(
    connection: Connection, sku_id: str, member_ref: str, limit: int
) -> tuple[SoldLine, ...]:
    """Return lines of a SKU sold to a member that still hold pieces, newest first."""
    found: list[SoldLine] = []
    for ref in members.all_refs(connection, member_ref):
        rows = connection.execute(_STILL_THERE, (sku_id, ref, limit - len(found))).fetchall()
        for sale_id, line_no in rows:
            lines = lines_sold(connection, sale_id)
            found.extend(line for line in lines if line.line.line_no == line_no)
    return tuple(found)


def history(
    connection: Connection, day: date | None, text: str, limit: int, offset: int
) -> tuple[DocumentSummary, ...]:
    """Return documents, the latest first, of a business day and matching what was typed."""
    query = _SUMMARY
    values: dict[str, object] = {"limit": limit, "offset": offset}
    if day is not None:
        query += "AND d.business_date = :day "
        values["day"] = day.isoformat()
    if text.strip():
        query += _MATCHING
        values |= _looked_for(connection, text.strip())
    rows = connection.execute(
        query + "ORDER BY d.fact_no DESC LIMIT :limit OFFSET :offset", values
    ).fetchall()
    epoch = current_epoch(connection)
    held = epoch.facts_up_to(epoch.acked_seq)
    return tuple(_summary(row, held) for row in rows)


def _summary(row: Sequence[Any], held: int) -> DocumentSummary:
    values = [*row[:9], tuple((row[9] or "").split(",")), row[10] <= held]
    return DocumentSummary(*values)


def _looked_for(connection: Connection, text: str) -> dict[str, object]:
    found = members.find(connection, text, 20)
    refs = [ref for member in found for ref in members.all_refs(connection, member.member_ref)]
    goods = find_code(connection, text)
    digits = text.isascii() and text.isdigit() and len(text) <= 6
    quoted = ",".join(f'"{ref}"' for ref in refs if '"' not in ref and "\\" not in ref)
    return {
        "text": text.upper(),
        "beyond": text.upper() + _BEYOND,
        "number": text.zfill(6) if digits else "",
        "raw": text,
        "raw_beyond": text + _BEYOND,
        "members": f"[{quoted}]",
        "sku": goods.sku_id if goods else "",
    }


def day_books(connection: Connection, since: str) -> tuple[DayBooks, ...]:
    """Return documents and their sums per business date and kind: those the cloud knows from this device."""
    epochs = all_epochs(connection)
    first = min(e.first_fact for e in epochs if e.chain.device == epochs[0].chain.device)
    held = epochs[0].facts_up_to(epochs[0].acked_seq)
    rows = connection.execute(
        "SELECT business_date, kind, count(*),"
        " sum(CASE kind WHEN 'refund' THEN -net ELSE net END) FROM document"
        # The plus keeps SQLite from walking all documents by number instead of the days' index.
        " WHERE business_date >= ? AND +fact_no BETWEEN ? AND ? AND kind IN ('sale', 'refund')"
        " GROUP BY business_date, kind ORDER BY business_date, kind",
        (since, first, held),
    )
    return tuple(
        DayBooks(business_date=day, kind=kind, documents=documents, total=total)
        for day, kind, documents, total in rows.fetchall()
    )


def references_and_nets(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield (reference, net) in journal order, page by page so that no read stays open."""
    last = 0
    while True:
        rows = connection.execute(
            "SELECT fact_no, reference, net FROM document"
            " WHERE fact_no > ? AND reference <> ''"
            " ORDER BY fact_no LIMIT ?",
            (last, _PAGE),
        ).fetchall()
        if not rows:
            return
        for _, reference, net in rows:
            yield reference, net
        last = rows[-1][0]
