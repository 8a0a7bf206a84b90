"""The make-believe WeChat Pay's bill: every value behind a backtick, a row of sums at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: what was paid (or, with the number of a refund, given back) in fen."""

    transaction_id: str
    order_number: str
    at_ms: int
    amount: int
    refund_number: str = ""
    currency: str = "CNY"
    attach: str = ""
    trade_type: str = "NATIVE"
    goods: str = "大衣"


def table(wechat: FakeWechat, day: str) -> bytes:
    """Return the bill of everything that was paid on a day, with all that was given back of it."""
    entries = [entry for order in wechat.orders.values() for entry in _entries(order)]
    today = [each for each in entries if f"{china(each.at_ms):%Y-%m-%d}" == day]
    return written(today, wechat.mchid, wechat.appid)


def written(entries: Sequence[Entry], mchid: str, appid: str) -> bytes:
    """Return a bill of these lines as WeChat Pay writes it."""
    paid = sum(each.amount for each in entries if not each.refund_number)
    back = sum(each.amount for each in entries if each.refund_number)
    kept = sum(-each.amount if each.refund_number else each.amount for each in entries)
    sums = (
        str(len(entries)),
        _yuan(paid),
        _yuan(back),
        "0.00",
        _fee(kept),
        _yuan(paid),
        _yuan(back),
    )
    rows = [_row(each, mchid, appid) for each in entries]
    lines = [_HEAD, *rows, _SUMMARY, _quoted(sums)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _entries(order: Order) -> list[Entry]:
    if not order.paid_ms:
        return []
    of = (order.transaction_id, order.out_trade_no, order.paid_ms)

    def entry(amount: int, number: str = "") -> Entry:
        return Entry(*of, amount, number, attach=order.attach, trade_type=order.trade_type)

    return [entry(order.total), *(entry(amount, each) for each, amount in order.refunds.items())]


def _row(entry: Entry, mchid: str, appid: str) -> str:
    paid, back, state, ref, fee = entry.amount, 0, "SUCCESS", "0", _fee(entry.amount)
    if entry.refund_number:
        paid, back, state, ref, fee = 0, entry.amount, "REFUND", "50300", "-" + fee
    at = f"{china(entry.at_ms):%Y-%m-%d %H:%M:%S}"
    return _quoted(
        f"{at}|{appid}|{mchid}|0||{entry.transaction_id}|{entry.order_number}|o1|"
        f"{entry.trade_type}|{state}|OTHERS|{entry.currency}|{_yuan(paid)}|0.00|{ref}|"
        f"{entry.refund_number}|{_yuan(back)}|0.00|||{entry.goods}|{entry.attach}|{fee}|0.60%|"
        f"{_yuan(paid)}|{_yuan(back)}|".split("|")
    )


def _quoted(values: Sequence[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _fee(amount: int) -> str:
    """Return 0.6 percent of an amount in yuan with five decimals, exactly."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, rest = divmod(amount * 6, 100_000)  # in hundred-thousandths of a yuan
    return f"{sign}{whole}.{rest:05d}"


def _yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def china(ms: int) -> datetime:
    """Return a moment on China's clocks."""
    return datetime.fromtimestamp(ms // 1000, _CHINA)


def digest(file: bytes) -> str:
    """Return the SHA-1 the bill is announced with."""
    return hashlib.sha1(file, usedforsecurity=False).hexdigest()
