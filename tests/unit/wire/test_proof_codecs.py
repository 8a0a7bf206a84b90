"""CBOR, base45 and COSE_Sign1: the published cases, both ways, and only one form of everything."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from app.wire import base45, cbor
from app.wire.cose import EDDSA, read_sign1, sign1
from tests.unit.wire.vectors import vectors

numbers = st.integers(-(2**64), 2**64 - 1)
values = st.recursive(
    numbers | st.binary(max_size=40) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(numbers | st.text(max_size=4), inner, max_size=4)
        | st.builds(cbor.Tagged, st.integers(0, 2**64 - 1), inner)
    ),
    max_leaves=5,
)


# --- CBOR -----------------------------------------------------------------------------------------


@given(values)
def test_what_was_encoded_is_what_is_read(value: cbor.Value) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@given(st.binary(max_size=60))
def test_bytes_that_can_be_read_are_the_only_form_of_their_value(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except ValueError:
        return
    assert cbor.encode(value) == data


@pytest.mark.parametrize(
    ("hex_", "value"),
    [  # RFC 8949, appendix A
        ("00", 0),
        ("17", 23),
        ("1818", 24),
        ("1903e8", 1000),
        ("1b000000e8d4a51000", 1_000_000_000_000),
        ("1bffffffffffffffff", 2**64 - 1),
        ("3bffffffffffffffff", -(2**64)),
        ("3903e7", -1000),
        ("4401020304", b"\x01\x02\x03\x04"),
        ("62c3bc", "\u00fc"),
        ("8301820203820405", [1, [2, 3], [4, 5]]),
        ("a201020304", {1: 2, 3: 4}),
        ("c11a514b67b0", cbor.Tagged(1, 1_363_896_240)),
    ],
)
def test_the_examples_of_the_standard(hex_: str, value: cbor.Value) -> None:
    assert cbor.decode(bytes.fromhex(hex_)) == value
    assert cbor.encode(value).hex() == hex_


@pytest.mark.parametrize(
    "hex_",
    [
        "",
        "1800",  # 0 in two bytes
        "190018",  # 24 in three
        "5f42010243030405ff",  # of unknown length
        "9fff",
        "a203040102",  # keys out of order
        "a201020103",  # a key twice
        "a18001",  # an array as a key
        "f6",  # null
        "f97c00",  # a float
        "0000",  # something after it
        "9b7fffffffffffffff",  # more items than bytes
        "61ff",  # not UTF-8
        "44010203",  # cut off
        "1c",
        "81" * 9 + "00",  # too deep
    ],
)
def test_everything_else_is_refused(hex_: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - one refusal for all of it
        cbor.decode(bytes.fromhex(hex_))


# --- base45 ---------------------------------------------------------------------------------------


def test_base45_as_rfc_9285_has_it() -> None:
    recorded = vectors("base45_rfc9285.json")
    for case in recorded["cases"]:
        assert base45.encode(case["text"].encode()) == case["base45"]
        assert base45.decode(case["base45"]) == case["text"].encode()
    for case in recorded["must_fail"]:
        with pytest.raises(ValueError, match="base45"):
            base45.decode(case["base45"])


@given(st.binary(max_size=200))
def test_base45_brings_back_any_bytes(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(alphabet=base45.ALPHABET + "a#", max_size=40))
def test_base45_has_one_text_for_some_bytes(text: str) -> None:
    try:
        data = base45.decode(text)
    except ValueError:
        return
    assert base45.encode(data) == text


# --- COSE -----------------------------------------------------------------------------------------


def _cose_cases() -> list[dict[str, Any]]:
    cases = vectors("ed25519_and_cose.json")["cose"]["cases"]
    return [case["data"] | {"file": case["file"]} for case in cases]


def test_ed25519_as_rfc_8032_has_it() -> None:
    for case in vectors("ed25519_and_cose.json")["ed25519"]["cases"]:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["secret"]))
        message = bytes.fromhex(case["message_hex"])
        assert key.public_key().public_bytes_raw().hex() == case["public"]
        assert key.sign(message).hex() == case["signature"]


def test_the_published_eddsa_message_verifies_and_no_other_message_does() -> None:
    """One of the cases is signed with Ed25519; all others are of algorithms we do not speak."""
    verified = []
    for case in _cose_cases():
        try:
            message = read_sign1(bytes.fromhex(case["output"]["cbor"]))
        except ValueError:
            continue
        key = case["input"]["sign0"]["key"]
        raw = bytes.fromhex(key.get("x_hex", "00" * 32))[:32]
        try:
            if message.is_signed_by(Ed25519PublicKey.from_public_bytes(raw)):
                verified.append(case["file"])
        except ValueError:
            continue
    assert verified == ["eddsa-examples/eddsa-sig-01.json"]


def test_what_is_signed_is_what_the_published_cases_sign() -> None:
    """The structure is the same for every algorithm, so the ES256 cases, with a verifier of their own
    here, pass where they must pass and fail where they must fail."""
    judged = {}
    for case in _cose_cases():
        signed = case["input"].get("sign0")
        if signed is None or signed["key"].get("crv") != "P-256":
            continue
        judged[case["file"]] = bool(case.get("fail"))
        assert _es256(case, signed) is not bool(case.get("fail")), case["file"]
    assert sorted(judged.values()) == [False] * 4 + [True] * 6


def _es256(case: dict[str, Any], signed: dict[str, Any]) -> bool:
    data = bytes.fromhex(case["output"]["cbor"])
    if "RemoveCBORTag" in (case["input"].get("failures") or signed.get("failures") or {}):
        data = b"\xd2" + data  # that it is one is then known from elsewhere
    try:
        message = read_sign1(data)
        algorithm = message.header.get(1, message.unprotected.get(1))
    except ValueError:
        return False
    if algorithm != -7:
        return False
    aad = bytes.fromhex(signed.get("external") or "")
    r, s = (int.from_bytes(message.signature[start : start + 32]) for start in (0, 32))
    try:
        _point(signed["key"]).verify(
            encode_dss_signature(r, s), message.to_be_signed(aad), ec.ECDSA(SHA256())
        )
    except InvalidSignature:
        return False
    expected = case.get("intermediates", {}).get("ToBeSign_hex", "")
    assert message.to_be_signed(aad).hex() == expected.lower()
    return True


def _point(key: dict[str, str]) -> ec.EllipticCurvePublicKey:
    x, y = (_number(key, name) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _number(key: dict[str, str], name: str) -> int:
    if f"{name}_hex" in key:
        return int(key[f"{name}_hex"], 16)
    text = key[name]
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_message_is_bound_to_its_key_its_purpose_and_every_bit() -> None:
    key, other = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
    data = sign1(b"paid", key, b"k1", b"for this")
    message = read_sign1(data)
    assert (message.payload, message.kid, message.header[1]) == (b"paid", b"k1", EDDSA)
    assert message.is_signed_by(key.public_key(), b"for this")
    assert not message.is_signed_by(key.public_key(), b"for that")
    assert not message.is_signed_by(other.public_key(), b"for this")
    for place in range(len(data)):
        for bit in range(8):
            changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            try:
                assert not read_sign1(changed).is_signed_by(key.public_key(), b"for this")
            except ValueError:
                continue


def test_a_published_offline_ticket_verifies_and_only_with_its_own_key() -> None:
    """Not our form, but the same idea: Ed25519 over what a till must know, read without a network."""
    ticket = vectors("offline_pretix_sig1.json")
    raw = base64.b64decode(ticket["qr_text"][::-1])
    size, signature_size = (int.from_bytes(raw[at : at + 2]) for at in (1, 3))
    payload, signature = raw[5 : 5 + size], raw[5 + size :]
    assert (raw[0], payload.hex(), len(signature)) == (1, ticket["payload_hex"], signature_size)
    verdicts = []
    for pem in ticket["valid_keys_b64_pem"]:
        key = load_pem_public_key(base64.b64decode(pem))
        assert isinstance(key, Ed25519PublicKey)
        try:
            key.verify(signature, payload)
        except InvalidSignature:
            verdicts.append(False)
        else:
            verdicts.append(True)
    assert verdicts.index(True) == ticket["verifies_with_key_index"]
    assert verdicts.count(True) == 1
