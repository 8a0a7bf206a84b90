"""Messages that fill a new till: where a stream's snapshot begins, and its rows chunk by chunk.

A snapshot has no session: every chunk is read as the cloud stands at that moment, in the order of keys,
and the feed followed from the cursor of the beginning makes the whole exact. Shapes as in `messages`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable

import msgspec

from app.errors import Code, Trouble
from app.wire.messages import MEMBERS, UNREADABLE, Message, Row

SNAPSHOTS = ("config", "people", "catalog", "stock", MEMBERS)
"""Streams that have snapshots, in the order a new till needs them. What waits for a person (`tasks`) has
none: it is little, and old parts of it are no longer told."""
CHUNK_ROWS = 5_000
"""Rows of a chunk, about 2 MB of goods before compression."""
MOST_CHUNK_BYTES = 16_000_000
"""What a chunk may unpack to at a till."""
_WINDOW = 8 * 1024 * 1024
_encode = msgspec.json.Encoder().encode


class SnapshotBegin(Message, frozen=True, kw_only=True):
    """`GET /v1/snapshot/begin?stream=`: follow the feed from `cursor` once the chunks are here.

    `rows` is how many there are now, for a progress bar.
    """

    stream: str
    cursor: str
    rows: int
    feed_generation: int
    server_ms: int


class SnapshotChunk(Message, frozen=True, kw_only=True):
    """`GET /v1/snapshot/chunk?stream=&after=&limit=`: the rows after a key, "" for the first.

    `packed` is zstd over `size` bytes of NDJSON, one `Row` a line, deleted ones left out; `sha256` (hex)
    is over those bytes. `next` is the key to go on after while there is `more`. `applied_epoch` and
    `applied_seq` tell up to which record of this device the stock figures of the chunk count.
    """

    stream: str
    rows: int
    next: str
    more: bool
    packed: bytes
    size: int
    sha256: str
    feed_generation: int
    server_ms: int
    applied_epoch: str = ""
    applied_seq: int = 0


def line_of(key: str, body: bytes) -> bytes:
    """Return a row as a line of NDJSON; the body is JSON already and stays as it is."""
    return b'{"key":' + _encode(key) + b',"body":' + body + b"}\n"


def pack(lines: Iterable[bytes]) -> tuple[bytes, int, str]:
    """Return (zstd of the lines, their size in bytes, their SHA-256 in hex)."""
    import zstandard  # a till that starts needs none of it

    plain = b"".join(lines)
    return zstandard.compress(plain, 3), len(plain), hashlib.sha256(plain).hexdigest()


def unpack(chunk: SnapshotChunk) -> bytes:
    """Return a chunk's NDJSON, certain that it is whole.

    Raises Trouble(CLOUD_MESSAGE_INVALID) for a chunk that is not what it says or larger than a till
    takes; nothing beyond the size it claims is ever unpacked.
    """
    import zstandard

    if not 0 <= chunk.size <= MOST_CHUNK_BYTES:
        raise _invalid(chunk, "too large")
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    try:
        plain = unpacker.stream_reader(io.BytesIO(chunk.packed)).read(chunk.size + 1)
    except zstandard.ZstdError as error:
        raise _invalid(chunk, "not zstd") from error
    if len(plain) != chunk.size or hashlib.sha256(plain).hexdigest() != chunk.sha256:
        raise _invalid(chunk, "another hash")
    return plain


def pieces(plain: bytes, most_bytes: int) -> Iterable[bytes]:
    """Yield NDJSON in pieces of whole lines, each at most `most_bytes` unless one line is longer."""
    start = 0
    while start < len(plain):
        end = plain.rfind(b"\n", start, start + most_bytes) + 1
        if not end:
            end = plain.find(b"\n", start) + 1 or len(plain)
        yield plain[start:end]
        start = end


def rows_in(piece: bytes) -> list[Row]:
    """Return the rows of whole lines of NDJSON. Raises Trouble(CLOUD_MESSAGE_INVALID)."""
    try:
        return _decoder.decode_lines(piece)
    except UNREADABLE as error:
        raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail=str(error)) from error


_decoder = msgspec.json.Decoder(Row)


def _invalid(chunk: SnapshotChunk, detail: str) -> Trouble:
    return Trouble(Code.CLOUD_MESSAGE_INVALID, stream=chunk.stream, detail=detail)
