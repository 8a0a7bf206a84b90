"""Alipay's bill of a day: an address that lives for 30 seconds, behind it a ZIP with tables in GBK.

Sources: the SDK's comments for the call; the names of the columns from several open readers of the
business details (业务明细).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date

from cloud.gateways.alipay.client import FAILED, AlipayClient, moment
from cloud.gateways.base import Bill, BillKind, BillLine, unresolved
from cloud.gateways.bills import BillUnreadable, mills, rows, whole_fen
from cloud.gateways.line import Ask, LineBroken
from cloud.gateways.numbers import attempt_id_of

_NEEDED = ("支付宝交易号", "商户订单号", "业务类型", "订单金额（元）")
_REFUND_NUMBER = ("退款批次号/请求号", "退款批次号")
_KINDS = {"交易": BillKind.PAYMENT, "退款": BillKind.REFUND}
_SUMMARY = "汇总"
_NO_BILL = frozenset({"isp.bill_not_exist", "NO_BILL_DATA", "BILL_NOT_EXIST"})
_MOST_UNPACKED = 512 * 1024 * 1024


def fetch(client: AlipayClient, name: str, day: date) -> Bill:
    """Fetch and read a day's bill. Raises Trouble(PAYMENT_UNRESOLVED)."""
    asked = {"bill_type": "trade", "bill_date": day.isoformat()}
    said = client.call("alipay.data.dataservice.bill.downloadurl.query", asked)
    empty = said.text("bill_file_code") == "EMPTY_DATA_WITH_BILL_FILE"
    if empty or (said.code == FAILED and said.sub_code in _NO_BILL):
        return Bill(day, (), b"")
    address = said.text("bill_download_url")
    if not said.succeeded or not address.startswith(("https://", "http://")):
        raise unresolved(name, f"bill: {said.code} {said.sub_code}")
    try:
        got = client.line(Ask("GET", address))
        if got.status != 200:
            raise unresolved(name, f"bill: HTTP {got.status}")
        return Bill(day, tuple(read(got.body)), got.body)
    except (LineBroken, BillUnreadable) as error:
        raise unresolved(name, f"bill: {error}") from error


def read(packed: bytes) -> Iterator[BillLine]:
    """Yield the lines of a bill's ZIP. Raises BillUnreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as files:
            if sum(each.file_size for each in files.infolist()) > _MOST_UNPACKED:
                raise BillUnreadable("larger than any bill")
            texts = [files.read(each).decode("gbk") for each in _details(files)]
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise BillUnreadable("not a ZIP of GBK tables") from error
    for text in texts:
        for row in rows(text, _NEEDED):
            yield _line(row)


def _details(files: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the tables of single trades; the other file sums them up. Old ZIPs name files in GBK."""
    return [
        each
        for each in files.infolist()
        if each.filename.endswith(".csv") and _SUMMARY not in _name(each)
    ]


def _name(each: zipfile.ZipInfo) -> str:
    is_unicode = each.flag_bits & 0x800
    return each.filename if is_unicode else each.filename.encode("cp437").decode("gbk", "replace")


def _line(row: dict[str, str]) -> BillLine:
    kind = _KINDS.get(row["业务类型"])
    if kind is None:
        raise BillUnreadable("a line that is neither payment nor refund")
    return BillLine(
        kind=kind,
        attempt_id=attempt_id_of(row["商户订单号"]),
        order_number=row["商户订单号"],
        ref=row["支付宝交易号"],
        amount=whole_fen(row["订单金额（元）"]),
        # The bill writes what Alipay keeps below zero.
        fee_mills=-mills(row.get("服务费（元）", "")),
        at_ms=moment(row.get("完成时间", "")),
        refund_number=next((row[name] for name in _REFUND_NUMBER if row.get(name)), "")
        if kind is BillKind.REFUND
        else "",
    )
