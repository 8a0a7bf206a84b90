"""The customer's pages as a phone without scripts gets them: every face, every refusal, both languages."""

from __future__ import annotations

import base64

import msgspec
import pytest

from app.wire.messages import OrderReason
from cloud.db.tables import device
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.paying import (
    COAT,
    FIVE_MINUTES,
    SCARF,
    Phone,
    csrf_of,
)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Pages do not depend on the engine."""
    return Settings(data=tmp_path / "cloud")


def no_way_to_pay(phone: Phone) -> bool:
    assert phone.here is not None
    return "<form" not in phone.here.text and "/pay" not in phone.here.text


# --- the order ------------------------------------------------------------------------------------


def test_the_page_shows_the_whole_order_in_chinese(shop, shown):
    text = shop.phone("zh-CN,zh;q=0.9").open(shown.page).text
    for piece in (
        'lang="zh-CN"',
        "墨岚 南京西路店",
        "导购 陈美 为您服务",
        "双面羊毛大衣",
        "驼色",
        "尺码 M",
        "×1",
        "会员等级 9 折",
        "¥1,899.00",
        "¥1,709.10",
        "羊绒围巾",
        ">均码<",
        "×2",
        "抹零",
        "−¥7.10",
        "−¥189.90",
        "¥2,697.00",
        "¥2,500.00",
        "已省 ¥197.00",
        "共 3 件",
        "/garment/coat/B98A5A.svg",
        "放进我的购物车",
    ):
        assert piece in text, piece


def test_the_page_shows_the_whole_order_in_english(shop, shown):
    text = shop.phone("en-GB,en;q=0.9,zh;q=0.4").open(shown.page).text
    for piece in (
        'lang="en"',
        "Molan West Nanjing Rd",
        "Served by Mei Chen",
        "Double-faced wool coat",
        "Camel",
        "Size M",
        ">One size<",
        "Qty 2",
        "Member tier 10% off",
        "Rounded down",
        "¥2,500.00",
        "You save ¥197.00",
        "3 pieces",
        "Take over into my cart",
    ):
        assert piece in text, piece


def test_an_order_without_discounts_speaks_of_none(shop, till):
    order = till.order(SCARF, total=SCARF.net, reasons=[])
    text = shop.phone().open(till.show(shop.client, order).page).text
    assert "You save" not in text
    assert "Subtotal" not in text


@pytest.mark.parametrize(
    ("rate_bp", "chinese", "english"),
    [(500, "9.5 折", "5% off"), (1_250, "8.75 折", "12.5% off"), (5_000, "5 折", "50% off")],
)
def test_a_rate_is_written_as_the_language_says_it(shop, till, rate_bp, chinese, english):
    coat = msgspec.structs.replace(
        COAT, reasons=[OrderReason(code="seasonal", amount=18_990, rate_bp=rate_bp)]
    )
    shown = till.show(shop.client, till.order(coat))
    assert f"季末优惠 {chinese}" in shop.phone("zh").open(shown.page).text
    assert f"End of season {english}" in shop.phone("en").open(shown.page).text


def test_an_unknown_reason_is_simply_a_discount(shop, till):
    coat = msgspec.structs.replace(COAT, reasons=[OrderReason(code="x" * 30, amount=18_990)])
    shown = till.show(shop.client, till.order(coat))
    assert ">优惠<" in shop.phone("zh").open(shown.page).text


def test_what_a_shop_writes_is_text_and_never_markup(shop, till):
    evil = "<script>alert(1)</script>\"'&"
    coat = msgspec.structs.replace(
        COAT, name_en=evil, colour_en=evil, size=evil, drawing="../../etc/passwd", colour_hex=evil
    )
    order = till.order(coat, guide_name_en=evil)
    text = shop.phone().open(till.show(shop.client, order).page).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "/garment/..%2F..%2Fetc%2Fpasswd/B8BDC2.svg" in text


def test_opening_the_page_tells_the_till(shop, shown):
    assert not shown.view().looked_at
    shop.phone().open(shown.page)
    assert shown.view().looked_at


# --- taking over and paying -----------------------------------------------------------------------


def test_the_whole_way_from_code_to_receipt(shop, shown):
    phone = shop.phone()
    phone.open(shown.page)
    assert not phone.can("/pay")
    phone.tap("/take")
    assert phone.can("/pay")
    assert shown.order.attempt_id[-4:].upper() in phone.open("/cart").text
    phone.open(shown.page)
    phone.tap("/pay")
    assert "/wallet/" in str(phone.here.url)
    assert "墨岚 南京西路店" in phone.here.text
    phone.tap("/approve")
    assert str(phone.here.url).endswith(shown.page)
    view = shown.view()
    for piece in ("Paid at", view.provider_ref, "¥2,500.00", "Double-faced wool coat"):
        assert piece in phone.here.text
    assert "<form" not in phone.here.text


def test_the_owner_can_come_back_until_the_order_runs_out(shop, shown, clock: Clock):
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    clock.ahead_ms += FIVE_MINUTES - 60_000
    assert phone.open(shown.page).status_code == 200
    assert phone.can("/pay")
    clock.ahead_ms += 60_000
    assert phone.open(shown.page).status_code == 410
    assert no_way_to_pay(phone)


def test_taking_over_twice_is_the_same_as_once(shop, shown):
    phone = shop.phone()
    phone.open(shown.page)
    stale = phone.here
    phone.tap("/take")
    phone.here = stale
    assert phone.tap("/take").status_code == 200
    assert phone.can("/pay")


def test_another_phone_sees_that_it_is_taken_and_cannot_pay(shop, shown):
    owner, other = shop.phone(), shop.phone()
    other.open(shown.page)
    stale = other.here
    owner.open(shown.page)
    owner.tap("/take")
    assert other.open(shown.page).status_code == 403
    assert "Taken over by another phone" in other.here.text
    assert no_way_to_pay(other)
    assert "Camel" not in other.here.text
    other.here = stale  # the page it had open from before
    assert other.tap("/take").status_code == 403
    csrf = csrf_of(stale.text)
    answer = other.client.post(f"{shown.page}/pay", data={"csrf": csrf})
    assert answer.status_code == 403
    assert shown.view().provider == ""


def test_paying_an_order_nobody_took_leads_back_to_it(shop, shown):
    phone = shop.phone()
    csrf = csrf_of(phone.open(shown.page).text)
    answer = phone.client.post(f"{shown.page}/pay", data={"csrf": csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, shown.page)
    assert shown.view().provider == ""


def test_tapping_pay_again_leads_to_the_same_payment(shop, shown):
    phone = shop.paying(shown)
    first = str(phone.here.url)
    phone.open(shown.page)
    assert "Waiting for your wallet" in phone.here.text
    phone.tap("/pay")
    assert str(phone.here.url) == first


def test_the_back_button_after_paying_pays_no_second_time(shop, shown):
    phone = shop.paying(shown)
    wallet = phone.here
    phone.tap("/approve")
    phone.here = wallet
    phone.tap("/approve")
    assert (shown.view().received, shown.view().anomalies) == (shown.order.total, [])
    answer = phone.client.post(f"{shown.page}/pay", data={"csrf": csrf_of(wallet.text)})
    assert answer.headers["location"] == shown.page


def test_a_late_payment_is_a_receipt_that_says_so(shop, shown):
    phone = shop.paying(shown)
    phone.tap("/late")
    assert phone.here.status_code == 200
    assert "Received after the order was closed" in phone.here.text


def test_paying_twice_is_a_receipt_that_names_the_surplus(shop, shown):
    phone = shop.paying(shown)
    phone.tap("/twice")
    assert "¥2,500.00 too much arrived" in phone.here.text


def test_while_stalled_the_page_asks_again_by_itself_without_scripts(shop, shown):
    phone = shop.paying(shown)
    phone.tap("/stall")
    assert "We are asking your wallet" in phone.here.text
    assert '<noscript><meta http-equiv="refresh"' in phone.here.text
    phone.tap("/pay")
    phone.tap("/resume")
    assert "Paid at" in phone.here.text


def test_a_cart_belongs_to_its_phone(shop, shown):
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    assert "Molan" in phone.open("/cart").text
    assert "Nothing here yet" in shop.phone().open("/cart").text


def test_a_cart_holds_what_was_taken_over_in_several_stores(shop, shown):
    phone, elsewhere = shop.phone(), shop.till("S002")
    other = elsewhere.show(shop.client)
    for order in (shown, other):
        phone.open(order.page)
        phone.tap("/take")
    text = phone.open("/cart").text
    first, second = (text.index(o.order.attempt_id[-4:].upper()) for o in (other, shown))
    assert first < second  # the newest on top


def test_a_phone_that_lost_the_list_of_shops_finds_its_order_by_the_code(shop, shown):
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    phone.client.cookies.delete("guidepos_shops")
    assert "Nothing here yet" in phone.open("/cart").text
    phone.open(shown.page)
    assert "Molan" in phone.open("/cart").text


# --- refusals -------------------------------------------------------------------------------------


def test_each_end_of_an_order_has_its_own_page_and_status(shop, till, clock: Clock):
    cancelled, declined, paid, expired = (till.show(shop.client) for _ in range(4))
    cancelled.cancel()
    shop.paying(declined).tap("/decline")
    shop.paying(paid).tap("/approve")
    titles = (
        (cancelled, "The store cancelled this order"),
        (declined, "Payment declined"),
        (paid, "Already paid"),
    )
    visitor = shop.phone()
    for order, title in titles:
        assert visitor.open(order.page).status_code == 410
        assert title in visitor.here.text
        assert no_way_to_pay(visitor)
    clock.ahead_ms += FIVE_MINUTES
    assert visitor.open(expired.page).status_code == 410
    assert "This code has expired" in visitor.here.text
    assert no_way_to_pay(visitor)


def test_an_order_that_was_never_registered_is_not_found(shop, till):
    phone = shop.phone()
    assert phone.open(f"/o/{till.intent().token}").status_code == 404
    assert no_way_to_pay(phone)


def test_a_token_of_an_unknown_till_is_foreign(shop, till, shown):
    stranger = msgspec.structs.replace(
        till.device.me, device="01900000-0000-7000-8000-000000000000"
    )
    till.device.me = stranger
    phone = shop.phone()
    assert phone.open(f"/o/{till.intent().token}").status_code == 403
    assert "Not a code of this shop" in phone.here.text
    assert no_way_to_pay(phone)


def test_a_revoked_till_has_no_customers(shop, shown):
    with shop.cloud.db.begin() as conn:
        conn.execute(device.update().values(revoked_ms=1))
    phone = shop.phone()
    assert phone.open(shown.page).status_code == 403
    assert no_way_to_pay(phone)


def test_a_second_token_for_the_same_order_is_not_the_registered_one(shop, till, shown):
    twin = till.intent(shown.order).token  # same order, another nonce, well signed
    phone = shop.phone()
    assert phone.open(f"/o/{twin}").status_code == 400
    assert no_way_to_pay(phone)


def test_every_tampered_token_is_refused(shop, shown):
    raw = bytearray(base64.urlsafe_b64decode(shown.token + "=" * (-len(shown.token) % 4)))
    phone = shop.phone()
    refused = 0
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1 << position % 8
        token = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        assert phone.open(f"/o/{token}").status_code in (400, 403), position
        assert no_way_to_pay(phone)
        refused += 1
    assert refused >= 100
    assert not shown.view().looked_at


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "A" * 5_000,
        "..%2F..",
        "%00",
        "💰",
        "<script>",
        "AQE",
        "====",
        "a b",
        "AQE%0d%0aX: y",
    ],
)
def test_what_is_no_token_at_all_is_refused(shop, token):
    phone = shop.phone()
    assert phone.open(f"/o/{token}").status_code in (400, 404)
    assert no_way_to_pay(phone)


def test_cut_or_lengthened_tokens_are_refused(shop, shown):
    phone = shop.phone()
    for token in (shown.token[:-4], shown.token + "AAAA", shown.token[4:], shown.token * 2):
        assert phone.open(f"/o/{token}").status_code in (400, 403)
        assert no_way_to_pay(phone)
