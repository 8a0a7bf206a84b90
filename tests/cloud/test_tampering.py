"""Notices and codes that were forged, altered, replayed or come at the wrong time, some hundreds of each: all
refused, all logged, nothing in the books. And what a customer may try on a page. The counts are kept as
properties of the tests' report.
"""

from __future__ import annotations

import base64
import json
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import sqlalchemy as sa

from app.wire.tokens import read_order_token
from cloud.db import payment_tables
from cloud.fakes.faults import Letter
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.offline import OfflineTill, publish
from tests.cloud.paying import Phone, Shop, Shown
from tests.cloud.served import client_of
from tests.cloud.test_providers import at_alipay, at_wechat
from tests.cloud.worlds import World, open_world

LEAST = 200
Record = Callable[[str, object], None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """What is refused is refused before any engine is asked."""
    return Settings(data=tmp_path / "cloud")


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    with open_world(tmp_path / "providers", clock) as opened:
        yield opened


def books(shop: Shop) -> list[list[tuple[object, ...]]]:
    """Everything the ledger holds of payments."""
    tables = (
        payment_tables.attempt,
        payment_tables.event,
        payment_tables.money,
        payment_tables.claim,
    )
    with shop.cloud.db.reading() as conn:
        return [sorted(tuple(row) for row in conn.execute(sa.select(table))) for table in tables]


# --- notices --------------------------------------------------------------------------------------


def alipay_forgeries(letter: Letter, draw: random.Random) -> Iterator[Letter]:
    """Every field changed, emptied, left out and doubled, and the bytes hurt anywhere."""
    fields = dict(parse_qsl(letter.body.decode(), keep_blank_values=True))
    for name, value in fields.items():
        if name == "sign_type":  # not covered by the signature, and never read
            continue
        others = (value + "0", value[:-1], "", value.swapcase() + "x", "0.01", "1")
        for other in {each for each in others if each != value}:
            yield replace(letter, body=urlencode(fields | {name: other}).encode())
        yield replace(
            letter, body=urlencode({k: v for k, v in fields.items() if k != name}).encode()
        )
    yield replace(letter, body=urlencode(fields | {"refund_fee": "1.00"}).encode())
    for _ in range(LEAST):
        hurt = hurt_bytes(letter.body, draw)
        if meaning(hurt) != meaning(letter.body):
            yield replace(letter, body=hurt)


def meaning(body: bytes) -> tuple[dict[str, str], bytes] | None:
    """What a form says, its signature as bytes: some letters of base64 say the same as others."""
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        sign = base64.b64decode(fields.pop("sign", ""))
    except ValueError:
        return None
    fields.pop("sign_type", None)
    return fields, sign


def wechat_forgeries(letter: Letter, draw: random.Random) -> Iterator[Letter]:
    """Every signed header changed and left out, times that are skewed, and the bytes hurt anywhere."""
    for name, value in letter.headers.items():
        if not name.startswith("Wechatpay-") or name.endswith("-Type"):
            continue
        skewed = [str(int(value) + s) for s in (-400, -1, 1, 400)] if value.isdigit() else []
        for other in ("", value + "x", value[1:], value[::-1], *skewed):
            yield replace(letter, headers=dict(letter.headers) | {name: other})
        kept = {key: each for key, each in letter.headers.items() if key != name}
        yield replace(letter, headers=kept)
    told = json.loads(letter.body)
    for name in told:
        yield replace(letter, body=json.dumps(told | {name: "x"}).encode())
    for name in told["resource"]:
        sealed = told | {"resource": told["resource"] | {name: "x"}}
        yield replace(letter, body=json.dumps(sealed).encode())
    for _ in range(LEAST):
        yield replace(letter, body=hurt_bytes(letter.body, draw))


def hurt_bytes(body: bytes, draw: random.Random) -> bytes:
    """Flip a bit, cut, double or swap somewhere."""
    at = draw.randrange(len(body))
    match draw.randrange(4):
        case 0:
            return body[:at] + bytes([body[at] ^ 1 << draw.randrange(7)]) + body[at + 1 :]
        case 1:
            return body[:at]
        case 2:
            return body[:at] + body[at : at + 5] + body[at:]
        case _:
            return body[:at] + body[at + 1 :]


@pytest.mark.fault(37, "nothing: a forged notice is not believed")
@pytest.mark.parametrize(
    ("pay", "forge"), [(at_alipay, alipay_forgeries), (at_wechat, wechat_forgeries)]
)
def test_every_forged_notice_is_refused_and_logged(
    world: World, caplog, record_property, pay, forge
):
    letter = pay(world)
    before, refused = books(world.shop), 0
    caplog.set_level(logging.WARNING, "cloud.api.notify")
    path = urlsplit(letter.url).path
    with client_of(world.shop.base) as stranger:
        for forged in forge(letter, random.Random(7)):
            answer = stranger.post(path, content=forged.body, headers=dict(forged.headers))
            assert answer.status_code >= 400 or answer.text != "success", forged
            assert answer.status_code != 204, forged
            refused += 1
    said = [each for each in caplog.records if each.name == "cloud.api.notify"]
    assert refused >= LEAST
    assert len(said) >= refused
    assert books(world.shop) == before
    record_property("refused", refused)


def test_a_notice_of_one_provider_is_none_of_another(world: World):
    before = None
    for pay, path in ((at_alipay, "/notify/wechat"), (at_wechat, "/notify/alipay")):
        world.shown = world.shop.till().show(world.shop.client)
        letter = pay(world)
        before = books(world.shop)
        answer = world.shop.client.post(path, content=letter.body, headers=dict(letter.headers))
        assert answer.status_code != 204
        assert answer.text != "success"
        assert books(world.shop) == before


def test_a_notice_that_is_replayed_later_changes_nothing(world: World, clock: Clock):
    letter = at_wechat(world)
    assert world.deliver(letter).status_code == 204
    before = books(world.shop)
    assert world.deliver(letter).status_code == 204
    clock.ahead_ms += 301_000
    assert world.deliver(letter).status_code == 401
    assert books(world.shop) == before


# --- codes ----------------------------------------------------------------------------------------


def token_forgeries(token: str, draw: random.Random) -> set[str]:
    """Letters changed, swapped, left out and added, and tokens cut."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz-_$*+.:"
    found: set[str] = set()
    while len(found) < LEAST:
        at, letter = draw.randrange(len(token)), draw.choice(letters)
        hurt = (
            token[:at] + letter + token[at + 1 :],
            token[:at] + letter + token[at:],
            token[:at] + token[at + 1 :],
            token[:at],
            token[:at] + token[at:][::-1],
        )
        found.add(draw.choice(hurt))
    return found - {token, ""}


def signed_by_others(shop: Shop, token: str) -> Iterator[str]:
    """The same claims under another till's key, and other claims under a key nobody knows."""
    claims = read_order_token(token).claims
    yield claims.sign(shop.till().device.key)
    yield replace(claims, amount=1).sign(shop.till().device.key)
    yield replace(claims, device="nobody").sign(shop.till().device.key)


@pytest.mark.parametrize("kind", ["stored", "portable"])
def test_every_forged_code_is_refused_and_logged(
    shop: Shop, clock: Clock, caplog, record_property, kind
):
    token = a_token(shop, clock, kind)
    phone = shop.phone().at("/cart")
    forged = {*token_forgeries(token, random.Random(11)), *signed_by_others(shop, token)}
    before = books(shop)
    caplog.set_level(logging.WARNING, "cloud.pages.customer")
    for number, each in enumerate(sorted(forged)):
        assert_refused(phone, each, WAYS if number % 20 == 0 else WAYS[:1])
    said = [each for each in caplog.records if each.name == "cloud.pages.customer"]
    assert len(forged) >= LEAST
    assert len(said) >= sum(is_one_segment(each) for each in forged)
    assert books(shop) == before
    record_property("refused", len(forged))


def a_token(shop: Shop, clock: Clock, kind: str) -> str:
    """The code of an order in our books, or of one that travels in it."""
    till = shop.till()
    if kind == "stored":
        return till.show(shop.client).token
    publish(shop)
    return OfflineTill(till, shop, clock()).show().token


def is_one_segment(token: str) -> bool:
    return not set(token) & set("./?#")


WAYS = (("GET", ""), ("GET", "/state"), ("POST", "/take"), ("POST", "/pay"))


def assert_refused(phone: Phone, token: str, ways: Sequence[tuple[str, str]]) -> None:
    """No page, no state and no form of a forged code leads anywhere."""
    for verb, tail in ways:
        data = {"csrf": "x"} if verb == "POST" else None
        answer = phone.client.request(verb, f"/o/{token}{tail}", data=data)
        assert answer.status_code in (400, 403, 404, 409, 410), (token, answer.status_code)


def test_a_code_whose_time_is_over_is_refused(shop: Shop, clock: Clock):
    token = a_token(shop, clock, "portable")
    before = books(shop)
    clock.ahead_ms += 3 * 3_600_000
    assert shop.phone().client.get(f"/o/{token}").status_code == 410
    assert books(shop) == before


# --- pages ----------------------------------------------------------------------------------------

TAMPERED = tuple(
    {name: value}
    for name in (
        "amount",
        "total",
        "price",
        "due",
        "currency",
        "attempt_id",
        "provider",
        "token",
        "payer",
    )
    for value in ("0", "1", "-1", "0.01", "USD", "sandbox", "' OR 1=1 --")
)


def test_no_parameter_of_a_page_lowers_an_amount(shop: Shop, record_property):
    tried = 0
    shown = shop.till().show(shop.client)
    phone = shop.phone().at(shown.page)
    for changed in TAMPERED:
        phone.client.get(shown.page, params=changed)
        tried += 1
    phone.tap("/take", **TAMPERED[0])
    for changed in TAMPERED:
        phone.open(shown.page)
        phone.tap("/pay", **changed)
        tried += 1
    order = shop.desk.sandbox.order(str(phone.here and phone.here.url).rsplit("/", 1)[1])
    assert (order.amount, order.currency) == (shown.order.total, "CNY")
    for changed in TAMPERED:
        phone.open(f"/wallet/{order.payment_id}")
        phone.client.get(f"/wallet/{order.payment_id}", params=changed)
        tried += 1
    phone.tap("/approve", **TAMPERED[0])
    assert (shown.view().state, shown.view().received) == ("confirmed", shown.order.total)
    record_property("tried", tried)


def test_no_other_phone_reads_or_pays_an_order(shop: Shop, record_property):
    shown = shop.till().show(shop.client)
    owner = shop.phone().at(shown.page)
    owner.tap("/take")
    before = books(shop)
    tried = 0
    for secret in ("", "x", "A" * 43, "B" * 43):
        other = shop.phone().at("/cart")
        if secret:
            other.client.cookies.set("guidepos_phone", secret)
        csrf = owners_form(owner, shown)
        for verb, path, data in (
            ("GET", shown.page, {}),
            ("POST", f"{shown.page}/take", {"csrf": csrf}),
            ("POST", f"{shown.page}/pay", {"csrf": csrf}),
            ("GET", f"{shown.page}/payer?code=1&state={csrf}", {}),
            ("GET", "/cart", {}),
        ):
            answer = other.client.request(verb, path, data=data or None)
            assert shown.order.lines[0].name_en not in answer.text, path
            assert "/wallet/" not in str(answer.url), path
            tried += 1
    assert books(shop) == before
    record_property("tried", tried)


def owners_form(owner: Phone, shown: Shown) -> str:
    """The token in the owner's own form."""
    text = owner.open(shown.page).text
    return text.split('name="csrf" value="')[1].split('"')[0]
