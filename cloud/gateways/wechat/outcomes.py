"""What WeChat Pay's words mean for an attempt and a refund. Pure tables, from the SDKs' enumerations and
the documentation (PAYMENTS-OPERATIONS.md names them)."""

from __future__ import annotations

from collections.abc import Mapping

from cloud.gateways.base import Answer, Money, RefundAnswer, RefundStanding, Standing
from cloud.gateways.wechat.client import moment

NO_ORDER = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})
NO_REFUND = frozenset({"RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS"})
TYPING = frozenset({"USERPAYING", "USER_PAYING"})
"""The customer has been asked for a password; the order is open."""
ENDED = frozenset({"ORDERPAID", "ORDER_PAID", "ORDERCLOSED", "ORDER_CLOSED", "OUT_TRADE_NO_USED"})
"""The order is past being paid, or stands under its number already; `query` says how."""
NO_BILL = "NO_STATEMENT_EXIST"
"""None there: nothing happened that day, or it is not billed yet."""

_UNPAID = {
    "NOTPAY": Standing.OPEN,
    "USERPAYING": Standing.PAYING,
    "ACCEPT": Standing.PAYING,
    "CLOSED": Standing.CLOSED,
    "REVOKED": Standing.REVERSED,
    "PAYERROR": Standing.DECLINED,
}

_REFUNDS = {
    "SUCCESS": RefundStanding.DONE,
    "PROCESSING": RefundStanding.PENDING,
    "CLOSED": RefundStanding.REFUSED,
    "ABNORMAL": RefundStanding.STUCK,
}


def standing(order: Mapping[str, object]) -> Answer:
    """Return what an order's state says. REFUND is paid: what went back is another document.

    Raises ValueError for a state or an amount that is none.
    """
    state = str(order.get("trade_state", ""))
    if state in _UNPAID:
        return Answer(_UNPAID[state])
    if state not in ("SUCCESS", "REFUND"):
        raise ValueError(f"no state: {state[:40]}")
    ref = str(order.get("transaction_id") or "")
    if not ref:
        raise ValueError("paid without a number")
    at_ms = moment(str(order.get("success_time", "")))
    return Answer(Standing.PAID, (Money(ref, fen(order, "total"), at_ms),))


def refund(told: Mapping[str, object]) -> RefundAnswer:
    """Return what a refund's state says. Raises ValueError."""
    status = str(told.get("status") or told.get("refund_status") or "")
    if status not in _REFUNDS:
        raise ValueError(f"no state: {status[:40]}")
    given = fen(told, "refund") if status == "SUCCESS" else 0
    reason = "" if status in ("SUCCESS", "PROCESSING") else status
    return RefundAnswer(_REFUNDS[status], str(told.get("refund_id") or ""), given, reason)


def fen(order: Mapping[str, object], name: str) -> int:
    """Read one of an order's amounts, whole fen of the yuan. Raises ValueError."""
    amount = order.get("amount")
    value = amount.get(name) if isinstance(amount, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("no amount")
    if isinstance(amount, dict) and amount.get("currency", "CNY") != "CNY":
        raise ValueError("another currency")
    return value
