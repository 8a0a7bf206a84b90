"""Signed things that travel: order tokens behind the QR, proof of our server, sealed keys.

Order token, form 1 (the order itself lies at the cloud). Text is base64url without padding of
    u8 version = 1 | u8 form = 1 | u8 len + device id | 16 bytes attempt id | 8 bytes nonce |
    u64be amount in minor units | u40be expiry in Unix seconds | 16 bytes order hash (head of SHA-256 of the
    order's bytes) | 64 bytes Ed25519 signature by the device key over "gp1-order" and all before it.
Form 2 is for a shop that is offline: what was ordered travels in it, packed by `portable`. Text is base32
(RFC 4648) without padding, because capitals and digits cost a QR less than mixed letters:
    u8 version = 1 | u8 form = 2 | device id, packed | 16 bytes attempt id | 8 bytes nonce | amount, varint |
    u40be expiry | what was ordered | 64 bytes signature as in form 1.
Its order hash is that of what was ordered. The first letters tell the forms apart: AQE and AEB.

Proof of our server, header `GuidePOS-Proof` of every answer: `<kid>.<base64url signature>`, Ed25519 by the
cloud's key over "gp1-answer" | nonce of the request | status, both length-prefixed | SHA-256 of the body.
A portal's or a proxy's answer has none, so its 403 can never trigger our rules.

Digest of a request's body as it travels, header `Content-Digest` (RFC 9530): `sha-256=:<base64>:`. A body
that was garbled on the way is told from one that was made wrong, which another try would not mend.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
import uuid
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import Code, RuleBroken
from app.wire.journal import prefixed
from app.wire.packing import Packer, Unpacker

NONCE_HEADER = "GuidePOS-Nonce"
PROOF_HEADER = "GuidePOS-Proof"
DIGEST_HEADER = "Content-Digest"
NONCE_BYTES = 8
ORDER_HASH_BYTES = 16
SIGNATURE_BYTES = 64
_FORM_BY_REFERENCE, _FORM_PORTABLE = 1, 2
_MAX_TOKEN = 1_000
PORTABLE_HEAD = "AEB"


def b64(data: bytes) -> str:
    """Return base64url text without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Read base64url text without padding. Raises ValueError."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    if b64(data) != text:
        raise ValueError("not canonical base64url")
    return data


def content_digest(body: bytes) -> str:
    """Return the value of the digest header for a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def order_hash(order: bytes) -> bytes:
    """Return the short hash that binds a token to the exact bytes of its order."""
    return hashlib.sha256(order).digest()[:ORDER_HASH_BYTES]


@dataclass(frozen=True, slots=True)
class OrderToken:
    """What the QR says: this device asks this amount for this order until then. `content` is what was
    ordered, where the order travels in the token."""

    device: str
    attempt_id: str
    nonce: bytes
    amount: int
    expires_s: int
    order_hash: bytes
    content: bytes = b""

    @property
    def is_portable(self) -> bool:
        """The whole order is in the token."""
        return bool(self.content)

    def _payload(self) -> bytes:
        if self.is_portable:
            return self._portable()
        device = self.device.encode()
        return (
            struct.pack(">BBB", 1, _FORM_BY_REFERENCE, len(device))
            + device
            + uuid.UUID(self.attempt_id).bytes
            + self.nonce
            + struct.pack(">Q", self.amount)
            + self.expires_s.to_bytes(5)
            + self.order_hash
        )

    def _portable(self) -> bytes:
        packer = Packer()
        packer.raw(bytes((1, _FORM_PORTABLE)))
        packer.name(self.device)
        packer.raw(uuid.UUID(self.attempt_id).bytes + self.nonce)
        packer.number(self.amount)
        packer.raw(self.expires_s.to_bytes(5) + self.content)
        return packer.data

    def sign(self, key: Ed25519PrivateKey) -> str:
        """Return the token's text. Raises RuleBroken(ORDER_NOT_OFFLINE) when the order it carries is too
        long for any QR a phone reads."""
        payload = self._payload()
        signed = payload + key.sign(b"gp1-order" + payload)
        if not self.is_portable:
            return b64(signed)
        text = _b32(signed)
        if len(text) > _MAX_TOKEN:
            raise RuleBroken(Code.ORDER_NOT_OFFLINE)
        return text


@dataclass(frozen=True, slots=True)
class UnverifiedOrder:
    """A token that was read but not yet believed."""

    claims: OrderToken
    payload: bytes
    signature: bytes

    def verify(self, key: Ed25519PublicKey) -> OrderToken:
        """Return the claims if the device signed them. Raises RuleBroken(TOKEN_INVALID)."""
        try:
            key.verify(self.signature, b"gp1-order" + self.payload)
        except InvalidSignature as error:
            raise RuleBroken(Code.TOKEN_INVALID) from error
        return self.claims


def read_order_token(text: str) -> UnverifiedOrder:
    """Take a token apart. Raises RuleBroken(TOKEN_INVALID) for anything that is not one."""
    if len(text) > _MAX_TOKEN:
        raise RuleBroken(Code.TOKEN_INVALID)
    try:
        if is_portable(text):
            return _read_portable(_unb32(text))
        raw = unb64(text)
        payload, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
        version, form, length = struct.unpack_from(">BBB", payload)
        if (version, form) != (1, _FORM_BY_REFERENCE):
            raise ValueError("unknown version or form")
        device, rest = payload[3 : 3 + length].decode("ascii"), payload[3 + length :]
        if len(rest) != 16 + NONCE_BYTES + 8 + 5 + ORDER_HASH_BYTES:
            raise ValueError("wrong length")
        claims = OrderToken(
            device=device,
            attempt_id=str(uuid.UUID(bytes=rest[:16])),
            nonce=rest[16:24],
            amount=struct.unpack_from(">Q", rest, 24)[0],
            expires_s=int.from_bytes(rest[32:37]),
            order_hash=rest[37:53],
        )
    except (ValueError, struct.error) as error:
        raise RuleBroken(Code.TOKEN_INVALID) from error
    return UnverifiedOrder(claims, payload, signature)


def is_portable(token: str) -> bool:
    """Tell whether the order travels in a token, from its first letters."""
    return token.startswith(PORTABLE_HEAD)


def _read_portable(raw: bytes) -> UnverifiedOrder:
    payload, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    unpacker = Unpacker(payload)
    if unpacker.raw(2) != bytes((1, _FORM_PORTABLE)):
        raise ValueError("unknown version or form")
    device = unpacker.name()
    attempt_id = str(uuid.UUID(bytes=unpacker.raw(16)))
    nonce, amount = unpacker.raw(NONCE_BYTES), unpacker.number()
    expires_s, content = int.from_bytes(unpacker.raw(5)), unpacker.rest()
    if not content:
        raise ValueError("nothing was ordered")
    claims = OrderToken(device, attempt_id, nonce, amount, expires_s, order_hash(content), content)
    return UnverifiedOrder(claims, payload, signature)


def _b32(data: bytes) -> str:
    return base64.b32encode(data).rstrip(b"=").decode()


def _unb32(text: str) -> bytes:
    data = base64.b32decode(text + "=" * (-len(text) % 8))
    if _b32(data) != text:
        raise ValueError("not canonical base32")
    return data


def answer_message(nonce: str, status: int, body: bytes) -> bytes:
    """Return the bytes the cloud signs to prove that an answer is its own."""
    return b"gp1-answer" + prefixed(nonce) + prefixed(str(status)) + hashlib.sha256(body).digest()


def prove_answer(kid: str, key: Ed25519PrivateKey, nonce: str, status: int, body: bytes) -> str:
    """Return the value of the proof header."""
    return f"{kid}.{b64(key.sign(answer_message(nonce, status, body)))}"


def is_our_answer(proof: str, keys: dict[str, bytes], nonce: str, status: int, body: bytes) -> bool:
    """Tell whether an answer is from our cloud. `keys` maps key id to raw Ed25519 public key."""
    kid, _, signature = proof.partition(".")
    if kid not in keys:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(keys[kid])
        key.verify(unb64(signature), answer_message(nonce, status, body))
    except (InvalidSignature, ValueError):
        return False
    return True


def token_request_message(device: str, t_ms: int, nonce: str) -> bytes:
    """Return the bytes a device signs to ask for an access token."""
    return b"gp1-token" + prefixed(device) + prefixed(str(t_ms)) + prefixed(nonce)


def seal(secret: bytes, recipient: bytes) -> bytes:
    """Encrypt `secret` so that only the holder of an X25519 private key can read it.

    Ephemeral X25519, HKDF-SHA256 over both public keys, AES-256-GCM. Returns the ephemeral public key
    (32 bytes) followed by the ciphertext. Used to leave the store's key in the cloud's keeping.
    """
    ephemeral = X25519PrivateKey.generate()
    public = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    return public + AESGCM(_seal_key(shared, public, recipient)).encrypt(bytes(12), secret, None)


def unseal(box: bytes, key: X25519PrivateKey) -> bytes:
    """Open what `seal` closed. Raises ValueError if it was not sealed for this key."""
    public = box[:32]
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(public))
        sealed_for = key.public_key().public_bytes_raw()
        return AESGCM(_seal_key(shared, public, sealed_for)).decrypt(bytes(12), box[32:], None)
    except (InvalidTag, ValueError) as error:
        raise ValueError("not sealed for this key") from error


def _seal_key(shared: bytes, public: bytes, recipient: bytes) -> bytes:
    """Derive a key that is used once, which is why a fixed all-zero nonce is sound."""
    return HKDF(SHA256(), 32, salt=None, info=b"gp1-seal" + public + recipient).derive(shared)


def new_nonce() -> bytes:
    """Return a fresh nonce for an order."""
    return os.urandom(NONCE_BYTES)
