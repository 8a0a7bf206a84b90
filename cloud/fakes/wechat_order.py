"""An order at the make-believe WeChat Pay, and what makes a request for one valid."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

Fields = dict[str, object]
_NUMBER = re.compile(r"[0-9A-Za-z_\-*|]{6,32}", re.ASCII)


@dataclass
class Order:
    """An order of a merchant. Amounts in fen; `openid` of whoever has to pay it, "" for anybody."""

    out_trade_no: str
    total: int
    attach: str
    notify_url: str
    trade_type: str
    transaction_id: str
    state: str = "NOTPAY"
    openid: str = ""
    paid_ms: int = 0
    refunds: dict[str, int] = field(default_factory=dict)
    guide: str = ""

    @property
    def refunded(self) -> int:
        """What went back so far."""
        return sum(self.refunds.values())


class WechatError(Exception):
    """A call is refused with this status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def requested(asked: Fields, way: str) -> tuple[str, int]:
    """Return number and amount of a valid request for an order. Raises WechatError(PARAM_ERROR)."""
    number, amount = str(asked["out_trade_no"]), asked["amount"]
    total = amount.get("total") if isinstance(amount, dict) else None
    told = way == "codepay" or str(asked.get("notify_url", "")).startswith("http")
    described = 0 < len(str(asked["description"])) <= 127
    if not (_NUMBER.fullmatch(number) and told and described):
        raise WechatError(400, "PARAM_ERROR")
    if not isinstance(total, int) or total <= 0:
        raise WechatError(400, "PARAM_ERROR")
    return number, total
