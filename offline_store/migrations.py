"""How a store file comes to the version this program knows. Forward only; a backup comes first, unless
only indexes are added.

`user_version` says the version; sqlite-utils' own table says which steps ran. Each step is one
transaction, so a kill in the middle leaves the version before or after.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from offline_store import (
    feeds,
    member_refusals,
    schema_books,
    schema_epochs,
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
VERSION = 6
"""1: the first store. 2: epochs that follow one another, and retention. 3: members' changes that the
cloud refuses; free pages are written over after an erasure. 4: tasks and alarms. 5: an account of what
came down each feed. 6: the books of a day from an index alone."""


INDEXES_ONLY = frozenset({6})
"""Versions whose step only adds indexes. It is one transaction that no row takes part in: a copy of the
file, which takes a year's store a minute and the step itself a second, would save nothing."""


def version_of(connection: Connection) -> int:
    """Return the version of a file, 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def steps() -> Migrations:
    """Return every step ever shipped, oldest first."""
    # sqlite-utils takes 70 ms to load, and a till that has nothing to migrate starts without it.
    from sqlite_utils import Migrations

    steps = Migrations("guidepos")

    @steps(name="0001 first store")
    def first_store(db: Database) -> None:
        for statement in statements():
            db.execute(statement)
        db.execute("PRAGMA user_version = 1")

    @steps(name="0002 epochs and retention")
    def epochs(db: Database) -> None:
        for statement in schema_epochs.STATEMENTS:
            db.execute(statement)
        db.execute("PRAGMA user_version = 2")

    @steps(name="0003 refused changes and scrubbing of members")
    def members_kept_well(db: Database) -> None:
        for statement in (*member_refusals.STATEMENTS, *scrubbing.STATEMENTS):
            db.execute(statement)
        db.execute("PRAGMA user_version = 3")

    @steps(name="0004 tasks and alarms")
    def tasks_and_alarms(db: Database) -> None:
        for statement in tasks.STATEMENTS:
            db.execute(statement)
        db.execute("PRAGMA user_version = 4")

    @steps(name="0005 feeds")
    def feed_rows(db: Database) -> None:
        feeds.build(db.conn)
        db.execute("PRAGMA user_version = 5")

    @steps(name="0006 books of a day")
    def books_of_a_day(db: Database) -> None:
        for statement in schema_books.STATEMENTS:
            db.execute(statement)
        db.execute("PRAGMA user_version = 6")

    return steps


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
    if not set(range(found + 1, VERSION + 1)) <= INDEXES_ONLY and found:
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
