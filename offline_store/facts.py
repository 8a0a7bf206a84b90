"""`record`: a fact's rows and its journal record, in the caller's transaction. The one door for facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.facts import Fact, PaymentStep, RefundStep, fact_id
from app.domain.money import allocate, reverse
from app.domain.refund import Refund, RefundLine
from app.domain.sale import Sale
from app.domain.stock import StockAdjustment
from app.errors import Code, RuleBroken
from app.ports import JournalMark
from app.wire.codec import decode, encode
from app.wire.journal import Header
from offline_store import money_back, stock
from offline_store.connection import IntegrityError
from offline_store.journal import Journal

if TYPE_CHECKING:
    from sqlite3 import Connection

KINDS = frozenset({"sale", "refund", "stock_adjustment", "payment_step", "refund_step"})
"""Kinds of records that are facts of this till."""

_DOCUMENT = "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SALE_LINE = "INSERT INTO sale_line VALUES (?, ?, ?, ?, ?, ?)"
_REFUND_LINE = "INSERT INTO refund_line VALUES (?, ?, ?, ?, ?, ?, ?)"
_TENDER = "INSERT INTO tender VALUES (?, ?, ?, ?, ?)"
_COMMISSION = "INSERT INTO commission VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_STEP = "INSERT INTO payment_step VALUES (?, ?, ?, ?, ?)"
_ATTEMPT = (
    "INSERT INTO attempt (attempt_id, sale_id, last_fact, state, odd) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (attempt_id) DO UPDATE SET"
    " last_fact = excluded.last_fact, state = excluded.state, odd = excluded.odd"
)
_CREDITED = """
SELECT c.guide_id, c.rate_bp, c.weight_bp, c.credited + coalesce((
    SELECT sum(r.credited) FROM refund_line l
    JOIN commission r ON r.fact_no = l.fact_no AND r.line_no = l.line_no
        AND r.guide_id = c.guide_id
    WHERE l.origin_sale = d.document_id AND l.origin_sale <> '' AND l.origin_line = c.line_no), 0)
FROM document d JOIN commission c ON c.fact_no = d.fact_no
WHERE d.document_id = ? AND c.line_no = ?
"""


def record(connection: Connection, journal: Journal, fact: Fact) -> JournalMark:
    """Write a fact and its journal row.

    Raises RuleBroken: SALE_ALREADY_RECORDED, REFERENCE_ALREADY_USED; then nothing was written.
    """
    kind, body = encode(fact)
    try:
        _insert_head(connection, journal.next_fact, fact)
    except IntegrityError as error:
        raise _already(connection, fact, error) from error
    journal.append(fact_id(fact), kind, body, fact.at, fact.actor)
    _write_rest(connection, journal, fact)
    return journal.mark


def record_again(connection: Connection, journal: Journal, header: Header, body: bytes) -> bool:
    """Write a fact that was recorded before and came back from a copy; False if it is here already.

    Its id, times and the very bytes of its body stay, so the cloud knows it for the same. What our own
    index must hold once (a receipt number, a reference) gives way where another fact took it since.
    Raises Trouble for a body this version cannot read.
    """
    if is_recorded(connection, header.rec_id):
        return False
    fact = decode(header, body)
    try:
        _insert_head(connection, journal.next_fact, fact)
    except IntegrityError:
        _insert_beside(connection, journal.next_fact, fact)
    journal.append(header.rec_id, header.kind, body, fact.at, fact.actor)
    _write_rest(connection, journal, fact)
    return True


def _insert_beside(connection: Connection, fact_no: int, fact: Fact) -> None:
    """Insert the head row of a fact whose number, reference or place was taken by another since.

    A payment's or refund's step gets a place of its own (below 0): what is known of the payment stays.
    """
    if isinstance(fact, PaymentStep):
        row = (fact_no, fact.step_id, fact.attempt_id, -fact_no, fact.after.state.value)
        connection.execute(_STEP, row)
        return
    if isinstance(fact, RefundStep):
        money_back.write_beside(connection, fact_no, fact)
        return
    if not isinstance(fact, StockAdjustment) and fact.receipt_no:
        fact = replace(fact, receipt_no=f"{fact.receipt_no} ({fact_id(fact)[-4:]})")
    _insert_head(connection, fact_no, replace(fact, reference=""))


def _write_rest(connection: Connection, journal: Journal, fact: Fact) -> None:
    """Write what hangs on a fact whose head and record were just written."""
    fact_no = journal.next_fact - 1
    match fact:
        case Sale():
            _write_sale(connection, fact_no, fact)
        case Refund():
            _write_refund(connection, fact_no, fact)
    if not isinstance(fact, PaymentStep | RefundStep):
        own = journal.epoch.chain.store
        stock.move(connection, fact_no, own, fact.movements, fact.at.server_ms)


def _insert_head(connection: Connection, fact_no: int, fact: Fact) -> None:
    """Insert the row whose unique columns refuse what was recorded before."""
    match fact:
        case PaymentStep():
            _write_step(connection, fact_no, fact)
        case RefundStep():
            money_back.write(connection, fact_no, fact)
        case Sale():
            units = sum(line.quantity for line in fact.lines)
            _insert_document(connection, fact_no, fact, fact.sale_id, "sale", fact.total, units)
        case Refund():
            units = -sum(line.quantity for line in fact.lines)
            _insert_document(
                connection, fact_no, fact, fact.refund_id, "refund", -fact.total, units
            )
        case StockAdjustment():
            row = (fact_no, fact.adjustment_id, "stock_adjustment", "", fact.reference)
            units = sum(movement.delta for movement in fact.movements)
            when = (fact.at.server_ms, fact.business_date)
            connection.execute(_DOCUMENT, (*row, *when, 0, units, fact.actor, ""))


def _insert_document(
    connection: Connection,
    fact_no: int,
    fact: Sale | Refund,
    document_id: str,
    kind: str,
    net: int,
    units: int,
) -> None:
    connection.execute(
        _DOCUMENT,
        (
            fact_no,
            document_id,
            kind,
            fact.receipt_no,
            fact.reference,
            fact.at.server_ms,
            fact.business_date,
            net,
            units,
            fact.actor,
            fact.member_ref,
        ),
    )


def _write_step(connection: Connection, fact_no: int, step: PaymentStep) -> None:
    state = step.after.state.value
    connection.execute(_STEP, (fact_no, step.step_id, step.attempt_id, step.step, state))
    connection.execute(
        _ATTEMPT, (step.attempt_id, step.sale_id, fact_no, state, step.after.needs_a_person)
    )


def _write_sale(connection: Connection, fact_no: int, sale: Sale) -> None:
    connection.executemany(
        _SALE_LINE,
        [
            (fact_no, line.line_no, line.sku_id, line.quantity, line.net, sale.member_ref)
            for line in sale.lines
        ],
    )
    _write_tenders(connection, fact_no, sale)
    for tender in sale.tenders:
        if tender.attempt_id:
            connection.execute(
                "UPDATE attempt SET has_sale = 1 WHERE attempt_id = ?", (tender.attempt_id,)
            )
    earned = {(entry.line_no, entry.guide_id): entry for entry in sale.commissions}
    credits = []
    for line in sale.lines:
        parts = allocate(line.net, [g.weight_bp for g in line.guides]) if line.guides else []
        for share, part in zip(line.guides, parts, strict=True):
            entry = earned.get((line.line_no, share.guide_id))
            rate, amount = (entry.rate_bp, entry.amount) if entry else (0, 0)
            key = (fact_no, line.line_no, share.guide_id, sale.business_date, line.quantity)
            credits.append((*key, line.net, rate, share.weight_bp, part, amount))
    if credits:
        connection.executemany(_COMMISSION, credits)


def _write_refund(connection: Connection, fact_no: int, refund: Refund) -> None:
    credits = [
        row for line in refund.lines for row in _credits_back(connection, fact_no, refund, line)
    ]
    connection.executemany(
        _REFUND_LINE,
        [
            (
                fact_no,
                line.line_no,
                line.sku_id,
                line.quantity,
                line.net,
                line.origin.sale_id if line.origin else "",
                line.origin.line_no if line.origin else 0,
            )
            for line in refund.lines
        ],
    )
    _write_tenders(connection, fact_no, refund)
    connection.executemany(_COMMISSION, credits)


def _credits_back(
    connection: Connection, fact_no: int, refund: Refund, line: RefundLine
) -> list[tuple[object, ...]]:
    """Return what a returned line takes from the guides who were credited for the sold one.

    Credited net goes back by what each still holds, so a full return leaves everybody at zero.
    """
    entries = {e.guide_id: e for e in refund.commissions if e.line_no == line.line_no}
    held: list[tuple[str, int, int, int]] = []
    if line.origin is not None:
        origin = (line.origin.sale_id, line.origin.line_no)
        held = connection.execute(_CREDITED, origin).fetchall()
    if not held:  # sold at another till: the entries are all that is known
        held = [(e.guide_id, e.rate_bp, e.weight_bp, 0) for e in entries.values()]
    left = [part for *_, part in held]
    if held and 0 <= line.net <= sum(left):
        parts = reverse(line.net, left)
    else:
        parts = allocate(line.net, [weight for _, _, weight, _ in held]) if held else []
    rows: list[tuple[object, ...]] = []
    for (guide, rate, weight, _), part in zip(held, parts, strict=True):
        amount = entries[guide].amount if guide in entries else 0
        key = (fact_no, line.line_no, guide, refund.business_date, -line.quantity)
        rows.append((*key, -line.net, rate, weight, -part, amount))
    return rows


def _write_tenders(connection: Connection, fact_no: int, document: Sale | Refund) -> None:
    connection.executemany(
        _TENDER,
        [
            (fact_no, no, tender.kind.value, tender.amount, tender.attempt_id)
            for no, tender in enumerate(document.tenders, 1)
        ],
    )


def _already(connection: Connection, fact: Fact, error: Exception) -> Exception:
    """Say which rule a unique column stood for; anything else stays the bug it is."""
    fid = fact_id(fact)
    if is_recorded(connection, fid):
        return RuleBroken(Code.SALE_ALREADY_RECORDED, id=fid)
    if isinstance(fact, PaymentStep):
        return RuleBroken(Code.SALE_ALREADY_RECORDED, id=fact.attempt_id, step=fact.step)
    if isinstance(fact, RefundStep):
        return RuleBroken(Code.SALE_ALREADY_RECORDED, id=fact.number, step=fact.step)
    if document_with_reference(connection, fact.reference):
        return RuleBroken(Code.REFERENCE_ALREADY_USED, reference=fact.reference)
    return error


def is_recorded(connection: Connection, fid: str) -> bool:
    """Tell whether a fact with this id is in the file."""
    row = connection.execute(
        "SELECT 1 FROM document WHERE document_id = ?1"
        " UNION ALL SELECT 1 FROM payment_step WHERE step_id = ?1"
        " UNION ALL SELECT 1 FROM refund_step WHERE step_id = ?1",
        (fid,),
    ).fetchone()
    return row is not None


def document_with_reference(connection: Connection, reference: str) -> str:
    """Return the id of the document with an outside reference, "" if there is none."""
    row = connection.execute(
        "SELECT document_id FROM document WHERE reference = ? AND reference <> ''", (reference,)
    ).fetchone()
    return row[0] if row else ""
