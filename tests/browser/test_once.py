"""One QR is paid once, whatever a hand does in a real browser: two taps, the back button, two phones."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from cloud.gateways.base import Wallet
from tests.browser.test_wallets import BRIDGE, phone, take_and_pay, world  # noqa: F401 - fixtures
from tests.cloud.worlds import World


def paid(world: World, provider: str) -> None:  # noqa: F811 - the fixture's value
    """The customer says yes in the wallet, and the provider tells us twice."""
    chosen = getattr(world.providers, provider)
    chosen.pay(world.number)
    for _ in range(2):
        world.deliver(chosen.outbox[-1])


def is_paid_once(world: World) -> None:  # noqa: F811 - the fixture's value
    assert world.state == ("confirmed", world.shown.order.total, [])


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_two_taps_in_a_blink_are_one_order(world, phone):  # noqa: F811
    page = phone(Wallet.ALIPAY)
    page.goto(world.shown.page)
    page.get_by_role("button", name=re.compile("^Take over")).dblclick(no_wait_after=True)
    page.get_by_role("button", name=re.compile("^Pay")).dblclick(no_wait_after=True)
    heading(page, "Make-believe Alipay")
    assert len(world.providers.alipay.trades) == 1
    paid(world, "alipay")
    page.goto(world.shown.page)
    heading(page, "Paid")
    is_paid_once(world)


def test_who_goes_back_after_paying_finds_it_paid(world, phone):  # noqa: F811
    page = phone(Wallet.ALIPAY)
    take_and_pay(page, world)
    heading(page, "Make-believe Alipay")
    paid(world, "alipay")
    page.go_back()
    page.reload()
    heading(page, "Paid")
    expect(page.get_by_role("button", name=re.compile("^Pay"))).to_have_count(0)
    is_paid_once(world)


def test_two_phones_on_one_qr_are_one_payment(world, phone):  # noqa: F811
    first, second = phone(Wallet.ALIPAY), phone(Wallet.WECHAT)
    second.add_init_script(BRIDGE)
    for page in (first, second):
        page.goto(world.shown.page)
    first.get_by_role("button", name=re.compile("^Take over")).tap()
    second.get_by_role("button", name=re.compile("^Take over")).tap()
    expect(second.get_by_role("button", name=re.compile("^Pay"))).to_have_count(0)
    first.get_by_role("button", name=re.compile("^Pay")).tap()
    heading(first, "Make-believe Alipay")
    paid(world, "alipay")
    assert world.providers.wechat.orders == {}
    is_paid_once(world)


def test_a_wallet_that_cannot_pay_leaves_the_order_to_one_that_can(world, phone):  # noqa: F811
    lost, found = phone(Wallet.UNIONPAY), phone(Wallet.ANY)
    lost.goto(world.shown.page)
    lost.get_by_role("button", name=re.compile("^Take over")).tap()
    heading(lost, "Open it in another app")
    take_and_pay(found, world)
    heading(found, "Make-believe Alipay")
    paid(world, "alipay")
    is_paid_once(world)
