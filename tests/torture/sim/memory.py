"""Databases in memory that can be copied: media that a seed may back up, restore and clone.

They use the product's own SQLite and tables; what a disk does to a file is another layer's matter.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

import sqlcipher3.dbapi2 as sqlite
from sqlite_utils.db import Database

from offline_store.migrations import steps

if TYPE_CHECKING:
    from sqlite3 import Connection

_PRAGMAS = ("foreign_keys = ON", "recursive_triggers = ON", "temp_store = MEMORY")


def empty() -> Connection:
    """Return a new, empty database."""
    connection = cast(
        "Connection",
        sqlite.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=256
        ),
    )
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def copy_of(source: Connection) -> Connection:
    """Return another database with the same content."""
    target = empty()
    source.backup(target)
    return target


def overwrite(target: Connection, source: Connection) -> None:
    """Let a database have the content of another, as if its file had been replaced."""
    source.backup(target)


@cache
def _store_template() -> Connection:
    template = empty()
    template.isolation_level = "DEFERRED"  # what sqlite-utils needs for its own transactions
    steps().apply(Database(template))
    template.isolation_level = None
    return template


def new_store() -> Connection:
    """Return a store's tables without a single row."""
    return copy_of(_store_template())
