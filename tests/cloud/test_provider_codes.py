"""The second mode: a till shows a provider's own code instead of our page's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from app.wire.messages import Problem, ProviderQr, ProviderQrView
from cloud.bootstrap import Cloud
from cloud.fakes.faults import Fault
from cloud.gateways.emvco.codec import decode
from tests.cloud.conftest import Clock
from tests.cloud.paying import Shown, open_shop
from tests.cloud.worlds import World, open_world


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    folder = tmp_path / "cloud" / "gateways"
    folder.mkdir(parents=True)
    bank = folder / "bank.toml"
    bank.write_text(
        'provider = "emvco"\ntemplate = "26"\ncurrency = "CNY"\ncountry = "CN"\n'
        'merchant_name = "MOLAN"\ncity = "SHANGHAI"\n[scheme]\n00 = "com.example.pay"\n'
    )
    bank.chmod(0o600)
    with open_world(tmp_path / "cloud", clock) as opened:
        yield opened


def asked(shown: Shown, provider: str) -> httpx.Response:
    return shown.client.post(
        f"/v1/payments/{shown.order.attempt_id}/qr",
        content=msgspec.json.encode(ProviderQr(provider=provider)),
        headers=shown.till.headers,
    )


def text(shown: Shown, provider: str) -> str:
    answer = asked(shown, provider)
    assert answer.status_code == 200, answer.text
    told = msgspec.json.decode(answer.content, type=ProviderQrView)
    assert (told.payment.state, told.payment.provider) == ("waiting", provider)
    return told.text


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, msgspec.json.decode(answer.content, type=Problem).code


def test_a_native_code_is_shown_and_paid(world: World):
    assert text(world.shown, "wechat").startswith("weixin://wxpay/bizpayurl?pr=")
    world.providers.wechat.pay(world.number)
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_alipays_code_is_shown_and_paid(world: World):
    assert text(world.shown, "alipay").startswith("http")
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_a_schemes_code_carries_this_orders_amount_and_waits_for_its_source(world: World):
    objects = dict(each for each in decode(text(world.shown, "bank")) if isinstance(each, tuple))
    due = world.shown.order.total
    assert objects["54"] == f"{due // 100}.{due % 100:02d}"
    assert text(world.shown, "bank") == text(world.shown, "bank")
    assert world.state[0] == "waiting"
    assert world.shown.cancel().state == "cancelled"


def test_what_cannot_be_shown_is_said(world: World):
    assert refused(asked(world.shown, "nobody")) == (422, "payment_not_offered")
    assert refused(asked(world.shown, "sandbox")) == (422, "payment_not_offered")
    world.providers.wechat.faults.then(Fault.LOSE_ANSWER)
    assert refused(asked(world.shown, "wechat")) == (503, "payment_unresolved")
    assert text(world.shown, "wechat")
    world.shown.cancel()
    assert refused(asked(world.shown, "wechat")) == (409, "order_closed")


def test_the_sandboxs_own_code_is_its_wallets_address(cloud: Cloud):
    with open_shop(cloud) as shop:
        assert text(shop.till().show(shop.client), "sandbox").startswith(
            "http://shop.example/wallet/"
        )
