"""Providers' own codes: on a till instead of our page's, and on our page where no wallet can be opened."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
import zxingcpp
from PIL import Image

from app.wire.messages import Problem, ProviderQr, ProviderQrView, WaysToPay
from cloud.bootstrap import Cloud
from cloud.fakes.faults import Fault
from cloud.gateways.base import Wallet
from cloud.gateways.emvco.codec import decode
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.paying import Shop, Shown, open_shop
from tests.cloud.template import fresh_cloud
from tests.cloud.test_wallets import BROWSERS
from tests.cloud.worlds import World, open_world


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    write_bank(tmp_path / "cloud" / "gateways")
    with open_world(tmp_path / "cloud", clock) as opened:
        yield opened


def write_bank(folder: Path) -> None:
    folder.mkdir(parents=True)
    bank = folder / "bank.toml"
    bank.write_text(
        'provider = "emvco"\ntemplate = "26"\ncurrency = "CNY"\ncountry = "CN"\n'
        'merchant_name = "MOLAN"\ncity = "SHANGHAI"\n[scheme]\n00 = "com.example.pay"\n'
    )
    bank.chmod(0o600)


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


def test_a_till_is_told_whose_codes_it_may_scan_and_whose_it_may_show(world: World):
    answer = world.shop.client.get("/v1/ways-to-pay", headers=world.shown.till.headers)
    ways = msgspec.json.decode(answer.content, type=WaysToPay)
    assert ways.collects == ["alipay", "wechat"]
    assert {(own.provider, own.wallet, own.by_hand) for own in ways.shows} == {
        ("alipay", "alipay", False),
        ("wechat", "wechat", False),
        ("bank", "", True),
    }
    assert world.shop.client.get("/v1/ways-to-pay").status_code == 401


def test_the_sandboxs_own_code_is_its_wallets_address(cloud: Cloud):
    with open_shop(cloud) as shop:
        assert text(shop.till().show(shop.client), "sandbox").startswith(
            "http://shop.example/wallet/"
        )


# --- on the customer's page -----------------------------------------------------------------------


@pytest.fixture
def bank(tmp_path: Path, clock: Clock) -> Iterator[Shop]:
    """A shop that has an account at a bank's EMVCo scheme and no other."""
    settings = Settings(data=tmp_path / "cloud", public_url="http://shop.example")
    write_bank(settings.accounts)
    cloud = fresh_cloud(settings, clock=clock)
    try:
        with open_shop(cloud) as shop:
            yield shop
    finally:
        cloud.close()


def read(answer: httpx.Response) -> str:
    """What an app reads from a picture that was kept."""
    assert answer.headers["content-type"] == "image/png"
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.content)).convert("L"))
    return str(found.text)


@pytest.mark.parametrize("browser", list(BROWSERS))
def test_a_code_that_is_no_address_is_shown_to_keep_and_read_by_another_app(
    bank: Shop, browser: Wallet
):
    shown = bank.till().show(bank.client)
    phone = bank.phone()
    phone.client.headers["User-Agent"] = BROWSERS[browser]
    phone.open(shown.page)
    phone.tap("/take")
    page = phone.tap("/pay")
    assert page.status_code == 200
    assert page.url.path == f"{shown.page}/code"
    assert "000201" not in page.text
    picture = phone.client.get(f"{shown.page}/code.png")
    objects = dict(each for each in decode(read(picture)) if isinstance(each, tuple))
    due = shown.order.total
    assert objects["54"] == f"{due // 100}.{due % 100:02d}"
    assert shown.view().state == "waiting"
    assert shown.view().way == "page"


def test_the_code_is_for_the_phone_that_holds_the_order(bank: Shop):
    shown = bank.till().show(bank.client)
    other = bank.phone()
    assert other.client.get(f"{shown.page}/code.png").status_code == 303
    bank.paying(shown)
    assert other.client.get(f"{shown.page}/code.png").status_code == 403
    assert other.client.get(f"{shown.page}/code").status_code == 403


def test_a_closed_order_shows_its_code_no_more(bank: Shop):
    shown = bank.till().show(bank.client)
    phone = bank.paying(shown)
    assert shown.cancel().state == "cancelled"
    answer = phone.client.get(f"{shown.page}/code.png")
    assert (answer.status_code, answer.headers["location"]) == (303, shown.page)
    assert phone.open(f"{shown.page}/code").status_code == 410


def test_with_wallets_that_open_the_code_is_not_asked_for(world: World):
    shown = world.shown
    phone = world.shop.phone()
    phone.client.headers["User-Agent"] = BROWSERS[Wallet.UNIONPAY]
    phone.open(shown.page)
    phone.tap("/take")
    phone.tap("/pay")
    assert world.shown.view().provider == "bank"  # which any app reads, as UnionPay's does
    alipay = world.shop.till().show(world.shop.client)
    phone = world.shop.phone()
    phone.open(alipay.page)
    phone.tap("/take")
    assert "data-go" in phone.tap("/pay").text
    assert alipay.view().provider == "alipay"
