"""Bills about which a provider has to be asked while it keeps silent, or while the cloud stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from cloud.db.task_tables import task
from cloud.gateways.base import Answer, AttemptKey, Bill, BillKind, BillLine
from cloud.gateways.bills import day_at
from cloud.gateways.numbers import order_number
from cloud.services.reconcile import differences
from cloud.services.reconcile.reconciliation import Result
from cloud.services.reconcile.schedule import FIRST_WAIT_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import Shown
from tests.cloud.test_bills_not_yet import DAY_MS
from tests.cloud.test_reversed import silence
from tests.cloud.test_rounds import another
from tests.cloud.worlds import World, open_world


@pytest.fixture
def world(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with open_world(tmp_path / "cloud", clock) as opened:
        # The sweep's last look would hear of the money, too.
        monkeypatch.setattr(opened.shop.desk.payments, "sweep", lambda *_: 0)
        opened.start("alipay")
        yield opened


def paid_late(world: World, shown: Shown) -> BillLine:
    """The customer paid an order that was cancelled, and its notice is lost for good."""
    alipay, number = world.providers.alipay, order_number(shown.key)
    alipay.scan(number)
    assert shown.cancel().state == "cancelled"
    alipay.pay(number)
    trade = alipay.trades[number]
    return BillLine(
        kind=BillKind.PAYMENT,
        attempt_id=shown.key.attempt_id,
        order_number=number,
        ref=trade.trade_no,
        amount=trade.total,
        fee_mills=0,
        at_ms=trade.paid_ms,
    )


def take(world: World, *lines: BillLine) -> Result:
    bill = Bill(day_at(lines[0].at_ms), lines, b"bill")
    return world.shop.desk.bills.reconciliation.take("alipay", bill, "fetched")


def is_compared(world: World, result: Result) -> bool:
    return result.day in world.shop.desk.bills.rounds.kept("alipay", result.day, result.day)


def of_alipay(results: list[Result]) -> Result:
    """The one account's result among those of all."""
    (found,) = [each for each in results if each.account == "alipay" and each.lines]
    return found


def received(world: World, shown: Shown) -> int:
    return world.shop.desk.payments.find(shown.key).received


def test_a_bill_whose_provider_keeps_silent_is_compared_again_until_its_money_is_heard(
    world: World, clock: Clock
):
    rounds = world.shop.desk.bills.rounds
    line = paid_late(world, world.shown)
    clock.ahead_ms += 2 * DAY_MS
    with silence(world):
        result = take(world, line)
        assert (result.found, result.healed, result.unanswered) == (1, 0, 1)
        assert not is_compared(world, result)
        assert of_alipay(rounds.run()).unanswered == 1
    clock.ahead_ms += FIRST_WAIT_MS
    again = of_alipay(rounds.run())
    assert (again.healed, again.unanswered, is_compared(world, again)) == (1, 0, True)
    assert received(world, world.shown) == world.shown.order.total
    assert rounds.run() == []


def test_a_stop_waits_for_one_question_and_the_rest_is_heard_by_the_next_start(
    world: World, clock: Clock
):
    """Three payments nobody told of stand on one bill; the cloud is stopped over the first of them."""
    desk = world.shop.desk
    shown = [world.shown, another(world, "alipay"), another(world, "alipay")]
    lines = [paid_late(world, each) for each in shown]
    clock.ahead_ms += 2 * DAY_MS
    gateway, asked = desk.gateways.named("alipay"), []
    truly = gateway.query

    def query(key: AttemptKey) -> Answer:
        desk.stopping.set()
        asked.append(key)
        return truly(key)

    with patch.object(gateway, "query", query):
        result = take(world, *lines)
        assert (len(asked), result.healed, result.unanswered) == (1, 1, 2)
        assert not is_compared(world, result)
        assert desk.bills.rounds.run() == []  # nothing is begun any more
    assert len(asked) == 1
    desk.stopping.clear()
    desk.bills.rounds.run()
    assert is_compared(world, result)
    assert [received(world, each) for each in shown] == [each.order.total for each in shown]


def tasks_of_bills(world: World) -> list[tuple[str, str]]:
    """Code and state of what a store's inbox says of bills."""
    with world.shop.cloud.db.reading() as conn:
        rows = conn.execute(sa.select(task.c.code, task.c.state).order_by(task.c.created_ms)).all()
    return [(row.code, row.state) for row in rows if row.code.startswith(differences.PREFIX)]


def test_what_a_provider_leaves_unanswered_for_days_becomes_a_task_before_it_is_compared_no_more(
    world: World, clock: Clock
):
    line = paid_late(world, world.shown)
    with silence(world):
        result = take(world, line)
        clock.ahead_ms += 2 * DAY_MS
        world.shop.desk.bills.reconciliation.compare_day("alipay", result.day)
        assert tasks_of_bills(world) == [], "it may still be heard of by itself"
        clock.ahead_ms += 2 * DAY_MS
        for _ in range(3):
            world.shop.desk.bills.reconciliation.compare_day("alipay", result.day)
        assert tasks_of_bills(world) == [("bill_unknown_here", "open")]
    world.shop.desk.bills.reconciliation.compare_day("alipay", result.day)
    assert tasks_of_bills(world) == [("bill_unknown_here", "settled")]
    assert received(world, world.shown) == world.shown.order.total
