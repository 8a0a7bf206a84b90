"""Change numbers: the order in which a feed is served, such that a cursor can never skip a row.

A number drawn when a row is written is not the order in which writes become visible. SQLite has one
writer, so a counter raised inside the transaction is safe; at every start it leaves out all numbers up to
the time, so that a file put back from a copy gives none again that tills know. PostgreSQL takes the
transaction's own id and serves only rows older than the oldest transaction still running (the fence).

On Citus all servers of ours speak to one node, the coordinator, and its ids count. What lies on every
node is read from the coordinator's own copy, which commits with the id. What is spread may commit on
its worker in a second phase, after the id has ended, so the fence of a spread table also waits for
transactions whose second phase is outstanding.
"""

from __future__ import annotations

import time

import msgspec
import sqlalchemy as sa

from cloud.db.distribution import Spread, role_of
from cloud.db.rows import upsert
from cloud.db.tables import server_state

GAPS = "change.gaps"
"""The state that names the numbers left out, as pairs: all between the two. Both may stand in a cursor, what
was written last and where counting went on."""
MOST_GAPS = 1_000
"""As many starts of the server are remembered. Who stayed away for longer is told by the feed's sum."""
Gaps = list[tuple[int, int]]

NO_FENCE = 2**63 - 1
"""Hides nothing."""

_ENDED = sa.text(
    """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS ended,
        to_regclass('pg_dist_transaction') IS NOT NULL AS is_citus
    """
)
"""The oldest transaction still running, and whether this is Citus."""

_OUTSTANDING = sa.text(
    """
    WITH now AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS head),
    prepared AS (
        SELECT gid FROM run_command_on_workers(
            $$ SELECT coalesce(string_agg(gid, ' '), '') FROM pg_prepared_xacts $$
        ) AS answer, unnest(string_to_array(answer.result, ' ')) AS gid
    )
    SELECT min(now.head - (((now.head - known.xmin::text::bigint) % 4294967296) + 4294967296) % 4294967296)
    FROM now, pg_dist_transaction AS known JOIN prepared USING (gid)
    """
)
"""The oldest transaction whose outcome is decided here but which a worker has not been told yet. A
transaction notes its second phases in pg_dist_transaction, so that row's `xmin` is its id without the
epoch, which the head of the ids supplies."""


_NUMBER = sa.text("SELECT pg_current_xact_id()::text")
_RAISED = (
    sa.update(server_state)
    .where(server_state.c.name == "change")
    .values(value=sa.cast(sa.cast(server_state.c.value, sa.BigInteger) + 1, sa.Text))
    .returning(server_state.c.value)
)


def next_change(connection: sa.Connection) -> int:
    """Return the change number of this write transaction; call once per transaction."""
    if connection.dialect.name == "sqlite":
        return int(connection.execute(_RAISED).scalar_one())
    return int(connection.execute(_NUMBER).scalar_one())


def changes_so_far(connection: sa.Connection) -> int:
    """Return the number beyond which all that this transaction is going to change is numbered."""
    if connection.dialect.name != "sqlite":
        return next_change(connection) - 1  # it has one number of its own
    query = sa.select(server_state.c.value).where(server_state.c.name == "change")
    return int(connection.execute(query).scalar_one())


def begin_numbers(connection: sa.Connection) -> None:
    """Leave all change numbers up to now out, in microseconds; for a server that starts.

    Its database may be an older copy of itself that nobody announced. Then tills know numbers given since,
    which lie in what is left out here, or beyond. PostgreSQL counts its transactions itself.
    """
    if connection.dialect.name != "sqlite":
        return
    last, now_us = changes_so_far(connection), time.time_ns() // 1_000
    if now_us <= last:
        return
    # Each start has a gap of its own: where the one before ended, cursors may have been given since.
    kept = msgspec.json.encode([*_gaps(connection), (last, now_us)][-MOST_GAPS:]).decode()
    values = [{"name": "change", "value": str(now_us)}, {"name": GAPS, "value": kept}]
    upsert(connection, server_state, values)


def _gaps(connection: sa.Connection) -> Gaps:
    query = sa.select(server_state.c.value).where(server_state.c.name == GAPS)
    value = connection.scalar(query)
    return msgspec.json.decode(value, type=Gaps) if value else []


def is_beyond(connection: sa.Connection, change: int) -> bool:
    """Tell whether this database never gave a change number: whoever knows it heard it from one that was
    lost, and this one may have counted on meanwhile."""
    if connection.dialect.name == "sqlite":
        left_out = any(first < change < last for first, last in _gaps(connection))
        return left_out or change > changes_so_far(connection)
    newest = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    return change >= int(connection.execute(sa.text(newest)).scalar_one())


def fence(connection: sa.Connection, table: sa.FromClause) -> int:
    """Return the number below which no further row of the table can appear."""
    if connection.dialect.name == "sqlite":
        return NO_FENCE
    now = connection.execute(_ENDED).one()
    ended: int = now.ended
    if now.is_citus and isinstance(role_of(table), Spread):
        outstanding: int | None = connection.execute(_OUTSTANDING).scalar()
        return ended if outstanding is None else min(ended, outstanding)
    return ended


def frontier(connection: sa.Connection, table: sa.FromClause) -> int:
    """Return the smallest change number under which a row of the table may still appear; below it all
    is visible."""
    if connection.dialect.name != "sqlite":
        return fence(connection, table)
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
