"""All that is known of payment attempts, whoever said it: the provider's side, the till's own steps, the
sale of the cart, and what has gone back. Reads only; judges nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.domain.money_back import Back
from app.domain.payment import (
    CLOSED_UNPAID,
    PAID_STATES,
    Anomaly,
    PaymentState,
    State,
    judge_amount,
)
from app.wire.tokens import is_portable
from cloud.db import payment_tables, refund_tables
from cloud.db.columns import rows_of
from cloud.db.tables import payment_step, sale, tender
from cloud.services import refund_ledger, reversing
from cloud.services.attempts import Attempt, Vouched
from cloud.services.given_back import NOTHING, Given, summed

_ON_TRUST = {Anomaly.SPOKEN, Anomaly.BY_HAND}
"""Marks of what was believed without anybody's signature."""

Own = tuple[str, str]
"""Tenant and store."""


@dataclass(frozen=True, slots=True)
class Known:
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
    """Its till believed a code that was read out, or a manager's eyes, and the provider's side says that no
    money came."""
    by_hand: bool = False
    """A manager confirmed it, and the provider's side has not told of the money."""
    given: Given = NOTHING
    taken_back: int = 0
    """Of what was received its provider has given this much back, without a refund of ours."""

    @property
    def may_be_proved(self) -> bool:
        """Its till may have seen our proof of it and made the sale, and not have been online since."""
        return self.portable and not self.told


@dataclass(frozen=True, slots=True)
class Sold:
    """The sale of an attempt's cart, and whether this very attempt paid it."""

    receipt_no: str
    own: bool


def known_of(connection: sa.Connection, own: Own, attempt_ids: Collection[str]) -> dict[str, Known]:
    """Join what the provider's side and the till's own steps say of each attempt, and what has gone back."""
    columns = payment_tables.attempt.c
    rows = connection.execute(
        sa.select(payment_tables.attempt).where(
            in_store(columns.tenant_id, columns.store_id, own), columns.attempt_id.in_(attempt_ids)
        )
    )
    known = {
        row.attempt_id: Known(
            row.attempt_id,
            row.device_id,
            row.sale_id,
            PaymentState(State(row.state), _anomalies(row.anomalies)),
            row.amount,
            row.received,
            row.expires_ms,
            row.created_ms,
            is_portable(row.token),
            unproven=row.vouched == Vouched.DENIED and row.received < row.amount,
            by_hand=row.vouched != Vouched.NOT and row.received < row.amount,
        )
        for row in rows
    }
    steps = connection.execute(
        sa.select(payment_step)
        .where(
            in_store(payment_step.c.tenant_id, payment_step.c.store_id, own),
            payment_step.c.attempt_id.in_(attempt_ids),
        )
        .order_by(payment_step.c.step)
    )
    newest = {step.attempt_id: step for step in steps}
    lost = set(attempt_ids) - set(known)
    for attempt_id, step in newest.items():
        said = _said(step)
        if said is not None:
            known[attempt_id] = _joined(known.get(attempt_id), said)
    for attempt_id, money in _orphans(connection, own, lost).items():
        known[attempt_id] = _of_orphan(attempt_id, known.get(attempt_id), money)
    for attempt_id, gone in reversing.taken_back(connection, own, sorted(known)).items():
        known[attempt_id] = replace(known[attempt_id], taken_back=gone)
    return _with_refunds(connection, own, known)


def _orphans(
    connection: sa.Connection, own: Own, attempt_ids: Collection[str]
) -> dict[str, list[int]]:
    """Return the amounts providers told of for attempts that are not here, the oldest first."""
    columns = payment_tables.orphan.c
    query = sa.select(columns.attempt_id, columns.amount).where(
        in_store(columns.tenant_id, columns.store_id, own), columns.attempt_id.in_(attempt_ids)
    )
    found: dict[str, list[int]] = defaultdict(list)
    if attempt_ids:
        for row in connection.execute(query.order_by(columns.at_ms, columns.ref)):
            found[row.attempt_id].append(row.amount)
    return found


def _of_orphan(attempt_id: str, told: Known | None, money: list[int]) -> Known:
    """Add what providers told of an attempt that is not here to what its till says of it; of one nobody
    says anything of, the first payment is taken for what was due.

    Nobody knows its end, so nobody waits for its sale: `expires_ms` is 0.
    """
    received = sum(money)
    if told is None:
        paid = PaymentState(State.CONFIRMED, frozenset())
        return Known(attempt_id, "", "", paid, money[0], received, 0, 0)
    payment = told.payment
    if received > told.received:
        payment = payment.after(judge_amount(told.due, received))
    return replace(
        told,
        payment=payment,
        received=max(told.received, received),
        expires_ms=0,
        unproven=told.unproven and received < told.due,
    )


def _with_refunds(connection: sa.Connection, own: Own, known: dict[str, Known]) -> dict[str, Known]:
    """Add what has gone back of each attempt."""
    if not known:
        return known
    rows = refund_ledger.of_attempts(connection, own, sorted(known))
    told = _told_done(connection, own, sorted(known), {row.number for row in rows})
    for attempt_id in {row.attempt.attempt_id for row in rows} | set(told):
        mine = [row for row in rows if row.attempt.attempt_id == attempt_id]
        given = summed(mine, told.get(attempt_id, 0))
        known[attempt_id] = replace(known[attempt_id], given=given)
    return known


def _told_done(
    connection: sa.Connection, own: Own, attempt_ids: Collection[str], here: Collection[str]
) -> dict[str, int]:
    """Return what tills say has gone back of money no sale was made of, and our own ledger does not know:
    a restored backup is older than what the tills have pushed again."""
    columns = refund_tables.step.c
    query = sa.select(columns.attempt_id, columns.number, columns.amount).where(
        in_store(columns.tenant_id, columns.store_id, own),
        columns.attempt_id.in_(attempt_ids),
        columns.document_id == "",
        columns.standing == Back.DONE.value,
    )
    done = {row.number: row for row in connection.execute(query) if row.number not in here}
    found: dict[str, int] = {}
    for row in done.values():
        found[row.attempt_id] = found.get(row.attempt_id, 0) + row.amount
    return found


def _said(step: sa.Row[Any]) -> Known | None:
    """Return what a till's step says, None if its words are of another version."""
    try:
        payment = PaymentState(State(step.state), _anomalies(step.anomalies))
    except ValueError:
        return None
    return Known(
        step.attempt_id,
        step.device_id,
        step.sale_id,
        payment,
        step.amount,
        step.received,
        step.expires_ms,
        step.at_ms,
        unproven=payment.state in PAID_STATES and bool(_ON_TRUST & payment.anomalies),
    )


def _joined(ours: Known | None, theirs: Known) -> Known:
    """Believe the provider's side about the state; the till's where it knows of more money, vouched
    for it, or where we know nothing."""
    if ours is None:
        return theirs
    told = theirs.payment.state in PAID_STATES
    further = told and ours.payment.state not in PAID_STATES
    state = theirs.payment.state if further else ours.payment.state
    return Known(
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
        ours.unproven or (theirs.unproven and ours.payment.state in CLOSED_UNPAID),
        ours.by_hand,
    )


def sales_of(connection: sa.Connection, own: Own, known: Mapping[str, Known]) -> dict[str, Sold]:
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
        .where(in_store(sale.c.tenant_id, sale.c.store_id, own), sale.c.sale_id.in_(carts))
    ).all()
    receipts = {row.sale_id: row.receipt_no for row in rows}
    paid_by = {(row.sale_id, row.attempt_id) for row in rows}
    return {
        facts.attempt_id: Sold(
            receipts[facts.sale_id], (facts.sale_id, facts.attempt_id) in paid_by
        )
        for facts in known.values()
        if facts.sale_id in receipts
    }


def made_its_sale(attempt: Attempt) -> sa.Exists:
    """Return the condition that a till's journal holds the sale an attempt paid."""
    return sa.exists().where(
        rows_of(
            tender,
            tenant_id=attempt.tenant,
            store_id=attempt.store,
            document_id=attempt.sale_id,
            attempt_id=attempt.attempt_id,
        )
    )


def _anomalies(words: str) -> frozenset[Anomaly]:
    return frozenset(Anomaly(word) for word in words.split())


def in_store(
    tenant: sa.ColumnElement[str], store: sa.ColumnElement[str], own: Own
) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of a store."""
    return sa.and_(tenant == own[0], store == own[1])
