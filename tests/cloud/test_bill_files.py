"""Bills that are cut, foreign, forged or of another form: a clear no, and nothing is changed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from cloud.bootstrap import Cloud
from cloud.db import bill_tables
from cloud.errors import Refused
from cloud.settings import Settings
from tests.cloud.billing import FIRST, SELLER, Account, Billed, open_account
from tests.cloud.template import fresh_cloud

TABLES = (
    bill_tables.bill,
    bill_tables.bill_file,
    bill_tables.bill_line,
    bill_tables.bill_difference,
    bill_tables.fee,
)


@pytest.fixture
def embedded(tmp_path):
    cloud = fresh_cloud(Settings(data=tmp_path))
    yield cloud
    cloud.close()


def lived(cloud: Cloud, name: str) -> tuple[Account, Billed]:
    """An account with a day that is on the books, whose bill has not come."""
    account = open_account(cloud, name, 11)
    return account, account.day(FIRST, 12, 0)


def refused(account: Account, file: bytes, why: str, day=FIRST) -> None:
    with pytest.raises(Refused) as no:
        account.reconciliation.read(account.name, file, "file", day)
    assert no.value.problem.code == "bill_unreadable"
    assert why in no.value.problem.detail
    with account.cloud.db.reading() as conn:
        for table in TABLES:
            assert conn.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def repacked(file: bytes, change: Callable[[str, bytes], tuple[str, bytes]]) -> bytes:
    """Return a ZIP whose files were changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for each in old.namelist():
            new.writestr(*change(each, old.read(each)))
    return out.getvalue()


def in_details(file: bytes, old: str, new: str, count: int = 1) -> bytes:
    def change(name: str, data: bytes) -> tuple[str, bytes]:
        if "汇总" in name:
            return name, data
        text = data.decode("gbk")
        assert old in text
        return name, text.replace(old, new, count).encode("gbk")

    return repacked(file, change)


# --- Alipay ---------------------------------------------------------------------------------------


def test_a_torn_zip(embedded: Cloud):
    account, billed = lived(embedded, "alipay")
    file = account.file(billed)
    for end in (0, 1, 100, len(file) // 2, len(file) - 1):
        refused(account, file[:end], "not a whole ZIP")
    flipped = bytearray(file)
    flipped[200] ^= 0x20
    refused(account, bytes(flipped), "not a whole ZIP")


def test_a_zip_bomb(embedded: Cloud):
    account, _ = lived(embedded, "alipay")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as files:
        for no in range(3):
            with files.open(f"{no}_业务明细.csv", "w") as one:
                for _ in range(100):
                    one.write(bytes(1024 * 1024))
    assert len(out.getvalue()) < 1_000_000
    refused(account, out.getvalue(), "larger than any bill")


def test_many_files_in_a_zip(embedded: Cloud):
    account, _ = lived(embedded, "alipay")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as files:
        for no in range(60):
            files.writestr(f"{no}.csv", "")
    refused(account, out.getvalue(), "larger than any bill")


def test_a_zip_with_nothing_of_a_bill(embedded: Cloud):
    account, _ = lived(embedded, "alipay")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as files:
        files.writestr("readme.txt", "hello")
    refused(account, out.getvalue(), "no table of single trades")


def test_another_encoding(embedded: Cloud):
    account, billed = lived(embedded, "alipay")
    file = repacked(
        account.file(billed), lambda name, data: (name, data.decode("gbk").encode("utf-8"))
    )
    refused(account, file, "")
    utf16 = repacked(
        account.file(billed), lambda name, data: (name, data.decode("gbk").encode("utf-16"))
    )
    refused(account, utf16, "")


@pytest.mark.parametrize(
    "column", ["支付宝交易号", "商户订单号", "业务类型", "完成时间", "订单金额（元）"]
)
def test_a_missing_column(embedded: Cloud, column: str):
    account, billed = lived(embedded, "alipay")
    refused(account, in_details(account.file(billed), column, "其他"), "no line names the columns")


def test_another_merchants_bill(embedded: Cloud):
    account, billed = lived(embedded, "alipay")
    file = in_details(account.file(billed), SELLER, "2088999999999999")
    refused(account, file, "another merchant")


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("-5.00", "a payment below zero"),
        ("=1+1", "not an amount"),
        ("1e3", "not an amount"),
        ("0.001", "parts of a fen"),
        ("１２", "not an amount"),
        ("99999999999999999999.00", "not an amount"),
    ],
)
def test_amounts_that_are_none(embedded: Cloud, amount: str, why: str):
    account, billed = lived(embedded, "alipay")
    first = next(each for each in billed.entries if not each.refund_number)
    yuan = f"{first.amount // 100}.{first.amount % 100:02d}"
    file = in_details(account.file(billed), f",wan***,{yuan},", f",wan***,{amount},")
    refused(account, file, why)


def test_times_that_are_none(embedded: Cloud):
    account, billed = lived(embedded, "alipay")
    stamp = f"{FIRST} "
    for bad in ("2026-13-01 ", "yesterday  ", "2026-W09-7T"):
        file = in_details(account.file(billed), f",{stamp}", f",{bad}", 1_000)
        refused(account, file, "not a time")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("#交易合计：12笔", "#交易合计：11笔", "number of payments"),
        ("商家实收共", "商家实收共1", "fen of payments"),
        ("交易,大衣", "其他,大衣", "neither payment nor refund"),
        (",0.00,\r\n", ",\r\n", "cells under a head"),
    ],
)
def test_what_does_not_add_up(embedded: Cloud, old: str, new: str, why: str):
    account, billed = lived(embedded, "alipay")
    refused(account, in_details(account.file(billed), old, new), why)


def test_a_table_of_sums_that_says_otherwise(embedded: Cloud):
    account, billed = lived(embedded, "alipay")

    def change(name: str, data: bytes) -> tuple[str, bytes]:
        return name, data.replace("合计,,12".encode("gbk"), "合计,,13".encode("gbk"))

    refused(account, repacked(account.file(billed), change), "number of payments")


def test_a_line_that_was_taken_out(embedded: Cloud):
    account, billed = lived(embedded, "alipay")
    row = next(each for each in billed.entries if not each.refund_number)

    def change(name: str, data: bytes) -> tuple[str, bytes]:
        lines = data.decode("gbk").split("\r\n")
        kept = [each for each in lines if row.ref not in each or "退款," in each]
        return name, "\r\n".join(kept).encode("gbk")

    refused(account, repacked(account.file(billed), change), "number of payments")


@pytest.mark.parametrize("name", ["alipay", "wechat"])
def test_the_bill_of_another_day(embedded: Cloud, name: str):
    account, billed = lived(embedded, name)
    refused(account, account.file(billed), "other days", FIRST + timedelta(3))


# --- WeChat Pay -----------------------------------------------------------------------------------


def test_a_torn_table(embedded: Cloud):
    account, billed = lived(embedded, "wechat")
    file = account.file(billed)
    lines = file.split(b"\r\n")
    refused(account, b"", "no line names the columns")
    for end in (1, 5, len(lines) - 3, len(lines) - 2):
        refused(account, b"\r\n".join(lines[:end]), "cut off")
    refused(account, file[: len(file) // 2], "")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("`1900000001", "`1900000002", "another merchant"),
        ("微信订单号", "其他单号", "no line names the columns"),
        ("`SUCCESS", "`REFUSED", "neither payment nor refund"),
        ("\r\n`12,`", "\r\n`13,`", "number of lines"),
        ("总交易单数", "\0总交易单数", "a zero byte"),
    ],
)
def test_what_wechat_pay_would_not_write(embedded: Cloud, old: str, new: str, why: str):
    account, billed = lived(embedded, "wechat")
    billed.entries = [each for each in billed.entries if not each.refund_number]
    while len(billed.entries) < 12:  # some are billed on the next day
        billed.entries.append(replace(billed.entries[0], ref=f"more{len(billed.entries)}"))
    text = account.file(billed).decode()
    assert old in text
    refused(account, text.replace(old, new).encode(), why)


def test_sums_that_do_not_add_up(embedded: Cloud):
    account, billed = lived(embedded, "wechat")
    text = account.file(billed).decode()
    head, sums = text.rsplit("\r\n", 2)[0:2]
    cells = sums.split(",")
    for at, why in ((4, "fees"), (5, "payments"), (6, "refunds")):
        wrong = [*cells]
        wrong[at] = "`1.23"
        refused(account, "\r\n".join([head, ",".join(wrong), ""]).encode(), why)


def test_gbk_where_utf_8_belongs(embedded: Cloud):
    account, billed = lived(embedded, "wechat")
    file = account.file(billed).decode("utf-8-sig").encode("gbk")
    refused(account, file, "not text in utf-8-sig")


def test_an_empty_day_says_so(embedded: Cloud):
    account = open_account(embedded, "wechat", 1)
    file = account.file(Billed(FIRST))
    refused(account, file, "say which day", None)
    assert account.reconciliation.read("wechat", file, "file", FIRST).lines == 0
