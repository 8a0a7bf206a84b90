"""How far behind the cloud this till is, and whether it may do more than send."""

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
_STANDING, _REVOKED = "device.standing", "revoked"


def sync_status(connection: Connection) -> SyncStatus:
    """Return counts and times without counting rows of the journal."""
    epoch = current_epoch(connection)
    mark = head(connection, epoch)
    (waiting,) = connection.execute("SELECT count(*) FROM member_change").fetchone()
    return SyncStatus(
        unsent=max(mark.seq - epoch.acked_seq, 0),  # an end that is lost may lie before the mark
        oldest_unsent_ms=oldest_unsent_ms(connection, epoch),
        last_push_ms=int(device.state(connection, LAST_PUSH) or 0),
        last_pull_ms=int(device.state(connection, LAST_PULL) or 0),
        member_changes=waiting,
        head=mark,
        member_refused=member_refusals.count(connection),
    )


def is_revoked(connection: Connection) -> bool:
    """Tell whether the cloud said that this device may only send what it has."""
    return device.state(connection, _STANDING) == _REVOKED


def set_revoked(connection: Connection, revoked: bool) -> None:
    """Note what the cloud says of this device."""
    device.set_state(connection, _STANDING, _REVOKED if revoked else "")
