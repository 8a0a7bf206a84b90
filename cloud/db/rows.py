"""Many rows at once, on both engines: plain inserts without the ORM's per-row cost, and upserts.

Values must already be what the driver takes (text, whole numbers, bytes, booleans). PostgreSQL takes
rows by COPY, one for a table: of all ways measured it costs the server half of an INSERT per row. Text
costs it no more than the binary form does, and us less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cloud.db.copying import as_text

Rows = list[dict[str, Any]]
Values = tuple[Any, ...]
NOTHING: Mapping[str, Any] = MappingProxyType({})


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows that are mappings with the same keys; else like `insert_values`."""
    if rows:
        names = tuple(rows[0])
        insert_values(connection, table, names, [tuple(row[n] for n in names) for row in rows])


def insert_values(
    connection: sa.Connection,
    table: sa.Table,
    names: tuple[str, ...],
    rows: Sequence[Values],
    same: Mapping[str, Any] = NOTHING,
) -> None:
    """Insert rows with one statement: each has the columns of `same` and then those named.

    Raises SQLAlchemy's errors, and OverflowError or UnicodeError for a value no column holds.
    """
    if not rows:
        return
    columns, first = (*same, *names), tuple(same.values())
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_insertion(table, columns), [(*first, *row) for row in rows])
    else:
        sql, types = _copying(table, columns)
        _copy(connection, sql, types, first, rows)


def _copy(
    connection: sa.Connection, sql: str, types: Sequence[str], first: Values, rows: Sequence[Values]
) -> None:
    """COPY rows in the transaction of `connection`; each begins with the values of `first`."""
    driver = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(sql) as copy:  # type: ignore[union-attr]
            if _BYTES in types:
                copy.set_types(types)
                for row in rows:
                    copy.write_row((*first, *row))
            else:
                copy.write(as_text(first, rows))
    except psycopg.Error as error:
        # As SQLAlchemy would have raised it, so that one `except` serves both engines.
        raise sa.exc.DBAPIError.instance(
            sql, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


_BYTES = "bytea"


@lru_cache(maxsize=200)
def _copying(table: sa.Table, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the COPY of these columns and their PostgreSQL types; binary where some are bytes."""
    types = tuple(_type_of(table.c[name]) for name in names)
    form = " WITH (FORMAT BINARY)" if _BYTES in types else ""
    return f'COPY "{table.name}" ({_listed(table, names)}) FROM STDIN{form}', types


@lru_cache(maxsize=200)
def _insertion(table: sa.Table, names: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(names))
    return f'INSERT INTO "{table.name}" ({_listed(table, names)}) VALUES ({places})'  # noqa: S608 - our own names


_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def _type_of(column: sa.Column[Any]) -> str:
    return column.type.compile(_POSTGRESQL).lower()


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
    added: Mapping[str, int],
    same: Mapping[str, Any],
    *,
    made: Mapping[str, Sequence[int]] = NOTHING,
    rising: str = "",
) -> None:
    """Add to the counters of many rows, making those that are missing, in the order of `added`.

    The rows differ in `key` alone; all get the values of `same`, some of which are the rest of their
    primary key. `made` are values, in the order of `added`, that only a missing row is made with;
    `rising` names a column that tells of a row whether it began with more than nothing.
    """
    kind = connection.dialect.name
    statement = _addition(kind, table, key, counter, tuple(same), tuple(made), rising)
    if kind == "sqlite":
        rows = [
            {**same, "key": each, "added": count, **dict(zip(made, values, strict=True))}
            for (each, count), *values in zip(added.items(), *made.values(), strict=True)
        ]
        connection.execute(statement, rows)
        return
    lists = {name: _numbers(values) for name, values in made.items()}
    values = {"key": _texts(added), "added": _numbers(added.values())}
    connection.execute(statement, {**same, **values, **lists})


@lru_cache(maxsize=20)
def _addition(
    engine: str,
    table: sa.Table,
    key: str,
    counter: str,
    same: tuple[str, ...],
    made: tuple[str, ...],
    rising: str,
) -> sa.TextClause:
    names = (*same, key, counter, *made, *([rising] if rising else []))
    keys = [column.name for column in table.primary_key]
    fresh = ", ".join(f'"{name}" = excluded."{name}"' for name in same if name not in keys)
    conflict = (
        f"ON CONFLICT ({_listed(table, tuple(keys))}) DO UPDATE SET "
        f'"{counter}" = "{table.name}"."{counter}" + excluded."{counter}", {fresh}'
    )
    into = f'INSERT INTO "{table.name}" ({_listed(table, names)})'
    if engine == "sqlite":
        places = ", ".join(f":{name}" for name in (*same, "key", "added", *made))
        began = ", :added > 0" if rising else ""
        return sa.text(f"{into} VALUES ({places}{began}) {conflict}")
    # The server takes a parameter in a list of columns for text unless told otherwise.
    typed = ", ".join(f"CAST(:{name} AS {_type_of(table.c[name])})" for name in same)
    columns = ", ".join(("key", "added", *made))
    lists = "".join(f", CAST(:{name} AS bigint[])" for name in made)
    given = f"unnest(CAST(:key AS text[]), CAST(:added AS bigint[]){lists}) AS given({columns})"
    began = ", added > 0" if rising else ""
    return sa.text(f"{into} SELECT {typed}, {columns}{began} FROM {given} {conflict}")  # noqa: S608 - our own names


def _texts(texts: Iterable[str]) -> str:
    """Return texts as PostgreSQL writes an array of them; its driver makes one value by value."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '{"' + '","'.join(quoted) + '"}'


def _numbers(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def upsert(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, replacing those with the same primary key."""
    if not rows:
        return
    statement = insert(connection, table)
    keys = [column.name for column in table.primary_key]
    fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), rows)
