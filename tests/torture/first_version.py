"""A till's store as the first version of the program would have written it, with the same facts."""

from __future__ import annotations

from pathlib import Path

from offline_store.connection import open_writer
from offline_store.migrations import steps

SECOND_STEP = "0002 epochs and retention"
_KEPT_ELSEWHERE = ("sqlite_", "_sqlite_", "style_search", "member_search", "category_count")
"""What SQLite and sqlite-utils keep, search indexes, and counts that triggers make."""


def become_first_version(home: Path) -> None:
    """Put a store of version 1 in the place of a till's store."""
    from sqlite_utils.db import Database

    key = bytes.fromhex(next((home / "keys").glob("*.key")).read_text("ascii"))
    store, first = home / "store.db", home / "first.db"
    connection = open_writer(first, key)
    connection.isolation_level = "DEFERRED"
    steps().apply(Database(connection), stop_before=SECOND_STEP)
    connection.isolation_level = None
    connection.execute("ATTACH ? AS later KEY ?", (str(store), f"x'{key.hex()}'"))
    tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY rowid"
    for (table,) in connection.execute(tables).fetchall():
        if not table.startswith(_KEPT_ELSEWHERE):
            rows = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
            columns = ", ".join(row[1] for row in rows)
            connection.execute(
                f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM later.{table}"
            )
    connection.execute("DETACH later")
    connection.close()
    for left_over in ("store.db", "store.db-wal", "store.db-shm"):
        (home / left_over).unlink(missing_ok=True)
    first.replace(store)
