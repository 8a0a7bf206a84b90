"""What is done with a bill: kept once, corrected with its history, healed, shown as tasks, settled; fees."""

from __future__ import annotations

import json
import time
import zlib
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.wire.tasks import TaskClaim, TaskSettlement
from cloud.__main__ import main
from cloud.bootstrap import Cloud
from cloud.db import bill_tables, payment_tables
from cloud.db.task_tables import task
from cloud.errors import Refused
from cloud.gateways.bills import bounds
from cloud.services import release, tasks
from cloud.services.reconcile import differences, fees
from cloud.services.reconcile.reconciliation import Result
from cloud.services.tasks import Holder
from tests.cloud.billing import FIRST, Account, Billed, open_account
from tests.cloud.planting import (
    Plant,
    plant_amount,
    plant_missing_there,
    plant_not_ours,
    plant_refund_missing,
    plant_twice_there,
    plant_unknown_here,
)

NEXT = FIRST + timedelta(1)


@pytest.fixture
def account(cloud: Cloud) -> Account:
    """An account at WeChat Pay on both engines."""
    return open_account(cloud, "wechat", 5)


def take(account: Account, billed: Billed) -> Result:
    return account.reconciliation.read(account.name, account.file(billed), "bill.csv", billed.day)


def planted(account: Account, plant: Plant, day: date = FIRST) -> Billed:
    """A day with one payment and one difference, and a few payments besides."""
    billed = account.day(day, 3, 0)
    each = replace(account.payment(*bounds(day)), at_ms=bounds(day)[0] + 36_000_000, back=0)
    money = plant(account, billed, each)
    account.write([each], money)
    return billed


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(rows) == 1, rows
    return rows[0]


# --- kept -----------------------------------------------------------------------------------------


def test_the_same_bill_again_changes_nothing(account: Account):
    billed = planted(account, plant_amount)
    first = take(account, billed)
    assert (first.fresh, first.revision, first.opened) == (True, 1, 1)
    names = (bill_tables.bill_file, bill_tables.bill_line, bill_tables.fee)
    tables = (*names, bill_tables.bill_difference, task)
    before = [account.rows(table) for table in tables]
    again = take(account, billed)
    assert (again.fresh, again.revision, again.opened, again.closed) == (False, 1, 0, 0)
    assert [account.rows(table) for table in tables] == before


def test_a_corrected_bill_takes_the_place_of_the_first_with_history(account: Account):
    billed = planted(account, plant_amount)
    wrong = account.file(billed)
    take(account, billed)
    open_ = only(account.rows(bill_tables.bill_difference))
    billed.entries = [
        replace(each, amount=open_["ours"]) if each.ref == open_["subject"] else each
        for each in billed.entries
    ]
    result = take(account, billed)
    assert (result.fresh, result.revision, result.closed) == (True, 2, 1)
    settled = only(account.rows(bill_tables.bill_difference))
    assert (settled["state"], settled["resolution"]) == ("settled", "by_itself")
    assert only(account.rows(task))["resolution"] == "by_itself"
    files = account.rows(bill_tables.bill_file)
    assert [row["revision"] for row in files] == [1, 2]
    assert zlib.decompress(files[0]["packed"]) == wrong
    assert len(account.rows(bill_tables.bill_line)) == len(billed.entries)


def test_a_kept_file_cannot_be_changed(account: Account):
    take(account, account.day(FIRST, 1, 0))
    for verb in (
        sa.update(bill_tables.bill_file).values(digest=""),
        sa.delete(bill_tables.bill_file),
    ):
        with pytest.raises(sa.exc.DBAPIError), account.cloud.db.begin() as conn:
            conn.execute(verb)


# --- days -----------------------------------------------------------------------------------------


def test_a_payment_of_the_last_second_may_stand_on_the_next_bill(account: Account):
    each = replace(account.payment(*bounds(FIRST)), at_ms=bounds(NEXT)[0] - 1_000, back=0)
    account.attempt(each)
    assert take(account, Billed(FIRST)).found == 0  # the next bill may have it
    assert take(account, Billed(NEXT, [each.entry])).found == 0
    assert account.found().total() == 0


def test_it_is_missing_once_the_next_bill_has_come_without_it(account: Account):
    each = replace(account.payment(*bounds(FIRST)), at_ms=bounds(NEXT)[0] - 1_000, back=0)
    account.attempt(each)
    take(account, Billed(FIRST))
    take(account, Billed(NEXT))
    assert list(account.found()) == [(FIRST.isoformat(), "missing_there", each.ref)]
    corrected = take(account, Billed(NEXT, [each.entry]))
    assert corrected.found == 0
    row = only(account.rows(bill_tables.bill_difference))
    assert (row["state"], row["resolution"]) == ("settled", "by_itself")


def test_what_stands_on_two_days_is_there_twice(account: Account):
    each = replace(account.payment(*bounds(FIRST)), at_ms=bounds(NEXT)[0] - 1_000, back=0)
    account.attempt(each)
    take(account, Billed(FIRST, [each.entry]))
    take(account, Billed(NEXT, [each.entry]))
    assert list(account.found()) == [(NEXT.isoformat(), "twice_there", each.ref)]
    assert len(account.rows(bill_tables.fee)) == 1


def test_the_zone_of_the_machine_does_not_matter(account: Account, monkeypatch):
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    try:
        billed = account.day(FIRST, 30, 0)
        take(account, billed)
        assert take(account, account.day(NEXT, 5, 0)).found == 0
        assert account.found().total() == 0
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


# --- money nobody had heard of --------------------------------------------------------------------


def test_a_lost_notice_heals_itself_and_asks_what_to_do(account: Account):
    billed = planted(account, plant_unknown_here)
    assert take(account, billed).healed == 1
    difference = only(account.rows(bill_tables.bill_difference))
    assert (difference["state"], difference["resolution"]) == ("settled", "healed")
    attempt_id = difference["attempt_id"]
    money = [r for r in account.rows(payment_tables.money) if r["attempt_id"] == attempt_id]
    assert only(money)["amount"] == difference["theirs"]
    late = only([row for row in account.rows(task) if row["task_id"] == attempt_id])
    assert (late["kind"], late["code"], late["state"]) == ("money", "late", "open")
    assert take(account, billed).healed == 0  # it is known by now


def test_what_was_reversed_in_doubt_is_no_difference(account: Account):
    each = replace(account.payment(*bounds(FIRST)), at_ms=bounds(FIRST)[0] + 1_000_000)
    account.attempt(each, paid=False)
    back = replace(each.entry, refund_number="theirs")
    assert take(account, Billed(FIRST, [each.entry, back])).found == 0
    assert account.rows(payment_tables.money) == []


# --- other systems --------------------------------------------------------------------------------


def test_on_a_shared_account_other_systems_are_only_counted(cloud: Cloud):
    account = open_account(cloud, "alipay", 5, shared=True)
    assert take(account, planted(account, plant_not_ours)).found == 0
    assert only(account.rows(bill_tables.bill))["foreign_lines"] == 1


# --- a person settles -----------------------------------------------------------------------------


def test_a_manager_settles_a_difference_as_a_task(account: Account):
    billed = planted(account, plant_refund_missing)
    take(account, billed)
    take(account, Billed(NEXT))
    one = only(account.rows(task))
    assert (one["kind"], one["code"]) == ("record", "bill_refund_missing")
    difference = only(account.rows(bill_tables.bill_difference))
    assert one["task_id"] == difference["difference_id"]
    holder = Holder(account.tenant, one["store_id"], "d1", "claim", "9001")

    def act(conn: sa.Connection) -> None:
        claim = TaskClaim(task_id=one["task_id"], claim_id="claim", person="9001")
        tasks.claim(conn, holder, claim, now_ms=1)
        word = TaskSettlement(task_id=one["task_id"], claim_id="claim", resolution="corrected")
        release.settle(conn, holder, word, now_ms=2)

    account.cloud.db.write(act)
    difference = only(account.rows(bill_tables.bill_difference))
    assert (difference["state"], difference["resolution"]) == ("settled", "corrected")
    assert (difference["settled_by"], difference["settled_ms"]) == ("9001", 2)
    take(account, billed)  # once more: what a person settled stays settled
    assert only(account.rows(bill_tables.bill_difference)) == difference


def test_the_office_settles_it_and_the_task_is_gone(account: Account):
    take(account, planted(account, plant_amount))
    name = str(only(account.rows(bill_tables.bill_difference))["difference_id"])

    def settle(conn: sa.Connection, word: str = "seen", which: str = name) -> None:
        differences.settle(conn, account.tenant, which, word, "Li", 5)

    account.cloud.db.write(settle)
    one = only(account.rows(task))
    assert (one["state"], one["resolution"], one["claimed_by"]) == ("settled", "seen", "Li")
    for word, which, status in (("seen", name, 409), ("seen", "x", 404), ("lost", name, 422)):
        with pytest.raises(Refused) as no:
            account.cloud.db.write(partial(settle, word=word, which=which))
        assert no.value.status == status


def test_another_amount_opens_a_settled_difference_again(account: Account):
    billed = planted(account, plant_amount)
    take(account, billed)
    row = only(account.rows(bill_tables.bill_difference))
    name = str(row["difference_id"])
    account.cloud.db.write(
        lambda conn: differences.settle(conn, account.tenant, name, "seen", "Li", 5)
    )
    billed.entries = [
        replace(each, amount=each.amount + 7) if each.ref == row["subject"] else each
        for each in billed.entries
    ]
    assert take(account, billed).opened == 1
    assert only(account.rows(bill_tables.bill_difference))["state"] == "open"
    assert only(account.rows(task))["state"] == "open"


def test_a_flood_is_listed_and_troubles_no_tablet(account: Account):
    account.day(FIRST, 300, 0)
    account.over = []
    take(account, Billed(FIRST))
    assert account.found().total() > differences.MOST_TASKS
    assert account.rows(task) == []


# --- fees -----------------------------------------------------------------------------------------


def test_fees_are_booked_per_payment_and_make_a_rate(account: Account):
    paid = [
        replace(account.payment(*bounds(FIRST)), amount=amount, back=0, store="S001")
        for amount in (10_000, 20_001)
    ]
    back = replace(paid[0], back=5_000, number="r1")
    account.write(paid, [back, paid[1]])
    entries = [each.entry for each in paid]
    entries.append(replace(paid[0].entry, amount=5_000, refund_number="r1"))
    take(account, Billed(FIRST, entries))
    booked = {row["ref"]: row for row in account.rows(bill_tables.fee) if row["kind"] == "payment"}
    assert booked[paid[0].ref]["fee_mills"] == 60_000  # 0.6 % of 100.00 in thousandths of a fen
    assert booked[paid[1].ref]["fee_mills"] == 120_006

    def report(store: str = "") -> list[tuple[object, ...]]:
        day = FIRST.isoformat()
        with account.cloud.db.reading() as conn:
            rows = fees.report(conn, account.tenant, day, day, store=store).rows
        return [(r.provider, r.way, r.paid, r.given_back, r.fee_mills, r.rate_bp) for r in rows]

    assert report() == [
        ("wechat", "code", 20_001, 0, 120_006, 60),
        ("wechat", "qr", 10_000, 5_000, 30_000, 60),
    ]
    assert report("S001") == report()
    assert report("S002") == []


def test_a_bill_that_names_no_way_is_booked_by_how_the_attempt_was_begun(cloud: Cloud):
    """Alipay says nothing of it; a customer's code costs more, whoever looked at our page before."""
    account = open_account(cloud, "alipay", 5)
    made = [replace(account.payment(*bounds(FIRST)), back=0, store="S001") for _ in range(2)]
    paid = [replace(made[0], by_code=True), made[1]]
    account.write(paid, paid)
    take(account, Billed(FIRST, [each.entry for each in paid]))
    booked = {row["ref"]: row["way"] for row in account.rows(bill_tables.fee)}
    assert booked == {paid[0].ref: "code", paid[1].ref: "qr"}


# --- at the command line --------------------------------------------------------------------------


def test_the_commands(cloud: Cloud, tmp_path: Path, capsys):
    account = open_account(cloud, "alipay", 5)
    take(account, planted(account, plant_missing_there))
    take(account, planted(account, plant_twice_there, NEXT))
    where = ["--data", str(cloud.settings.data), "--db", cloud.settings.db_url]

    def said(*arguments: str) -> str:
        assert main([*arguments, *where]) == 0
        return capsys.readouterr().out

    listed = [json.loads(line) for line in said("bill", "differences", "--json").splitlines()]
    assert [row["reason"] for row in listed] == ["missing_there", "twice_there"]
    text = said("bill", "differences", "--day", FIRST.isoformat())
    assert "ask which is right" in text
    name = listed[0]["difference_id"]
    assert "is settled" in said("bill", "settle", name, "--resolution", "seen", "--person", "Li")
    assert name not in said("bill", "differences")
    assert name in said("bill", "differences", "--all")
    table = tmp_path / "differences.csv"
    said("bill", "differences", "--all", "--csv", str(table))
    assert len(table.read_text().splitlines()) == 3
    span = ("--from", FIRST.isoformat(), "--to", NEXT.isoformat())
    assert "alipay" in said("report", "fees", *span)
    (row,) = json.loads(said("report", "fees", *span, "--json"))
    assert row["rate_bp"] in (59, 60, 61)
    assert main(["bill", "import", "nobody", str(table), *where]) == 1


def test_what_another_system_calls_an_order_is_no_formula(cloud: Cloud, tmp_path: Path, capsys):
    account = open_account(cloud, "alipay", 5)
    billed = account.day(FIRST, 3, 0)
    billed.entries.append(replace(billed.entries[0], order="=1+1", ref="=2+2", store=""))
    take(account, billed)
    table = tmp_path / "differences.csv"
    where = ["--data", str(cloud.settings.data), "--db", cloud.settings.db_url]
    assert main(["bill", "differences", "--csv", str(table), *where]) == 0
    assert "'=2+2" in table.read_text()
