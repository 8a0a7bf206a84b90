"""One QR for every wallet in a real browser: each name of a browser gets its own way, and all end paid."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from cloud.gateways.base import Wallet
from tests.browser.conftest import VIEWPORT, Clock
from tests.cloud.test_wallets import BROWSERS
from tests.cloud.worlds import World, open_world

BRIDGE = """
window.WeixinJSBridge = {
  invoke: (name, call, done) => { window.asked = [name, call]; setTimeout(() => done({}), 50); },
};
"""
"""What WeChat puts into a page; the payment itself is made by the test."""


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    with open_world(tmp_path / "cloud", clock) as opened:
        object.__setattr__(opened.shop.desk, "public_url", opened.shop.base)
        yield opened


@pytest.fixture
def phone(chromium: Browser, world: World) -> Iterator[Callable[[Wallet], Page]]:
    contexts = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with" not in message.text:
            complaints.append(message.text)

    def open_one(wallet: Wallet) -> Page:
        context = chromium.new_context(
            base_url=world.shop.base,
            user_agent=BROWSERS[wallet],
            viewport=VIEWPORT,  # type: ignore[arg-type]
            has_touch=True,
            locale="en-GB",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", hear)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def take_and_pay(page: Page, world: World) -> None:
    page.goto(world.shown.page)
    page.get_by_role("button", name=re.compile("^Take over")).tap()
    page.get_by_role("button", name=re.compile("^Pay")).tap()


@pytest.mark.parametrize("wallet", [Wallet.ALIPAY, Wallet.ANY])
def test_alipay_opens_by_itself_and_its_payment_arrives(world, phone, wallet):
    page = phone(wallet)
    take_and_pay(page, world)
    expect(page.get_by_role("heading", level=1)).to_have_text("Make-believe Alipay")
    world.providers.alipay.pay(world.number)
    world.deliver(world.providers.alipay.outbox[-1])
    page.goto(world.shown.page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_the_back_button_leads_from_the_wallet_to_the_order(world, phone):
    page = phone(Wallet.ALIPAY)
    take_and_pay(page, world)
    expect(page.get_by_role("heading", level=1)).to_have_text("Make-believe Alipay")
    page.go_back()
    page.get_by_role("button", name=re.compile("wallet|Pay", re.IGNORECASE)).tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Make-believe Alipay")
    assert len(world.providers.alipay.trades) == 1


def test_wechats_sheet_is_asked_with_the_signed_call(world, phone):
    page = phone(Wallet.WECHAT)
    page.add_init_script(BRIDGE)
    asked: list[str] = []

    def asked_for(package: str) -> None:
        asked.append(package)

    page.expose_function("askedFor", asked_for)
    page.add_init_script(
        "const invoke = window.WeixinJSBridge.invoke;"
        "window.WeixinJSBridge.invoke = (name, call, done) =>"
        " window.askedFor(call.package).then(() => invoke(name, call, done));"
    )
    take_and_pay(page, world)
    expect(page.locator(".waiting")).to_have_count(1)  # back on the order, which asks the shop
    assert asked == [f"prepay_id=wx{world.number}"]
    world.providers.wechat.pay(world.number)
    world.deliver(world.providers.wechat.outbox[-1])
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_a_bridge_that_comes_late_is_waited_for(world, phone):
    page = phone(Wallet.WECHAT)
    take_and_pay(page, world)
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm in WeChat")
    page.evaluate(BRIDGE)
    page.evaluate("document.dispatchEvent(new Event('WeixinJSBridgeReady'))")
    expect(page.locator(".waiting")).to_have_count(1)


def test_a_wallet_without_an_account_is_told_where_to_go(world, phone):
    page = phone(Wallet.UNIONPAY)
    page.goto(world.shown.page)
    page.get_by_role("button", name=re.compile("^Take over")).tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Open it in another app")
