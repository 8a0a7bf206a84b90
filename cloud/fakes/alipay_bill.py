"""The make-believe Alipay's bill: a ZIP with two tables in GBK, comment lines and tabs as in real ones."""

from __future__ import annotations

import io
import zipfile
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
FEE_BP = 60
"""What it keeps of a payment, in hundredths of a percent, half up to the fen."""


def fee(amount: int) -> int:
    """Return the fee of a payment in fen."""
    return (amount * FEE_BP + 5_000) // 10_000


def packed(alipay: FakeAlipay) -> bytes:
    """Return the bill of everything that was ever paid."""
    lines = [
        "#支付宝业务明细查询",
        f"#账号：[{alipay.seller_id}0156]",
        "#---业务明细列表---",
        _HEAD,
    ]
    for trade in alipay.trades.values():
        lines += _rows(trade)
    lines += ["#---业务明细列表结束---", "#导出时间：[2026年11月26日 09:10:11]"]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("20880000_20261125_业务明细.csv", "\r\n".join(lines).encode("gbk"))
        files.writestr("20880000_20261125_业务明细(汇总).csv", "#汇总\r\n".encode("gbk"))
    return file.getvalue()


def _rows(trade: Trade) -> list[str]:
    if not trade.paid_ms:
        return []
    at = stamp(trade.paid_ms)
    rows = [("交易", trade.total, "", -fee(trade.total))]
    rows += [("退款", -amount, number, fee(amount)) for number, amount in trade.refunds.items()]
    return [
        f"{trade.trade_no}\t,{trade.out_trade_no}\t,{kind},大衣，驼色\t,{at},{at},S001,,,,"
        f"wan***,{yuan(amount)},{yuan(amount)},0.00,0.00,0.00,0.00,0.00,,"
        f"0.00,0.00,{number}\t,{yuan(kept)},0.00,"
        for kind, amount, number, kept in rows
    ]


def yuan(amount: int) -> str:
    """Write 1250 as "12.50"."""
    sign, amount = "-" if amount < 0 else "", abs(amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def stamp(ms: int) -> str:
    """Write a moment in China's time."""
    return f"{datetime.fromtimestamp(ms / 1000, _CHINA):%Y-%m-%d %H:%M:%S}"
