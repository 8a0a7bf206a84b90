"""The page of an order whose shop is offline: taken over and paid like any other, then shown to the guide;
readable in both languages and themes, and by a scanner, with scripts and without."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from app.wire.proofs import read_proof
from tests.browser.conftest import VIEWPORT, Clock, OpenPhone
from tests.browser.test_customer import heading, no_button, tap
from tests.browser.test_look import MEASURE
from tests.cloud.offline import OfflineTill, ShownOffline, publish
from tests.cloud.paying import Shop
from tests.cloud.test_offline_orders import HOUR


@pytest.fixture
def shown(shop: Shop) -> ShownOffline:
    """An order on the screen of a till that cannot reach us."""
    publish(shop)
    return OfflineTill(shop.till(), shop, shop.cloud.clock()).show()


def pay(page: Page, shown: ShownOffline) -> None:
    page.goto(shown.page)
    heading(page, "Your order is ready")
    tap(page, "Take over into my cart")
    heading(page, "In your cart")
    tap(page, "Pay")
    tap(page, "Pay ¥")
    heading(page, "Paid")


def scan(page: Page) -> str:
    """Read the proof off the glass."""
    picture = Image.open(io.BytesIO(page.locator(".proof .qr").screenshot()))
    (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    return str(code.text)


def test_the_order_is_paid_and_its_proof_is_big_and_says_to_show_it(
    open_phone: OpenPhone, scripts: bool, shown: ShownOffline
) -> None:
    page = open_phone(scripts=scripts)
    pay(page, shown)
    expect(page.get_by_text("Show this to the guide")).to_be_visible()
    expect(page.get_by_text("The shop is offline at the moment.")).to_be_visible()
    keys = {key.kid: key.key for key in shown.by.till.device.me.keys.signing}
    assert read_proof(scan(page)).verify(keys).attempt_id == shown.claims.attempt_id
    box = page.locator(".proof .qr").bounding_box()
    assert box is not None
    assert box["width"] >= 300
    assert box["y"] + box["height"] <= VIEWPORT["height"]  # without scrolling


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390])
def test_the_proof_is_readable_for_people_and_scanners(
    open_phone: OpenPhone, shop: Shop, shown: ShownOffline, scheme: str, width: int
) -> None:
    page = open_phone(scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    pay(page, shown)
    for language in ("en", "zh"):
        page.goto(f"/language/{language}?back={shown.page}")
        assert page.evaluate(MEASURE) == {"faint": [], "small": [], "wide": 0}, language
        assert scan(page).startswith("GP1:")


def test_old_prices_are_refused_on_a_clear_page(
    open_phone: OpenPhone, shop: Shop, shown: ShownOffline, clock: Clock
) -> None:
    publish(shop, MD1001_CAM_M=99_900)
    clock.ahead_ms += 73 * HOUR
    page = open_phone()
    page.goto(OfflineTill(shown.by.till, shop, shown.by.as_of_ms).show().page)
    heading(page, "The prices in this code are not up to date")
    no_button(page)
