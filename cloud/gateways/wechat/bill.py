"""WeChat Pay's bill of a day: a signed question for an address, behind it a table with a known SHA-1.

Source of the columns and of the download's rules: wechatpay-go (core/downloader and its tests).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import date, datetime

from app.domain.times import SHOP_ZONE
from cloud.gateways.base import Bill, BillKind, BillLine, unresolved
from cloud.gateways.bills import BillUnreadable, mills, rows, whole_fen
from cloud.gateways.numbers import attempt_id_of
from cloud.gateways.wechat import outcomes
from cloud.gateways.wechat.client import WechatClient

_NEEDED = ("交易时间", "微信订单号", "商户订单号", "交易状态")


def fetch(client: WechatClient, name: str, day: date) -> Bill:
    """Fetch and read a day's bill. Raises Trouble(PAYMENT_UNRESOLVED)."""
    said = client.call("GET", f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL")
    if said.code == outcomes.EMPTY_BILL:
        return Bill(day, (), b"")
    if not said.succeeded or said.text("hash_type") != "SHA1":
        raise unresolved(name, f"bill: {said.code}")
    file = client.download(said.text("download_url"))
    # SHA-1 is what WeChat Pay gives; the file's own answer carries no signature.
    digest = hashlib.sha1(file, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(digest, said.text("hash_value").lower()):
        raise unresolved(name, "bill: another file than was announced")
    try:
        return Bill(day, tuple(read(file)), file)
    except BillUnreadable as error:
        raise unresolved(name, f"bill: {error}") from error


def read(file: bytes) -> Iterator[BillLine]:
    """Yield the lines of a bill. Raises BillUnreadable."""
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BillUnreadable("not UTF-8") from error
    for row in rows(text, _NEEDED):
        yield _line(row)


def _line(row: dict[str, str]) -> BillLine:
    if row["交易状态"] not in ("SUCCESS", "REFUND", "REVOKED"):
        raise BillUnreadable("a line that is neither payment nor refund")
    is_refund = row["交易状态"] != "SUCCESS"
    total = row.get("订单金额") or row.get("应结订单金额") or row.get("总金额", "")
    back = row.get("申请退款金额") or row.get("退款金额", "")
    return BillLine(
        kind=BillKind.REFUND if is_refund else BillKind.PAYMENT,
        attempt_id=attempt_id_of(row["商户订单号"]),
        order_number=row["商户订单号"],
        ref=row["微信订单号"],
        amount=whole_fen(back if is_refund else total),
        fee_mills=mills(row.get("手续费", "")),
        at_ms=_moment(row["交易时间"]),
        refund_number=row.get("商户退款单号", "") if is_refund else "",
    )


def _moment(text: str) -> int:
    try:
        naive = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the next line's zone
    except ValueError as error:
        raise BillUnreadable("not a time") from error
    return int(naive.replace(tzinfo=SHOP_ZONE).timestamp() * 1000)
