"""Snapshots of a stream for a new till, without any state between two questions.

Each chunk is read as things stand at that moment, in the order of keys; rows that change meanwhile come
again with the feed, which the till follows from where the snapshot began. So any worker of any machine
can answer, and a download goes on from its last key after any pause.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.errors import Code
from app.wire.snapshot import (
    CHUNK_ROWS,
    SNAPSHOTS,
    SnapshotBegin,
    SnapshotChunk,
    line_of,
    pack,
)
from cloud.db.feed import frontier
from cloud.db.state import feed_generation
from cloud.errors import Refused
from cloud.services.feed import Cursor, counted
from cloud.services.streams import Stream, stream_of
from cloud.services.tokens import DevicePrincipal

_LAST = "\U0010ffff"
"""After every key. An engine that sorts it elsewhere only tells rows of one change twice."""


def begin(
    connection: sa.Connection, asking: DevicePrincipal, name: str, *, now_ms: int
) -> SnapshotBegin:
    """Return how many rows there are and the cursor from which the feed makes them exact.

    Every change below the frontier is over, so chunks read from now on hold it. Raises Refused 404.
    """
    stream = _stream(name)
    generation = feed_generation(connection)
    last = frontier(connection, stream.table) - 1
    cursor = Cursor(generation, last, [_LAST] * len(stream.keys))
    there = stream.there_for(asking, now_ms)
    count = stream.spread(sa.select(sa.func.count()).select_from(stream.table).where(*there))
    return SnapshotBegin(
        stream=name,
        cursor=cursor.text(),
        rows=connection.scalar(count) or 0,
        feed_generation=generation,
        server_ms=now_ms,
    )


def chunk(
    connection: sa.Connection,
    asking: DevicePrincipal,
    name: str,
    after: str,
    limit: int,
    *,
    now_ms: int,
    epoch: str = "",
) -> SnapshotChunk:
    """Return the rows after a key, "" for the first; `epoch` as in a pull. Raises Refused 404 and 422."""
    stream = _stream(name)
    size = max(1, min(limit, CHUNK_ROWS))
    found = _rows_after(connection, stream, asking, after, size + 1, now_ms)
    rows = found[:size]
    packed, plain_size, sha256 = pack(
        [line_of(stream.key_of(row), stream.body_of(row)) for row in rows]
    )
    counts = counted(connection, asking, epoch, fenced=False) if name == "stock" else ("", 0)
    return SnapshotChunk(
        stream=name,
        rows=len(rows),
        next=stream.key_of(rows[-1]) if rows else after,
        more=len(found) > size,
        packed=packed,
        size=plain_size,
        sha256=sha256,
        feed_generation=feed_generation(connection),
        server_ms=now_ms,
        applied_epoch=counts[0],
        applied_seq=counts[1],
    )


def _rows_after(
    connection: sa.Connection,
    stream: Stream,
    asking: DevicePrincipal,
    after: str,
    most: int,
    now_ms: int,
) -> list[sa.Row[Any]]:
    """Return the next rows of a snapshot."""
    there = stream.there_for(asking, now_ms)
    found: list[sa.Row[Any]] = []
    for stretch in stream.stretches(asking, after):
        query = sa.select(*stream.columns()).where(*there, *stretch).order_by(*stream.keys)
        found += connection.execute(stream.spread(query.limit(most - len(found)))).all()
        if len(found) == most:
            break
    return found


def _stream(name: str) -> Stream:
    if name not in SNAPSHOTS:
        raise Refused(404, Code.CLOUD_REFUSED, f"stream {name[:40]!r}")
    return stream_of(name)
