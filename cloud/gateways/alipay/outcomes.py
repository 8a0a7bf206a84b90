"""What Alipay's words mean for an attempt. Pure tables, from the SDKs' comments and the documentation's
lists of states and error codes (PAYMENTS-OPERATIONS.md names them)."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.money import CNY, parse_amount
from app.errors import RuleBroken
from cloud.gateways.alipay.client import FAILED, Said, moment
from cloud.gateways.base import Answer, Money, Standing

NO_TRADE = "ACQ.TRADE_NOT_EXIST"
"""Before the customer's scan there is no trade: pending, not failed."""

ENDED = frozenset({"ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE", "ACQ.TRADE_HAS_FINISHED"})
"""The order is past being paid; `query` says how."""

ASK_AGAIN = ENDED | {
    "ACQ.CONTEXT_INCONSISTENT",
    "ACQ.TRADE_STATUS_ERROR",
    "ACQ.REASON_TRADE_STATUS_INVALID",
    "ACQ.REASON_ILLEGAL_STATUS",
}
"""Failures that only say that the order stands otherwise than the caller thought."""

TOO_LATE_TO_CANCEL = frozenset(
    {
        "ACQ.TRADE_CANCEL_TIME_OUT",
        "ACQ.CANCEL_NOT_ALLOWED",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "ACQ.REASON_TRADE_BEEN_FREEZEN",
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
    }
)
"""Cancelling is refused for good; what became of the money is asked by `query`."""

TURNED_AWAY = frozenset({"20001", "40001", "40002", "40006"})
"""Alipay's door refused the call itself (token, arguments, permissions): behind it nothing was done."""

OTHER_AMOUNT = frozenset({"ACQ.DISCORDANT_REPEAT_REQUEST"})
"""A refund number stands for another amount than before. (REFUND_AMT_NOT_EQUAL_TOTAL does not say that: the
amount itself does not fit, and nothing was done.)"""


def standing(trade: Mapping[str, object]) -> Answer:
    """Return what a trade's state says; `trade` is an answer's or a notification's fields.

    Raises ValueError for a state or an amount that is none.
    """
    match str(trade.get("trade_status", "")):
        case "WAIT_BUYER_PAY":
            return Answer(Standing.OPEN)
        case "TRADE_SUCCESS" | "TRADE_FINISHED":
            return paid(trade)
        case "TRADE_CLOSED":
            # Closed unpaid, or paid and given back in full: only then was there a payment's time.
            was_paid = trade.get("send_pay_date") or trade.get("gmt_payment")
            return Answer(Standing.REVERSED if was_paid else Standing.CLOSED)
        case other:
            raise ValueError(f"no state: {other[:40]}")


def paid(trade: Mapping[str, object]) -> Answer:
    """Return that a trade is paid, over the order's whole amount. Raises ValueError."""
    at_ms = next(
        (moment(str(trade[name])) for name in ("gmt_payment", "send_pay_date") if trade.get(name)),
        0,
    )
    ref = str(trade.get("trade_no", ""))
    if not ref:
        raise ValueError("paid without a number")
    return Answer(Standing.PAID, (Money(ref, fen(trade.get("total_amount")), at_ms),))


def fen(yuan: object) -> int:
    """Read an amount of Alipay's, "12.50", as fen. Raises ValueError."""
    try:
        amount = parse_amount(str(yuan), CNY)
    except RuleBroken as error:
        raise ValueError("no amount") from error
    if amount < 0:
        raise ValueError("an amount below zero")
    return amount


def failed_with(said: Said, codes: frozenset[str] | set[str]) -> bool:
    """Tell whether a call failed in one of these ways."""
    return said.code == FAILED and said.sub_code in codes
