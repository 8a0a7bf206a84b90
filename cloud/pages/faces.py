"""Which of its faces an order shows to a phone, and with which HTTP status. Pure."""

from __future__ import annotations

from enum import StrEnum

from app.domain.payment import PAID_STATES, State
from cloud.services.attempts import Attempt


class Face(StrEnum):
    """What a phone gets to see of an order. Only TAKE and PAY lead on to money."""

    TAKE = "take"
    PAY = "pay"
    WAITING = "waiting"
    ASKING = "asking"
    PART = "part"
    """Less than was due has come, and the order has not ended."""
    RECEIPT = "receipt"
    TAKEN = "order_taken"
    PAID = "order_paid"
    EXPIRED = "token_expired"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    PARTLY = "partly_paid"


STATUS = {
    Face.TAKEN: 403,
    Face.PAID: 410,
    Face.EXPIRED: 410,
    Face.CANCELLED: 410,
    Face.DECLINED: 410,
    Face.PARTLY: 410,
}
"""HTTP status of each face that is a refusal; all others are 200."""

_CLOSED = {
    State.EXPIRED: Face.EXPIRED,
    State.CANCELLED: Face.CANCELLED,
    State.FAILED: Face.DECLINED,
}


def face_of(attempt: Attempt, holder: str, phone_hash: str) -> Face:
    """Return the face for a phone; `holder` is the hash of the phone that took the order, "" for none."""
    state, mine = attempt.payment.state, holder == phone_hash
    if state in PAID_STATES:
        return Face.RECEIPT if mine else Face.PAID
    if state in _CLOSED and attempt.received:
        return Face.RECEIPT if mine else Face.PARTLY
    if state in _CLOSED:
        return _CLOSED[state]
    if not holder:
        return Face.PARTLY if attempt.received else Face.TAKE
    if not mine:
        return Face.TAKEN
    if attempt.received:
        return Face.PART
    if state is State.UNKNOWN:
        return Face.ASKING
    return Face.WAITING if attempt.provider else Face.PAY
