"""The journal record, byte for byte.

The journal is the outbox: one record per fact, hash-chained per (device, epoch), without personal
data. The bytes below are the contract; JOURNAL.md beside this file works one record out in hexadecimal, and
`tests/unit/wire/test_journal.py` asserts that page.

Canonical header bytes
    The fields of `Header`, in the order they are declared, each as UTF-8 text (integers in decimal
    without leading zeros), each preceded by its length in bytes as an unsigned 16-bit big-endian number.

Genesis hash, the `prev_hash` of seq 1
    SHA-256("gp1-genesis" | tenant | store | device | epoch), each of the four length-prefixed as above.

Record hash
    SHA-256("gp1" | u32be(len(header)) | header | prev_hash | body). `prev_hash` is 32 bytes; the body is
    kept as the exact bytes that were hashed and is never serialised again.

Head signature
    Ed25519 by the device key over "gp1-head" | device | epoch (length-prefixed) | u64be(seq) | hash.
    One signature per pushed batch and per closing covers the whole chain before it.

Journalling again (after a restored or cloned device, or when a till that sold before enrolment is
enrolled)
    `tenant`, `store`, `device`, `epoch` and `seq`, and so `prev_hash` and `hash`, are those of the new chain.
    `rec_id`, `kind`, `schema_ver`, all times, `boot_id`, `actor` and the body stay. De-duplication by
    `rec_id` therefore compares the body only.

Damage
    A kept record whose bytes no longer give its hash proves nothing, by rot or by hand alike. It keeps its
    place in the chain: the hash that the next record continues from stands for it, or, where nothing says
    which hash that was, SHA-256("gp1-lost" | epoch (length-prefixed) | u64be(seq)). So later records still
    travel, the damaged one travels sealed (what is left of it, vouched for by the head signature alone),
    and a person is told. `read_chain` is the rule.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, TypeGuard

VERSION = 1
HASH_BYTES = 32
MAX_PREFIXED = 0xFFFF


@dataclass(frozen=True, slots=True)
class Header:
    """What is known about a record besides its body. Times are milliseconds; see `times.Moment`."""

    v: int
    tenant: str
    store: str
    device: str
    epoch: str
    seq: int
    rec_id: str
    kind: str
    schema_ver: int
    t_device: int
    t_mono: int
    boot_id: str
    t_est_server: int
    t_quality: str
    actor: str


_FIELDS = attrgetter(*(field.name for field in fields(Header)))
_COUNT = len(fields(Header))
_NUMBERS = tuple(place for place, field in enumerate(fields(Header)) if field.type == "int")


@dataclass(frozen=True, slots=True)
class Record:
    """A journal record with its place in the chain."""

    header: Header
    prev_hash: bytes
    body: bytes
    hash: bytes

    @property
    def seq(self) -> int:
        """Its place in the chain, from 1."""
        return self.header.seq


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of a kept journal as it was found, not yet believed."""

    seq: int
    header: bytes
    prev_hash: bytes
    hash: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Damaged:
    """What is left of a record, "" where nothing is; `hash` is what the chain goes on from."""

    seq: int
    hash: bytes
    header: bytes = b""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Chain:
    """Whose chain it is: a device in one incarnation of its journal."""

    tenant: str
    store: str
    device: str
    epoch: str

    def genesis(self) -> bytes:
        """Return the hash before the first record."""
        parts = (self.tenant, self.store, self.device, self.epoch)
        return hashlib.sha256(b"gp1-genesis" + b"".join(map(prefixed, parts))).digest()


def prefixed(text: str) -> bytes:
    """Return `text` as UTF-8 after its length as an unsigned 16-bit big-endian number.

    Raises ValueError for more than 65,535 bytes and for text that is no Unicode.
    """
    data = text.encode()
    if len(data) > MAX_PREFIXED:
        raise ValueError("too long to be prefixed with its length")
    return struct.pack(">H", len(data)) + data


def header_bytes(header: Header) -> bytes:
    """Return the canonical bytes of a header."""
    return b"".join([prefixed(str(value)) for value in _FIELDS(header)])


def read_header(data: bytes) -> Header:
    """Read the canonical bytes of a header back.

    Raises ValueError unless `data` is exactly what `header_bytes` writes for the result, so two
    spellings of one header cannot have two hashes.
    """
    values: list[Any] = []
    at, end = 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        values.append(data[start:at].decode())
    if at != end or len(values) != _COUNT:
        raise ValueError(f"a header has {_COUNT} fields and nothing behind them")
    for place in _NUMBERS:
        text = values[place]
        values[place] = number = int(text)
        if str(number) != text:  # all else about a header has only one spelling
            raise ValueError("a number is not in its shortest form")
    return Header(*values)


def record_hash(header: bytes, prev_hash: bytes, body: bytes) -> bytes:
    """Return the hash that names a record and binds it to all before it."""
    if len(prev_hash) != HASH_BYTES:
        raise ValueError("a chain hash has 32 bytes")
    return hashlib.sha256(
        b"gp1" + struct.pack(">I", len(header)) + header + prev_hash + body
    ).digest()


def make_record(header: Header, prev_hash: bytes, body: bytes) -> Record:
    """Build a record with its hash."""
    return Record(header, prev_hash, body, record_hash(header_bytes(header), prev_hash, body))


def journal_again(record: Record, chain: Chain, seq: int, prev_hash: bytes) -> Record:
    """Return the same happening as a record of another chain."""
    header = replace(
        record.header,
        tenant=chain.tenant,
        store=chain.store,
        device=chain.device,
        epoch=chain.epoch,
        seq=seq,
    )
    return make_record(header, prev_hash, record.body)


def first_broken(records: Iterable[Record], prev_hash: bytes, seq: int) -> int | None:
    """Return the seq of the first record that does not fit, or None if the whole run is sound.

    `prev_hash` and `seq` are those the run continues from (genesis and 0 for a whole journal).
    Damage and tampering look alike; both are caught.
    """
    for record in records:
        seq += 1
        sound = (
            record.header.seq == seq
            and record.prev_hash == prev_hash
            and record_hash(header_bytes(record.header), prev_hash, record.body) == record.hash
        )
        if not sound:
            return seq
        prev_hash = record.hash
    return None


def lost_hash(epoch: str, seq: int) -> bytes:
    """Return what stands for the hash of a record nobody knows any more."""
    return hashlib.sha256(b"gp1-lost" + prefixed(epoch) + struct.pack(">Q", seq)).digest()


def read_chain(
    rows: Iterable[Kept], epoch: str, prev_hash: bytes, seq: int
) -> Iterator[Record | Damaged]:
    """Yield each place of a kept chain after (`seq`, `prev_hash`) in order: a record, or its damage.

    `rows` come in the order of their seq; missing ones are damage too. A record whose own hash or
    previous hash alone has rotted is put right from its neighbours and is as good as ever. One row is
    looked ahead, for only the next record says which hash the chain went on from.
    """
    waiting: Kept | None = None
    for row in rows:
        if row.seq <= seq:
            continue  # a second row under one number; the first one stands
        if waiting is not None:
            place = _place(waiting, epoch, prev_hash, row if row.seq == waiting.seq + 1 else None)
            yield place
            prev_hash, waiting = place.hash, None
        for missing in range(seq + 1, row.seq):
            last = missing == row.seq - 1 and len(row.prev_hash) == HASH_BYTES
            lost = Damaged(missing, row.prev_hash if last else lost_hash(epoch, missing))
            yield lost
            prev_hash = lost.hash
        waiting, seq = row, row.seq
    if waiting is not None:
        yield _place(waiting, epoch, prev_hash, None)


def _place(row: Kept, epoch: str, prev_hash: bytes, following: Kept | None) -> Record | Damaged:
    """Return what stands at a row's place. `following` is the row right behind it, if there is one."""
    went_on = following.prev_hash if following else row.hash
    try:
        header = read_header(row.header)
    except ValueError:
        header = None
    if header is not None and (header.epoch, header.seq) == (epoch, row.seq):
        hash_ = record_hash(row.header, prev_hash, row.body)
        if hash_ == went_on or (hash_ == row.hash and not is_sound(following)):
            return Record(header, prev_hash, row.body, hash_)
    if len(went_on) != HASH_BYTES:
        went_on = row.hash if len(row.hash) == HASH_BYTES else lost_hash(epoch, row.seq)
    return Damaged(row.seq, went_on, row.header, row.body)


def is_sound(row: Kept | None) -> TypeGuard[Kept]:
    """Tell whether a row's own columns agree: then its `prev_hash` is the word of the chain."""
    if row is None or len(row.prev_hash) != HASH_BYTES:
        return False
    return record_hash(row.header, row.prev_hash, row.body) == row.hash


def head_message(device: str, epoch: str, seq: int, hash_: bytes) -> bytes:
    """Return the bytes a device signs to vouch for its chain up to `seq`."""
    if len(hash_) != HASH_BYTES:
        raise ValueError("a chain hash has 32 bytes")
    return b"gp1-head" + prefixed(device) + prefixed(epoch) + struct.pack(">Q", seq) + hash_
