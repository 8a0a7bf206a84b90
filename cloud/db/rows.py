"""Many rows at once, on both engines: plain inserts without the ORM's per-row cost, and upserts.

Rows are mappings with the same keys; values must already be what the driver takes (text, whole
numbers, bytes, booleans). PostgreSQL takes them by binary COPY, one for a table: of all ways measured
it costs the client a sixth and the server half of an INSERT per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Rows = list[dict[str, Any]]
Values = Callable[[dict[str, Any]], Sequence[Any]]


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows with one statement. Raises SQLAlchemy's errors, and OverflowError or UnicodeError
    for a value no column holds."""
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == "sqlite":
        sql, values = _insertion(table, names)
        connection.exec_driver_sql(sql, [tuple(values(row)) for row in rows])
    else:
        copy_sql, types, values = copying(table, names)
        _copy(connection, copy_sql, types, map(values, rows))


def _copy(
    connection: sa.Connection, sql: str, types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """COPY rows in the transaction of `connection`."""
    driver = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(sql) as copy:  # type: ignore[union-attr]
            copy.set_types(types)
            write = copy.write_row
            for row in rows:
                write(row)
    except psycopg.Error as error:
        # As SQLAlchemy would have raised it, so that one `except` serves both engines.
        raise sa.exc.DBAPIError.instance(
            sql, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


@lru_cache(maxsize=200)
def copying(table: sa.Table, names: tuple[str, ...]) -> tuple[str, tuple[str, ...], Values]:
    """Return the COPY of these columns, their PostgreSQL types, and what reads them off a row."""
    sql = f'COPY "{table.name}" ({_listed(table, names)}) FROM STDIN WITH (FORMAT BINARY)'
    types = tuple(table.c[name].type.compile(_POSTGRESQL).lower() for name in names)
    return sql, types, itemgetter(*names)


@lru_cache(maxsize=200)
def _insertion(table: sa.Table, names: tuple[str, ...]) -> tuple[str, Values]:
    places = ", ".join("?" * len(names))
    sql = f'INSERT INTO "{table.name}" ({_listed(table, names)}) VALUES ({places})'  # noqa: S608 - our own names
    return sql, itemgetter(*names)


_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def _listed(table: sa.Table, names: tuple[str, ...]) -> str:
    if not set(names) <= set(table.c.keys()):
        raise KeyError(table.name)
    return ", ".join(f'"{name}"' for name in names)


def insert(connection: sa.Connection, table: sa.Table) -> Any:  # two classes, one interface
    """Return an INSERT of this engine that knows ON CONFLICT."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def add_to(
    connection: sa.Connection,
    table: sa.Table,
    key: str,
    counter: str,
    added: dict[str, int],
    same: dict[str, Any],
    *,
    made: Mapping[str, Sequence[int]] = MappingProxyType({}),
    rising: str = "",
) -> None:
    """Add to the counters of many rows, making those that are missing, in the order of `added`.

    The rows differ in `key` alone; all get the values of `same`, some of which are the rest of their
    primary key. `made` are values, in the order of `added`, that only a missing row is made with;
    `rising` names a column that tells of a row whether it began with more than nothing.
    """
    names = (*same, key, counter, *made, *([rising] if rising else []))
    keys = [column.name for column in table.primary_key]
    fresh = ", ".join(f'"{name}" = excluded."{name}"' for name in same if name not in keys)
    places = ", ".join(f":{name}" for name in same)
    conflict = (
        f"ON CONFLICT ({_listed(table, tuple(keys))}) DO UPDATE SET "
        f'"{counter}" = "{table.name}"."{counter}" + excluded."{counter}", {fresh}'
    )
    into = f'INSERT INTO "{table.name}" ({_listed(table, names)})'
    if connection.dialect.name == "sqlite":
        own = "".join(f", :{name}" for name in made)
        began = ", :added > 0" if rising else ""
        sql = f"{into} VALUES ({places}, :key, :added{own}{began}) {conflict}"
        rows = [
            {**same, "key": each, "added": count, **dict(zip(made, values, strict=True))}
            for (each, count), *values in zip(added.items(), *made.values(), strict=True)
        ]
        connection.execute(sa.text(sql), rows)
        return
    # The server takes a parameter in a list of columns for text unless told otherwise.
    typed = ", ".join(
        f"CAST(:{name} AS {table.c[name].type.compile(_POSTGRESQL)})" for name in same
    )
    columns = ", ".join(("key", "added", *made))
    lists = "".join(f", CAST(:{name} AS bigint[])" for name in made)
    given = f"unnest(CAST(:key AS text[]), CAST(:added AS bigint[]){lists}) AS given({columns})"
    began = ", added > 0" if rising else ""
    sql = f"{into} SELECT {typed}, {columns}{began} FROM {given} {conflict}"  # noqa: S608 - our own names
    values = {"key": list(added), "added": list(added.values())}
    connection.execute(sa.text(sql), {**same, **values, **{n: list(v) for n, v in made.items()}})


def upsert(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, replacing those with the same primary key."""
    if not rows:
        return
    statement = insert(connection, table)
    keys = [column.name for column in table.primary_key]
    fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), rows)
