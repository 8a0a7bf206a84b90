"""The server's own state: its tenant, timeline and feed generation."""

from __future__ import annotations

import os
import time

import msgspec
import sqlalchemy as sa

from cloud.db.base import metadata
from cloud.db.distribution import across
from cloud.db.rows import upsert
from cloud.db.tables import server_state, tenant, tender


def ensure_tenant(connection: sa.Connection, now_ms: int) -> str:
    """Return the tenant of this server, making it (with a fresh timeline) the first time."""
    found: str | None = connection.scalar(
        sa.select(tenant.c.tenant_id).order_by(tenant.c.created_ms).limit(1)
    )
    if found is not None:
        return found
    tenant_id = os.urandom(8).hex()  # stands in every row, so it is short
    connection.execute(sa.insert(tenant).values(tenant_id=tenant_id, name="", created_ms=now_ms))
    connection.execute(
        sa.insert(server_state),
        [
            {"name": "timeline", "value": os.urandom(8).hex()},
            {"name": "feed_generation", "value": "1"},
            {"name": "change", "value": "0"},
        ],
    )
    return tenant_id


def timeline(connection: sa.Connection) -> str:
    """Return the id of this history of the database; a restore begins another."""
    return _state(connection, "timeline")


def feed_generation(connection: sa.Connection) -> int:
    """Return the generation of all feeds; cursors of another one are void."""
    return int(_state(connection, "feed_generation"))


Place = tuple[int, list[str]]
"""A place in a feed: change number and the parts of the key."""


def horizon(connection: sa.Connection, stream: str) -> Place:
    """Return the place of the last tombstone of a stream that was cleared away, before all rows if none
    was: a till that has not come past it may hold rows nobody will tell it are gone."""
    query = sa.select(server_state.c.value).where(server_state.c.name == f"horizon.{stream}")
    value = connection.scalar(query)
    return msgspec.json.decode(value, type=Place) if value else (-1, [])


def set_horizon(connection: sa.Connection, stream: str, place: Place) -> None:
    """Move a stream's horizon, in the transaction that clears the tombstones before it."""
    value = msgspec.json.encode(place).decode()
    upsert(connection, server_state, [{"name": f"horizon.{stream}", "value": value}])


def begin_timeline(connection: sa.Connection) -> str:
    """Begin another history: what tills knew of the one before is void. Returns its id.

    For a database that came back from a backup: before anybody may ask it, or as soon as a till shows
    that it did. The feeds' generation is higher than any before, also when the same backup comes back
    twice: cursors may stand beyond what is here.
    """
    fresh = os.urandom(8).hex()
    generation = max(feed_generation(connection) + 1, int(time.time()))
    for name, value in (("timeline", fresh), ("feed_generation", str(generation))):
        connection.execute(
            sa.update(server_state).where(server_state.c.name == name).values(value=value)
        )
    # No cursor of before counts any more, so nobody can have missed a tombstone.
    connection.execute(sa.delete(server_state).where(server_state.c.name.startswith("horizon.")))
    if connection.dialect.name != "sqlite":
        _renumber_changes(connection)
    return fresh


def _renumber_changes(connection: sa.Connection) -> None:
    """Bring all change numbers below the fence: a new cluster counts its transactions from the start,
    and rows of a later number would stay behind the fence, unseen."""
    now = sa.cast(sa.text("pg_current_xact_id()::text"), sa.BigInteger)
    for table in metadata.sorted_tables:
        if "change" in table.c and table is not tender:  # whose change is money
            ahead = sa.select(sa.exists().where(table.c.change > now))
            if connection.scalar(across(ahead, "restore")):
                lowered = sa.update(table).where(table.c.change > 0).values(change=0)
                connection.execute(across(lowered, "restore"))


def _state(connection: sa.Connection, name: str) -> str:
    value: str | None = connection.scalar(
        sa.select(server_state.c.value).where(server_state.c.name == name)
    )
    if value is None:
        raise LookupError(name)
    return value
