"""RSA signatures by plain arithmetic (RFC 8017, 8.2), as a second opinion on the library the gateways use."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""The DigestInfo that stands before a SHA-256 (RFC 8017, 9.2, note 1)."""


@dataclass(frozen=True, slots=True)
class PublicNumbers:
    """A public RSA key."""

    n: int
    e: int


@dataclass(frozen=True, slots=True)
class PrivateNumbers:
    """A private RSA key, without what would make it quick."""

    n: int
    d: int = field(repr=False)


def _padded(message: bytes, size: int) -> int:
    digest = _SHA256_INFO + hashlib.sha256(message).digest()
    return int.from_bytes(b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest)


def signed(key: PrivateNumbers, message: bytes) -> str:
    """Return the base64 signature over a message."""
    size = (key.n.bit_length() + 7) // 8
    return base64.b64encode(pow(_padded(message, size), key.d, key.n).to_bytes(size)).decode()


def holds(key: PublicNumbers, message: bytes, signature: str) -> bool:
    """Tell whether a signature belongs to a message."""
    size = (key.n.bit_length() + 7) // 8
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    opened = pow(int.from_bytes(raw), key.e, key.n).to_bytes(size)
    return len(raw) == size and hmac.compare_digest(opened, _padded(message, size).to_bytes(size))
