"""An order that travels in its QR: nothing lost, nothing changed, and small enough for a phone's camera."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.devices.qr import QrCodeMaker
from app.domain.cart import Cart, Discount, DiscountKind
from app.domain.catalog import LineKind, Sku
from app.domain.ids import new_epoch, new_id
from app.errors import Code, RuleBroken
from app.wire.packing import Packer, Unpacker
from app.wire.portable import (
    PortableLine,
    PortableOrder,
    pack,
    portable,
    sku_mark,
    unpack,
)
from app.wire.tokens import OrderToken, is_portable, new_nonce, order_hash, read_order_token

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
BASE = "https://pay.molan-fashion.example"
"""As long as a brand's own address may well be."""

discounts = st.builds(
    Discount,
    kind=st.sampled_from(DiscountKind),
    value=st.integers(0, 10_000),
    reason=st.sampled_from(["member_tier", "seasonal", "flaw", "haggled"]),
)
bundles = st.lists(discounts, max_size=3).map(tuple)
orders = st.builds(
    PortableOrder,
    sale_id=st.uuids().map(str) | st.text("abc-", min_size=1, max_size=20),
    currency=st.sampled_from(["CNY", "JPY"]),
    guide_id=st.text(max_size=20),
    as_of_s=st.integers(0, 2**32 - 1),
    lines=st.lists(
        st.builds(
            PortableLine,
            mark=st.integers(0, 2**40 - 1),
            quantity=st.integers(1, 1_000_000),
            unit_price=st.integers(0, 10**12),
            discounts=bundles,
        ),
        min_size=1,
        max_size=12,
    ).map(tuple),
    discounts=bundles,
)


@given(orders)
def test_what_was_packed_is_what_is_unpacked(order: PortableOrder) -> None:
    assert unpack(pack(order)) == order


@given(st.binary(max_size=200))
def test_bytes_that_can_be_unpacked_are_the_only_form_of_their_order(data: bytes) -> None:
    try:
        order = unpack(data)
    except RuleBroken:
        return
    assert pack(order) == data


@given(st.lists(st.integers(0, 2**63 - 1)), st.lists(st.text(max_size=60) | st.uuids().map(str)))
def test_numbers_and_names_come_back(numbers: list[int], names: list[str]) -> None:
    packer = Packer()
    for number in numbers:
        packer.number(number)
    for name in names:
        packer.name(name)
    unpacker = Unpacker(packer.data)
    assert [unpacker.number() for _ in numbers] == numbers
    assert [unpacker.name() for _ in names] == names
    assert unpacker.left == 0


@pytest.mark.parametrize("data", ["80", "8000", "ff" * 10, "ff" * 8 + "ff01", ""])
def test_a_number_has_one_form(data: str) -> None:
    with pytest.raises(ValueError, match=r"cut off|form|63 bits"):
        Unpacker(bytes.fromhex(data)).number()


def test_a_cart_travels_with_its_discounts_and_without_our_own_books() -> None:
    off = Discount(DiscountKind.PERCENT_OFF, 1_000, "member_tier", rule="gold", allowed_by="m-1")
    cart = sample_cart(2).with_discounts((off,)).with_line_discounts(1, (off,))
    order = unpack(pack(portable(cart, "G01", 1_760_000_100_999)))
    bare = Discount(DiscountKind.PERCENT_OFF, 1_000, "member_tier")
    assert (order.sale_id, order.guide_id, order.as_of_s) == (cart.cart_id, "G01", 1_760_000_100)
    assert order.discounts == (bare,)
    assert [line.discounts for line in order.lines] == [(bare,), ()]
    assert [line.mark for line in order.lines] == [sku_mark(x.sku.sku_id) for x in cart.lines]


def test_a_price_that_no_list_has_does_not_travel() -> None:
    finer = sample_cart(1).with_unit_price(1, 12_345)
    note = replace(sample_sku(1), kind=LineKind.ADJUSTMENT)
    below = sample_cart(1).add(note, 1, unit_mills=-1_000)
    for cart in (finer, below):
        with pytest.raises(RuleBroken) as refused:
            portable(cart, "G01", 0)
        assert refused.value.code is Code.ORDER_NOT_OFFLINE


def test_twenty_lines_fit_a_code_of_version_15_and_nothing_unreadable_is_made() -> None:
    """With a member's discount on each line, one on the order, and a long address before it."""
    versions = {count: version_of(count) for count in (1, 3, 6, 10, 20, 30, 40)}
    assert versions[20] <= 15
    assert versions[10] <= 13
    assert versions[40] <= 21
    with pytest.raises(RuleBroken) as refused:
        token_of(sample_cart(80))
    assert refused.value.code is Code.ORDER_NOT_OFFLINE


def test_a_token_is_bound_to_its_device_and_to_every_bit() -> None:
    text, chance = token_of(sample_cart(5)), random.Random(11)
    assert is_portable(text)
    claims = read_order_token(text).verify(KEY.public_key())
    assert claims.sign(KEY) == text
    assert claims.order_hash == order_hash(claims.content)
    assert refusal(text, OTHER) is Code.TOKEN_INVALID
    forged = {text[:end] for end in range(len(text))} | {text + "A", text.lower(), text + "="}
    for place, letter in enumerate(text):
        others = [each for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" if each != letter]
        forged |= {text[:place] + each + text[place + 1 :] for each in chance.sample(others, 4)}
    assert len(forged) > 1_000
    for each in forged:
        assert refusal(each, KEY) is Code.TOKEN_INVALID


def test_what_is_signed_for_one_purpose_is_no_order() -> None:
    """The same bytes, signed as another message of ours would be."""
    claims = read_order_token(token_of(sample_cart(1)))
    wrong = OrderToken(**{name: getattr(claims.claims, name) for name in OrderToken.__slots__})
    assert wrong == claims.claims
    assert claims.signature != KEY.sign(claims.payload)


def refusal(text: str, key: Ed25519PrivateKey) -> Code:
    with pytest.raises(RuleBroken) as error:
        read_order_token(text).verify(key.public_key())
    return error.value.code


def version_of(lines: int) -> int:
    off = Discount(DiscountKind.PERCENT_OFF, 1_000, "member_tier")
    more = Discount(DiscountKind.AMOUNT_OFF, 10_000, "seasonal")
    cart = sample_cart(lines).with_discounts((more,))
    for line in cart.lines:
        cart = cart.with_line_discounts(line.line_no, (off,))
    return QrCodeMaker().make(f"{BASE}/o/{token_of(cart)}").version


def token_of(cart: Cart) -> str:
    content = pack(portable(cart, "G01", 1_760_000_100_000))
    claims = OrderToken(
        device=new_epoch(),
        attempt_id=new_id(),
        nonce=new_nonce(),
        amount=22_500,
        expires_s=1_760_000_700,
        order_hash=order_hash(content),
        content=content,
    )
    return claims.sign(KEY)


def sample_cart(lines: int) -> Cart:
    cart = Cart(new_id(), "CNY")
    for number in range(lines):
        cart = cart.add(sample_sku(number), 1 + number % 3)
    return cart


def sample_sku(number: int) -> Sku:
    return Sku(
        sku_id=f"MD{1000 + number}-CAM-{160 + number}/84A",
        style_no=f"MD{1000 + number}",
        name="双面羊毛大衣",
        name_en="Double-faced wool coat",
        category="coats",
        colour_code="CAM",
        colour="驼色",
        colour_en="Camel",
        colour_hex="#B98A5A",
        size="M",
        list_price=189_900 + 1_000 * number,
    )
