"""Money for an order the cloud has lost: somebody hears of it, from the notice and from the bill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.bodies import PaymentStepV1
from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement
from cloud.db import payment_tables
from cloud.db.task_tables import task
from cloud.gateways.base import Answer, Bill, BillKind, BillLine, Money, Standing
from cloud.gateways.bills import day_at
from cloud.services import orphans
from cloud.services.reconcile import differences
from cloud.services.tasks import task_row
from tests.cloud.conftest import Clock
from tests.cloud.tillside import push_sale, sold
from tests.cloud.worlds import World, open_world


@pytest.fixture(params=["alipay", "wechat"])
def orphaned(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[World]:
    """The customer pays, and the cloud comes back from a backup older than the order."""
    with open_world(tmp_path / "cloud", clock) as world:
        world.start(request.param)
        provider = getattr(world.providers, request.param)
        if request.param == "alipay":
            provider.scan(world.number)
        provider.pay(world.number)
        with world.shop.cloud.db.begin() as conn:
            for table in (payment_tables.event, payment_tables.attempt, task):
                triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
                for (name,) in conn.exec_driver_sql(triggers, (table.name,)).all():
                    conn.exec_driver_sql(f'DROP TRIGGER "{name}"')
                conn.execute(table.delete().where(table.c.store_id == "S001"))
        yield world


def letter(world: World) -> int:
    provider = world.providers.alipay if world.providers.alipay.outbox else world.providers.wechat
    return world.deliver(provider.outbox[-1]).status_code


def tasks_of(world: World) -> list[TaskRow]:
    with world.shop.cloud.db.reading() as conn:
        rows = conn.execute(sa.select(task).where(task.c.store_id == "S001")).mappings()
        return [task_row(row) for row in rows if row["subject"] == world.shown.order.attempt_id]


def test_the_notice_of_an_order_nobody_knows_opens_one_task(orphaned: World):
    assert [letter(orphaned) for _ in range(3)] == [500] * 3  # it may be known again tomorrow
    (found,) = tasks_of(orphaned)
    assert (found.kind, found.code, found.state) == ("money", "no_sale", "open")
    assert found.amount == orphaned.shown.order.total
    device = orphaned.shown.till.device
    claim = TaskClaim(task_id=found.task_id, claim_id="c1", person="m1")
    device.post("/v1/tasks/claim", claim, TaskRow)
    done = TaskSettlement(task_id=found.task_id, claim_id="c1", resolution="seen", person="m1")
    assert device.post("/v1/tasks/settle", done, TaskRow).state == "settled"


def said(world: World, event: str, state: str, received: int, step: int = 3) -> PaymentStepV1:
    """What the till has in its journal of its attempt."""
    order = world.shown.order
    return PaymentStepV1(
        id=new_id(),
        attempt=order.attempt_id,
        sale=order.sale_id,
        step=step,
        event=event,
        state=state,
        amount=order.total,
        received=received,
        currency="CNY",
    )


def push_again(world: World) -> None:
    """The till pushes once more that it was paid, and its sale."""
    till = world.shown.till
    till.device.write("payment_step", said(world, "paid", "confirmed", world.shown.order.total))
    push_sale(till, sold(world.shown))


def told_of_another(world: World, amount: int, ref: str = "w-2") -> None:
    """Another wallet tells of money for the same order."""
    desk = world.shop.desk
    money = (Money(ref, amount, world.shop.cloud.clock()),)
    answer = Answer(Standing.PAID, money)
    orphans.note(
        desk.db, desk.newsroom, world.shown.key, answer, "unionpay", desk.payments.now_ms()
    )


def test_the_sale_its_till_pushes_again_settles_the_task(orphaned: World):
    letter(orphaned)
    push_again(orphaned)
    (found,) = tasks_of(orphaned)
    assert found.state == "settled"


def test_money_whose_sale_was_pushed_again_before_the_notice_is_no_task(orphaned: World):
    push_again(orphaned)
    for _ in range(3):
        letter(orphaned)
    assert [each for each in tasks_of(orphaned) if each.state != "settled"] == []


def test_money_for_an_order_its_till_has_closed_is_late(orphaned: World):
    device = orphaned.shown.till.device
    device.write("payment_step", said(orphaned, "closed", "cancelled", 0))
    device.push()
    letter(orphaned)
    (found,) = tasks_of(orphaned)
    total = orphaned.shown.order.total
    assert (found.kind, found.code, found.state, found.amount) == ("money", "late", "open", total)


def test_that_its_till_closed_it_does_not_settle_money_told_of_before(orphaned: World):
    letter(orphaned)
    device = orphaned.shown.till.device
    device.write("payment_step", said(orphaned, "closed", "cancelled", 0))
    device.push()
    letter(orphaned)
    (found,) = tasks_of(orphaned)
    assert (found.kind, found.state) == ("money", "open")


def test_a_second_wallets_money_counts_once_and_on_top(orphaned: World):
    letter(orphaned)
    total = orphaned.shown.order.total
    for _ in range(3):
        told_of_another(orphaned, 700)
    assert [(each.code, each.amount) for each in tasks_of(orphaned)] == [("no_sale", total + 700)]
    push_again(orphaned)
    (found,) = tasks_of(orphaned)
    assert (found.code, found.state, found.amount) == ("over", "open", 700)


def test_what_a_person_has_settled_is_not_named_again_with_a_second_wallets_money(
    orphaned: World,
):
    letter(orphaned)
    device, total = orphaned.shown.till.device, orphaned.shown.order.total
    (found,) = tasks_of(orphaned)
    claim = TaskClaim(task_id=found.task_id, claim_id="c1", person="m1")
    device.post("/v1/tasks/claim", claim, TaskRow)
    done = TaskSettlement(task_id=found.task_id, claim_id="c1", resolution="seen", person="m1")
    device.post("/v1/tasks/settle", done, TaskRow)
    letter(orphaned)
    assert [each.state for each in tasks_of(orphaned)] == ["settled"]
    told_of_another(orphaned, total)
    (found,) = tasks_of(orphaned)
    assert (found.code, found.state, found.amount) == ("no_sale", "open", total)


def test_an_order_that_comes_back_has_the_money_told_of_before(orphaned: World):
    letter(orphaned)
    total = orphaned.shown.order.total
    orphaned.shown.till.show(orphaned.shop.client, orphaned.shown.order)
    assert orphaned.state == ("confirmed", total, [])
    assert letter(orphaned) in (200, 204)
    push_again(orphaned)
    assert orphaned.state == ("confirmed", total, [])
    (found,) = tasks_of(orphaned)
    assert found.state == "settled"


def test_the_bill_makes_it_a_task_of_the_store_its_line_names(orphaned: World):
    line = BillLine(
        kind=BillKind.PAYMENT,
        attempt_id=orphaned.shown.order.attempt_id,
        order_number=orphaned.number,
        ref="t-1",
        amount=orphaned.shown.order.total,
        fee_mills=0,
        at_ms=orphaned.shop.cloud.clock(),
        store="S001",
    )
    bill = Bill(day_at(line.at_ms), (line,), b"bill")
    orphaned.shop.desk.bills.reconciliation.take("alipay", bill, "file")
    tenant = orphaned.shop.tenant
    (row,) = orphaned.shop.cloud.db.read(lambda conn: differences.listed(conn, tenant))
    assert (row["reason"], row["store_id"]) == ("order_unknown", "S001")
    assert [each.code for each in tasks_of(orphaned)] == ["bill_order_unknown"]
