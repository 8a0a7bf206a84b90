"""What a person must see: tasks of the store as the cloud tells them, and alarms of this very till.

Settled tasks are kept for some days, so that one can see what became of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from app.domain.ids import new_id
from app.ports import Alarm
from app.wire.tasks import KEPT_DAYS, SETTLED, TaskRow
from offline_store import device

if TYPE_CHECKING:
    from sqlite3 import Connection

_DAY_MS = 86_400_000
STATEMENTS = (
    """CREATE TABLE task (
        task_id TEXT PRIMARY KEY, kind TEXT NOT NULL,
        created_ms INTEGER NOT NULL, settled_ms INTEGER NOT NULL, body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE task_claim (
        task_id TEXT PRIMARY KEY, claim_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE alarm (
        code TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL,
        at_ms INTEGER NOT NULL, settled INTEGER NOT NULL,
        PRIMARY KEY (code, subject)
    ) STRICT, WITHOUT ROWID""",
)
"""The tables of this room."""

_GENERATION = "tasks.generation"
_DECODER = msgspec.json.Decoder(TaskRow)
_ENCODER = msgspec.json.Encoder()


def apply(
    connection: Connection,
    rows: Sequence[TaskRow],
    gone: Sequence[str],
    generation: int,
    now_ms: int,
) -> None:
    """Take rows of the stream over. Rows of another generation of the feed are forgotten first."""
    if device.state(connection, _GENERATION) != str(generation):
        connection.execute("DELETE FROM task")
        device.set_state(connection, _GENERATION, str(generation))
    for row in rows:
        put(connection, row)
    connection.executemany("DELETE FROM task WHERE task_id = ?", [(key,) for key in gone])
    connection.executemany(
        "DELETE FROM task WHERE kind = ? AND settled_ms > 0 AND settled_ms <= ?",
        [(kind, now_ms - days * _DAY_MS) for kind, days in KEPT_DAYS.items()],
    )


def put(connection: Connection, row: TaskRow) -> None:
    """Write a task as the cloud says it stands now."""
    connection.execute(
        "INSERT OR REPLACE INTO task VALUES (?, ?, ?, ?, ?)",
        (row.task_id, row.kind, row.created_ms, row.settled_ms, _ENCODER.encode(row)),
    )
    if row.state == SETTLED:
        connection.execute("DELETE FROM task_claim WHERE task_id = ?", (row.task_id,))


def every(connection: Connection) -> tuple[TaskRow, ...]:
    """Return all tasks that are kept, the newest first."""
    rows = connection.execute("SELECT body FROM task ORDER BY created_ms DESC, task_id")
    return tuple(_DECODER.decode(body) for (body,) in rows.fetchall())


def claim_of(connection: Connection, task_id: str) -> str:
    """Return the id under which this till claims a task, made with the first question."""
    connection.execute(
        "INSERT INTO task_claim VALUES (?, ?) ON CONFLICT (task_id) DO NOTHING", (task_id, new_id())
    )
    row = connection.execute(
        "SELECT claim_id FROM task_claim WHERE task_id = ?", (task_id,)
    ).fetchone()
    return str(row[0])


def raise_alarm(connection: Connection, code: str, subject: str, detail: str, at_ms: int) -> None:
    """Write an alarm, unless the very same was raised before, settled or not."""
    connection.execute(
        "INSERT INTO alarm VALUES (?, ?, ?, ?, 0) ON CONFLICT (code, subject) DO UPDATE SET"
        " detail = excluded.detail, at_ms = excluded.at_ms, settled = 0"
        " WHERE alarm.detail <> excluded.detail",
        (code, subject, detail, at_ms),
    )


def settle_alarm(connection: Connection, code: str, subject: str) -> None:
    """Put an alarm away; another detail raises it again."""
    connection.execute(
        "UPDATE alarm SET settled = 1 WHERE code = ? AND subject = ?", (code, subject)
    )


def alarms(connection: Connection) -> tuple[Alarm, ...]:
    """Return the alarms nobody has put away, the newest first."""
    rows = connection.execute(
        "SELECT code, subject, detail, at_ms FROM alarm WHERE settled = 0"
        " ORDER BY at_ms DESC, code, subject"
    )
    return tuple(Alarm(*row) for row in rows.fetchall())
