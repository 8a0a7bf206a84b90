"""What one store is paid is no other store's: not by an id used twice, not by anything a provider says."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import sqlalchemy as sa

from app.errors import Code, RuleBroken, Trouble
from cloud.db import payment_tables
from cloud.gateways.base import AttemptKey, Bill, BillKind, BillLine
from cloud.gateways.bills import day_at
from cloud.gateways.numbers import first_number, order_number
from cloud.services.attempts import number_of
from tests.cloud.paying import Shown
from tests.cloud.worlds import World

WALLETS = pytest.mark.parametrize("wallet", ["alipay", "wechat"])


def paid(world: World, wallet: str) -> None:
    """The customer pays the first store's order."""
    world.start(wallet)
    provider = getattr(world.providers, wallet)
    if wallet == "alipay":
        provider.scan(world.number)
    provider.pay(world.number)
    world.deliver(provider.outbox[-1])
    assert world.state == ("confirmed", world.shown.order.total, [])


def twin(world: World) -> Shown:
    """Another store's till shows an order under the very same id."""
    thief = world.shop.till("S002")
    return thief.show(world.shop.client, thief.order(attempt_id=world.shown.order.attempt_id))


@WALLETS
def test_a_store_is_not_told_paid_by_another_stores_payment(world: World, wallet: str):
    paid(world, wallet)
    shown = twin(world)
    world.shop.desk.payments.start(shown.key, world.shop.desk.charge, wallet)
    view = shown.view()
    assert (view.state, view.received) == ("waiting", 0)
    assert shown.cancel().state == "cancelled"
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_an_answer_that_travelled_with_another_stores_books_is_not_believed(world: World):
    paid(world, "wechat")
    world.providers.wechat.orders[world.number].attach = "t.S002"
    gateway = world.shop.desk.gateways.named("wechat")
    with pytest.raises(Trouble):
        gateway.query(world.shown.key)


@WALLETS
def test_an_order_from_before_is_found_under_its_old_number(world: World, wallet: str):
    """It was begun by the version whose numbers did not name the store, and is paid now."""
    old = first_number(world.shown.order.attempt_id)
    column = payment_tables.attempt.update().values(first_number=old)
    key = world.shown.key
    where = payment_tables.attempt.c.attempt_id == key.attempt_id
    with world.shop.cloud.db.begin() as conn:
        conn.execute(column.where(where, payment_tables.attempt.c.store_id == key.store))
    with patch.object(type(world), "number", old):
        paid(world, wallet)
    shown = twin(world)
    assert number_at(world, shown.key) == order_number(shown.key) != old
    assert number_at(world, key) == old


def number_at(world: World, key: AttemptKey) -> str:
    return world.shop.cloud.db.read(lambda conn: number_of(conn, key))


def test_of_an_id_that_two_stores_have_a_bill_means_the_one_its_number_names(world: World):
    paid(world, "alipay")
    shown = twin(world)
    trade = world.providers.alipay.trades[world.number]
    line = BillLine(
        kind=BillKind.PAYMENT,
        attempt_id=shown.order.attempt_id,
        order_number=order_number(shown.key),
        ref="t-2",
        amount=shown.order.total,
        fee_mills=0,
        at_ms=trade.paid_ms,
    )
    world.shop.desk.bills.reconciliation.take(
        "alipay", Bill(day_at(line.at_ms), (line,), b"b"), "f"
    )
    money = payment_tables.money.c
    where = sa.select(money.store_id, money.ref).where(money.ref == "t-2", money.store_id == "S002")
    with world.shop.cloud.db.reading() as conn:
        assert [tuple(row) for row in conn.execute(where)] == [("S002", "t-2")]
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_what_no_attempt_has_is_not_asked_about_by_a_made_up_number(world: World):
    unknown = AttemptKey(world.shown.key.tenant, "S009", world.shown.order.attempt_id)
    with pytest.raises(RuleBroken, match=Code.PAYMENT_UNKNOWN):
        world.shop.desk.payments.current(unknown)
