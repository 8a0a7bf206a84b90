"""Money that waits for a person, as tasks of its store: what providers and tills know of one attempt
becomes one row, told to every tablet, and it settles by itself when the money became its sale.

An attempt nobody need act on has its row too, so that a guide at another tablet can see how it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, PAID_STATES, Anomaly, PaymentState, State
from app.wire.bodies import PaymentStepV1, SaleV1
from app.wire.proofs import PROOF_MS
from app.wire.tasks import BY_ITSELF, MONEY, OPEN, PAYMENT, SETTLED, UNPROVEN
from app.wire.tokens import PORTABLE_HEAD, is_portable
from cloud.db import payment_tables
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.rows import upsert
from cloud.db.tables import payment_step, sale, tender
from cloud.db.task_tables import task
from cloud.services.attempts import Attempt
from cloud.services.projection import Arrival, Projectable
from cloud.services.tasks import TaskColumns, device_code

ORPHAN_MS = 10 * 60_000
"""So long after its end a payment may be without its sale: the till may be writing it, or be offline."""

LATE, OVER, PARTIAL, NO_SALE, REFUND_PENDING = (
    "late",
    "over",
    "partial",
    "no_sale",
    "refund_pending",
)
"""Codes of tasks of the kind "money"."""

_SURE = {Anomaly.BY_HAND.value, Anomaly.PROVED.value}
"""Marks of a step nobody need look at: a manager's word, and our own signature."""

Own = tuple[str, str]
"""Tenant and store."""


@dataclass(frozen=True, slots=True)
class _Known:
    """All that is known of an attempt, whoever said it."""

    attempt_id: str
    device: str
    sale_id: str
    payment: PaymentState
    due: int
    received: int
    expires_ms: int
    created_ms: int
    portable: bool = False
    """Its order travelled in the QR: the till may have been offline."""
    told: bool = False
    """Its till has said that it is paid."""
    unproven: bool = False
    """Its till believed a code that was read out, and the provider's side knows of no money."""

    @property
    def may_be_proved(self) -> bool:
        """Its till may have seen our proof of it and made the sale, and not have been online since."""
        return self.portable and not self.told


@dataclass(frozen=True, slots=True)
class _Sold:
    """The sale of an attempt's cart, and whether this very attempt paid it."""

    receipt_no: str
    own: bool


@dataclass(frozen=True, slots=True)
class _Finding:
    kind: str
    code: str
    settled: bool
    amount: int


def note_changes(connection: sa.Connection, changed: Iterable[Attempt], now_ms: int) -> set[Own]:
    """Review attempts that were just changed; return the stores whose tills should hear at once."""
    by_store: dict[Own, set[str]] = {}
    for attempt in changed:
        by_store.setdefault((attempt.tenant, attempt.store), set()).add(attempt.attempt_id)
    return {own for own, ids in by_store.items() if review(connection, own, ids, now_ms)}


def note_arrivals(
    connection: sa.Connection, arrival: Arrival, records: Iterable[Projectable]
) -> None:
    """Review attempts of which just projected records say something a task may hang on."""
    odd, paid = set(), set()
    for record in records:
        match record.body:
            case PaymentStepV1() as step if set(step.anomalies) - _SURE:
                odd.add(step.attempt)
            case SaleV1() as sold:
                paid |= {part.attempt for part in sold.tenders if part.attempt}
    own = (arrival.tenant, arrival.store)
    if paid:
        waiting = sa.select(task.c.task_id).where(
            _of(task.c.tenant_id, task.c.store_id, own),
            task.c.task_id.in_(paid),
            task.c.state != SETTLED,
        )
        odd |= set(connection.scalars(waiting))
    if odd:
        review(connection, own, odd, arrival.received_ms)


def review(connection: sa.Connection, own: Own, attempt_ids: Collection[str], now_ms: int) -> bool:
    """Bring the rows of these attempts of one store up to what is known; tell whether a person should
    hear of it at once. What a person settled stays settled until other money comes."""
    known = _known(connection, own, attempt_ids)
    if not known:
        return False
    sales = _sales(connection, own, known)
    query = sa.select(task).where(
        _of(task.c.tenant_id, task.c.store_id, own), task.c.task_id.in_(known)
    )
    before = {row["task_id"]: row for row in connection.execute(query.with_for_update()).mappings()}
    rows, urgent = [], False
    for attempt_id in sorted(known):
        facts, sold = known[attempt_id], sales.get(attempt_id)
        found = _judge(facts, sold, now_ms)
        old = before.get(attempt_id)
        values = _values(facts, sold, found, old, now_ms)
        if old is not None and all(old[name] == value for name, value in values.items()):
            continue
        urgent |= found.kind == MONEY or found.code == State.UNKNOWN or _was_money(old)
        code = device_code(connection, *own, facts.device) if old is None else old["device_code"]
        rows.append({"tenant_id": own[0], "store_id": own[1], "device_code": code} | values)
    if rows:
        change = next_change(connection)
        upsert(connection, task, [row | {"change": change} for row in rows])
    return urgent


def _judge(facts: _Known, sold: _Sold | None, now_ms: int) -> _Finding:
    """Say what an attempt is to its store now."""
    state, anomalies = facts.payment.state, facts.payment.anomalies
    paid = state in PAID_STATES
    if state is State.REFUNDED:
        return _Finding(MONEY, state.value, True, facts.received)
    if state is State.REFUND_PENDING:
        return _Finding(MONEY, REFUND_PENDING, False, facts.received)
    if paid and facts.received > facts.due:
        return _Finding(MONEY, OVER, False, facts.received - facts.due)
    if Anomaly.PARTIAL in anomalies and 0 < facts.received < facts.due:
        return _Finding(MONEY, PARTIAL, False, facts.received)
    if facts.unproven:
        return _Finding(MONEY, UNPROVEN, False, facts.due)
    if paid and sold is not None and sold.own:
        return _Finding(PAYMENT, state.value, True, facts.received)
    if paid and Anomaly.LATE in anomalies:
        return _Finding(MONEY, LATE, False, facts.received)
    patience_ms = ORPHAN_MS + (PROOF_MS if facts.may_be_proved else 0)
    if paid and (sold is not None or now_ms >= facts.expires_ms + patience_ms):
        return _Finding(MONEY, NO_SALE, False, max(facts.received, facts.due))
    over = paid or state in CLOSED_UNPAID
    return _Finding(PAYMENT, state.value, over, facts.due)


def _values(
    facts: _Known,
    sold: _Sold | None,
    found: _Finding,
    old: TaskColumns | None,
    now_ms: int,
) -> dict[str, Any]:
    """Return the columns of an attempt's row; `detail` is what was due, `other` the sale."""
    turned = _was_money(old) != (found.kind == MONEY)
    kept = old is not None and not (turned and found.kind == MONEY)
    values: dict[str, Any] = {
        "task_id": facts.attempt_id,
        "kind": MONEY if _was_money(old) else found.kind,
        "code": found.code,
        "subject": facts.attempt_id,
        "device_id": facts.device,
        "epoch": "",
        "seq": 0,
        "receipt_no": sold.receipt_no if sold else "",
        "other": facts.sale_id,
        "detail": str(facts.due),
        "amount": found.amount,
        "created_ms": old["created_ms"] if kept and old else _began(facts, found, now_ms),
    }
    return values | _standing(found, old, now_ms)


def _began(facts: _Known, found: _Finding, now_ms: int) -> int:
    return now_ms if found.kind == MONEY else facts.created_ms


def _standing(found: _Finding, old: TaskColumns | None, now_ms: int) -> dict[str, Any]:
    """Return state, claim and settlement: kept as they are unless what is known says otherwise."""
    names = (
        "state",
        "claimed_device",
        "claimed_by",
        "claim_id",
        "claim_until_ms",
        "settled_ms",
        "resolution",
    )
    fresh = dict(zip(names, (OPEN, "", "", "", 0, 0, ""), strict=True))
    standing = {name: old[name] for name in names} if old else fresh
    if found.settled:
        if standing["state"] != SETTLED:
            standing |= {"state": SETTLED, "settled_ms": now_ms, "resolution": BY_ITSELF}
        return standing
    if old and old["state"] == SETTLED:
        same = (old["code"], old["amount"]) == (found.code, found.amount)
        return standing if same and _was_money(old) else fresh
    return standing


def _was_money(old: TaskColumns | None) -> bool:
    return old is not None and old["kind"] == MONEY


# --- what is known --------------------------------------------------------------------------------


def _known(connection: sa.Connection, own: Own, attempt_ids: Collection[str]) -> dict[str, _Known]:
    """Join what the provider's side and the till's own steps say of each attempt."""
    columns = payment_tables.attempt.c
    rows = connection.execute(
        sa.select(payment_tables.attempt).where(
            _of(columns.tenant_id, columns.store_id, own), columns.attempt_id.in_(attempt_ids)
        )
    )
    known = {
        row.attempt_id: _Known(
            row.attempt_id,
            row.device_id,
            row.sale_id,
            PaymentState(State(row.state), _anomalies(row.anomalies)),
            row.amount,
            row.received,
            row.expires_ms,
            row.created_ms,
            is_portable(row.token),
        )
        for row in rows
    }
    steps = connection.execute(
        sa.select(payment_step)
        .where(
            _of(payment_step.c.tenant_id, payment_step.c.store_id, own),
            payment_step.c.attempt_id.in_(attempt_ids),
        )
        .order_by(payment_step.c.step)
    )
    newest = {step.attempt_id: step for step in steps}
    for attempt_id, step in newest.items():
        said = _said(step)
        if said is not None:
            known[attempt_id] = _joined(known.get(attempt_id), said)
    return known


def _said(step: sa.Row[Any]) -> _Known | None:
    """Return what a till's step says, None if its words are of another version."""
    try:
        payment = PaymentState(State(step.state), _anomalies(step.anomalies))
    except ValueError:
        return None
    return _Known(
        step.attempt_id,
        step.device_id,
        step.sale_id,
        payment,
        step.amount,
        step.received,
        step.expires_ms,
        step.at_ms,
        unproven=payment.state in PAID_STATES and Anomaly.SPOKEN in payment.anomalies,
    )


def _joined(ours: _Known | None, theirs: _Known) -> _Known:
    """Believe the provider's side about the state; the till's where it knows of more money, vouched
    for it, or where we know nothing."""
    if ours is None:
        return theirs
    told = theirs.payment.state in PAID_STATES
    further = told and ours.payment.state not in PAID_STATES
    state = theirs.payment.state if further else ours.payment.state
    return _Known(
        ours.attempt_id,
        ours.device,
        ours.sale_id,
        PaymentState(state, ours.payment.anomalies | theirs.payment.anomalies),
        ours.due,
        max(ours.received, theirs.received),
        ours.expires_ms,
        ours.created_ms,
        ours.portable,
        told,
        theirs.unproven and ours.payment.state in CLOSED_UNPAID,
    )


def _sales(connection: sa.Connection, own: Own, known: Mapping[str, _Known]) -> dict[str, _Sold]:
    """Return the sale of each attempt's cart, where it was sold at all."""
    carts = {facts.sale_id for facts in known.values()}
    rows = connection.execute(
        sa.select(sale.c.sale_id, sale.c.receipt_no, tender.c.attempt_id)
        .outerjoin(
            tender,
            (tender.c.tenant_id == sale.c.tenant_id)
            & (tender.c.store_id == sale.c.store_id)
            & (tender.c.document_id == sale.c.sale_id),
        )
        .where(_of(sale.c.tenant_id, sale.c.store_id, own), sale.c.sale_id.in_(carts))
    ).all()
    receipts = {row.sale_id: row.receipt_no for row in rows}
    paid_by = {(row.sale_id, row.attempt_id) for row in rows}
    return {
        facts.attempt_id: _Sold(
            receipts[facts.sale_id], (facts.sale_id, facts.attempt_id) in paid_by
        )
        for facts in known.values()
        if facts.sale_id in receipts
    }


def unsold(
    connection: sa.Connection, after_ms: int, until_ms: int, limit: int, *, portable: bool = False
) -> list[tuple[Own, str, int]]:
    """Return (store, attempt, end) of paid attempts that ended in this span and have no sale of theirs,
    the oldest first; `portable`: only those whose order travelled in the QR."""
    columns = payment_tables.attempt.c
    theirs = sa.exists().where(
        tender.c.tenant_id == columns.tenant_id,
        tender.c.store_id == columns.store_id,
        tender.c.document_id == columns.sale_id,
        tender.c.attempt_id == columns.attempt_id,
    )
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id, columns.expires_ms)
        .where(
            columns.state == State.CONFIRMED.value,
            columns.expires_ms > after_ms,
            columns.expires_ms <= until_ms,
            ~theirs,
            columns.token.startswith(PORTABLE_HEAD) if portable else sa.true(),
        )
        .order_by(columns.expires_ms)
        .limit(limit)
    )
    rows = connection.execute(across(query, "sweep"))
    return [((row.tenant_id, row.store_id), row.attempt_id, row.expires_ms) for row in rows]


def _anomalies(words: str) -> frozenset[Anomaly]:
    return frozenset(Anomaly(word) for word in words.split())


def _of(
    tenant: sa.ColumnElement[str], store: sa.ColumnElement[str], own: Own
) -> sa.ColumnElement[bool]:
    return sa.and_(tenant == own[0], store == own[1])
