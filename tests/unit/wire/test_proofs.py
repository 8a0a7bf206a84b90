"""The proof of payment and the spoken code: exactly what the cloud said, about this order, and small."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.devices.qr import QrCodeMaker
from app.errors import Code, RuleBroken
from app.wire import base45, cbor
from app.wire.cose import sign1
from app.wire.proofs import (
    PREFIX,
    Proof,
    is_spoken_code,
    looks_like_proof,
    read_proof,
    spoken_code,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KID = "s0123abcd"
KEYS = {KID: KEY.public_key().public_bytes_raw()}
PROOF = Proof(
    attempt_id="0199c8a0-0000-7000-8000-000000000005",
    device="00112233aabbccdd",
    nonce=bytes(range(8)),
    amount=22_500,
    currency="CNY",
    provider="sandbox",
    provider_ref="2026112622001412345678901234",
    paid_s=1_760_000_100,
    expires_s=1_760_086_500,
)

proofs = st.builds(
    Proof,
    attempt_id=st.uuids().map(str),
    device=st.binary(min_size=8, max_size=8).map(bytes.hex)
    | st.text("GZ-", min_size=1, max_size=9),
    nonce=st.binary(min_size=8, max_size=8),
    amount=st.integers(1, 10**12),
    currency=st.sampled_from(["CNY", "GBP"]),
    provider=st.text("abcxyz_", max_size=12),
    provider_ref=st.text("0123456789", max_size=32),
    paid_s=st.integers(0, 2**40),
    expires_s=st.integers(0, 2**40),
)


@given(proofs)
def test_what_was_signed_is_what_is_read(proof: Proof) -> None:
    text = proof.sign(KID, KEY)
    assert looks_like_proof(text)
    assert read_proof(text).verify(KEYS) == proof


def test_a_proof_fits_a_code_of_version_10_at_level_m_whatever_the_provider_calls_it() -> None:
    """A dense symbol on a phone is hard for a tablet's camera."""
    longest = replace(
        PROOF, amount=10**12, provider="a_long_name_of_a_wallet", provider_ref="9" * 64
    )
    text = longest.sign(KID, KEY)
    assert QrCodeMaker().make(text).version <= 10
    read = read_proof(text).verify(KEYS)
    assert (read.provider, read.provider_ref) == ("a_long_name_", "9" * 32)


def test_an_unknown_key_and_a_wrong_signature_are_told_apart() -> None:
    assert refusal(PROOF.sign("sffffffff", KEY)) is Code.PROOF_KEY_UNKNOWN
    assert refusal(PROOF.sign(KID, OTHER)) is Code.PROOF_INVALID


def test_a_signature_for_another_purpose_is_no_proof() -> None:
    signed = sign1(cbor.encode({1: b"x"}), KEY, KID.encode(), b"gp1-answer")
    assert refusal(PREFIX + base45.encode(signed)) is Code.PROOF_INVALID


@pytest.mark.parametrize(
    "text",
    ["", PREFIX, "GP1:黑色", "GP1:" + "0" * 500, "gp1:AB", "https://shop.example/o/AQE", "\ud800"],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    assert refusal(text) is Code.PROOF_INVALID


def test_no_change_of_its_text_is_believed() -> None:
    """Every character changed, cut, doubled or swapped: a few thousand forgeries."""
    text, chance = PROOF.sign(KID, KEY), random.Random(7)
    forged = {text[:end] for end in range(len(text))} | {text + "0", text + text, text.lower()}
    for place in range(len(text)):
        for _ in range(12):
            letter = chance.choice(base45.ALPHABET)
            forged.add(text[:place] + letter + text[place + 1 :])
            forged.add(text[:place] + letter + text[place:])
        forged.add(text[:place] + text[place + 1 :])
        forged.add(text[: place + 2][:-2] + text[place : place + 2][::-1] + text[place + 2 :])
    forged.discard(text)
    assert len(forged) > 5_000
    for each in forged:
        assert refusal(each) in (Code.PROOF_INVALID, Code.PROOF_KEY_UNKNOWN)


def test_no_field_can_be_exchanged_under_the_signature_of_another_proof() -> None:
    """The payload of one proof with the signature of the other, for every field."""
    other = replace(
        PROOF,
        attempt_id="0199c8a0-0000-7000-8000-000000000006",
        device="00112233aabbccde",
        nonce=bytes(8),
        amount=1,
        currency="GBP",
        provider="alipay",
        provider_ref="1",
        paid_s=1,
        expires_s=2**35,
    )
    for field in fields(Proof):
        changed = replace(PROOF, **{field.name: getattr(other, field.name)})
        raw = base45.decode(changed.sign(KID, KEY).removeprefix(PREFIX))
        signature = base45.decode(PROOF.sign(KID, KEY).removeprefix(PREFIX))[-64:]
        assert refusal(PREFIX + base45.encode(raw[:-64] + signature)) is Code.PROOF_INVALID


@given(st.binary(max_size=220))
def test_no_bytes_can_crash_the_reader(raw: bytes) -> None:
    assert refusal(PREFIX + base45.encode(raw)) is Code.PROOF_INVALID


def test_the_spoken_code_is_of_this_secret_order_nonce_and_amount() -> None:
    secret, order, nonce = bytes(range(32)), PROOF.attempt_id, PROOF.nonce
    code = spoken_code(secret, order, nonce, 22_500)
    assert len(code) == 8
    assert code.isdigit()
    assert code == spoken_code(secret, order, nonce, 22_500)
    others = {
        spoken_code(bytes(32), order, nonce, 22_500),
        spoken_code(secret, order.replace("5", "6"), nonce, 22_500),
        spoken_code(secret, order, bytes(8), 22_500),
        spoken_code(secret, order, nonce, 22_501),
    }
    assert len(others) == 4
    assert code not in others
    assert is_spoken_code(f" {code[:4]} {code[4:]} ", code)
    assert not is_spoken_code(code[:-1], code)
    assert not is_spoken_code("", code)
    assert not is_spoken_code("１２３４５６７８", code)


def refusal(text: str) -> Code:
    """Return why a text is not believed."""
    with pytest.raises(RuleBroken) as error:
        read_proof(text).verify(KEYS)
    return error.value.code
