"""The pages against other sites, other phones and inline code; their languages and files."""

from __future__ import annotations

import re

import pytest

from cloud.gateways.base import Standing
from cloud.pages.render import HEADERS
from cloud.pages.words import LANGUAGES, choose, words
from cloud.settings import Settings
from resources.garments import drawings
from tests.cloud.paying import csrf_of


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Pages do not depend on the engine."""
    return Settings(data=tmp_path / "cloud")


# --- forms of other sites -------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["take", "pay"])
def test_a_form_without_this_phones_token_changes_nothing(shop, shown, action):
    phone, other = shop.phone(), shop.phone()
    phone.open(shown.page)
    foreign = csrf_of(other.open(shown.page).text)
    for data in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": foreign}, {"csrf": "é" * 43}):
        answer = phone.client.post(f"{shown.page}/{action}", data=data)
        assert answer.status_code == 403
    assert shop.desk.orders.holder(shown.key) == ""
    assert shown.view().provider == ""


def test_a_form_without_cookies_changes_nothing(shop, shown):
    phone = shop.phone()
    csrf = csrf_of(phone.open(shown.page).text)
    phone.client.cookies.clear()
    assert phone.client.post(f"{shown.page}/take", data={"csrf": csrf}).status_code == 403
    assert shop.desk.orders.holder(shown.key) == ""


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


def test_a_cookie_that_names_other_shops_shows_no_order_of_others(shop, till, shown):
    owner, curious = shop.phone(), shop.phone()
    owner.open(shown.page)
    owner.tap("/take")
    curious.open("/cart")
    shops = owner.client.cookies["guidepos_shops"]
    assert shops == f"{till.device.me.tenant}.S001"
    for said in (shops, f"{shops}:{shops}", "x", "..:.", "a.b'--:\\", "S001." * 200):
        curious.client.cookies.set("guidepos_shops", said)
        assert "Nothing here yet" in curious.open("/cart").text


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
    holder = shop.desk.orders.holder(shown.key)
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
