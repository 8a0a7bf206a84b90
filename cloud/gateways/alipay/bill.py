"""Alipay's bill of a day: an address that lives for 30 seconds, behind it a ZIP with tables in GBK.

Sources: the SDK's comments for the call; names of the columns, the lines around the table (账号, 交易合计,
退款合计) and the table of sums (汇总) from several open readers of the business details (业务明细).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from cloud.gateways.alipay.client import FAILED, AlipayClient
from cloud.gateways.base import Bill, BillKind, BillLine, unresolved
from cloud.gateways.bills import (
    BillUnreadable,
    Table,
    count,
    day_of,
    mills,
    moment,
    must_be,
    paid_fen,
    whole_fen,
)
from cloud.gateways.line import Ask, LineBroken
from cloud.gateways.numbers import attempt_id_of

_RECEIVED = "商家实收（元）"
_NEEDED = ("支付宝交易号", "商户订单号", "业务类型", "完成时间", "订单金额（元）")
_SUMS = ("交易订单总笔数", "退款订单总笔数")
_REFUND_NUMBER = ("退款批次号/请求号", "退款批次号")
_KINDS = {"交易": BillKind.PAYMENT, "退款": BillKind.REFUND}
_SUMMARY = "汇总"
_TOTALS = re.compile(r"#(交易|退款)合计：(\d+)笔，商家实收(?:退款)?共(-?[0-9.]+)元", re.ASCII)
_ACCOUNT = re.compile(r"账号：\[(\d{16})", re.ASCII)
_NO_BILL = frozenset({"isp.bill_not_exist", "NO_BILL_DATA", "BILL_NOT_EXIST"})
"""None there. For a day on which nothing happened there is another word."""
_MOST_UNPACKED = 256 * 1024 * 1024
_MOST_FILES = 50


def fetch(client: AlipayClient, name: str, day: date) -> Bill:
    """Fetch and read a day's bill. Raises Trouble(PAYMENT_UNRESOLVED)."""
    asked = {"bill_type": "trade", "bill_date": day.isoformat()}
    said = client.call("alipay.data.dataservice.bill.downloadurl.query", asked)
    if said.text("bill_file_code") == "EMPTY_DATA_WITH_BILL_FILE":
        return Bill(day, (), b"")
    if said.code == FAILED and said.sub_code in _NO_BILL:
        return Bill(day, (), b"", is_none=True)
    address = said.text("bill_download_url")
    if not said.succeeded or not address.startswith(("https://", "http://")):
        raise unresolved(name, f"bill: {said.code} {said.sub_code}")
    try:
        got = client.line(Ask("GET", address))
        if got.status != 200:
            raise unresolved(name, f"bill: HTTP {got.status}")
        return read(got.body, day, client.account().seller_id)
    except (LineBroken, BillUnreadable) as error:
        raise unresolved(name, f"bill: {error}") from error


def read(packed: bytes, day: date | None, seller_id: str) -> Bill:
    """Read a bill's ZIP. Raises BillUnreadable, also for another account's (unless ours is "")."""
    lines: list[BillLine] = []
    counted: Counter[BillKind] = Counter()
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as files:
            details, sums = _tables(files)
            for each in details:
                with files.open(each) as file:
                    lines += _details(Table(file, "gbk", _NEEDED), seller_id)
            counted.update(line.kind for line in lines)
            for each in sums:
                with files.open(each) as file:
                    _check_sums(Table(file, "gbk", _SUMS), counted)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BillUnreadable("not a whole ZIP") from error
    return Bill(day_of(lines, day), tuple(lines), packed)


def _tables(files: zipfile.ZipFile) -> tuple[list[zipfile.ZipInfo], list[zipfile.ZipInfo]]:
    """Return the tables of single trades and those that sum them up."""
    found = [each for each in files.infolist() if each.filename.endswith(".csv")]
    # What is unpacked is never more than a file says of itself: the library stops there.
    if len(found) > _MOST_FILES or sum(each.file_size for each in found) > _MOST_UNPACKED:
        raise BillUnreadable("larger than any bill")
    details = [each for each in found if _SUMMARY not in _name(each)]
    if not details:
        raise BillUnreadable("no table of single trades in it")
    return details, [each for each in found if _SUMMARY in _name(each)]


def _name(each: zipfile.ZipInfo) -> str:
    """Return a file's name; old ZIPs write it in GBK."""
    is_unicode = each.flag_bits & 0x800
    return each.filename if is_unicode else each.filename.encode("cp437").decode("gbk", "replace")


def _details(table: Table, seller_id: str) -> Iterator[BillLine]:
    """Yield the lines of a table, and then see that what stands around it fits."""
    lines: Counter[BillKind] = Counter()
    received: Counter[BillKind] = Counter()
    summed = True
    for row in table:
        line = _line(row)
        lines[line.kind] += 1
        if _RECEIVED in row:
            received[line.kind] += whole_fen(row[_RECEIVED])
        else:
            summed = False
        yield line
    _check_account(table.before, seller_id)
    for cells in table.after:
        if found := _TOTALS.match("，".join(cells)):
            kind = _KINDS[found[1]]
            must_be(count(found[2]), lines[kind], f"number of {kind}s")
            if summed:
                must_be(whole_fen(found[3]), received[kind], f"fen of {kind}s")


def _check_account(before: Sequence[Sequence[str]], seller_id: str) -> None:
    for cells in before:
        found = _ACCOUNT.search(",".join(cells))
        if found and seller_id and found[1] != seller_id:
            raise BillUnreadable("the bill of another merchant")


def _check_sums(table: Table, lines: Counter[BillKind]) -> None:
    """The row over all stores must have as many lines as there are. An old bill may have no such table."""
    try:
        rows = list(table)
    except BillUnreadable:
        return
    for row in rows:
        if "合计" in row.values():
            must_be(count(row[_SUMS[0]]), lines[BillKind.PAYMENT], "number of payments")
            must_be(count(row[_SUMS[1]]), lines[BillKind.REFUND], "number of refunds")


def _line(row: dict[str, str]) -> BillLine:
    kind = _KINDS.get(row["业务类型"])
    if kind is None:
        raise BillUnreadable("a line that is neither payment nor refund")
    is_refund = kind is BillKind.REFUND
    amount = row["订单金额（元）"]
    return BillLine(
        kind=kind,
        attempt_id=attempt_id_of(row["商户订单号"]),
        order_number=row["商户订单号"],
        ref=row["支付宝交易号"],
        amount=abs(whole_fen(amount)) if is_refund else paid_fen(amount),
        # The bill writes what Alipay keeps below zero.
        fee_mills=-mills(row.get("服务费（元）", "")),
        at_ms=moment(row["完成时间"]),
        refund_number=next((row[name] for name in _REFUND_NUMBER if row.get(name)), "")
        if is_refund
        else "",
        store=row.get("门店编号", ""),
    )
