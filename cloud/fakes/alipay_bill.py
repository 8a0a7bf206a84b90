"""The make-believe Alipay's bill: a ZIP with two tables in GBK, comment lines and tabs as in real ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloud.fakes.alipay import FakeAlipay, Trade

_CHINA = timezone(timedelta(hours=8))
_HEAD = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
    "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_SUMS = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,"
    "卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)
FEE_BP = 60
"""What it keeps of a payment, in hundredths of a percent, half up to the fen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: what was paid (or, with the number of a refund, given back) in fen, and what it costs."""

    trade_no: str
    order_number: str
    at_ms: int
    amount: int
    fee: int
    refund_number: str = ""
    store: str = "S001"
    goods: str = "大衣，驼色"


def fee(amount: int) -> int:
    """Return the fee of a payment in fen."""
    return (amount * FEE_BP + 5_000) // 10_000


def packed(alipay: FakeAlipay, day: str) -> bytes:
    """Return the bill of everything that was paid on a day, with all that was given back of it."""
    entries = [entry for trade in alipay.trades.values() for entry in _entries(trade)]
    return written(
        [each for each in entries if stamp(each.at_ms).startswith(day)], alipay.seller_id, day
    )


def written(entries: Sequence[Entry], seller_id: str, day: str) -> bytes:
    """Return a bill of these lines as Alipay packs it."""
    paid = [each for each in entries if not each.refund_number]
    back = [each for each in entries if each.refund_number]
    came, went = sum(each.amount for each in paid), sum(each.amount for each in back)
    account = f"#账号：[{seller_id}0156]"
    lines = [
        "#支付宝业务明细查询",
        account,
        f"#起始日期：[{day} 00:00:00]   终止日期：[{day} 24:00:00]",
        "#---业务明细列表---",
        _HEAD,
        *map(_row, entries),
        "#---业务明细列表结束---",
        f"#交易合计：{len(paid)}笔，商家实收共{yuan(came)}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{yuan(-went)}元，商家优惠退款共0.00元",
        "#导出时间：[2026年11月26日 09:10:11]",
    ]
    net = yuan(came - went)
    sums = f"合计,,{len(paid)},{len(back)},{net},{net},0.00,0.00,0.00,0.00,0.00,0.00"
    file = io.BytesIO()
    name = f"{seller_id}0156_{day.replace('-', '')}_业务明细"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(f"{name}.csv", "\r\n".join(lines).encode("gbk"))
        summary = ["#支付宝业务汇总查询", account, _SUMS, sums, "#---业务汇总列表结束---"]
        files.writestr(f"{name}(汇总).csv", "\r\n".join(summary).encode("gbk"))
    return file.getvalue()


def _entries(trade: Trade) -> list[Entry]:
    if not trade.paid_ms:
        return []
    of = (trade.trade_no, trade.out_trade_no, trade.paid_ms)
    back = [Entry(*of, amount, fee(amount), number) for number, amount in trade.refunds.items()]
    return [Entry(*of, trade.total, fee(trade.total)), *back]


def _row(entry: Entry) -> str:
    kind, amount, kept = "交易", entry.amount, -entry.fee
    if entry.refund_number:
        kind, amount, kept = "退款", -amount, -kept
    at = stamp(entry.at_ms)
    return (
        f"{entry.trade_no}\t,{entry.order_number}\t,{kind},{entry.goods},{at},{at},{entry.store},,,,"
        f"wan***,{yuan(amount)},{yuan(amount)},0.00,0.00,0.00,0.00,0.00,,"
        f"0.00,0.00,{entry.refund_number}\t,{yuan(kept)},0.00,"
    )


def yuan(amount: int) -> str:
    """Write 1250 as "12.50"."""
    sign, amount = "-" if amount < 0 else "", abs(amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def stamp(ms: int) -> str:
    """Write a moment in China's time."""
    return f"{datetime.fromtimestamp(ms / 1000, _CHINA):%Y-%m-%d %H:%M:%S}"
