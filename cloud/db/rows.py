"""Many rows at once, on both engines: plain inserts without the ORM's per-row cost, and upserts.

Rows are mappings with the same keys; values must already be what the driver takes (text, whole
numbers, bytes, booleans).
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Rows = list[dict[str, Any]]


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows with one prepared statement."""
    if not rows:
        return
    names = tuple(rows[0])
    sql = _insert_sql(connection.dialect.name, table, names)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(sql, list(map(itemgetter(*names), rows)))
    else:
        connection.exec_driver_sql(sql, rows)


@lru_cache(maxsize=200)
def _insert_sql(engine: str, table: sa.Table, names: tuple[str, ...]) -> str:
    if not set(names) <= set(table.c.keys()):
        raise KeyError(table.name)
    place = "?" if engine == "sqlite" else "%({})s"
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join(place.format(name) for name in names)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({places})'  # noqa: S608 - our own names


def insert(connection: sa.Connection, table: sa.Table) -> Any:  # two classes, one interface
    """Return an INSERT of this engine that knows ON CONFLICT."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def upsert(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, replacing those with the same primary key."""
    if not rows:
        return
    statement = insert(connection, table)
    keys = [column.name for column in table.primary_key]
    fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), rows)
