"""What the till's own books say of a cart's payment attempts. Reads in a transaction, decides nothing."""

from __future__ import annotations

from app.domain.payment import CLOSED_UNPAID, PAID_STATES, Anomaly, PaymentState, State
from app.domain.sale import Sale
from app.errors import Code, RuleBroken
from app.ports import Attempt, UnitOfWork


def known_attempt(uow: UnitOfWork, attempt_id: str) -> Attempt:
    """Return an attempt of this till. Raises RuleBroken(PAYMENT_UNKNOWN)."""
    attempt = uow.attempt(attempt_id)
    if attempt is None:
        raise RuleBroken(Code.PAYMENT_UNKNOWN)
    return attempt


def own_sale(uow: UnitOfWork, attempt: Attempt) -> Sale | None:
    """Return the sale this attempt paid for; the cart may have been sold another way meanwhile."""
    sale = uow.sale(attempt.last.sale_id)
    paid_by = {tender.attempt_id for tender in sale.tenders} if sale else set()
    return sale if attempt.attempt_id in paid_by else None


def came_in_time(state: PaymentState) -> bool:
    """The full amount is confirmed and the attempt was open when it came."""
    return state.state is State.CONFIRMED and Anomaly.LATE not in state.anomalies


def is_over(state: PaymentState) -> bool:
    """Closed unpaid, and no money of it is anywhere."""
    return state.state in CLOSED_UNPAID and not state.needs_a_person


def refuse_second(uow: UnitOfWork, sale_id: str) -> None:
    """A cart that is sold, paid or may still be paid is not shown a second QR."""
    if uow.sale(sale_id) is not None:
        raise RuleBroken(Code.SALE_ALREADY_RECORDED, id=sale_id)
    for other in uow.attempts_of(sale_id):
        state = other.last.after
        if state.is_open:
            raise RuleBroken(Code.PAYMENT_ALREADY_OPEN, attempt_id=other.attempt_id)
        if state.state in PAID_STATES - {State.REFUNDED}:
            raise RuleBroken(Code.ORDER_PAID, attempt_id=other.attempt_id)


def refuse_what_goes_back(uow: UnitOfWork, attempt_id: str) -> None:
    """No goods go out for money that went back from here without a document, or may have: of that the
    cloud warns nobody while it cannot be asked."""
    for step in uow.money_back_of_attempt(attempt_id):
        if not step.refund_id and step.standing.counts:
            raise RuleBroken(Code.REFUND_UNDER_WAY, number=step.number)
