"""What it means that a sale has several orders: the same one again, one that gives way, one too many.

Knows the ledger of attempts and no provider.
"""

from __future__ import annotations

from app.domain.payment import OPEN, Event, State
from app.errors import Code, RuleBroken
from app.wire.tokens import is_portable
from cloud.services import attempts
from cloud.services.attempts import Attempt, Ledger


def is_the_same(known: Attempt, order: Attempt) -> bool:
    """Tell whether an order is sent again. What travels in a token is in it; the words we found for it
    may be others by now."""
    if is_portable(order.token):
        return known.token == order.token
    return (known.token, known.order_bytes) == (order.token, order.order_bytes)


def of_two_orders(order: Attempt) -> RuleBroken:
    """Say what it means that an attempt stands for another order: of two codes that a till made without
    us one is not genuine, else an id was used twice."""
    twice = is_portable(order.token)
    code = Code.TOKEN_INVALID if twice else Code.REFERENCE_ALREADY_USED
    return RuleBroken(code, attempt=order.attempt_id)


def give_way(ledger: Ledger, other: Attempt, order: Attempt) -> Attempt:
    """Close an order that was never shown: its till lost our answer, and made a code for the shop being
    offline instead. Had it shown the first, it would not have made a second."""
    unseen = other.payment.is_open and not other.looked_ms and not other.provider
    if not (is_portable(order.token) and unseen and other.device == order.device):
        return other
    here = attempts.find(ledger.conn, other.key, lock=True)
    if here.version != other.version:
        return here
    return ledger.step(here, Event.CLOSED, "till")


def refuse_second(others: list[Attempt]) -> None:
    """A sale that is paid, or may still be paid by an earlier code, gets no second code."""
    if any(other.payment.state is State.CONFIRMED for other in others):
        raise RuleBroken(Code.ORDER_PAID)
    if any(other.payment.state in OPEN for other in others):
        raise RuleBroken(Code.PAYMENT_ALREADY_OPEN)
