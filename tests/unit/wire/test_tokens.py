"""Signed and sealed things: exactly what was signed, by whom, for what, and nothing else."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Code, RuleBroken
from app.wire.tokens import (
    NONCE_BYTES,
    ORDER_HASH_BYTES,
    OrderToken,
    answer_message,
    b64,
    is_our_answer,
    new_nonce,
    order_hash,
    prove_answer,
    read_order_token,
    seal,
    token_request_message,
    unb64,
    unseal,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
TOKEN = OrderToken(
    device="SH01-A1",
    attempt_id="0199c8a0-0000-7000-8000-000000000005",
    nonce=bytes(range(8)),
    amount=22_500,
    expires_s=1_760_000_700,
    order_hash=bytes(range(16)),
)

tokens = st.builds(
    OrderToken,
    device=st.text(st.characters(codec="ascii"), max_size=40),
    attempt_id=st.uuids().map(str),
    nonce=st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES),
    amount=st.integers(0, 2**63),
    expires_s=st.integers(0, 2**40 - 1),
    order_hash=st.binary(min_size=ORDER_HASH_BYTES, max_size=ORDER_HASH_BYTES),
)


@given(tokens)
def test_what_was_signed_is_what_is_read(token: OrderToken) -> None:
    assert read_order_token(token.sign(KEY)).verify(KEY.public_key()) == token


def test_a_token_fits_a_small_code() -> None:
    """Version 10 at level L holds 271 bytes; denser symbols are hard to read from a tablet."""
    assert len("https://shop.example/o/" + TOKEN.sign(KEY)) <= 271


def test_another_devices_key_does_not_do() -> None:
    with pytest.raises(RuleBroken) as error:
        read_order_token(TOKEN.sign(KEY)).verify(OTHER.public_key())
    assert error.value.code is Code.TOKEN_INVALID


def test_no_bit_of_a_token_can_be_changed() -> None:
    raw = unb64(TOKEN.sign(KEY))
    for place in range(len(raw)):
        for bit in range(8):
            changed = raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]
            with pytest.raises(RuleBroken) as error:
                read_order_token(b64(changed)).verify(KEY.public_key())
            assert error.value.code is Code.TOKEN_INVALID


def test_no_character_of_its_text_can_be_changed() -> None:
    text = TOKEN.sign(KEY)
    for place, letter in enumerate(text):
        for other in "A_-9z=":
            changed = text[:place] + other + text[place + 1 :]
            if other != letter:
                with pytest.raises(RuleBroken):
                    read_order_token(changed).verify(KEY.public_key())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "AAAA",
        "%%%",
        "黑色",
        TOKEN.sign(KEY) + "=",
        TOKEN.sign(KEY) + "A",
        "A" * 1_001,
        "\ud800",
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as error:
        read_order_token(text)
    assert error.value.code is Code.TOKEN_INVALID


@given(st.binary(max_size=200))
def test_no_bytes_can_crash_the_reader(raw: bytes) -> None:
    with pytest.raises(RuleBroken):
        read_order_token(b64(raw)).verify(KEY.public_key())


def test_a_token_cut_anywhere_is_refused() -> None:
    text = TOKEN.sign(KEY)
    for length in range(len(text)):
        with pytest.raises(RuleBroken):
            read_order_token(text[:length]).verify(KEY.public_key())


def test_another_version_or_form_is_not_guessed_at() -> None:
    raw = unb64(TOKEN.sign(KEY))
    for head in (b"\2\1", b"\1\2", b"\0\0"):
        payload = head + raw[2:-64]
        signed = b64(payload + KEY.sign(b"gp1-order" + payload))
        with pytest.raises(RuleBroken):
            read_order_token(signed)


@given(st.binary(max_size=50))
def test_base64url_reads_back_and_has_one_spelling(data: bytes) -> None:
    assert unb64(b64(data)) == data
    assert "=" not in b64(data)


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "A A", "+/==", "é"])
def test_other_spellings_are_no_base64url(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        unb64(text)


def test_an_order_is_bound_to_its_exact_bytes() -> None:
    assert order_hash(b"order") != order_hash(b"order ")
    assert len(order_hash(b"")) == ORDER_HASH_BYTES
    assert len({new_nonce() for _ in range(50)}) == 50


# --- proof of our server --------------------------------------------------------------------------

KEYS = {"k1": KEY.public_key().public_bytes_raw(), "k2": OTHER.public_key().public_bytes_raw()}


def test_our_answer_is_known_by_its_proof() -> None:
    proof = prove_answer("k1", KEY, "nonce", 200, b"body")
    assert is_our_answer(proof, KEYS, "nonce", 200, b"body")


def test_a_proof_is_good_for_one_request_status_and_body() -> None:
    proof = prove_answer("k1", KEY, "nonce", 200, b"body")
    assert not is_our_answer(proof, KEYS, "other", 200, b"body")
    assert not is_our_answer(proof, KEYS, "nonce", 403, b"body")
    assert not is_our_answer(proof, KEYS, "nonce", 200, b"Body")
    assert not is_our_answer(proof.replace("k1", "k2"), KEYS, "nonce", 200, b"body")
    assert not is_our_answer(proof, {}, "nonce", 200, b"body")


@pytest.mark.parametrize(
    "proof", ["", ".", "k1", "k1.", "k1.AAAA", "k1.%%", "k9." + "A" * 86, "k1.é", "k1\ud800.A"]
)
def test_a_portals_answer_is_not_ours(proof: str) -> None:
    assert not is_our_answer(proof, KEYS, "nonce", 403, b"<html>")


def test_a_pinned_key_that_is_none_proves_nothing() -> None:
    proof = prove_answer("k1", KEY, "n", 200, b"")
    assert not is_our_answer(proof, {"k1": b"short"}, "n", 200, b"")


def test_messages_that_are_signed_cannot_be_taken_for_each_other() -> None:
    assert answer_message("1", 200, b"") != answer_message("12", 0, b"")
    assert token_request_message("ab", 1, "c") != token_request_message("a", 1, "bc")
    starts = {answer_message("", 1, b"")[:9], token_request_message("", 1, "")[:9], b"gp1-order"}
    assert len(starts) == 3


# --- sealing --------------------------------------------------------------------------------------

ESCROW = X25519PrivateKey.from_private_bytes(bytes(range(32)))
RECIPIENT = ESCROW.public_key().public_bytes_raw()


@given(st.binary(max_size=64))
def test_only_whom_it_was_sealed_for_can_open_it(secret: bytes) -> None:
    box = seal(secret, RECIPIENT)
    assert unseal(box, ESCROW) == secret
    if secret:
        assert secret not in box or len(secret) < 3
    with pytest.raises(ValueError, match="not sealed"):
        unseal(box, X25519PrivateKey.generate())


def test_the_same_secret_is_never_sealed_the_same_way() -> None:
    assert seal(b"key", RECIPIENT) != seal(b"key", RECIPIENT)


def test_no_byte_of_a_sealed_box_can_be_changed() -> None:
    box = seal(bytes(32), RECIPIENT)
    for place in range(len(box)):
        with pytest.raises(ValueError, match="not sealed"):
            unseal(box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :], ESCROW)


@pytest.mark.parametrize("box", [b"", bytes(31), bytes(32), bytes(48), bytes(60)])
def test_what_is_no_box_is_refused(box: bytes) -> None:
    with pytest.raises(ValueError, match="not sealed"):
        unseal(box, ESCROW)


def test_tokens_of_two_attempts_differ_even_for_one_order() -> None:
    other = replace(TOKEN, attempt_id=str(uuid.UUID(int=1)))
    assert other.sign(KEY) != TOKEN.sign(KEY)
