"""We scan the customer: a code is collected once, doubt stays doubt, and what is ended gives money back."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest

from app.wire.messages import PaymentCode, Problem
from cloud.bootstrap import Cloud
from cloud.fakes.faults import Fault
from cloud.gateways.base import Answer, Money, Standing
from tests.cloud.paying import open_shop
from tests.cloud.worlds import World

CODES = {"alipay": "28982105115796236", "wechat": "13006109882800940"}
WALLETS = pytest.mark.parametrize("wallet", CODES)


def pays(world: World, wallet: str) -> int:
    """How often the provider was asked for the money."""
    if wallet == "alipay":
        return world.providers.alipay.calls.count("alipay.trade.pay")
    return world.providers.wechat.calls.count("POST /v3/pay/transactions/codepay")


def faults(world: World, wallet: str):
    return (world.providers.alipay if wallet == "alipay" else world.providers.wechat).faults


@WALLETS
def test_a_code_pays_and_a_second_tap_pays_nothing_more(world: World, wallet: str):
    due = world.shown.order.total
    for _ in range(3):
        view = world.shown.collect(CODES[wallet] + "0", wallet)
        assert (view.state, view.received, view.anomalies) == ("confirmed", due, [])
        assert view.provider == wallet
    assert pays(world, wallet) == 1


@WALLETS
def test_many_taps_at_once_ask_for_the_money_once(world: World, wallet: str):
    with ThreadPoolExecutor(6) as pool:
        views = list(pool.map(lambda _: world.shown.collect(CODES[wallet] + "0", wallet), range(6)))
    assert world.state == ("confirmed", world.shown.order.total, [])
    assert {view.state for view in views} <= {"confirmed", "waiting"}
    assert pays(world, wallet) == 1


@WALLETS
def test_a_declined_code_ends_the_attempt(world: World, wallet: str):
    assert world.shown.collect(CODES[wallet] + "1", wallet).state == "failed"


@WALLETS
def test_while_a_password_is_typed_the_attempt_waits_and_ends_as_the_customer_does(world, wallet):
    assert world.shown.collect(CODES[wallet] + "2", wallet).state == "waiting"
    if wallet == "alipay":
        world.providers.alipay.pay(world.number)
    else:
        world.providers.wechat.pay(world.number)
    assert world.state == ("confirmed", world.shown.order.total, [])


@WALLETS
def test_who_gives_up_waiting_for_a_password_keeps_no_money_in_the_air(world: World, wallet: str):
    world.shown.collect(CODES[wallet] + "2", wallet)
    assert world.shown.cancel().state == "cancelled"
    if wallet == "alipay":
        assert world.providers.alipay.trades[world.number].status == "TRADE_CLOSED"
    else:
        assert world.providers.wechat.orders[world.number].state == "REVOKED"


@WALLETS
@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.DONE_SYSTEM_ERROR, Fault.HTML])
def test_a_lost_answer_is_unknown_and_then_paid_and_never_collected_again(world, wallet, fault):
    faults(world, wallet).then(fault)
    assert world.shown.collect(CODES[wallet] + "0", wallet).state == "unknown"
    again = world.shown.collect(CODES[wallet] + "0", wallet)
    assert (again.state, again.received) == ("confirmed", world.shown.order.total)
    assert pays(world, wallet) == 1


@WALLETS
def test_a_request_that_never_arrived_waits_and_can_be_cancelled(world: World, wallet: str):
    faults(world, wallet).then(Fault.LOSE_REQUEST)
    assert world.shown.collect(CODES[wallet] + "0", wallet).state == "unknown"
    assert world.state[0] == "waiting"
    assert world.shown.cancel().state == "cancelled"


@WALLETS
def test_stopping_while_nobody_says_how_it_stands_gives_back_what_was_taken(world, wallet):
    faults(world, wallet).then(Fault.LOSE_ANSWER, Fault.SYSTEM_ERROR)
    assert world.shown.collect(CODES[wallet] + "0", wallet).state == "unknown"
    assert world.shown.cancel().state == "cancelled"
    due = world.shown.order.total
    if wallet == "alipay":
        assert world.providers.alipay.trades[world.number].refunded == due
    else:
        assert world.providers.wechat.orders[world.number].refunded == due
    assert world.state == ("cancelled", 0, [])


def test_how_an_order_was_begun_is_told(world: World):
    assert world.shown.view().way == ""
    world.start("wechat")
    assert world.shown.view().way == "page"
    world.shown.collect(CODES["alipay"] + "2", "alipay")
    assert (world.shown.view().way, world.shown.view().provider) == ("code", "alipay")


def test_what_is_paid_partly_is_not_collected_again(world: World):
    total = world.shown.order.total
    part = Answer(Standing.OPEN, (Money("a", total - 1, 1),))
    world.shop.desk.payments.heard(world.shown.key, part, "wechat")
    view = world.shown.collect(CODES["alipay"] + "0", "alipay")
    assert (view.received, view.anomalies) == (total - 1, ["partial"])
    assert pays(world, "alipay") == 0


def test_a_customer_whose_page_was_open_elsewhere_may_show_a_code_instead(world: World):
    world.start("wechat")
    view = world.shown.collect(CODES["alipay"] + "0", "alipay")
    assert (view.state, view.provider) == ("confirmed", "alipay")
    assert world.providers.wechat.orders[world.number].state == "CLOSED"


def test_who_has_paid_on_the_page_is_not_collected_from(world: World):
    world.start("wechat")
    world.providers.wechat.pay(world.number)
    view = world.shown.collect(CODES["alipay"] + "0", "alipay")
    assert (view.state, view.provider, view.received) == (
        "confirmed",
        "wechat",
        world.shown.order.total,
    )
    assert pays(world, "alipay") == 0


def test_the_sandboxes_codes_are_scripted_by_their_last_digit(cloud: Cloud):
    with open_shop(cloud) as shop:
        till = shop.till()

        def collect(ending: str) -> str:
            return till.show(shop.client).collect(f"99000000000000000{ending}").state

        assert [collect(ending) for ending in "0124"] == [
            "confirmed",
            "failed",
            "waiting",
            "unknown",
        ]
        lost = till.show(shop.client)
        assert (
            lost.collect("990000000000000003").state == "confirmed"
        )  # its notification was quicker


@pytest.mark.parametrize("wallet", ["unionpay", "", "paypal"])
def test_a_wallet_without_an_account_is_not_offered(world: World, wallet: str):
    body = msgspec.json.encode(PaymentCode(code="6200000000000000000", wallet=wallet))
    path = f"/v1/payments/{world.shown.order.attempt_id}/code"
    answer: httpx.Response = world.shop.client.post(
        path, content=body, headers=world.shown.till.headers
    )
    assert answer.status_code == 422
    assert msgspec.json.decode(answer.content, type=Problem).code == "payment_not_offered"
    assert world.state[0] == "waiting"


def test_the_sandboxes_wallet_shows_a_code_and_goes_on_once_it_was_scanned(cloud: Cloud):
    with open_shop(cloud) as shop:
        phone = shop.phone()
        page = phone.open("/wallet")
        assert page.url.path == "/wallet"
        asks = re.search(r'href="(/wallet\?code=\d{17}2)"', page.text)
        assert asks is not None
        code = phone.open(asks[1]).url.params["code"]
        assert "Asks for a password" in phone.open(asks[1]).text
        shown = shop.till().show(shop.client)
        assert shown.collect(code, "alipay").state == "waiting"
        assert phone.open(asks[1]).url.path.startswith("/wallet/")
        phone.tap("/approve")
        assert shown.view().state == "confirmed"
        assert phone.open("/wallet?code=28").status_code == 422


def test_beside_real_accounts_the_sandbox_shows_no_code(world: World):
    assert world.shop.phone().open("/wallet").status_code == 404
