"""How a store file comes to the version this program knows. Forward only; a backup comes first, unless
only indexes, empty tables or columns are added.

`user_version` says the version; sqlite-utils' own table says which steps ran. Each step is one
transaction, so a kill in the middle leaves the version before or after.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from offline_store import (
    feeds,
    member_refusals,
    member_settled,
    schema_books,
    schema_codes,
    schema_epochs,
    schema_refunds,
    scrubbing,
    tasks,
)
from offline_store.backup import back_up
from offline_store.preparing import NOBODY, UNKNOWN, Onlooker, Stage
from offline_store.schema import statements

if TYPE_CHECKING:
    from sqlite3 import Connection

    from sqlite_utils import Migrations
    from sqlite_utils.db import Database

BEFORE = ".before-"
"""Stands in the name of the backup taken before a migration, between the store's and the version."""
VERSION = 9
"""1: the first store. 2: epochs that follow one another, and retention. 3: members' changes that the
cloud refuses; free pages are written over after an erasure. 4: tasks and alarms. 5: an account of what
came down each feed. 6: the books of a day from an index alone. 7: codes on tags in runs.
8: settled changes of members, kept until no backup of the cloud lacks them. 9: money on its way back by
the way it came."""


ADDING_ONLY = frozenset({6, 7, 8, 9})
"""Versions whose step only adds: indexes, empty tables, columns with a default. It is one transaction
that no row takes part in: a copy of the file, which takes a year's store a minute and the step itself a
second, would save nothing."""


def version_of(connection: Connection) -> int:
    """Return the version of a file, 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def steps() -> Migrations:
    """Return every step ever shipped, oldest first."""
    # sqlite-utils takes 70 ms to load, and a till that has nothing to migrate starts without it.
    from sqlite_utils import Migrations

    steps = Migrations("guidepos")
    refusals = (*member_refusals.STATEMENTS, *scrubbing.STATEMENTS)
    _step(steps, 1, "0001 first store", statements())
    _step(steps, 2, "0002 epochs and retention", schema_epochs.STATEMENTS)
    _step(steps, 3, "0003 refused changes and scrubbing of members", refusals)
    _step(steps, 4, "0004 tasks and alarms", tasks.STATEMENTS)

    @steps(name="0005 feeds")
    def feed_rows(db: Database) -> None:
        feeds.build(db.conn)
        db.execute("PRAGMA user_version = 5")

    _step(steps, 6, "0006 books of a day", schema_books.STATEMENTS)
    _step(steps, 7, "0007 codes in runs", schema_codes.STATEMENTS)
    _step(steps, 8, "0008 settled changes of members", member_settled.STATEMENTS)
    _step(steps, 9, "0009 money on its way back", schema_refunds.STATEMENTS)
    return steps


def _step(steps: Migrations, version: int, name: str, built: Sequence[str]) -> None:
    """Add a step that is made of statements alone."""

    @steps(name=name)
    def step(db: Database) -> None:
        for statement in built:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {version}")


def migrate(
    connection: Connection, file: Path, key: bytes, onlooker: Onlooker = NOBODY
) -> Path | None:
    """Bring a file to `VERSION`. Returns the backup taken first, None where none was needed.

    `onlooker` is told how far it is. A file of a newer program is left alone. Raises Trouble when the
    backup cannot be made or verified, before anything is changed.
    """
    found = version_of(connection)
    if found >= VERSION:
        return None
    backup = None
    if not set(range(found + 1, VERSION + 1)) <= ADDING_ONLY and found:
        backup = file.with_name(f"{file.name}{BEFORE}{VERSION}")
        back_up(connection, backup, key, onlooker)
    if found:
        onlooker.told(Stage.BUILDING, UNKNOWN)
    from sqlite_utils.db import Database

    connection.isolation_level = (
        "DEFERRED"  # sqlite-utils keeps its own transactions only in this mode
    )
    try:
        steps().apply(Database(connection))
    finally:
        connection.isolation_level = None
    return backup
