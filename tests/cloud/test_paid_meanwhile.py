"""A wallet that is chosen in the very moment in which the order ends otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from app.errors import Code, RuleBroken
from cloud.gateways.base import Charge, Started
from tests.cloud.conftest import Clock
from tests.cloud.worlds import World, open_world


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    with open_world(tmp_path / "cloud", clock) as opened:
        yield opened


def test_no_second_wallets_code_is_handed_out_once_the_order_is_paid(world: World):
    """Alipay's code was left; somebody pays it all the same while WeChat Pay makes its own."""
    world.start("alipay")
    wechat, alipay = world.shop.desk.gateways.named("wechat"), world.providers.alipay
    truly = wechat.create

    def slowly(charge: Charge) -> Started:
        started = truly(charge)
        alipay.scan(world.number)
        alipay.pay(world.number)
        world.deliver(alipay.outbox[-1])
        return started

    with patch.object(wechat, "create", slowly), pytest.raises(RuleBroken) as refused:
        world.start("wechat")
    assert refused.value.code is Code.ORDER_CLOSED
    assert world.providers.wechat.orders[world.number].state == "CLOSED"
    assert world.state == ("confirmed", world.shown.order.total, [])
