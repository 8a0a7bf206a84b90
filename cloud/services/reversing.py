"""Money that may be going back because we asked a provider to reverse an order: written down before it is
asked, so that no answer from before is booked afterwards. Asks nobody; knows no provider in particular.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from app.wire.tasks import TAKEN_BACK
from cloud.db import payment_tables as tables
from cloud.gateways.base import Answer, AttemptKey, Standing, unresolved
from cloud.services import attempts, refund_ledger
from cloud.services.attempts import Attempt, Ledger, of_key

log = logging.getLogger(__name__)

REVERSING = "reversing"
"""Event of the history: a provider is about to be asked to end an order, and to give back what was paid."""

UNDER_WAY_MS = 30_000
"""So long such a request may be on its way: longer than a line waits for all of an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was in an attempt's history when its provider was asked: everything up to `version`, 0 if nobody
    knows. `own` is the reversal that the answer is the answer to."""

    version: int = 0
    own: int = 0


NOBODY_KNOWS = Asked()
"""When an answer was made that came by itself."""


def begin(ledger: Ledger, attempt: Attempt) -> Attempt:
    """Write down under the row lock that an order is about to be reversed; return its attempt as of then.

    Raises Trouble where it must not be: money of it has come meanwhile, somebody has seen it, or the customer
    has gone to another wallet.
    """
    here = attempts.find(ledger.conn, attempt.key, lock=True)
    same = here.provider == attempt.provider and here.payment.is_open == attempt.payment.is_open
    if not same or here.received or not (here.payment.is_open or here.is_awaited):
        raise unresolved(attempt.provider, "not reversed: it has moved on")
    return ledger.note(here, REVERSING, "cloud")


def may_hide(ledger: Ledger, key: AttemptKey, provider: str, asked: Asked) -> bool:
    """Tell whether an answer that names money may be from before a reversal: one was begun after the
    question, or so shortly before that the provider may not have had it yet."""
    columns = tables.event.c
    under_way = sa.and_(
        columns.at_ms > ledger.now_ms - UNDER_WAY_MS,
        columns.at_ms <= ledger.now_ms,  # a time to come was written by a clock that was put right
    )
    query = (
        sa.select(columns.version)
        .where(of_key(tables.event, key), columns.event == REVERSING)
        .where(columns.provider == provider, columns.version != asked.own)
        .where(sa.or_(columns.version > asked.version, under_way))
        .limit(1)
    )
    return ledger.conn.execute(query).first() is not None


def note_taken_back(ledger: Ledger, attempt: Attempt, provider: str, answer: Answer) -> Attempt:
    """Write down, once, that a provider keeps nothing of what is booked: an event TAKEN_BACK, whose
    `received` is what is gone beyond our refunds."""
    if answer.standing is not Standing.REVERSED:
        return attempt
    conn, key = ledger.conn, attempt.key
    booked = sum(piece.amount for piece in attempts.heard_of(conn, provider, key))
    refunds = refund_ledger.of_attempt(conn, key) if booked else ()
    back = sum(r.amount for r in refunds if r.provider == provider and r.standing.counts)
    columns = tables.event.c
    of_it = of_key(tables.event, key) & (columns.event == TAKEN_BACK)
    query = sa.select(columns.version).where(of_it, columns.provider == provider)
    if booked <= back or conn.execute(query).first() is not None:
        return attempt
    log.error("%s gave back %d of attempt %s, which counts as paid", provider, booked - back, key)
    attempt = ledger.note(attempt, TAKEN_BACK, "provider", of=(provider, booked - back))
    ledger.changed.append(attempt)
    return attempt


def taken_back(
    conn: sa.Connection, own: tuple[str, str], attempt_ids: Collection[str]
) -> dict[str, int]:
    """Return how much of these attempts' booked money their providers have given back by themselves."""
    columns = tables.event.c
    query = (
        sa.select(columns.attempt_id, sa.func.sum(columns.received).label("gone"))
        .where(columns.tenant_id == own[0], columns.store_id == own[1])
        .where(columns.attempt_id.in_(attempt_ids), columns.event == TAKEN_BACK)
        .group_by(columns.attempt_id)
    )
    return {row.attempt_id: int(row.gone) for row in conn.execute(query)}
