"""One QR for every wallet: the page in WeChat, in Alipay, in UnionPay's app and in a plain browser."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cloud.fakes.faults import Fault
from cloud.gateways.base import Wallet
from cloud.pages.leading import wallet_of
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.paying import Phone, open_shop
from tests.cloud.template import fresh_cloud
from tests.cloud.worlds import World, open_world

BROWSERS = {
    Wallet.WECHAT: "Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile MicroMessenger/8.0.50",
    Wallet.ALIPAY: "Mozilla/5.0 (iPhone) AppleWebKit/605 AlipayClient/10.6.0 Language/zh-Hans",
    Wallet.UNIONPAY: "Mozilla/5.0 (Linux; Android 14) Chrome/126.0 UnionPay/1.0 CloudPay",
    Wallet.ANY: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1",
}


def inside(world: World, wallet: Wallet) -> Phone:
    """A phone with the order in its cart, about to pay."""
    phone = world.shop.phone()
    phone.client.headers["User-Agent"] = BROWSERS[wallet]
    phone.open(world.shown.page)
    phone.tap("/take")
    return phone


def onward(answer: httpx.Response) -> str:
    found = re.search(r'data-go rel="noreferrer" href="([^"]+)"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found.group(1))


@pytest.mark.parametrize("wallet", list(Wallet))
def test_a_browsers_name_says_whose_it_is(wallet: Wallet):
    assert wallet_of(BROWSERS[wallet]) is wallet
    assert wallet_of("") is Wallet.ANY


@pytest.mark.parametrize("wallet", [Wallet.ALIPAY, Wallet.ANY])
def test_alipays_browser_and_a_plain_one_are_led_to_alipays_address(world: World, wallet: Wallet):
    phone = inside(world, wallet)
    assert onward(phone.tap("/pay")).startswith(world.providers.alipay.base + "/fk")
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)
    world.deliver(world.providers.alipay.outbox[-1])
    assert "Paid" in phone.open(world.shown.page).text
    assert world.state == ("confirmed", world.shown.order.total, [])


def to_the_bridge(world: World, phone: Phone, code: str = "c1") -> dict[str, str]:
    """Go through WeChat's OAuth as the phone would; return what the bridge is handed."""
    address = onward(phone.tap("/pay"))
    query = parse_qs(urlsplit(address).query)
    assert query["redirect_uri"] == [f"http://shop.example{world.shown.page}/payer"]
    world.providers.wechat.openids[code] = "o-anna"
    back = phone.client.get(
        f"{world.shown.page}/payer", params={"code": code, "state": query["state"][0]}
    )
    assert back.status_code == 200, back.text
    found = re.search(r"data-bridge='([^']+)'", back.text)
    assert found is not None
    call: dict[str, str] = json.loads(html.unescape(found.group(1)))
    return call


def test_wechats_browser_pays_by_its_bridge_for_this_payer_alone(world: World):
    phone = inside(world, Wallet.WECHAT)
    call = to_the_bridge(world, phone)
    assert call["package"] == f"prepay_id=wx{world.number}"
    order = world.providers.wechat.orders[world.number]
    assert (order.openid, order.trade_type) == ("o-anna", "JSAPI")
    world.providers.wechat.pay(world.number)
    world.deliver(world.providers.wechat.outbox[-1])
    receipt = phone.open(world.shown.page).text
    assert "Paid" in receipt
    assert "<dd>WeChat Pay</dd>" in receipt  # by the name its customer knows, not the account's
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_back_and_again_is_one_payment(world: World):
    phone = inside(world, Wallet.WECHAT)
    for code in ("c1", "c2", "c3"):
        phone.open(world.shown.page)
        to_the_bridge(world, phone, code)
    assert len(world.providers.wechat.orders) == 1


def test_a_code_for_another_phone_or_a_used_one_leads_to_no_payment(world: World):
    phone = inside(world, Wallet.WECHAT)
    state = parse_qs(urlsplit(onward(phone.tap("/pay"))).query)["state"][0]
    world.providers.wechat.openids["c1"] = "o-eve"
    path = f"{world.shown.page}/payer"
    for params in ({"code": "c1", "state": "0" * 64}, {"code": "c1"}, {"state": state}):
        assert phone.client.get(path, params=params).status_code == 303
    stranger = world.shop.phone()
    stranger.client.headers["User-Agent"] = BROWSERS[Wallet.WECHAT]
    assert stranger.client.get(path, params={"code": "c1", "state": state}).status_code == 403
    assert world.providers.wechat.orders == {}
    used = phone.client.get(path, params={"code": "never", "state": state})
    assert used.status_code == 503
    assert world.providers.wechat.orders == {}


@pytest.mark.parametrize(
    ("without", "stuck", "fitting"),
    [
        ("wechat", (Wallet.WECHAT, Wallet.UNIONPAY), Wallet.ALIPAY),
        ("alipay", (Wallet.ANY, Wallet.ALIPAY, Wallet.UNIONPAY), Wallet.WECHAT),
    ],
)
def test_a_browser_that_cannot_pay_says_where_to_go_and_leaves_the_order_free(
    tmp_path: Path, clock: Clock, without: str, stuck: tuple[Wallet, ...], fitting: Wallet
):
    with open_world(tmp_path / "cloud", clock, without=without) as world:
        for wallet in stuck:
            phone = world.shop.phone()
            phone.client.headers["User-Agent"] = BROWSERS[wallet]
            assert phone.open(world.shown.page).status_code == 200
            answer = phone.tap("/take")
            assert answer.status_code == 409
            assert "Open it in another app" in answer.text
        assert onward(inside(world, fitting).tap("/pay"))


def test_an_order_taken_over_before_its_account_was_left_out_says_so_too(world: World):
    phone = inside(world, Wallet.WECHAT)
    phone.client.headers["User-Agent"] = BROWSERS[Wallet.UNIONPAY]
    assert phone.tap("/pay").status_code == 409


def test_nobody_is_led_to_the_sandbox_beside_real_accounts(world: World):
    for wallet in Wallet:
        gateway = world.shop.desk.gateways.inside(wallet)
        assert gateway is None or gateway.name != "sandbox"
    assert world.shop.desk.gateways.inside(Wallet.UNIONPAY) is None


def test_a_shop_whose_accounts_are_all_broken_takes_no_make_believe_money(tmp_path, clock):
    settings = Settings(data=tmp_path / "cloud")
    settings.accounts.mkdir(parents=True)
    (settings.accounts / "alipay.toml").write_text('provider = "alipay"')
    (settings.accounts / "alipay.toml").chmod(0o600)
    cloud = fresh_cloud(settings, clock=clock)
    with open_shop(cloud) as shop:
        shown = shop.till().show(shop.client)
        phone = shop.phone()
        phone.open(shown.page)
        assert phone.tap("/take").status_code == 409
        assert shown.view().state == "waiting"
    cloud.close()


def test_a_wallet_that_does_not_answer_leaves_the_order_as_it_is(world: World):
    phone = inside(world, Wallet.ALIPAY)
    world.providers.alipay.faults.then(Fault.LOSE_REQUEST)
    answer = phone.tap("/pay")
    assert answer.status_code == 503
    assert "Nothing was charged" in answer.text
    phone.open(world.shown.page)
    assert onward(phone.tap("/pay"))
