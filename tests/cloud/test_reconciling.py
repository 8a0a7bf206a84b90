"""Bills with planted differences: all of them are found, for the right reason, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from cloud.bootstrap import Cloud, open_cloud
from cloud.db import bill_tables
from cloud.settings import Settings
from tests.cloud.billing import Account, Planted, days, open_account
from tests.cloud.template import fresh_cloud

SIZES = (0, 1, 2, 10, 25, 60, 120, 300)
BIGGEST = 2_000
MOST_PLANTED = 20


def live(account: Account, count: int, sizes: tuple[int, ...]) -> Counter[Planted]:
    """Live and bill so many days, and two on which nothing happens; return what was planted."""
    planted: Counter[Planted] = Counter()
    for day in days(count):
        size, most = account.dice.choice(sizes), account.dice.randrange(MOST_PLANTED + 1)
        billed = account.day(day, size, most)
        planted.update(billed.planted)
        account.reconciliation.read(account.name, account.file(billed), "file", day)
    return planted + live_on(account, count, 0)


def live_on(account: Account, first: int, size: int) -> Counter[Planted]:
    """Live one more day of this size, and the next, on which nothing happens."""
    planted: Counter[Planted] = Counter()
    for day in days(first + 2)[first:]:
        billed = account.day(day, size, MOST_PLANTED)
        planted.update(billed.planted)
        account.reconciliation.read(account.name, account.file(billed), "file", day)
        size = 0
    return planted


@pytest.mark.parametrize("name", ["alipay", "wechat"])
def test_planted_differences_are_found_and_nothing_else(name: str, tmp_path):
    """Two hundred days in all, one of them with two thousand payments."""
    cloud = fresh_cloud(Settings(data=tmp_path))
    account = open_account(cloud, name, 20_261_126)
    planted = live(account, 98, SIZES)
    assert account.found() == planted
    big = live_on(account, 100, BIGGEST)
    assert account.found() == planted + big
    reasons = {reason for _, reason, _ in planted}
    assert len(reasons) == len(account.kinds)
    by_itself = [
        row for row in account.rows(bill_tables.bill_difference) if row["resolution"] == "by_itself"
    ]
    assert by_itself == []  # nothing was ever taken for a difference that was none
    cloud.close()


@pytest.mark.parametrize("name", ["alipay", "wechat"])
def test_on_every_engine(name: str, cloud: Cloud):
    account = open_account(cloud, name, 7)
    assert live(account, 8, (40, 90)) == account.found()


def test_a_clean_bill_gives_nothing(cloud: Cloud):
    account = open_account(cloud, "alipay", 3)
    for day in days(4):
        billed = account.day(day, 50, 0)
        result = account.reconciliation.read("alipay", account.file(billed), "file", day)
        assert (result.found, result.opened, result.healed) == (0, 0, 0)
    assert account.found() == Counter()


@pytest.mark.postgres
def test_the_planner_knows_of_a_bill_before_it_is_compared(postgres_url: str, tmp_path: Path):
    """Without statistics it looks for each line among all others, and a large first bill never ends."""
    cloud = open_cloud(Settings(data=tmp_path, db_url=postgres_url))
    account = open_account(cloud, "alipay", 5)
    billed = account.day(days(1)[0], 50, 0)
    account.reconciliation.read("alipay", account.file(billed), "file", billed.day)
    with cloud.db.reading() as conn:
        known = conn.scalar(
            sa.text("SELECT reltuples FROM pg_class WHERE oid = 'bill_line'::regclass")
        )
    assert known == len(billed.entries)
    cloud.close()
