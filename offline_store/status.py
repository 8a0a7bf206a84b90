"""How far behind the cloud this till is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ports import SyncStatus
from offline_store import device, member_refusals
from offline_store.identity import current_epoch
from offline_store.journal import head, oldest_unsent_ms

if TYPE_CHECKING:
    from sqlite3 import Connection

LAST_PUSH = "sync.last_push_ms"
LAST_PULL = "sync.last_pull_ms"


def sync_status(connection: Connection) -> SyncStatus:
    """Return counts and times without counting rows of the journal."""
    epoch = current_epoch(connection)
    mark = head(connection, epoch)
    (waiting,) = connection.execute("SELECT count(*) FROM member_change").fetchone()
    return SyncStatus(
        unsent=mark.seq - epoch.acked_seq,
        oldest_unsent_ms=oldest_unsent_ms(connection, epoch),
        last_push_ms=int(device.state(connection, LAST_PUSH) or 0),
        last_pull_ms=int(device.state(connection, LAST_PULL) or 0),
        member_changes=waiting,
        head=mark,
        member_refused=member_refusals.count(connection),
    )
