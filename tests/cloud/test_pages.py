"""The customer's pages as a phone without scripts gets them: every face, every refusal, both languages."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import msgspec
import pytest

from app.wire.messages import OrderReason
from cloud.bootstrap import Cloud
from cloud.db.tables import device
from cloud.gateways.base import Standing
from cloud.pages.render import HEADERS
from cloud.pages.words import LANGUAGES, choose, words
from cloud.settings import Settings
from resources.garments import drawings
from tests.cloud.conftest import Clock
from tests.cloud.paying import COAT, FIVE_MINUTES, SCARF, Phone, Shop, Shown, Till, open_shop


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Pages do not depend on the engine."""
    return Settings(data=tmp_path / "cloud")


@pytest.fixture
def shop(cloud: Cloud) -> Iterator[Shop]:
    with open_shop(cloud) as opened:
        yield opened


@pytest.fixture
def till(shop: Shop) -> Till:
    return shop.till()


@pytest.fixture
def shown(shop: Shop, till: Till) -> Shown:
    return till.show(shop.client)


def csrf_of(text: str) -> str:
    """Return the token in a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None
    return found.group(1)


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
    clock.ahead_ms += FIVE_MINUTES - 1_000
    assert phone.open(shown.page).status_code == 200
    assert phone.can("/pay")
    clock.ahead_ms += 2_000
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


# --- forms of other sites -------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["take", "pay"])
def test_a_form_without_this_phones_token_changes_nothing(shop, shown, action):
    phone, other = shop.phone(), shop.phone()
    phone.open(shown.page)
    foreign = csrf_of(other.open(shown.page).text)
    for data in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": foreign}, {"csrf": "é" * 43}):
        answer = phone.client.post(f"{shown.page}/{action}", data=data)
        assert answer.status_code == 403
    assert shop.desk.orders.holder(shown.order.attempt_id) == ""
    assert shown.view().provider == ""


def test_a_form_without_cookies_changes_nothing(shop, shown):
    phone = shop.phone()
    csrf = csrf_of(phone.open(shown.page).text)
    phone.client.cookies.clear()
    assert phone.client.post(f"{shown.page}/take", data={"csrf": csrf}).status_code == 403
    assert shop.desk.orders.holder(shown.order.attempt_id) == ""


def test_another_phones_cookie_is_another_phone(shop, shown):
    owner, thief = shop.phone(), shop.phone()
    owner.open(shown.page)
    owner.tap("/take")
    thief.open("/cart")
    assert thief.client.cookies["guidepos_phone"] != owner.client.cookies["guidepos_phone"]
    for invented in ("", "a", "'; DROP TABLE order_claim; --", "A" * 43):
        thief.client.cookies.clear()
        thief.client.cookies.set("guidepos_phone", invented)
        assert thief.open(shown.page).status_code == 403


def test_the_wallet_obeys_only_its_own_page(shop, shown):
    phone = shop.paying(shown)
    wallet = str(phone.here.url)
    for deed in ("approve", "decline", "stall", "late", "twice", "resume"):
        assert shop.phone().client.post(f"{wallet}/{deed}").status_code == 403
        assert phone.client.post(f"{wallet}/{deed}", data={"csrf": "x"}).status_code == 403
    assert shop.desk.sandbox.order(wallet.rsplit("/", 1)[1]).standing is Standing.OPEN


def test_the_wallet_knows_no_other_deeds_and_no_invented_orders(shop, shown):
    phone = shop.paying(shown)
    csrf = csrf_of(phone.here.text)
    answer = phone.client.post(f"{phone.here.url}/refund", data={"csrf": csrf})
    assert answer.status_code == 404
    assert phone.client.get("/wallet/" + "0" * 32).status_code == 404


def test_the_cookie_is_for_this_site_alone_and_for_no_script(shop, shown):
    cookie = shop.phone().open(shown.page).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie


def test_only_a_hash_of_the_cookie_is_kept(shop, shown):
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    holder = shop.desk.orders.holder(shown.order.attempt_id)
    assert len(holder) == 64
    assert phone.client.cookies["guidepos_phone"] not in holder


# --- headers, languages, files --------------------------------------------------------------------


def test_every_page_carries_the_headers_a_page_about_money_needs(shop, shown):
    phone = shop.paying(shown)
    for path in (
        shown.page,
        str(phone.here.url),
        "/cart",
        "/o/x",
        "/wallet/x",
        f"{shown.page}/state",
    ):
        answer = phone.client.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)
    policy = HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_no_page_has_script_or_style_inside(shop, shown):
    phone = shop.paying(shown)
    for path in (shown.page, str(phone.here.url), "/cart", "/o/x"):
        text = phone.client.get(path).text
        assert not re.search(r"<style|style=|<script(?! src=)|\son\w+=|javascript:", text), path


def test_the_language_switch_is_remembered_and_leads_back(shop, shown):
    phone = shop.phone("zh-CN")
    assert "切换" not in phone.open(shown.page).text
    assert f"/language/en?back={shown.page}" in phone.here.text
    phone.open(f"/language/en?back={shown.page}")
    assert str(phone.here.url).endswith(shown.page)
    assert "Your order is ready" in phone.here.text
    assert "Your order is ready" in phone.open(shown.page).text


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/%0d%0aX:y"]
)
def test_the_language_switch_leads_nowhere_else(shop, back):
    answer = shop.client.get("/language/en", params={"back": back})
    target = answer.headers["location"]
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))
    assert "\n" not in target


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "", "zh"),
        ("", "en-US,en;q=0.9", "en"),
        ("", "zh-TW, en;q=0.5", "zh"),
        ("", "fr, en;q=0.3, zh;q=0.8", "zh"),
        ("", "de", "zh"),
        ("", "en;q=nonsense, zh;q=0.1", "zh"),
        ("en", "zh", "en"),
        ("xx", "en", "en"),
    ],
)
def test_the_language_is_what_was_switched_to_or_what_the_phone_prefers(cookie, accepted, language):
    assert choose(cookie, accepted) == language


def test_all_languages_say_the_same_things_with_the_same_facts():
    chinese, english = (words(code).sentences for code in LANGUAGES)
    assert chinese.keys() == english.keys()
    for key in chinese.keys() - {"reasons.rate"}:
        holes = [sorted(re.findall(r"{(\w+)}", language[key])) for language in (chinese, english)]
        assert holes[0] == holes[1], key


def test_garments_come_in_the_colour_asked_for_and_are_kept(shop):
    answer = shop.client.get("/garment/coat/B98A5A.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "immutable" in answer.headers["cache-control"]
    assert "#B98A5A" in answer.text
    assert "coat" in drawings()
    assert shop.client.get("/garment/unheard-of/112233.svg").status_code == 200
    assert shop.client.get("/garment/coat/red.svg").status_code == 422


def test_static_files_are_found_under_their_own_digest_only(shop, shown):
    text = shop.phone().open(shown.page).text
    for address in set(re.findall(r'"(/page/[^"]+)"', text)):
        answer = shop.client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
    assert shop.client.get("/page/000000000000/page.css").status_code == 404
    assert shop.client.get("/page/font/passwd").status_code == 404


def test_the_state_a_script_asks_for_changes_with_the_order(shop, shown):
    phone = shop.phone()
    phone.open(shown.page)
    stamps = []
    for action in ("/take", "/pay", "/approve"):
        stamps.append(phone.client.get(f"{shown.page}/state").json()["face"])
        phone.tap(action)
    stamps.append(phone.client.get(f"{shown.page}/state").json()["face"])
    assert [stamp.split(":")[0] for stamp in stamps] == ["take", "pay", "waiting", "receipt"]
    assert phone.client.get("/o/x/state").status_code == 400
    assert phone.client.get("/o/x/events").status_code == 400
