"""The journal's bytes: the worked example people read, and a chain no change escapes."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import fields, replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

import app.wire.journal as journal
from app.wire.journal import (
    MAX_PREFIXED,
    Chain,
    Header,
    Record,
    first_broken,
    head_message,
    header_bytes,
    journal_again,
    make_record,
    prefixed,
    read_header,
    record_hash,
)
from tests.unit.wire.samples import AT, header

PAGE = Path(journal.__file__).with_name("JOURNAL.md").read_text(encoding="utf-8")
CHAIN = Chain("acme", "SH01", "SH01-A1", "00000000000000aa")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def block(heading: str) -> str:
    """Return the indented block under a heading of the page, its lines joined."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return "".join(line[4:] for line in section.splitlines() if line.startswith("    "))


def example() -> Header:
    """Return the header the page's table describes."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    values = dict(row for row in rows if row[0] in Header.__slots__)
    numbers = {f.name for f in fields(Header) if f.type == "int"}
    return Header(**{k: int(v) if k in numbers else v for k, v in values.items()})  # type: ignore[arg-type]


def by_hand(*texts: str) -> bytes:
    return b"".join(struct.pack(">H", len(t.encode())) + t.encode() for t in texts)


def test_the_worked_example_is_what_the_till_writes() -> None:
    assert example() == header("stock_adjustment", AT, "p-chen", rec_id="r-1")
    record = make_record(example(), CHAIN.genesis(), block("Body").encode())
    assert header_bytes(example()).hex() == block("Header")
    assert CHAIN.genesis().hex() == block("Genesis")
    assert record.hash.hex() == block("Hash")
    message = head_message("SH01-A1", CHAIN.epoch, 1, record.hash)
    assert message.hex() == block("Head message")
    assert KEY.sign(message).hex() == block("Head signature")
    other = Chain("acme", "SH01", "SH01-A2", "00000000000000bb")
    again = journal_again(record, other, 1, other.genesis())
    assert again.hash.hex() == block("Journalled again")


def test_the_worked_example_follows_from_the_words_alone() -> None:
    """Computed here from the page's sentences, with nothing of the program."""
    values = [str(getattr(example(), field.name)) for field in fields(Header)]
    head = by_hand(*values)
    genesis = hashlib.sha256(
        b"gp1-genesis" + by_hand("acme", "SH01", "SH01-A1", "00000000000000aa")
    )
    assert head.hex() == block("Header")
    assert genesis.hexdigest() == block("Genesis")
    whole = b"gp1" + struct.pack(">I", len(head)) + head + genesis.digest() + block("Body").encode()
    assert hashlib.sha256(whole).hexdigest() == block("Hash")


def test_a_record_journalled_again_is_the_same_happening() -> None:
    record = make_record(example(), CHAIN.genesis(), b"{}")
    other = Chain("t", "s", "d", "ee")
    again = journal_again(record, other, 9, bytes(32))
    moved = {"tenant", "store", "device", "epoch", "seq"}
    for field in fields(Header):
        same = getattr(again.header, field.name) == getattr(record.header, field.name)
        assert same is (field.name not in moved), field.name
    assert again.body == record.body
    assert again.hash != record.hash


def run_of(bodies: list[bytes]) -> list[Record]:
    records: list[Record] = []
    for seq, body in enumerate(bodies, 1):
        prev = records[-1].hash if records else CHAIN.genesis()
        fields_ = header("sale", AT, "p", rec_id=f"r-{seq}", seq=seq)
        records.append(make_record(fields_, prev, body))
    return records


def test_a_sound_run_is_sound_from_anywhere() -> None:
    records = run_of([b"a", b"b", b"c"])
    assert first_broken(records, CHAIN.genesis(), 0) is None
    assert first_broken(records[1:], records[0].hash, 1) is None
    assert first_broken([], CHAIN.genesis(), 0) is None


@given(
    st.lists(st.binary(max_size=20), min_size=1, max_size=5),
    st.integers(0, 4),
    st.sampled_from(["body", "prev_hash", "hash", "header"]),
    st.data(),
)
def test_any_change_is_named_by_its_place(
    bodies: list[bytes], place: int, part: str, data: st.DataObject
) -> None:
    records = run_of(bodies)
    place %= len(records)
    record = records[place]
    if part == "header":
        field = data.draw(st.sampled_from(fields(Header)))
        old = getattr(record.header, field.name)
        new = old + 1 if isinstance(old, int) else old + "x"
        changed = replace(record, header=replace(record.header, **{field.name: new}))  # type: ignore[arg-type]
    else:
        old = getattr(record, part)
        at = data.draw(st.integers(0, max(len(old) - 1, 0)))
        flipped = bytes([(old[at] if old else 0) ^ data.draw(st.integers(1, 255))])
        changed = replace(record, **{part: old[:at] + flipped + old[at + 1 :]})
    records[place] = changed
    assert first_broken(records, CHAIN.genesis(), 0) == place + 1


@given(st.lists(st.binary(max_size=4), min_size=2, max_size=5), st.data())
def test_a_missing_doubled_or_swapped_record_is_noticed(
    bodies: list[bytes], data: st.DataObject
) -> None:
    records = run_of(bodies)
    at = data.draw(st.integers(0, len(records) - 2))
    missing = records[:at] + records[at + 1 :]
    doubled = records[: at + 1] + records[at:]
    swapped = [*records[:at], records[at + 1], records[at], *records[at + 2 :]]
    for wrong in (missing, doubled, swapped):
        assert first_broken(wrong, CHAIN.genesis(), 0) is not None


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(TEXTS, TEXTS, TEXTS)
def test_no_two_headers_share_their_bytes(tenant: str, store: str, device: str) -> None:
    """Each field stands after its length, so moving a character between fields shows."""
    one = replace(example(), tenant=tenant, store=store, device=device)
    data, found = header_bytes(one), []
    while data:
        length = int.from_bytes(data[:2])
        found.append(data[2 : 2 + length].decode())
        data = data[2 + length :]
    assert found == [str(getattr(one, field.name)) for field in fields(Header)]


BIG = st.integers(-(10**20), 10**20)


@given(st.tuples(*(BIG if f.type == "int" else TEXTS for f in fields(Header))))
def test_a_header_is_read_back_as_it_was_written(values: tuple[object, ...]) -> None:
    written = Header(*values)  # type: ignore[arg-type]
    assert read_header(header_bytes(written)) == written


@given(st.binary(max_size=200))
def test_bytes_are_a_header_only_as_a_till_would_write_it(data: bytes) -> None:
    try:
        header = read_header(data)
    except ValueError:
        return
    assert header_bytes(header) == data


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff\xff",
        header_bytes(example())[:-1],
        header_bytes(example()) + b"\0",
        header_bytes(example()) + b"\0\0",
        header_bytes(example()).replace(b"\0\x011", b"\0\x0201", 1),
        header_bytes(example()).replace(b"\0\x011", b"\0\x02+1", 1),
        header_bytes(example()).replace(b"\0\x011", b"\0\x01x", 1),
        header_bytes(example()).replace(b"\0\x011", "\0\x03１".encode(), 1),
        header_bytes(example()).replace(b"acme", b"\xff\xff\xff\xff"),
    ],
)
def test_a_header_in_another_spelling_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is the type
        read_header(broken)


def test_a_head_signature_vouches_for_one_place_in_one_chain() -> None:
    message = head_message("d", "e", 1, bytes(32))
    signature = KEY.sign(message)
    KEY.public_key().verify(signature, message)
    others = [
        head_message("x", "e", 1, bytes(32)),
        head_message("d", "x", 1, bytes(32)),
        head_message("d", "e", 2, bytes(32)),
        head_message("d", "e", 1, bytes(31) + b"\1"),
    ]
    for other in others:
        with pytest.raises(InvalidSignature):
            KEY.public_key().verify(signature, other)


def test_what_cannot_be_written_down_is_a_bug_said_at_once() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        record_hash(b"", b"short", b"")
    with pytest.raises(ValueError, match="32 bytes"):
        head_message("d", "e", 1, b"short")
    assert len(prefixed("a" * MAX_PREFIXED)) == MAX_PREFIXED + 2
    with pytest.raises(ValueError, match="too long"):
        prefixed("a" * (MAX_PREFIXED + 1))
