"""Changes of members that the cloud has settled, kept until no backup it could come back from lacks them.

A cloud that begins another timeline may have lost what it had settled: then they go into the queue again,
under their own ids, and so does every erasure this till knows of, by its reference alone. Personal data like
the queue itself; erasing a member empties this too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from app.domain.ids import new_id
from app.domain.times import Moment
from app.wire.messages import ERASE, JOIN, MEMBERS, MemberChange, MemberRow, MemberVerdict
from offline_store import device
from offline_store.identity import current_epoch

if TYPE_CHECKING:
    from sqlite3 import Connection

STATEMENTS = (
    """CREATE TABLE member_settled (
        place INTEGER PRIMARY KEY, change_id TEXT NOT NULL UNIQUE, member_ref TEXT NOT NULL,
        field TEXT NOT NULL, value TEXT NOT NULL, base_revision INTEGER NOT NULL,
        t_ms INTEGER NOT NULL, settled_ref TEXT NOT NULL, settled_revision INTEGER NOT NULL,
        fact_no INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX member_settled_of ON member_settled (member_ref)",
    "CREATE INDEX member_settled_as ON member_settled (settled_ref) WHERE settled_ref <> ''",
    "CREATE INDEX member_settled_fact ON member_settled (fact_no)",
    "CREATE INDEX member_erased ON member (member_no) WHERE erased = 1",
    "ALTER TABLE member_change ADD COLUMN settled_ref TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE member_change ADD COLUMN settled_revision INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE member_refused ADD COLUMN settled_ref TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE member_refused ADD COLUMN settled_revision INTEGER NOT NULL DEFAULT 0",
)
"""`fact_no` was the newest fact of this file when the cloud's verdict came."""

COLUMNS = "change_id, member_ref, field, value, base_revision, t_ms, settled_ref, settled_revision"
"""The columns of a change, in the queue and wherever else one is kept."""

MAX_ID = 64
"""So long an id of a change may be at the cloud."""
_CHANGES, _ERASURES = "members.again", "members.erased_again"
"""Device state while the settled changes, and then the erasures, wait to be queued again."""
_MISSING = "members.missing"
"""Device state from another history of the cloud on until its snapshot was gone through: the generation
of the members' feed before it."""
_ERASED = (
    "SELECT k.value FROM json_each(?) k CROSS JOIN member m"
    " ON m.member_ref = k.value AND m.erased = 1"
)


def keep(
    connection: Connection, change: MemberChange, verdict: MemberVerdict, newest_fact: int
) -> None:
    """Keep a change that counts at the cloud, with what the cloud made of it.

    One that lost counts nowhere, and an erased member's row here is the memory of the erasure.
    """
    if change.field == ERASE or verdict.verdict not in ("applied", "alias", "duplicate"):
        return
    other = verdict.verdict == "alias" and verdict.member_ref != change.member_ref
    connection.execute(
        f"INSERT OR REPLACE INTO member_settled ({COLUMNS}, fact_no)"  # noqa: S608 - our own columns
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            change.change_id,
            change.member_ref,
            change.field,
            change.value,
            change.base_revision,
            change.t_ms,
            verdict.member_ref if other else "",
            verdict.revision or change.settled_revision,
            newest_fact,
        ),
    )


def forget(connection: Connection, member_ref: str) -> None:
    """Drop what is kept about an erased member."""
    connection.execute("DELETE FROM member_settled WHERE member_ref = ?", (member_ref,))
    connection.execute(
        "DELETE FROM member_settled WHERE settled_ref <> '' AND settled_ref = ?", (member_ref,)
    )


def forget_some(connection: Connection, most: int) -> bool:
    """Drop at most so many changes, whoever they are about; True while there are more."""
    gone = connection.execute(
        "DELETE FROM member_settled WHERE place IN (SELECT place FROM member_settled LIMIT ?)",
        (most,),
    )
    return gone.rowcount == most


def rename(connection: Connection, alias: str, member_ref: str) -> None:
    """What was settled under an alias is about the member it stands for; the joining made the alias."""
    connection.execute(
        "UPDATE member_settled SET member_ref = ? WHERE member_ref = ? AND field <> 'join'",
        (member_ref, alias),
    )


def knows(connection: Connection, member_ref: str) -> bool:
    """Tell whether anything is kept about somebody."""
    known = connection.execute(
        "SELECT 1 FROM member_settled WHERE member_ref = ?1 UNION ALL"
        " SELECT 1 FROM member_settled WHERE settled_ref <> '' AND settled_ref = ?1 LIMIT 1",
        (member_ref,),
    )
    return known.fetchone() is not None


def prune(connection: Connection, most: int) -> int:
    """Let go of at most `most` changes that no backup lacks; return how many went.

    A backup that holds a record made after the verdict came was begun after the cloud had the change.
    """
    epoch = current_epoch(connection)
    if not epoch.durable_seq or _is_again(connection):
        return 0
    return connection.execute(
        "DELETE FROM member_settled WHERE place IN"
        " (SELECT place FROM member_settled WHERE fact_no < ? LIMIT ?)",
        (epoch.facts_up_to(epoch.durable_seq), most),
    ).rowcount


# --- a cloud that may have lost them --------------------------------------------------------------


def send_again(connection: Connection) -> None:
    """The cloud's history is another: all that is kept, and every erasure, is to be queued again, and
    after the next snapshot whoever is missing there."""
    device.set_state(connection, _CHANGES, "1")
    device.set_state(connection, _ERASURES, "0")
    device.set_state(connection, _MISSING, str(_generation(connection)))


def is_restored(connection: Connection) -> bool:
    """Tell whether the snapshot in use is the first of another history of the cloud. Only then was
    whoever it leaves out lost there; else the cloud never knew them, and that is not ours to tell."""
    before = device.state(connection, _MISSING)
    return bool(before) and _generation(connection) > int(before)


def missing_told(connection: Connection) -> None:
    """Everybody whom that snapshot left out is in the queue."""
    device.set_state(connection, _MISSING, "")


def _generation(connection: Connection) -> int:
    row = connection.execute(
        "SELECT complete FROM feed_state WHERE stream = ?", (MEMBERS,)
    ).fetchone()
    return int(row[0]) if row else 0


def queue_again(connection: Connection, most: int) -> bool:
    """Put at most `most` of what is to be sent again into the queue; True while there may be more.

    The newest come first and each batch before all that waits, so that in the end the order is that
    in which they were made. Erasures come last: they win whenever they arrive.
    """
    if device.state(connection, _CHANGES):
        if _queue_changes(connection, most) < most:
            device.set_state(connection, _CHANGES, "")
        return True
    after = device.state(connection, _ERASURES)
    if not after:
        return False
    last, count = _queue_erasures(connection, int(after), most)
    device.set_state(connection, _ERASURES, str(last) if count == most else "")
    return True


def _is_again(connection: Connection) -> bool:
    return bool(device.state(connection, _CHANGES))


def _queue_changes(connection: Connection, most: int) -> int:
    rows = connection.execute(
        f"SELECT place, {COLUMNS} FROM member_settled ORDER BY place DESC LIMIT ?",  # noqa: S608 - our own columns
        (most,),
    ).fetchall()
    (first,) = connection.execute("SELECT min(place) FROM member_change").fetchone()
    before = min(first or 0, 0)
    connection.executemany(
        f"INSERT INTO member_change (place, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own columns
        " ON CONFLICT (change_id) DO NOTHING",
        [(before - nth, *row[1:]) for nth, row in enumerate(rows, 1)],
    )
    connection.executemany(
        "DELETE FROM member_settled WHERE place = ?", [(row[0],) for row in rows]
    )
    return len(rows)


def _queue_erasures(connection: Connection, after: int, most: int) -> tuple[int, int]:
    """Queue the erasures that follow a place; return the last place and how many there were."""
    rows = connection.execute(
        "SELECT member_no, member_ref, revision FROM member"
        " WHERE erased = 1 AND member_no > ? ORDER BY member_no LIMIT ?",
        (after, most),
    ).fetchall()
    connection.executemany(
        "INSERT INTO member_change (change_id, member_ref, field, value, base_revision, t_ms,"
        " settled_revision) SELECT ?1, ?2, ?3, '', ?4, 0, ?4 WHERE NOT EXISTS"
        " (SELECT 1 FROM member_change WHERE member_ref = ?2 AND field = ?3)",
        [(new_id(), ref, ERASE, max(revision, 1)) for _, ref, revision in rows],
    )
    return (rows[-1][0] if rows else after), len(rows)


def queue_lost(
    connection: Connection, member_ref: str, said: dict[str, str], revision: int, now: Moment
) -> None:
    """Queue a member the cloud has lost; every till does so under the same id."""
    connection.execute(
        "INSERT INTO member_change (change_id, member_ref, field, value, base_revision, t_ms,"
        " settled_revision) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?5 WHERE NOT EXISTS"
        " (SELECT 1 FROM member_change WHERE member_ref = ?2 AND field = ?3)"
        " ON CONFLICT (change_id) DO NOTHING",
        (
            f"lost-{revision}-{member_ref}"[:MAX_ID],
            member_ref,
            JOIN,
            msgspec.json.encode(said).decode(),
            revision,
            now.server_ms,
        ),
    )


def is_erased(connection: Connection, member_ref: str) -> bool:
    """Tell whether a member is known to be erased."""
    row = connection.execute(
        "SELECT erased FROM member WHERE member_ref = ?", (member_ref,)
    ).fetchone()
    return bool(row and row[0])


def without_erased(connection: Connection, rows: Sequence[MemberRow]) -> list[MemberRow]:
    """Return the rows but those that would bring somebody back who is known to be erased."""
    if connection.execute("SELECT 1 FROM member WHERE erased = 1 LIMIT 1").fetchone() is None:
        return list(rows)
    refs = msgspec.json.encode([row.member_ref for row in rows]).decode()
    erased = {row[0] for row in connection.execute(_ERASED, (refs,)).fetchall()}
    return [row for row in rows if row.erased or row.member_ref not in erased]
