"""Clears tombstones away that every till has had ninety days to hear of.

A till that stayed away for longer is told to start over, and takes a snapshot.
"""

from __future__ import annotations

import sqlalchemy as sa

from cloud.db.state import set_horizon
from cloud.services.streams import Stream, all_streams

KEEP_DAYS = 90
_DAY_MS = 86_400_000


def clear_tombstones(
    connection: sa.Connection, *, now_ms: int, keep_days: int = KEEP_DAYS
) -> dict[str, int]:
    """Forget rows that have been gone for more than `keep_days`; return how many per stream."""
    before_ms = now_ms - keep_days * _DAY_MS
    return {
        stream.name: _clear(connection, stream, before_ms)
        for stream in all_streams()
        if stream.leaves_tombstones
    }


def _clear(connection: sa.Connection, stream: Stream, before_ms: int) -> int:
    columns = stream.table.c
    old = sa.and_(columns.deleted, columns.deleted_ms < before_ms)
    order = [columns.change.desc(), *(key.desc() for key in stream.keys)]
    last = connection.execute(sa.select(stream.table).where(old).order_by(*order).limit(1)).first()
    if last is None:
        return 0
    set_horizon(connection, stream.name, (last.change, [last._mapping[key] for key in stream.keys]))
    return connection.execute(sa.delete(stream.table).where(old)).rowcount
