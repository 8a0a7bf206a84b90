"""The make-believe WeChat Pay's bill: every value behind a backtick, a summary at the end."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloud.fakes.wechat import FakeWechat
    from cloud.fakes.wechat_order import Order

_CHINA = timezone(timedelta(hours=8))
_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,"
    "订单金额,申请退款金额,费率备注"
)
_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def table(wechat: FakeWechat) -> bytes:
    """Return the bill of everything that was ever paid."""
    rows = [row for order in wechat.orders.values() for row in _rows(wechat, order)]
    lines = [_HEAD, *rows, _SUMMARY, "`1,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _rows(wechat: FakeWechat, order: Order) -> list[str]:
    if not order.paid_ms:
        return []
    rows = [("SUCCESS", order.total, 0, "0", "", _fee(order.total))]
    for number, amount in order.refunds.items():
        rows.append(("REFUND", 0, amount, "50300", number, "-" + _fee(amount)))
    at = f"{china(order.paid_ms):%Y-%m-%d %H:%M:%S}"
    return [
        ",".join(
            f"`{value}"
            for value in (
                f"{at}|{wechat.appid}|{wechat.mchid}|0||{order.transaction_id}|{order.out_trade_no}|o1|"
                f"{order.trade_type}|{state}|OTHERS|CNY|{_yuan(paid)}|0.00|{ref}|{number}|{_yuan(back)}|"
                f"0.00|||大衣||{fee}|0.60%|{_yuan(paid)}|{_yuan(back)}|"
            ).split("|")
        )
        for state, paid, back, ref, number, fee in rows
    ]


def _fee(amount: int) -> str:
    """Return 0.6 percent of an amount in yuan with five decimals, exactly."""
    whole, rest = divmod(amount * 6, 100_000)  # in hundred-thousandths of a yuan
    return f"{whole}.{rest:05d}"


def _yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def china(ms: int) -> datetime:
    """Return a moment on China's clocks."""
    return datetime.fromtimestamp(ms // 1000, _CHINA)


def digest(file: bytes) -> str:
    """Return the SHA-1 the bill is announced with."""
    return hashlib.sha1(file, usedforsecurity=False).hexdigest()
