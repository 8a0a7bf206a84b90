"""A wallet that is chosen in the very moment in which the order ends otherwise."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from app.errors import Code, RuleBroken
from cloud.gateways.base import Charge, Started
from tests.cloud.worlds import World


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
