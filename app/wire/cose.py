"""COSE_Sign1 (RFC 9052 §4.2) with EdDSA over Ed25519 (RFC 9053 §2.2), tagged, in deterministic CBOR.

One algorithm is spoken, and it stands in the signed part of the header: whatever says otherwise is
refused. Knows nothing of what is signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.wire.cbor import Tagged, Value, decode, encode

TAG = 18
ALG, KID = 1, 4
EDDSA = -8
_FORM = "a COSE_Sign1 message"


@dataclass(frozen=True, slots=True)
class Sign1:
    """A message that was read but not yet believed. `protected` are the signed bytes of the header,
    `unprotected` is what anybody may have put beside it."""

    protected: bytes
    payload: bytes
    signature: bytes
    unprotected: dict[Value, Value] = field(default_factory=dict)

    @property
    def header(self) -> dict[Value, Value]:
        """The signed part of the header. Raises ValueError for what is none."""
        header = decode(self.protected) if self.protected else {}
        if not isinstance(header, dict):
            raise ValueError(f"not {_FORM}")
        return header

    @property
    def kid(self) -> bytes:
        """The id of the key that is said to have signed, b"" for none. Raises ValueError."""
        kid = self.header.get(KID, b"")
        if not isinstance(kid, bytes):
            raise ValueError(f"not {_FORM}")
        return kid

    def to_be_signed(self, aad: bytes = b"") -> bytes:
        """Return what the signature is over: the Sig_structure of RFC 9052 §4.4."""
        # An empty header counts as no bytes, however it was written (§3).
        protected = b"" if self.protected == encode({}) else self.protected
        return encode(("Signature1", protected, aad, self.payload))

    def is_signed_by(self, key: Ed25519PublicKey, aad: bytes = b"") -> bool:
        """Tell whether this key signed the message for this purpose. Raises ValueError for a header
        that is none."""
        if self.header.get(ALG) != EDDSA:
            return False
        try:
            key.verify(self.signature, self.to_be_signed(aad))
        except InvalidSignature:
            return False
        return True


def sign1(payload: bytes, key: Ed25519PrivateKey, kid: bytes, aad: bytes = b"") -> bytes:
    """Return a signed message. `aad` is signed with it and does not travel: it says what for."""
    unsigned = Sign1(encode({ALG: EDDSA, KID: kid}), payload, b"")
    signature = key.sign(unsigned.to_be_signed(aad))
    return encode(Tagged(TAG, (unsigned.protected, {}, payload, signature)))


def read_sign1(data: bytes) -> Sign1:
    """Take a message apart. Raises ValueError for anything that is not one."""
    message = decode(data)
    if not isinstance(message, Tagged) or message.tag != TAG:
        raise ValueError(f"not {_FORM}")
    parts = message.value
    match parts:
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)]:
            return Sign1(protected, payload, signature, unprotected)
        case _:
            raise ValueError(f"not {_FORM}")
