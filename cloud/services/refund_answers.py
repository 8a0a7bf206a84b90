"""What a provider's answers about a refund are worth, and when to ask again.

Writes nothing down; knows no table and no provider in particular.
"""

from __future__ import annotations

import logging

from app.domain.money_back import Back
from app.errors import Code, RuleBroken, Trouble
from cloud.gateways.base import Gateway, RefundAnswer, RefundStanding
from cloud.services.refund_ledger import LONGEST_MS, GoingBack, Turn

log = logging.getLogger(__name__)

SOON_MS, SELDOM_MS = 10_000, LONGEST_MS
"""How soon and how seldom a refund without its end is asked about: Alipay wants ten seconds to know of
one; a card that is gone may take somebody days."""
TURN_MS = 150_000
"""So long a question about a refund may be out: longer than all the calls it can take, each with its
time-outs. Only if a process died over it does anybody else wait for that."""

_HEARD = {
    RefundStanding.DONE: Back.DONE,
    RefundStanding.PENDING: Back.PENDING,
    RefundStanding.REFUSED: Back.REFUSED,
    RefundStanding.STUCK: Back.STUCK,
    RefundStanding.ABSENT: Back.UNKNOWN,
}
_MEANT = {
    Code.REFERENCE_ALREADY_USED: Back.STUCK,
    Code.PAYMENT_NOT_OFFERED: Back.REFUSED,
}
"""A number that means something else there: whoever looks must see what has moved. A provider that gives
nothing back was never asked to."""


def ask(gateway: Gateway, turn: Turn) -> tuple[Back, RefundAnswer]:
    """Ask how a refund stands, and send it where it never arrived; return what that means.

    Raises Trouble(PAYMENT_UNRESOLVED): unknown.
    """
    try:
        answer = _asked(gateway, turn)
    except RuleBroken as refused:
        # Whatever else a provider's rules say of a question, it is no word about the money.
        meant = _MEANT.get(refused.code, Back.UNKNOWN)
        log.warning("refund %s: %s, so %s", turn.row.number, refused.code, meant)
        word = refused.code.value if meant is not Back.UNKNOWN else ""
        return meant, RefundAnswer(RefundStanding.ABSENT, reason=word)
    meant = _HEARD[answer.standing]
    if meant is Back.DONE and answer.amount not in (0, turn.row.amount):
        meant = Back.STUCK  # another amount than was asked for is nothing to be sure of
    return meant, answer


def _asked(gateway: Gateway, turn: Turn) -> RefundAnswer:
    row = turn.row
    if not turn.is_first:
        known = gateway.refund_query(row.asked())
        if known.standing is not RefundStanding.ABSENT:
            return known
        if _is_doubted(row):
            return RefundAnswer(RefundStanding.REFUSED, reason=row.word)
    answer = gateway.refund(row.asked())
    return _sure(gateway, turn, answer) if answer.standing is RefundStanding.REFUSED else answer


def _sure(gateway: Gateway, turn: Turn, refused: RefundAnswer) -> RefundAnswer:
    """Return what a refusal is worth once the provider was asked for the refund itself.

    What it knows of it counts. Else a refund that was sent once is refused, also where the question gets no
    answer: no other call was out, and an account that may not give back may not ask either. One that may
    have been sent before stays in doubt for another turn, for an earlier call may still be at work.
    """
    try:
        known = gateway.refund_query(turn.row.asked())
    except Trouble as trouble:
        log.warning("no answer about refused refund %s: %s", turn.row.number, trouble.code)
    else:
        if known.standing is not RefundStanding.ABSENT:
            return known
    if turn.is_first:
        return refused
    return RefundAnswer(RefundStanding.ABSENT, reason=refused.reason or refused.standing.value)


def _is_doubted(row: GoingBack) -> bool:
    """The provider refused it at the last call and did not know it then."""
    return bool(row.word) and row.standing in (Back.UNKNOWN, Back.PENDING)


def wait_ms(row: GoingBack, standing: Back, answer: RefundAnswer, now_ms: int) -> int:
    """Return how long not to ask: ever longer, but for what needs a person or only a last look."""
    if standing is Back.STUCK:
        return SELDOM_MS
    if standing is Back.UNKNOWN and answer.reason:
        return SOON_MS
    return min(max((now_ms - row.created_ms) // 4, SOON_MS), SELDOM_MS)
