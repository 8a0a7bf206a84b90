"""WeChat Pay's bill of a day: a signed question for an address, behind it a table with a known SHA-1.

Source of the columns and of the download's rules: wechatpay-go (core/downloader and its tests).
"""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Sequence
from datetime import date

from cloud.gateways.base import Bill, BillKind, BillLine, Tariff, unresolved
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
from cloud.gateways.numbers import attempt_id_of, store_of
from cloud.gateways.wechat import outcomes
from cloud.gateways.wechat.client import WechatClient

_NEEDED = ("交易时间", "商户号", "微信订单号", "商户订单号", "交易状态")
_LINES, _PAID, _BACK, _FEES = "总交易单数", "订单总金额", "申请退款总金额", "手续费总金额"
_SCANNED = ("JSAPI", "NATIVE", "MWEB", "APP")
_TARIFFS = {"MICROPAY": Tariff.CODE} | dict.fromkeys(_SCANNED, Tariff.QR)


def fetch(client: WechatClient, name: str, day: date) -> Bill:
    """Fetch and read a day's bill. Raises Trouble(PAYMENT_UNRESOLVED)."""
    said = client.call("GET", f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL")
    if said.code == outcomes.NO_BILL:
        return Bill(day, (), b"", is_none=True)
    if not said.succeeded or said.text("hash_type") != "SHA1":
        raise unresolved(name, f"bill: {said.code}")
    file = client.download(said.text("download_url"))
    # SHA-1 is what WeChat Pay gives; the file's own answer carries no signature.
    digest = hashlib.sha1(file, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(digest, said.text("hash_value").lower()):
        raise unresolved(name, "bill: another file than was announced")
    try:
        return read(file, day, client.account().merchant.mchid)
    except BillUnreadable as error:
        raise unresolved(name, f"bill: {error}") from error


def read(file: bytes, day: date | None, mchid: str) -> Bill:
    """Read a bill's table. Raises BillUnreadable, also for another merchant's."""
    table = Table(io.BytesIO(file), "utf-8-sig", _NEEDED)
    lines = []
    for row in table:
        if row["商户号"] != mchid:
            raise BillUnreadable("the bill of another merchant")
        lines.append(_line(row))
    _check_sums(table.after, lines)
    return Bill(day_of(lines, day), tuple(lines), file)


def _check_sums(after: Sequence[Sequence[str]], lines: Sequence[BillLine]) -> None:
    """A bill ends with a row of sums; without one it was cut off."""
    rows = [row for row in after if row and row != [""]]
    if len(rows) < 2 or len(rows[1]) < len(rows[0]):
        raise BillUnreadable("cut off: no row of sums at its end")
    said = dict(zip(rows[0], rows[1], strict=False))
    must_be(count(said[_LINES]), len(lines), "number of lines")
    for name, kind in ((_PAID, BillKind.PAYMENT), (_BACK, BillKind.REFUND)):
        if name in said:  # bills of old have no such column
            summed = sum(line.amount for line in lines if line.kind is kind)
            must_be(whole_fen(said[name]), summed, f"fen of {kind}s")
    if _FEES in said:
        must_be(mills(said[_FEES]), sum(line.fee_mills for line in lines), "mills of fees")


def _line(row: dict[str, str]) -> BillLine:
    if row["交易状态"] not in ("SUCCESS", "REFUND", "REVOKED"):
        raise BillUnreadable("a line that is neither payment nor refund")
    is_refund = row["交易状态"] != "SUCCESS"
    total = row.get("订单金额") or row.get("应结订单金额") or row.get("总金额", "")
    back = row.get("申请退款金额") or row.get("退款金额", "")
    attempt_id = attempt_id_of(row["商户订单号"])
    return BillLine(
        kind=BillKind.REFUND if is_refund else BillKind.PAYMENT,
        attempt_id=attempt_id,
        order_number=row["商户订单号"],
        ref=row["微信订单号"],
        amount=paid_fen(back if is_refund else total),
        fee_mills=mills(row.get("手续费", "")),
        at_ms=moment(row["交易时间"]),
        refund_number=row.get("商户退款单号", "") if is_refund else "",
        currency=row.get("货币种类") or "CNY",
        store=store_of(row.get("商户数据包", "")) if attempt_id else "",
        way=_TARIFFS.get(row.get("交易类型", ""), ""),
    )
