"""Payments that somebody at a till confirmed by hand: noted when its journal tells, and asked about at their
provider until that has said something final. Knows no page; the hand's word is never taken back here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeGuard

import sqlalchemy as sa

from app.domain.payment import PAID_STATES, Anomaly
from app.errors import RuleBroken, Trouble
from app.wire.bodies import Body, PaymentStepV1
from app.wire.tokens import is_portable
from cloud.db.base import Database
from cloud.db.tables import payment_step
from cloud.gateways.base import PENDING, Answer, AttemptKey, Gateway, Offer, Standing
from cloud.gateways.registry import Gateways
from cloud.services import attempts, overdue, reversing, turns
from cloud.services.attempts import Attempt, Ledger, Vouched, of_key
from cloud.services.closing import Change, Closing
from cloud.services.projection import Arrival, Projectable
from cloud.services.reversing import Asked
from cloud.services.rounds import Lane, Round

log = logging.getLogger(__name__)

_PAID = frozenset(state.value for state in PAID_STATES)


def note_vouched(
    connection: sa.Connection, arrival: Arrival, records: Iterable[Projectable]
) -> None:
    """Let attempts be confirmed of which just projected steps say that somebody saw the money."""
    ledger = Ledger(connection, arrival.received_ms, [])
    bodies = (record.body for record in records)
    told = {body.attempt for body in bodies if _is_by_hand(body)}
    for attempt_id in sorted(told):
        key = AttemptKey(arrival.tenant, arrival.store, attempt_id)
        attempt = attempts.known(connection, key, lock=True)
        if attempt is not None:
            ledger.vouch(attempt)


def told_before(ledger: Ledger, attempt: Attempt) -> Attempt:
    """Return an attempt that was just written down as its till may have told of it already: a code made
    offline is registered by its first scan, and may have been confirmed by hand before."""
    if not is_portable(attempt.token):
        return attempt
    step = payment_step.c
    query = sa.select(step.anomalies).where(
        of_key(payment_step, attempt.key), step.state.in_(_PAID)
    )
    said: Sequence[str] = ledger.conn.scalars(query).all()
    by_hand = any(Anomaly.BY_HAND in words.split() for words in said)
    return ledger.vouch(attempt) if by_hand else attempt


def _is_by_hand(body: Body) -> TypeGuard[PaymentStepV1]:
    step = body if isinstance(body, PaymentStepV1) else None
    return step is not None and step.state in _PAID and Anomaly.BY_HAND in step.anomalies


@dataclass(frozen=True, slots=True)
class Unproven:
    """Asks providers about what was confirmed by hand. Blocking; takes no lock while it asks."""

    database: Database
    gateways: Gateways
    change: Change
    closing: Closing

    def go(self, now_ms: int, lane: Lane, round_: Round) -> None:
        """Ask about all of a lane that is past its end; whoever does not answer is asked again later."""
        due = self.database.read(
            lambda conn: overdue.unproven(conn, now_ms, turns.due(now_ms), lane)
        )
        for key in due:
            if not round_.goes_on:
                return
            try:
                attempt = self.database.read(partial(attempts.find, key=key))
                if turns.taken(self.database, attempt, now_ms):
                    self.ask(attempt, now_ms)
            except RuleBroken as refused:
                log.error("%s cannot be asked about: %s", key, refused.code)
            except Exception:  # a bug with one must not keep all behind it waiting
                log.exception("%s could not be asked about", key)

    def ask(self, attempt: Attempt, now_ms: int) -> Attempt:
        """Return an attempt after a question to its provider; past its end the order is closed there first.

        No answer changes nothing. Unlike other attempts it is never reversed on silence: the money was seen.
        """
        over = attempt.expires_ms <= now_ms
        try:
            answer, asked = self._answer(attempt, over=over)
        except Trouble as trouble:
            log.warning("no answer about attempt %s: %s", attempt.attempt_id, trouble.code)
            return attempt
        if isinstance(answer, Answer) and answer.standing in PENDING and not answer.money:
            return attempt

        def take(ledger: Ledger) -> Attempt:
            here = attempts.find(ledger.conn, attempt.key, lock=True)
            if isinstance(answer, Vouched):
                return ledger.deny(here, answer)
            if answer.money and reversing.may_hide(ledger, here.key, attempt.provider, asked):
                return here  # the next answer is from after the reversal
            here = ledger.hear_money(here, attempt.provider, answer.money)
            here = reversing.note_taken_back(ledger, here, attempt.provider, answer)
            return hear_end(ledger, here, answer)

        return self.change(take)

    def _answer(self, attempt: Attempt, *, over: bool) -> tuple[Answer | Vouched, Asked]:
        asked = Asked(attempt.version)
        if not attempt.provider:  # no wallet was ever chosen
            return Answer(Standing.CLOSED if over else Standing.OPEN), asked
        gateway = self.gateways.named(attempt.provider)
        answer = gateway.query(attempt.key)
        if over and answer.standing in PENDING:
            if _is_silent(gateway):
                return Vouched.SILENT, asked
            answer, asked = self.closing.close(attempt)
            if answer.standing is Standing.ABSENT:
                return Answer(Standing.CLOSED), asked
        return answer, asked


def hear_end(ledger: Ledger, attempt: Attempt, answer: Answer) -> Attempt:
    """Note that a provider's order has ended, if that is what it says of what was confirmed by hand. One that
    is paid is at its end too once its time is over: if less came than was due, no more is waited for."""
    over = answer.standing is not Standing.PAID or attempt.expires_ms <= ledger.now_ms
    return ledger.deny(attempt) if over and answer.standing not in PENDING else attempt


def _is_silent(gateway: Gateway) -> bool:
    """Nobody tells and nobody can be asked: the hand is how such payments are confirmed."""
    return Offer.BY_HAND in gateway.offers and Offer.NOTIFY not in gateway.offers
