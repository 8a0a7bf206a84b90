"""Every page is readable and can be hit with a thumb: contrast, targets, width, both themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page

from app.domain.ids import new_id
from cloud.gateways.base import Answer, Money, Standing
from cloud.settings import Settings
from tests.browser.conftest import Clock, OpenPhone
from tests.cloud.paying import COAT, SCARF, Shop, Shown, Till, open_shop
from tests.cloud.template import fresh_cloud
from tests.cloud.test_provider_codes import write_bank
from tests.cloud.tillside import push_sale, sold, wish

# Contrast of every visible text against what is painted behind it (WCAG 2.2, 1.4.3), the smallest
# side of everything that can be tapped, and how far the page is wider than the screen.
MEASURE = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [], small = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || element.closest(".unseen, script, noscript, style")) continue;
    const a = light(parse(getComputedStyle(element).color)), b = light(behind(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(text + " " + ratio.toFixed(2));
  }
  for (const element of document.querySelectorAll("a, button")) {
    const box = element.getBoundingClientRect();
    if (Math.min(box.width, box.height) < 48 && !element.matches(".brand"))
      small.push(element.textContent.trim() + " " + Math.min(box.width, box.height));
  }
  return { faint, small, wide: document.documentElement.scrollWidth - innerWidth };
}"""


def press(page: Page, action: str) -> None:
    """Tap the button whose form leads to `action` and wait for what comes."""
    with page.expect_navigation():
        page.locator(f'form[action$="/{action}"] button').tap()


def stay(page: Page, shop: Shop, shown: Shown) -> None:
    """The order as first seen."""


def taken(page: Page, shop: Shop, shown: Shown) -> None:
    press(page, "take")


def at_wallet(page: Page, shop: Shop, shown: Shown) -> None:
    taken(page, shop, shown)
    press(page, "pay")


def waiting(page: Page, shop: Shop, shown: Shown) -> None:
    at_wallet(page, shop, shown)
    page.goto(shown.page)


def wallet(deed: str) -> Callable[[Page, Shop, Shown], None]:
    def act(page: Page, shop: Shop, shown: Shown) -> None:
        at_wallet(page, shop, shown)
        press(page, deed)

    act.__name__ = deed
    return act


def cart(page: Page, shop: Shop, shown: Shown) -> None:
    taken(page, shop, shown)
    page.goto("/cart")


def cancelled(page: Page, shop: Shop, shown: Shown) -> None:
    shown.cancel()
    page.goto(shown.page)


def tampered(page: Page, shop: Shop, shown: Shown) -> None:
    page.goto(shown.page[:-3] + "AAA")


def given_back(share: int) -> Callable[[Page, Shop, Shown], None]:
    def act(page: Page, shop: Shop, shown: Shown) -> None:
        wallet("approve")(page, shop, shown)
        page.goto("about:blank")  # or the page would notice by itself and reload in our way
        push_sale(shown.till, sold(shown))
        shop.desk.giving_back.give_back(wish(shown, shown.order.total // share))
        page.goto(shown.page)

    act.__name__ = f"given_back_1_of_{share}"
    return act


def partly_paid(page: Page, shop: Shop, shown: Shown) -> None:
    waiting(page, shop, shown)
    page.goto("about:blank")
    money = Money(new_id(), shown.order.total // 3, shop.cloud.clock())
    shop.desk.payments.heard(shown.key, Answer(Standing.PAID, (money,)))
    page.goto(shown.page)


def delivered(page: Page, shop: Shop, shown: Shown) -> None:
    wallet("late")(page, shop, shown)
    page.goto("about:blank")
    push_sale(shown.till, sold(shown))
    page.goto(shown.page)


FACES = [
    stay,
    taken,
    at_wallet,
    waiting,
    wallet("approve"),
    wallet("decline"),
    wallet("stall"),
    wallet("late"),
    wallet("twice"),
    cart,
    cancelled,
    tampered,
    given_back(3),
    given_back(1),
    partly_paid,
    delivered,
]


@pytest.fixture
def bank(tmp_path: Path, clock: Clock) -> Iterator[Shop]:
    """A shop whose only account is at a bank's EMVCo scheme."""
    settings = Settings(data=tmp_path / "bank")
    write_bank(settings.accounts)
    with open_shop(fresh_cloud(settings, clock=clock)) as opened:
        yield opened


@pytest.fixture(params=["light", "dark"])
def page(request, open_phone: OpenPhone) -> Page:
    return open_phone(scheme=request.param)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_every_face_is_readable_and_can_be_hit(page: Page, shop: Shop, till: Till, face):
    shown = till.show(shop.client)
    page.goto(shown.page)
    face(page, shop, shown)
    page.wait_for_load_state("load")
    for language in ("en", "zh"):
        page.goto(f"/language/{language}?back={page.url.removeprefix(shop.base)}")
        measured = page.evaluate(MEASURE)
        assert measured == {"faint": [], "small": [], "wide": 0}, language


def test_the_longest_names_and_the_largest_amounts_still_fit(page: Page, shop: Shop, till: Till):
    coat = msgspec.structs.replace(
        COAT,
        name_en="Double-breasted alpaca and virgin wool overcoat with a detachable lining",
        colour_en="Heathergreymelangeandcharcoal",
        size="175/96A",
        gross=12_345_678_900,
        net=11_111_111_010,
    )
    shown = till.show(shop.client, till.order(coat, *[SCARF] * 12))
    page.goto(shown.page)
    assert page.evaluate(MEASURE)["wide"] == 0
    press(page, "take")
    assert page.evaluate(MEASURE)["wide"] == 0
    press(page, "pay")
    assert page.evaluate(MEASURE)["wide"] == 0
    press(page, "approve")
    assert page.evaluate(MEASURE)["wide"] == 0


def test_large_text_and_a_narrow_phone_still_fit(page: Page, shop: Shop, till: Till):
    shown = till.show(shop.client)
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(shown.page)
    assert page.evaluate(MEASURE)["wide"] == 0
    press(page, "take")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(MEASURE)["wide"] == 0


def test_a_code_to_keep_is_readable_and_can_be_hit(page: Page, bank: Shop):
    shown = bank.till().show(bank.client)
    page.goto(bank.base + shown.page)
    press(page, "take")
    press(page, "pay")
    assert page.url.endswith("/code")
    for language in ("en", "zh"):
        page.goto(f"{bank.base}/language/{language}?back={page.url.removeprefix(bank.base)}")
        assert page.locator(".qr").evaluate("picture => picture.naturalWidth") > 300
        assert page.evaluate(MEASURE) == {"faint": [], "small": [], "wide": 0}, language


def test_the_sandboxes_code_is_readable_and_can_be_hit(page: Page, shop: Shop):
    for language in ("en", "zh"):
        page.goto(f"{shop.base}/language/{language}?back=/wallet")
        assert page.evaluate(MEASURE) == {"faint": [], "small": [], "wide": 0}, language
