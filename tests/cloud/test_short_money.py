"""A provider that confirms less than was due: the order ends all the same, and the money can go back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.money_back import Back
from app.errors import Code, RuleBroken
from cloud.gateways.base import Answer, Money, Standing
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES
from tests.cloud.tillside import claimed, task_of, wish
from tests.cloud.worlds import World, open_world


@pytest.fixture(params=["alipay", "wechat"])
def short(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[World]:
    """An order of which a wallet has confirmed one fen less than was due."""
    with open_world(tmp_path / "cloud", clock) as world:
        world.start(request.param)
        provider = getattr(world.providers, request.param)
        if request.param == "alipay":
            provider.scan(world.number)
        provider.pay(world.number, world.shown.order.total - 1)
        world.deliver(provider.outbox[-1])
        assert world.state == ("waiting", world.shown.order.total - 1, ["partial"])
        yield world


def test_the_till_can_close_an_order_that_was_paid_short(short: World):
    assert short.shown.cancel().state == "cancelled"
    assert short.state == ("cancelled", short.shown.order.total - 1, ["partial"])
    assert (task_of(short.shop, short.shown).code, task_of(short.shop, short.shown).state) == (
        "partial",
        "open",
    )


def test_an_order_that_was_paid_short_ends_by_its_time(short: World, clock: Clock):
    clock.ahead_ms += FIVE_MINUTES
    short.shop.desk.payments.sweep()
    assert short.shop.desk.payments.find(short.shown.key).payment.state == "expired"
    assert short.shop.desk.payments.sweep() == 0, "it is asked about for ever"


def test_what_was_paid_short_goes_back_from_the_inbox(short: World):
    due = short.shown.order.total
    claim = claimed(short.shown.till, short.shown)
    asked = wish(short.shown, due - 1, document="", claim_id=claim)
    assert short.shop.desk.giving_back.give_back(asked).standing is Back.DONE
    task = task_of(short.shop, short.shown)
    assert (task.code, task.state) == ("refunded", "settled")
    assert short.state == ("cancelled", due - 1, ["partial"])


def test_a_sale_that_was_paid_short_can_be_paid_again_once_that_order_is_closed(short: World):
    short.shown.cancel()
    till = short.shown.till
    again = till.show(short.shop.client, till.order(sale_id=short.shown.order.sale_id))
    assert again.view().state == "waiting"


def begin_another(world: World) -> Code:
    """Tap a wallet on a page that was opened before; return why it is refused."""
    with pytest.raises(RuleBroken) as refused:
        world.start("wechat")
    return refused.value.code


def test_another_wallet_leaves_the_open_order_of_what_is_partly_paid_alone(tmp_path, clock: Clock):
    with open_world(tmp_path / "cloud", clock) as world:
        world.start("alipay")
        world.providers.alipay.scan(world.number)
        part = Answer(Standing.OPEN, (Money("a", 60, clock()),))
        world.shop.desk.payments.heard(world.shown.key, part, "alipay")
        assert begin_another(world) is Code.ORDER_CLOSED
        assert world.state == ("waiting", 60, ["partial"])
        assert world.providers.alipay.trades[world.number].status == "WAIT_BUYER_PAY"
        assert world.number not in world.providers.wechat.orders


def test_a_wallet_that_says_part_of_it_came_when_it_is_left_is_not_closed(
    tmp_path, clock: Clock, monkeypatch
):
    with open_world(tmp_path / "cloud", clock) as world:
        world.start("alipay")
        world.providers.alipay.scan(world.number)
        part = Answer(Standing.OPEN, (Money("a", 60, clock()),))
        alipay = world.shop.desk.gateways.named("alipay")
        monkeypatch.setattr(alipay, "query", lambda _key: part)
        assert begin_another(world) is Code.ORDER_CLOSED
        assert world.state == ("waiting", 60, ["partial"])
        assert world.providers.alipay.trades[world.number].status == "WAIT_BUYER_PAY"
