"""Change numbers: the order in which a feed is served, such that a cursor can never skip a row.

A number drawn when a row is written is not the order in which writes become visible. SQLite has one
writer, so a counter raised inside the transaction is safe. PostgreSQL takes the transaction's own
id and serves only rows older than the oldest transaction still running (the fence).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cloud.db.tables import server_state

_NO_FENCE = 2**63 - 1


def next_change(connection: sa.Connection) -> int:
    """Return the change number of this write transaction; call once per transaction."""
    if connection.dialect.name == "sqlite":
        raised = (
            sa.update(server_state)
            .where(server_state.c.name == "change")
            .values(value=sa.cast(sa.cast(server_state.c.value, sa.BigInteger) + 1, sa.Text))
            .returning(server_state.c.value)
        )
        return int(connection.execute(raised).scalar_one())
    return int(connection.execute(sa.text("SELECT pg_current_xact_id()::text")).scalar_one())


def fence(connection: sa.Connection) -> int:
    """Return the number below which no further row can appear."""
    if connection.dialect.name == "sqlite":
        return _NO_FENCE
    query = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    return int(connection.execute(query).scalar_one())


def insert(connection: sa.Connection, table: sa.Table) -> Any:  # two classes, one interface
    """Return an INSERT of this engine that knows ON CONFLICT."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def upsert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, object]]) -> None:
    """Insert rows, replacing those with the same primary key."""
    if not rows:
        return
    statement = insert(connection, table)
    keys = [column.name for column in table.primary_key]
    fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), rows)
