"""A chunk of a snapshot is whole or it is nothing, and never larger than it says."""

from __future__ import annotations

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Code, Trouble
from app.wire.snapshot import (
    MOST_CHUNK_BYTES,
    SnapshotChunk,
    line_of,
    pack,
    pieces,
    rows_in,
    unpack,
)

keys = st.lists(st.text(max_size=12), max_size=30)


def a_chunk(lines: list[bytes]) -> SnapshotChunk:
    packed, size, sha256 = pack(lines)
    return SnapshotChunk(
        stream="catalog",
        rows=len(lines),
        next="",
        more=False,
        packed=packed,
        size=size,
        sha256=sha256,
        feed_generation=1,
        server_ms=0,
    )


def lines_of(names: list[str]) -> list[bytes]:
    return [line_of(name, msgspec.json.encode({"name": name})) for name in names]


@given(keys, st.integers(1, 200))
def test_rows_come_out_as_they_went_in_whatever_the_pieces(names, most):
    plain = unpack(a_chunk(lines_of(names)))
    parts = list(pieces(plain, most))
    assert b"".join(parts) == plain
    rows = [row for part in parts for row in rows_in(part)]
    assert [row.key for row in rows] == names
    assert [msgspec.json.decode(row.body)["name"] for row in rows] == names


def test_a_chunk_survives_the_wire():
    chunk = a_chunk(lines_of(["a", "b"]))
    assert msgspec.json.decode(msgspec.json.encode(chunk), type=SnapshotChunk) == chunk


BOMB = zstandard.compress(b"0" * (MOST_CHUNK_BYTES + 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 64},
        {"size": 3},
        {"packed": b"no zstd"},
        {"packed": b""},
        {"packed": BOMB},
        {"packed": BOMB, "size": MOST_CHUNK_BYTES + 1},
        {"size": -1},
    ],
)
def test_a_chunk_that_is_not_what_it_says_is_refused(changes):
    chunk = msgspec.structs.replace(a_chunk(lines_of(["a", "b"])), **changes)
    with pytest.raises(Trouble) as caught:
        unpack(chunk)
    assert caught.value.code is Code.CLOUD_MESSAGE_INVALID


def test_a_line_that_is_no_row_is_refused():
    with pytest.raises(Trouble) as caught:
        rows_in(b'{"key":"a","body":1}\n{"key":\n')
    assert caught.value.code is Code.CLOUD_MESSAGE_INVALID
