"""Leaves nothing of a forgotten person in the file: not in the search index, not in free pages.

A deleted row's page is overwritten only where that costs nothing, and an index keeps words until it is
merged. So after an erasure the index is merged and free pages are written over, in steps so small that a
sale never waits. It knows one table, its own, and one index.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from offline_store import device

if TYPE_CHECKING:
    from sqlite3 import Connection

STATEMENTS = ("CREATE TABLE scrub_sheet (zeros BLOB NOT NULL) STRICT",)
_PHASE = "scrub.phase"
_START, _MERGE, _FILL, _EMPTY = "start", "merge", "fill", "empty"
_MERGE_PAGES = 16
_FILL_PAGES = 64
_EMPTY_PAGES = 512
_SHEET = 3_900
"""Bytes of a row that takes a page for itself."""


@contextmanager
def thorough(connection: Connection) -> Iterator[None]:
    """Overwrite what is deleted in the block, whatever it costs."""
    connection.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA secure_delete = FAST")


def begin(connection: Connection) -> None:
    """Somebody was forgotten: the file wants scrubbing from now on."""
    device.set_state(connection, _PHASE, _START)


def is_due(connection: Connection) -> bool:
    """Tell whether the file still holds what was to be forgotten."""
    return bool(device.state(connection, _PHASE))


def step(connection: Connection) -> bool:
    """Do a small part of the scrubbing; True while there is more, which may be in a later process."""
    phase = device.state(connection, _PHASE)
    if not phase:
        return False
    if phase == _FILL:
        after = _fill(connection)
    elif phase == _EMPTY:
        after = _empty(connection)
    else:
        with thorough(connection):
            after = _merge(connection, phase)
    if after != phase:
        device.set_state(connection, _PHASE, after)
    return bool(after)


def _merge(connection: Connection, phase: str) -> str:
    """Merge a part of the index; a negative number begins with all of it (sqlite.org/fts5.html)."""
    before = connection.total_changes
    pages = -_MERGE_PAGES if phase == _START else _MERGE_PAGES
    connection.execute(
        "INSERT INTO member_search (member_search, rank) VALUES ('merge', ?)", (pages,)
    )
    done = phase == _MERGE and connection.total_changes - before < 2
    return _FILL if done else _MERGE


def _fill(connection: Connection) -> str:
    """Write over some free pages, until all are clean."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    connection.executemany(
        "INSERT INTO scrub_sheet VALUES (zeroblob(?))", [(_SHEET,)] * min(free, _FILL_PAGES)
    )
    return _FILL if free > _FILL_PAGES else _EMPTY


def _empty(connection: Connection) -> str:
    """Give some clean pages back; one page costs next to nothing, thousands in one go do not."""
    gone = connection.execute(
        "DELETE FROM scrub_sheet WHERE rowid IN (SELECT rowid FROM scrub_sheet LIMIT ?)",
        (_EMPTY_PAGES,),
    )
    return _EMPTY if gone.rowcount == _EMPTY_PAGES else ""
