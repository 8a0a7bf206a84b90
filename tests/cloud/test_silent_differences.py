"""Differences about which a provider keeps silent for days: when a person hears, and of how many at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.times import SHOP_ZONE
from app.wire.tasks import SEEN, TaskClaim, TaskRow, TaskSettlement
from cloud.db.task_tables import task
from cloud.services.reconcile import differences
from cloud.services.reconcile.account import Account, chunks
from cloud.services.reconcile.compare import Finding, Reason
from tests.cloud.paying import Shop, Till
from tests.cloud.test_bills_not_yet import DAY_MS


def silent(count: int, amount: int = 100) -> list[Finding]:
    """Return payments of one store that the ledger has not heard of."""
    return [
        Finding(Reason.UNKNOWN_HERE, f"s{no}", "S001", f"a{no}", 0, amount, no=no)
        for no in range(count)
    ]


@dataclass
class OneDay:
    """The differences of one day's bill, compared again and again."""

    shop: Shop
    account: Account
    day: date
    began_ms: int

    def compare(
        self, after_days: float, found: Sequence[Finding], healed: Iterable[int] = ()
    ) -> differences.Changes:
        now_ms = self.began_ms + int(after_days * DAY_MS)
        with self.shop.cloud.db.begin() as conn:
            return differences.bring_up_to_date(
                conn, self.account, self.day, found, set(healed), now_ms
            )

    def tasks(self) -> list[tuple[str, int]]:
        """State and amount of the tasks the store has of it."""
        query = sa.select(task.c.state, task.c.amount).where(
            task.c.store_id == "S001", task.c.code.startswith(differences.PREFIX)
        )
        with self.shop.cloud.db.reading() as conn:
            return [(row.state, row.amount) for row in conn.execute(query)]


@pytest.fixture
def one_day(shop: Shop, till: Till) -> OneDay:
    now_ms = shop.cloud.clock()
    today = datetime.fromtimestamp(now_ms / 1000, SHOP_ZONE).date()
    return OneDay(shop, Account(till.device.me.tenant, "alipay"), today, now_ms)


def test_many_silent_differences_flood_no_tablet(one_day: OneDay):
    many = silent(differences.MOST_TASKS + 100)
    one_day.compare(0, many)
    one_day.compare(4, many)
    assert one_day.tasks() == []
    few = many[: differences.MOST_TASKS]  # the provider has spoken about the others
    one_day.compare(5, few)
    assert len(one_day.tasks()) == differences.MOST_TASKS


def test_silent_ones_and_new_ones_are_counted_together(one_day: OneDay, monkeypatch):
    monkeypatch.setattr(differences, "MOST_TASKS", 3)
    new = [Finding(Reason.MISSING_THERE, f"m{no}", "S001", f"b{no}", 100, 0) for no in range(2)]
    one_day.compare(0, silent(2))
    one_day.compare(4, [*silent(2), *new])
    assert one_day.tasks() == []
    one_day.compare(5, silent(2))
    assert one_day.tasks() == [("open", 100)] * 2


def test_many_silent_tasks_are_looked_up_in_several_statements(one_day: OneDay, monkeypatch):
    monkeypatch.setattr(differences, "chunks", partial(chunks, size=2))
    for after_days in (0, 3, 4):
        one_day.compare(after_days, silent(5))
    assert one_day.tasks() == [("open", 100)] * 5
    one_day.compare(4, [])
    assert one_day.tasks() == [("settled", 100)] * 5


def test_a_silent_difference_that_went_and_came_again_gets_its_task_again(one_day: OneDay):
    one_day.compare(0, silent(1))
    one_day.compare(3, silent(1))
    assert one_day.tasks() == [("open", 100)]
    one_day.compare(3.5, [])
    assert one_day.tasks() == [("settled", 100)]
    one_day.compare(3.6, silent(1))
    one_day.compare(6.5, silent(1))
    assert one_day.tasks() == [("settled", 100)], "three days of silence have to pass anew"
    one_day.compare(6.7, silent(1))
    assert one_day.tasks() == [("open", 100)]


def test_one_that_came_again_is_not_waited_for_beyond_the_week_of_its_bill(one_day: OneDay):
    one_day.compare(0, silent(1))
    one_day.compare(5, [])
    one_day.compare(6, silent(1))
    assert one_day.tasks() == []
    one_day.compare(7, silent(1))
    assert one_day.tasks() == [("open", 100)]


def test_what_is_heard_at_last_opens_no_task_in_the_same_breath(one_day: OneDay):
    one_day.compare(0, silent(2))
    changes = one_day.compare(4, silent(2), healed=[0, 1])
    assert one_day.tasks() == []
    assert changes.opened == 0


@pytest.mark.parametrize("amount", [100, 150])
def test_what_a_person_settled_is_asked_again_only_once_it_is_another(
    one_day: OneDay, till: Till, amount: int
):
    one_day.compare(0, silent(1))
    one_day.compare(3, silent(1))
    till.device.sign_in()
    with one_day.shop.cloud.db.reading() as conn:
        ours = sa.and_(task.c.store_id == "S001", task.c.code.startswith(differences.PREFIX))
        task_id: str = conn.execute(sa.select(task.c.task_id).where(ours)).scalar_one()
    claim = TaskClaim(task_id=task_id, claim_id=new_id(), person="m1")
    till.device.post("/v1/tasks/claim", claim, TaskRow)
    said = TaskSettlement(task_id=claim.task_id, claim_id=claim.claim_id, resolution=SEEN)
    till.device.post("/v1/tasks/settle", said, TaskRow)
    for after_days in (3.2, 6.5):
        one_day.compare(after_days, silent(1, amount))
    assert one_day.tasks() == [("open", 150) if amount == 150 else ("settled", 100)]
