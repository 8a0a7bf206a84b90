"""The customer's way in a real browser, with scripts and without: every story of the counter."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Clock, OpenPhone
from tests.cloud.paying import FIVE_MINUTES, Shop, Shown, Till
from tests.cloud.tillside import push_sale, sold, wish


@pytest.fixture
def shown(shop: Shop, till: Till) -> Shown:
    """An order on the till's screen."""
    return till.show(shop.client)


@pytest.fixture
def phone(open_phone: OpenPhone, scripts: bool) -> Page:
    """A customer's phone."""
    return open_phone(scripts=scripts)


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def tap(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{name}")).tap()


def take(page: Page, shown: Shown) -> None:
    page.goto(shown.page)
    heading(page, "Your order is ready")
    tap(page, "Take over into my cart")
    heading(page, "In your cart")


def to_wallet(page: Page, shown: Shown) -> None:
    take(page, shown)
    tap(page, "Pay")
    expect(page.get_by_text("Rehearsal. No real money moves.")).to_be_visible()


def no_button(page: Page) -> None:
    expect(page.get_by_role("button")).to_have_count(0)


def test_the_phone_takes_the_order_over_and_pays(phone, shown):
    phone.goto(shown.page)
    lines = phone.locator(".line")
    expect(lines).to_have_count(len(shown.order.lines))
    for line, item in zip(lines.all(), shown.order.lines, strict=True):
        size = "One size" if item.size == "均码" else f"Size {item.size}"
        for piece in (item.name_en, item.colour_en, size, f"Qty {item.quantity}"):
            expect(line).to_contain_text(piece)
    expect(phone.locator(".due")).to_have_text("¥2,500.00")
    assert shown.view().looked_at
    to_wallet(phone, shown)
    tap(phone, "Pay ¥2,500.00")
    heading(phone, "Paid")
    view = shown.view()
    assert (view.state, view.received) == ("confirmed", shown.order.total)
    expect(phone.locator(".facts")).to_contain_text(view.provider_ref)
    phone.goto("/cart")
    expect(phone.locator(".order-card .pill")).to_have_text("Paid")


def test_a_declined_payment_charges_nothing(phone, shown):
    to_wallet(phone, shown)
    tap(phone, "Decline")
    heading(phone, "Payment declined")
    no_button(phone)
    assert (shown.view().state, shown.view().received) == ("failed", 0)


def test_a_stalled_wallet_is_unknown_until_it_speaks(phone, shown):
    to_wallet(phone, shown)
    tap(phone, "Stall")
    heading(phone, "We are asking your wallet")
    assert shown.view().state == "unknown"
    tap(phone, "Open the wallet")
    tap(phone, "Resume")
    heading(phone, "Paid")
    assert (shown.view().state, shown.view().anomalies) == ("confirmed", [])


def test_an_order_that_ran_out_cannot_be_paid(phone, shown, clock: Clock):
    take(phone, shown)
    phone.goto("about:blank")  # or the page would notice by itself and reload in our way
    clock.ahead_ms += FIVE_MINUTES
    phone.goto(shown.page)
    heading(phone, "This code has expired")
    no_button(phone)
    assert shown.view().state == "expired"


def test_an_order_that_runs_out_under_the_customers_thumb_is_not_charged(
    phone, shown, clock: Clock
):
    take(phone, shown)
    clock.ahead_ms += FIVE_MINUTES
    pay = phone.get_by_role("button")
    if pay.count():  # with scripts the page may already have noticed
        pay.dispatch_event("click")
    heading(phone, "This code has expired")
    assert shown.view().provider == ""


def test_a_second_phone_finds_the_order_taken(phone, open_phone, scripts, shown):
    other = open_phone(scripts=scripts)
    take(phone, shown)
    other.goto(shown.page)
    heading(other, "Taken over by another phone")
    no_button(other)
    expect(other.locator(".line")).to_have_count(0)
    phone.reload()
    heading(phone, "In your cart")
    tap(phone, "Pay")
    tap(phone, "Pay ¥2,500.00")
    heading(phone, "Paid")
    other.reload()
    heading(other, "Already paid")
    no_button(other)


def test_money_after_the_till_cancelled_is_late(phone, shown):
    to_wallet(phone, shown)
    assert shown.cancel().state == "cancelled"
    tap(phone, "Pay ¥2,500.00")
    expect(phone.get_by_text("Closed by the shop")).to_be_visible()
    assert shown.view().received == 0
    tap(phone, "Pay after the order has ended")
    heading(phone, "Received after the order was closed")
    view = shown.view()
    assert (view.state, view.received, view.anomalies) == ("confirmed", shown.order.total, ["late"])
    phone.goto("about:blank")
    push_sale(shown.till, sold(shown))  # the shop handed the goods over
    phone.goto(shown.page)
    heading(phone, "Paid")
    expect(phone.get_by_text("the store has handed your pieces over")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "part", "whole", "row"),
    [
        ("en", "Partly refunded", "Refunded", "Back in your wallet"),
        ("zh", "已部分退款", "已退款", "已退回钱包"),
    ],
)
def test_what_goes_back_is_on_the_phone_that_paid(phone, shop, shown, language, part, whole, row):
    to_wallet(phone, shown)
    tap(phone, "Pay ¥2,500.00")
    heading(phone, "Paid")
    push_sale(shown.till, sold(shown))
    phone.goto(f"/language/{language}?back={shown.page}")
    for amount, title, kept in (
        (79_800, part, "¥1,702.00"),
        (shown.order.total - 79_800, whole, "¥0.00"),
    ):
        phone.goto("about:blank")  # or the page would notice by itself and reload in our way
        shop.desk.giving_back.give_back(wish(shown, amount))
        phone.goto(shown.page)
        heading(phone, title)
        back = phone.locator(".money-back")
        expect(back).to_contain_text("¥2,500.00")
        expect(back).to_contain_text(row)
        expect(back).to_contain_text(re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d"))
        expect(back.locator(".sum")).to_contain_text(kept)


def test_going_back_after_paying_shows_the_receipt_and_pays_nothing(phone, shown):
    to_wallet(phone, shown)
    tap(phone, "Pay ¥2,500.00")
    heading(phone, "Paid")
    phone.go_back()
    expect(phone.get_by_text("The wallet has told the shop.")).to_be_visible()
    phone.go_back()
    heading(phone, "Paid")
    assert (shown.view().received, shown.view().anomalies) == (shown.order.total, [])


def test_the_language_is_switched_on_the_page(phone, shown):
    phone.goto(shown.page)
    heading(phone, "Your order is ready")
    phone.get_by_role("link", name="切换到中文").tap()
    heading(phone, "您的订单已备好")
    phone.reload()
    heading(phone, "您的订单已备好")


# --- better with scripts --------------------------------------------------------------------------


def test_the_page_notices_by_itself_that_the_till_cancelled(open_phone, shown):
    phone = open_phone()
    take(phone, shown)
    shown.cancel()
    heading(phone, "The store cancelled this order")


def test_the_waiting_page_becomes_the_receipt_by_itself(open_phone, shop, shown):
    phone = open_phone()
    to_wallet(phone, shown)
    payment_id = phone.url.rsplit("/", 1)[1]
    phone.goto(shown.page)
    heading(phone, "Waiting for your wallet")
    shop.desk.sandbox.approve(payment_id)
    heading(phone, "Paid")


def test_an_open_receipt_notices_by_itself_that_money_went_back(open_phone, shop, shown):
    phone = open_phone()
    to_wallet(phone, shown)
    tap(phone, "Pay ¥2,500.00")
    heading(phone, "Paid")
    push_sale(shown.till, sold(shown))
    shop.desk.giving_back.give_back(wish(shown, 100))
    heading(phone, "Partly refunded")


def test_the_page_of_a_second_phone_notices_that_the_first_took_the_order(open_phone, shown):
    first, second = open_phone(), open_phone()
    second.goto(shown.page)
    heading(second, "Your order is ready")
    take(first, shown)
    tap(first, "Pay")
    heading(second, "Taken over by another phone")


def test_the_countdown_runs_and_ends_in_the_expired_page(open_phone, shop, till, clock: Clock):
    shown = till.show(shop.client, till.order(life_ms=FIVE_MINUTES))
    clock.ahead_ms += FIVE_MINUTES - 4_000
    phone = open_phone()
    phone.goto(shown.page)
    expect(phone.locator("[data-left]")).to_have_text(re.compile(r"Valid for 0:0[0-4]"))
    heading(phone, "This code has expired")


def test_a_double_tap_sends_one_form(open_phone, shown):
    phone = open_phone()
    take(phone, shown)
    sent = []
    phone.on(
        "request", lambda request: sent.append(request.url) if request.method == "POST" else None
    )
    phone.get_by_role("button", name=re.compile("^Pay")).dblclick(no_wait_after=True)
    expect(phone.get_by_text("Rehearsal. No real money moves.")).to_be_visible()
    assert len([url for url in sent if url.endswith("/pay")]) == 1
