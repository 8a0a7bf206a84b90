"""Identifiers made on the device before anything else happens (UUID version 7, RFC 9562).

The time part only keeps indexes tidy; nothing is ever ordered or de-duplicated by it.
"""

from __future__ import annotations

import os
import time
import uuid

_RANDOM_BYTES = 10


def uuid7(unix_ms: int, entropy: bytes) -> str:
    """Build a UUIDv7 as text from a Unix time in milliseconds and 10 random bytes."""
    if len(entropy) != _RANDOM_BYTES:
        raise ValueError("a UUIDv7 needs 10 random bytes")
    value = (unix_ms & (1 << 48) - 1) << 80 | int.from_bytes(entropy)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def new_id() -> str:
    """Return a fresh identifier; unique even if the clock is wrong or stands still."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(_RANDOM_BYTES))


def new_epoch() -> str:
    """Return a fresh random 64-bit journal epoch as 16 hex digits."""
    return os.urandom(8).hex()
