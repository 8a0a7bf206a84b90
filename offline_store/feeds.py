"""What came down each feed: one small row per row of the cloud's, with its sum and its generation.

A snapshot fills the next generation beside the one in use: a row that comes again is the same row of a
newer generation, one that does not is dropped after the last row of the snapshot is here. So nothing is
stored twice, nothing is missing meanwhile, and look-ups need no filter. Knows no goods and no members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from app.errors import Code, Trouble
from app.ports import FeedState
from app.wire.messages import MEMBERS
from app.wire.snapshot import SNAPSHOTS, SnapshotBegin
from offline_store import device

if TYPE_CHECKING:
    from sqlite3 import Connection

TABLES = (
    """CREATE TABLE feed_state (
        feed_no INTEGER PRIMARY KEY, stream TEXT NOT NULL UNIQUE,
        complete INTEGER NOT NULL DEFAULT 0, filling INTEGER NOT NULL DEFAULT 0,
        after_key TEXT NOT NULL DEFAULT '', begin_cursor TEXT NOT NULL DEFAULT '',
        taken INTEGER NOT NULL DEFAULT 0, expected INTEGER NOT NULL DEFAULT 0,
        held INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
        sweeping INTEGER NOT NULL DEFAULT 0, swept_key TEXT NOT NULL DEFAULT '',
        feed_generation INTEGER NOT NULL DEFAULT 0, void INTEGER NOT NULL DEFAULT 0,
        checked_ms INTEGER NOT NULL DEFAULT 0, mended_ms INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """CREATE TABLE feed_row (
        feed_no INTEGER NOT NULL, key TEXT NOT NULL,
        sum INTEGER NOT NULL, generation INTEGER NOT NULL,
        PRIMARY KEY (feed_no, key)
    ) STRICT, WITHOUT ROWID""",
)
"""`taken` of `expected` rows of the generation being filled are here; `total` is the sum over the
`held` rows of the feed. `void`: what is complete came from somewhere else."""

_CAME_BEFORE = {
    "config": "SELECT key FROM config",
    "people": "SELECT person_id FROM person",
    "catalog": "SELECT sku_id FROM sku",
    "stock": "SELECT store_id || '/' || sku_id FROM stock",
    MEMBERS: "SELECT member_ref FROM member WHERE revision > 0",
}
"""Rows of a file that kept no account yet; they are of generation 0 and count as nothing."""

_STATE = (
    "SELECT stream, complete, filling, after_key, taken, expected, total, feed_generation,"
    " checked_ms, mended_ms, sweeping, void FROM feed_state "
)
# One statement for all rows: the interpreter's lock is free meanwhile, and the screen goes on.
_PUT = (
    "INSERT INTO feed_row SELECT ?1, value ->> 0, value ->> 1, ?2 FROM json_each(?3) WHERE true"
    " ON CONFLICT (feed_no, key) DO UPDATE SET sum = excluded.sum, generation = excluded.generation"
)
_ANY_BETWEEN = "SELECT EXISTS (SELECT 1 FROM feed_row WHERE feed_no = ? AND key BETWEEN ? AND ?)"
_KNOWN = (
    "SELECT count(*), coalesce(sum(r.sum), 0) FROM json_each(?1) k"
    " CROSS JOIN feed_row r ON r.feed_no = ?2 AND r.key = k.value"
)


def build(connection: Connection) -> None:
    """Make the tables and take up what a file holds already, in the caller's transaction."""
    for statement in TABLES:
        connection.execute(statement)
    # No look-up goes by it, and numbers come in any order: it cost a page per member that came.
    connection.execute("DROP INDEX member_phone")
    for stream in SNAPSHOTS:
        feed_no = _feed_no(connection, stream)
        connection.execute(
            f"INSERT INTO feed_row SELECT ?, *, 0, 0 FROM ({_CAME_BEFORE[stream]})",  # noqa: S608 - our own text
            (feed_no,),
        )
        connection.execute(
            "UPDATE feed_state SET held = (SELECT count(*) FROM feed_row WHERE feed_no = ?1)"
            " WHERE feed_no = ?1",
            (feed_no,),
        )


def states(connection: Connection) -> tuple[FeedState, ...]:
    """Return how every feed stands."""
    rows = connection.execute(_STATE + "ORDER BY feed_no").fetchall()
    return tuple(_state_of(row) for row in rows)


def state(connection: Connection, stream: str) -> FeedState:
    """Return how a feed stands; one that nothing came of yet is empty."""
    row = connection.execute(_STATE + "WHERE stream = ?", (stream,)).fetchone()
    return _state_of(row) if row else FeedState(stream)


# --- rows ---------------------------------------------------------------------------------------


def note(
    connection: Connection, stream: str, sums: Mapping[str, int], gone: Sequence[str] = ()
) -> None:
    """Write down which rows came, by key with their sums, and which are gone; together with them."""
    feed_no = _feed_no(connection, stream)
    (generation,) = connection.execute(
        "SELECT max(complete, filling) FROM feed_state WHERE feed_no = ?", (feed_no,)
    ).fetchone()
    known, before = _held_of(connection, feed_no, [*sums, *gone])
    named = msgspec.json.encode(list(sums.items())).decode()
    connection.execute(_PUT, (feed_no, generation, named))
    connection.executemany(
        "DELETE FROM feed_row WHERE feed_no = ? AND key = ?", [(feed_no, key) for key in gone]
    )
    connection.execute(
        "UPDATE feed_state SET held = held + ?, total = total + ? WHERE feed_no = ?",
        (len(sums) - known, sum(sums.values()) - before, feed_no),
    )


def _held_of(connection: Connection, feed_no: int, keys: Sequence[str]) -> tuple[int, int]:
    """Return how many of these rows are held already, and their sum."""
    if not keys:
        return 0, 0
    # What comes in the order of keys for the first time lies where nothing is yet.
    ends = (feed_no, min(keys), max(keys))
    if not connection.execute(_ANY_BETWEEN, ends).fetchone()[0]:
        return 0, 0
    named = msgspec.json.encode(keys).decode()
    count, total = connection.execute(_KNOWN, (named, feed_no)).fetchone()
    return count, total


# --- snapshots ----------------------------------------------------------------------------------


def begin(connection: Connection, begun: SnapshotBegin, *, mended_ms: int = 0) -> None:
    """Start the next generation of a feed; one that was being filled is given up.

    `mended_ms`, if not 0, is kept as the time a wrong checksum made it so.
    """
    feed_no = _feed_no(connection, begun.stream)
    connection.execute(
        "UPDATE feed_state SET filling = max(complete, filling) + 1, after_key = '', taken = 0,"
        " begin_cursor = ?, expected = ?, feed_generation = ?, sweeping = 0, swept_key = '',"
        " mended_ms = iif(?4, ?4, mended_ms) WHERE feed_no = ?5",
        (begun.cursor, begun.rows, begun.feed_generation, mended_ms, feed_no),
    )


def advance(connection: Connection, stream: str, rows: int, after: str) -> None:
    """The generation being filled has come to a key; in the transaction of the rows before it.

    Raises Trouble if none is being filled any more.
    """
    moved = connection.execute(
        "UPDATE feed_state SET taken = taken + ?, after_key = ? WHERE stream = ? AND filling > 0",
        (rows, after, stream),
    )
    if not moved.rowcount:  # somebody forgot the feed meanwhile; the rows are rolled back
        raise Trouble(
            Code.CLOUD_MESSAGE_INVALID, stream=stream, detail="no snapshot is being filled"
        )


def complete(connection: Connection, stream: str) -> bool:
    """The generation being filled is whole: it counts, and the feed is followed from its beginning.

    Tells whether it left rows behind that are to be swept. Raises Trouble if none is being filled any more.
    """
    row = connection.execute(
        "SELECT begin_cursor FROM feed_state WHERE stream = ? AND filling > 0", (stream,)
    ).fetchone()
    if row is None:
        raise Trouble(
            Code.CLOUD_MESSAGE_INVALID, stream=stream, detail="no snapshot is being filled"
        )
    sweeping = connection.execute(
        "UPDATE feed_state SET complete = filling, filling = 0, void = 0, sweeping = held > taken,"
        " swept_key = '', checked_ms = 0 WHERE stream = ? RETURNING sweeping",
        (stream,),
    ).fetchone()[0]
    device.set_cursor(connection, stream, row[0])
    return bool(sweeping)


def stale(connection: Connection, stream: str, most: int) -> tuple[list[str], bool]:
    """Return keys that a complete generation left behind and whether there may be more.

    Looks at the next `most` rows; whoever asks drops what it names in the same transaction.
    """
    feed_no, generation, after = connection.execute(
        "SELECT feed_no, complete, swept_key FROM feed_state WHERE stream = ?", (stream,)
    ).fetchone()
    rows = connection.execute(
        "SELECT key, generation FROM feed_row WHERE feed_no = ? AND key > ? ORDER BY key LIMIT ?",
        (feed_no, after, most),
    ).fetchall()
    more = len(rows) == most
    connection.execute(
        "UPDATE feed_state SET sweeping = ?, swept_key = ? WHERE feed_no = ?",
        (more, rows[-1][0] if more else "", feed_no),
    )
    return [key for key, of in rows if of < generation], more


def checked(connection: Connection, stream: str, at_ms: int) -> None:
    """The feed's sum was compared with the cloud's."""
    connection.execute("UPDATE feed_state SET checked_ms = ? WHERE stream = ?", (at_ms, stream))


def clear(connection: Connection, stream: str) -> None:
    """All rows of a feed are gone from this file; a snapshot brings them again if it is asked for."""
    connection.execute("DELETE FROM feed_row WHERE feed_no = ?", (_feed_no(connection, stream),))
    connection.execute(
        "UPDATE feed_state SET void = complete > 0, filling = 0, after_key = '', held = 0, total = 0,"
        " sweeping = 0 WHERE stream = ?",
        (stream,),
    )


def forget(connection: Connection) -> None:
    """Nothing that came so far vouches for another cloud's feeds: each takes a snapshot anew."""
    connection.execute("UPDATE feed_state SET void = complete > 0, filling = 0, after_key = ''")


def _feed_no(connection: Connection, stream: str) -> int:
    row = connection.execute(
        "SELECT feed_no FROM feed_state WHERE stream = ?", (stream,)
    ).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO feed_state (stream) VALUES (?) RETURNING feed_no", (stream,)
        ).fetchone()
    return int(row[0])


def _state_of(row: Sequence[Any]) -> FeedState:
    return FeedState(*[*row[:10], bool(row[10]), bool(row[11])])
