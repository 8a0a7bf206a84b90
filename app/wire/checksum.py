"""A checksum over a whole stream that both sides keep: the sum of one number per row, in any order.

It finds what got lost, doubled or stale between cloud and till. It is no proof against a forger; every
answer carries its own. Row sums stay below 2^32, so 2^31 rows fit the whole numbers of both engines.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

import msgspec

from app.wire.messages import MemberRow

PRIME = 2**31 - 1
"""Figures of stock are taken modulo this prime, small enough for a product to stay below 2^62."""
PIECES_WEIGH = 1_000_003
"""Keeps a piece more from looking like a millisecond later."""

_EMPTY = blake2b(digest_size=4)
_LENGTH = struct.Struct(">I")
_encode = msgspec.json.Encoder().encode


def row_sum(key: str, body: bytes) -> int:
    """Return the number of a row: the first 32 bits of BLAKE2b over length of key, key and body."""
    name = key.encode()
    digest = _EMPTY.copy()  # half the price of making one
    digest.update(_LENGTH.pack(len(name)) + name + body)
    number: int = _LENGTH.unpack(digest.digest())[0]
    return number


def stock_mark(store: str, sku_id: str) -> int:
    """Return the weight of a figure of stock, from 1; it depends on what is counted, not how much."""
    return 1 + row_sum(f"{store}/{sku_id}", b"") % (PRIME - 1)


def stock_sum(mark: int, quantity: int, as_of_ms: int) -> int:
    """Return the number of a figure of stock. Arithmetic only, because the cloud adds movements up
    inside its database and sums there too."""
    return mark * ((quantity % PRIME * PIECES_WEIGH + as_of_ms % PRIME) % PRIME) % PRIME


def member_sum(row: MemberRow) -> int:
    """Return the number of a member: over these fields in this order, so that a field added to the row
    later does not set two versions apart."""
    fields = (
        row.revision,
        row.name,
        row.phone,
        row.tier,
        row.points,
        row.note,
        row.search,
        row.pinyin,
        row.initials,
        row.erased,
    )
    return row_sum(row.member_ref, _encode(fields))
