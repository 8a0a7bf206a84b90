"""The proof a customer shows to a shop that is offline: "this order was paid", signed by our cloud.

Text, made for a QR's alphanumeric mode: `GP1:` and the base45 of a COSE_Sign1 (see cose) whose protected
header names the key, whose external data are "gp1-proof", and whose payload is a map of
    1 attempt id (16 bytes) | 2 device id (8 bytes if it is 16 hex digits, else text) | 3 nonce |
    4 expiry and 6 time of payment in Unix seconds (the numbers CWT has for them, RFC 8392) |
    5 amount in minor units | 7 currency | 8 provider | 9 provider's reference, its head if it is long.
The nonce is that of the order's token: whoever knows it has seen that very QR, so the proof is fresh
whatever the till's clock says.

Where no picture can be taken, eight digits are read aloud: an HMAC under the device's own secret, over the
order, the nonce and the amount. Eight digits and three tries are worth less than a signature, and the
till keeps which of the two it believed.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.errors import Code, RuleBroken
from app.wire import base45, cbor
from app.wire.cose import ALG, KID, Sign1, read_sign1, sign1
from app.wire.tokens import NONCE_BYTES

PREFIX = "GP1:"
PROOF_MS = 24 * 3_600_000
"""So long after the payment a proof counts, and so long money may not go back behind the shop's back."""

SPOKEN_DIGITS = 8
SPOKEN_TRIES = 3

_AAD = b"gp1-proof"
_MOST_TEXT = 400
_MOST_REF, _MOST_PROVIDER = 32, 12
_ORDER, _DEVICE, _NONCE, _EXPIRES, _AMOUNT, _PAID, _CURRENCY, _PROVIDER, _REF = range(1, 10)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proof:
    """What the cloud says: this attempt of this device was paid. Minor units and Unix seconds."""

    attempt_id: str
    device: str
    nonce: bytes
    amount: int
    currency: str
    provider: str
    provider_ref: str
    paid_s: int
    expires_s: int

    def sign(self, kid: str, key: Ed25519PrivateKey) -> str:
        """Return the proof's text."""
        payload: dict[cbor.Value, cbor.Value] = {
            _ORDER: uuid.UUID(self.attempt_id).bytes,
            _DEVICE: _pack_device(self.device),
            _NONCE: self.nonce,
            _EXPIRES: self.expires_s,
            _AMOUNT: self.amount,
            _PAID: self.paid_s,
            _CURRENCY: self.currency,
            _PROVIDER: self.provider[:_MOST_PROVIDER],
            _REF: self.provider_ref[:_MOST_REF],
        }
        return PREFIX + base45.encode(sign1(cbor.encode(payload), key, kid.encode(), _AAD))


@dataclass(frozen=True, slots=True)
class UnverifiedProof:
    """A proof that was read but not yet believed."""

    claims: Proof
    kid: str
    signed: Sign1

    def verify(self, keys: Mapping[str, bytes]) -> Proof:
        """Return the claims if one of our cloud's keys (raw Ed25519, by key id) signed them.

        Raises RuleBroken: PROOF_KEY_UNKNOWN for a key that is not pinned, PROOF_INVALID.
        """
        if self.kid not in keys:
            raise RuleBroken(Code.PROOF_KEY_UNKNOWN)
        if not self.signed.is_signed_by(Ed25519PublicKey.from_public_bytes(keys[self.kid]), _AAD):
            raise RuleBroken(Code.PROOF_INVALID)
        return self.claims


def looks_like_proof(text: str) -> bool:
    """Tell whether a scanned text says of itself that it is a proof."""
    return text.startswith(PREFIX)


def read_proof(text: str) -> UnverifiedProof:
    """Take a proof apart. Raises RuleBroken(PROOF_INVALID) for anything that is not one."""
    try:
        if len(text) > _MOST_TEXT or not looks_like_proof(text):
            raise ValueError("not a proof")
        signed = read_sign1(base45.decode(text.removeprefix(PREFIX)))
        if signed.unprotected or set(signed.header) != {ALG, KID}:
            raise ValueError("more or less in its header than a proof of ours has")
        return UnverifiedProof(_read_claims(signed.payload), signed.kid.decode("ascii"), signed)
    except ValueError as error:
        raise RuleBroken(Code.PROOF_INVALID) from error


def spoken_code(secret: bytes, attempt_id: str, nonce: bytes, amount: int) -> str:
    """Return the digits a customer reads aloud; `secret` is the device's own."""
    said = b"gp1-spoken" + uuid.UUID(attempt_id).bytes + nonce + struct.pack(">Q", amount)
    digest = hmac.digest(secret, said, hashlib.sha256)
    return f"{int.from_bytes(digest[:8]) % 10**SPOKEN_DIGITS:0{SPOKEN_DIGITS}d}"


def is_spoken_code(typed: str, expected: str) -> bool:
    """Compare what was typed (spaces do not count) in constant time."""
    plain = "".join(typed.split())
    return hmac.compare_digest(plain.encode(), expected.encode())


def _pack_device(device: str) -> bytes | str:
    try:
        raw = bytes.fromhex(device)
    except ValueError:
        return device
    return raw if len(raw) == 8 and raw.hex() == device else device


def _read_claims(payload: bytes) -> Proof:
    claims = cbor.decode(payload)
    if not isinstance(claims, dict) or set(claims) != set(range(1, 10)):
        raise ValueError("not what a proof says")
    device = claims[_DEVICE]
    nonce = _of(bytes, claims[_NONCE])
    if len(nonce) != NONCE_BYTES:
        raise ValueError("not a nonce")
    return Proof(
        attempt_id=str(uuid.UUID(bytes=_of(bytes, claims[_ORDER]))),
        device=device.hex() if isinstance(device, bytes) else _of(str, device),
        nonce=nonce,
        amount=_of(int, claims[_AMOUNT]),
        currency=_of(str, claims[_CURRENCY]),
        provider=_of(str, claims[_PROVIDER]),
        provider_ref=_of(str, claims[_REF]),
        paid_s=_of(int, claims[_PAID]),
        expires_s=_of(int, claims[_EXPIRES]),
    )


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise ValueError("of another kind")
    return value
