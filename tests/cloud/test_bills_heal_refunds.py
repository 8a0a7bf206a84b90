"""A bill that shows a refund which its provider had called refused: books and people learn of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from app.domain.money_back import Back
from cloud.db.bill_tables import bill_difference
from cloud.gateways.base import Bill, BillKind, BillLine, RefundAnswer, RefundStanding
from cloud.gateways.bills import day_at
from cloud.services.giving_back import Wish
from cloud.services.reconcile.reconciliation import Result
from tests.cloud.conftest import Clock
from tests.cloud.tillside import push_sale, sold, task_of, wish
from tests.cloud.worlds import World, open_world


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    """An order was paid at Alipay and sold."""
    with open_world(tmp_path / "cloud", clock) as opened:
        alipay = opened.providers.alipay
        opened.start("alipay")
        alipay.scan(opened.number)
        alipay.pay(opened.number)
        opened.deliver(alipay.outbox[-1])
        push_sale(opened.shown.till, sold(opened.shown))
        yield opened


def refuse(world: World) -> Wish:
    """Let Alipay refuse a refund."""
    gateway, asked = world.shop.desk.gateways.named("alipay"), wish(world.shown, 100)
    no, unheard = RefundAnswer(RefundStanding.REFUSED), RefundAnswer(RefundStanding.ABSENT)
    with (
        patch.object(gateway, "refund", lambda _refund: no),
        patch.object(gateway, "refund_query", lambda _refund: unheard),
    ):
        assert world.shop.desk.giving_back.give_back(asked).standing is Back.REFUSED
    return asked


def billed(world: World, number: str, amount: int) -> Result:
    """Take in a bill with the payment, and a refund of it."""
    trade = world.providers.alipay.trades[world.number]
    lines = [
        BillLine(
            kind=kind,
            attempt_id=world.shown.key.attempt_id,
            order_number=world.number,
            ref=trade.trade_no,
            amount=money,
            fee_mills=0,
            at_ms=trade.paid_ms,
            refund_number=of,
        )
        for kind, money, of in (
            (BillKind.PAYMENT, trade.total, ""),
            (BillKind.REFUND, amount, number),
        )
    ]
    bill = Bill(day_at(trade.paid_ms), tuple(lines), f"bill {amount}".encode())
    return world.shop.desk.bills.reconciliation.take("alipay", bill, "file")


def differences_of(world: World) -> list[tuple[str, str, str]]:
    query = sa.select(bill_difference).order_by(bill_difference.c.reason)
    with world.shop.cloud.db.reading() as conn:
        return [(row.reason, row.state, row.resolution) for row in conn.execute(query)]


def test_a_refused_refund_on_a_bill_is_on_the_books_and_a_task(
    world: World, caplog: pytest.LogCaptureFixture
):
    asked = refuse(world)
    result = billed(world, asked.number, asked.amount)
    assert (result.found, result.opened, result.healed) == (1, 0, 1)
    row = world.shop.desk.giving_back.current(asked.key).first
    assert (row.standing, row.belied_ms > 0) == (Back.DONE, True)
    assert "was called refused" in caplog.text
    task = task_of(world.shop, world.shown)
    assert (task.code, task.state, task.amount) == ("refund_after_all", "open", asked.amount)
    assert differences_of(world) == [("refund_refused", "settled", "healed")]
    again = world.shop.desk.bills.reconciliation.compare_day("alipay", result.day)
    assert (again.found, again.opened, again.healed) == (0, 0, 0)
    assert differences_of(world) == [("refund_refused", "settled", "healed")]


def test_another_amount_than_was_refused_is_stuck_and_a_difference(world: World):
    asked = refuse(world)
    billed(world, asked.number, asked.amount + 1)
    row = world.shop.desk.giving_back.current(asked.key).first
    assert (row.standing, row.belied_ms > 0) == (Back.STUCK, True)
    assert differences_of(world) == [
        ("refund_amount_differs", "open", ""),
        ("refund_refused", "settled", "healed"),
    ]
