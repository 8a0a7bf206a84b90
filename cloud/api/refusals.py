"""How what the shop's rules refuse about payments and refunds is answered over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import Code, RuleBroken, Trouble
from cloud.errors import Refused

_STATUS = {
    Code.TOKEN_FOREIGN: 403,
    Code.PAYMENT_UNKNOWN: 404,
    Code.REFUND_UNKNOWN: 404,
    Code.REFERENCE_ALREADY_USED: 409,
    Code.PAYMENT_ALREADY_OPEN: 409,
    Code.PAYMENT_NOT_CONFIRMED: 409,
    Code.ORDER_PAID: 409,
    Code.ORDER_CLOSED: 409,
    Code.PRICES_OLD: 409,
    Code.REFUND_EXCEEDS_PAYMENT: 409,
    Code.PROOF_OUT: 409,
    Code.TOKEN_EXPIRED: 410,
    Code.TOKEN_INVALID: 422,
    Code.CLOUD_MESSAGE_INVALID: 422,
    Code.PAYMENT_NOT_OFFERED: 422,
    Code.AMOUNT_INVALID: 422,
    Code.TEXT_EMPTY: 422,
    Code.TEXT_FORBIDDEN_CHARACTER: 422,
}


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the house's errors into answers; whatever is not named above is a bug and stays one.

    The detail is the error's own, or what is left where more was wanted.
    """
    try:
        yield
    except (RuleBroken, Trouble) as error:
        if error.code not in _STATUS:
            raise
        left = error.facts.get("left")
        detail = str(error.facts.get("detail") or "") if left is None else str(left)
        raise Refused(_STATUS[error.code], error.code, detail) from error
