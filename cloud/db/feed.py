"""Change numbers: the order in which a feed is served, such that a cursor can never skip a row.

A number drawn when a row is written is not the order in which writes become visible. SQLite has one
writer, so a counter raised inside the transaction is safe. PostgreSQL takes the transaction's own
id and serves only rows older than the oldest transaction still running (the fence).
"""

from __future__ import annotations

import sqlalchemy as sa

from cloud.db.tables import server_state

NO_FENCE = 2**63 - 1
"""Hides nothing."""


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
        return NO_FENCE
    query = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    return int(connection.execute(query).scalar_one())


def frontier(connection: sa.Connection) -> int:
    """Return the smallest change number under which a row may still appear; below it all is visible."""
    if connection.dialect.name != "sqlite":
        return fence(connection)
    query = sa.select(server_state.c.value).where(server_state.c.name == "change")
    return int(connection.execute(query).scalar_one()) + 1


def fence_lag_ms(connection: sa.Connection) -> int:
    """Return for how long the oldest running write transaction has held the fence back."""
    if connection.dialect.name == "sqlite":
        return 0
    oldest = """
        SELECT coalesce(max(extract(epoch FROM clock_timestamp() - since)) * 1000, 0)::bigint FROM (
            SELECT xact_start AS since FROM pg_stat_activity WHERE backend_xid IS NOT NULL
            UNION ALL SELECT prepared FROM pg_prepared_xacts
        ) AS running"""
    return int(connection.execute(sa.text(oldest)).scalar_one())
