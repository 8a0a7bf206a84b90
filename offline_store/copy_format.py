"""The file of a second copy, byte for byte. Pure: bytes in, bytes out; knows no disk and no table.

A file is a row of segments; whoever opens it to append begins a new one, so no number is ever used
twice with one key, not even after a torn frame was cut and written again.

    segment   "GPCOPY" | u8 version = 1 | u8 part ("J" journal, "M" members) | 16 bytes salt | frames
    frame     "GPF1" | u64be number (0, 1, 2 … in its segment) | u32be length | length bytes sealed
    sealed    AES-256-GCM with its 16-byte tag; nonce = 4 zero bytes | number; the frame's first 16
              bytes are authenticated with it
    key       HKDF-SHA256 of the store's 32-byte key, salt = the segment's, info = "gp1-second-copy" |
              version | part

    in a "J" frame   u32be length of header | header | 32 bytes prev_hash | 32 bytes hash | body: the
                     very bytes of the journal row (`app/wire/journal.py`)
    in an "M" frame  JSON of one `MemberChange` (`app/wire/messages.py`)

A frame that ends early or does not open is damage. What is intact behind it is found again by the
frame's first four bytes; where nothing intact follows, the file was torn there and is cut.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.wire.journal import HASH_BYTES, Header, Record, read_header, record_hash
from app.wire.messages import MemberChange

VERSION = 1
JOURNAL, MEMBERS = b"J", b"M"
MAGIC, FRAME = b"GPCOPY", b"GPF1"
_SALT_BYTES = 16
_SEGMENT_BYTES = len(MAGIC) + 2 + _SALT_BYTES
_HEAD = struct.Struct(">4sQI")
_MOST = 64 * 1024 * 1024
"""A length beyond this is damage, not a frame."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A journal row's own bytes."""

    header: bytes
    prev_hash: bytes
    hash: bytes
    body: bytes

    @property
    def said(self) -> Header | None:
        """What the header says, None for a row that was damaged before it was copied."""
        try:
            return read_header(self.header)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds: its intact frames in order, where the last of them ends, and how many
    stretches of damage lie before that place."""

    frames: tuple[bytes, ...]
    end: int
    damaged: int


class Segment:
    """One run of frames under a key of its own."""

    def __init__(self, store_key: bytes, part: bytes, salt: bytes = b"") -> None:
        salt = salt or os.urandom(_SALT_BYTES)
        self.head = MAGIC + bytes([VERSION]) + part + salt
        info = b"gp1-second-copy" + bytes([VERSION]) + part
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=salt, info=info).derive(store_key))
        self._number = 0

    def frame(self, plain: bytes) -> bytes:
        """Return the next frame."""
        head = _HEAD.pack(FRAME, self._number, len(plain) + 16)
        sealed = self._cipher.encrypt(_nonce(self._number), plain, head)
        self._number += 1
        return head + sealed

    def open(self, head: bytes, number: int, sealed: bytes) -> bytes | None:
        """Return what a frame of this segment holds, None if it is damaged."""
        try:
            return self._cipher.decrypt(_nonce(number), sealed, head)
        except InvalidTag:
            return None


def read(data: bytes, store_key: bytes, part: bytes) -> Contents:
    """Read a whole file. With another store's key nothing opens and everything counts as damage."""
    frames: list[bytes] = []
    end = damaged = open_damage = at = 0
    segment: Segment | None = None
    while at < len(data):
        found = _segment_at(data, at, store_key, part)
        if found is not None:
            segment, at = found, at + _SEGMENT_BYTES
            if not open_damage:
                end = at
            continue
        plain, after = _frame_at(data, at, segment)
        if plain is None:
            open_damage = 1
            at = _next_start(data, at + 1)
            continue
        frames.append(plain)
        damaged += open_damage
        end, at, open_damage = after, after, 0
    return Contents(tuple(frames), end, damaged)


def _segment_at(data: bytes, at: int, store_key: bytes, part: bytes) -> Segment | None:
    head = data[at : at + _SEGMENT_BYTES]
    start = MAGIC + bytes([VERSION]) + part
    if len(head) < _SEGMENT_BYTES or not head.startswith(start):
        return None
    return Segment(store_key, part, head[len(start) :])


def _frame_at(data: bytes, at: int, segment: Segment | None) -> tuple[bytes | None, int]:
    head = data[at : at + _HEAD.size]
    if segment is None or len(head) < _HEAD.size:
        return None, at
    word, number, length = _HEAD.unpack(head)
    after = at + _HEAD.size + length
    if word != FRAME or length > _MOST or after > len(data):
        return None, at
    return segment.open(head, number, data[at + _HEAD.size : after]), after


def _next_start(data: bytes, at: int) -> int:
    """Return where the next frame or segment may begin, the file's end if there is none."""
    places = [place for word in (FRAME, MAGIC) if (place := data.find(word, at)) >= 0]
    return min(places, default=len(data))


def _nonce(number: int) -> bytes:
    return bytes(4) + struct.pack(">Q", number)


def pack_record(record: RawRecord) -> bytes:
    """Return a journal row as a frame holds it."""
    length = struct.pack(">I", len(record.header))
    return length + record.header + record.prev_hash + record.hash + record.body


def unpack_record(plain: bytes) -> RawRecord:
    """Take a frame's content apart. Raises ValueError."""
    if len(plain) < 4:
        raise ValueError("too short for a record")
    header_end = 4 + int.from_bytes(plain[:4])
    body_at = header_end + 2 * HASH_BYTES
    if body_at > len(plain):
        raise ValueError("too short for a record")
    prev_hash = plain[header_end : header_end + HASH_BYTES]
    return RawRecord(
        plain[4:header_end], prev_hash, plain[header_end + HASH_BYTES : body_at], plain[body_at:]
    )


def as_record(raw: RawRecord) -> Record | None:
    """Return a copied row as the journal's record, None if its bytes do not give its hash: the row
    was damaged in the journal before it was copied."""
    said = raw.said
    if said is None or record_hash(raw.header, raw.prev_hash, raw.body) != raw.hash:
        return None
    return Record(said, raw.prev_hash, raw.body, raw.hash)


def members_file(store_key: bytes, changes: Iterable[MemberChange]) -> bytes:
    """Return the whole file of a queue of members' changes."""
    segment = Segment(store_key, MEMBERS)
    return segment.head + b"".join(segment.frame(msgspec.json.encode(each)) for each in changes)


def read_members(data: bytes, store_key: bytes) -> Iterator[MemberChange]:
    """Yield the changes a members' file holds; a frame that is none is passed over."""
    for frame in read(data, store_key, MEMBERS).frames:
        try:
            yield msgspec.json.decode(frame, type=MemberChange)
        except msgspec.DecodeError:
            continue
