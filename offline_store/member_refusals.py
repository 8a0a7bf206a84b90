"""Changes to members that the cloud will not take: out of the queue's way, kept and counted.

Personal data like the queue itself; erasing a member empties this too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from offline_store.member_settled import COLUMNS

if TYPE_CHECKING:
    from sqlite3 import Connection

STATEMENTS = (
    """CREATE TABLE member_refused (
    change_id TEXT PRIMARY KEY, member_ref TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
    base_revision INTEGER NOT NULL, t_ms INTEGER NOT NULL,
    code TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
)


def set_aside(connection: Connection, change_id: str, code: str, at_ms: int) -> None:
    """Take a change out of the queue, with the cloud's reason; unknown ones are ignored."""
    connection.execute(
        f"INSERT INTO member_refused ({COLUMNS}, code, at_ms) SELECT {COLUMNS}, ?, ?"  # noqa: S608 - our own columns
        " FROM member_change WHERE change_id = ? ON CONFLICT (change_id) DO NOTHING",
        (code, at_ms, change_id),
    )
    connection.execute("DELETE FROM member_change WHERE change_id = ?", (change_id,))


def changes(connection: Connection) -> list[Sequence[Any]]:
    """Return the refused changes, the oldest first, as rows of the queue."""
    return connection.execute(
        f"SELECT {COLUMNS} FROM member_refused ORDER BY at_ms, change_id"  # noqa: S608 - our own columns
    ).fetchall()


def queue_again(connection: Connection) -> None:
    """Put every refused change back at the end of the queue: a mended cloud may take it."""
    connection.execute(
        f"INSERT INTO member_change ({COLUMNS}) SELECT {COLUMNS}"  # noqa: S608 - our own columns
        " FROM member_refused WHERE true ORDER BY at_ms, change_id"
        " ON CONFLICT (change_id) DO NOTHING"
    )
    connection.execute("DELETE FROM member_refused")


def forget(connection: Connection, member_ref: str) -> None:
    """Drop what is kept about an erased member."""
    connection.execute("DELETE FROM member_refused WHERE member_ref = ?", (member_ref,))


def rename(connection: Connection, alias: str, member_ref: str) -> None:
    """What was refused under an alias is about the member it stands for."""
    connection.execute(
        "UPDATE member_refused SET member_ref = ? WHERE member_ref = ?", (member_ref, alias)
    )


def count(connection: Connection) -> int:
    """Return how many changes the cloud refuses."""
    (refused,) = connection.execute("SELECT count(*) FROM member_refused").fetchone()
    return int(refused)
