"""Which backups may still be restored, and up to where they hold each till's journal.

A till forgets a record only when every backup that may come back holds it. The marks are written down
before a backup is begun, so they can only be too low. One verified backup is what a till may rely on; from
then on any other that was begun counts against it, for an unverified one may be what comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from cloud.db.backup_tables import backup, backup_mark
from cloud.db.distribution import across
from cloud.db.tables import device_epoch
from cloud.errors import Refused


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as it was registered. Times are Unix ms; `verified_ms` 0: none can rely on it (yet)."""

    backup_id: str
    file: str
    begun_ms: int
    verified_ms: int


def register(connection: sa.Connection, backup_id: str, file: str, *, now_ms: int) -> None:
    """Write down where every journal stands, before the backup is begun."""
    connection.execute(
        sa.insert(backup).values(backup_id=backup_id, file=file, begun_ms=now_ms, verified_ms=0)
    )
    marks = sa.select(
        device_epoch.c.tenant_id,
        device_epoch.c.store_id,
        device_epoch.c.device_id,
        device_epoch.c.epoch,
        sa.literal(backup_id),
        device_epoch.c.hwm,
    )
    columns = ["tenant_id", "store_id", "device_id", "epoch", "backup_id", "hwm"]
    connection.execute(across(sa.insert(backup_mark).from_select(columns, marks), "backup"))


def confirm(connection: sa.Connection, backup_id: str, *, now_ms: int) -> None:
    """The backup was verified: from now on tills may rely on it."""
    connection.execute(
        sa.update(backup).where(backup.c.backup_id == backup_id).values(verified_ms=now_ms)
    )


def drop(connection: sa.Connection, backup_id: str) -> None:
    """Forget a backup that no longer exists. Raises Refused 404 for one nobody knows."""
    gone = connection.execute(sa.delete(backup).where(backup.c.backup_id == backup_id))
    if not gone.rowcount:
        raise Refused(404, "backup_unknown", backup_id)
    marks = sa.delete(backup_mark).where(backup_mark.c.backup_id == backup_id)
    connection.execute(across(marks, "backup"))


def listed(connection: sa.Connection) -> list[Backup]:
    """Return all backups known, the newest first."""
    query = sa.select(backup).order_by(backup.c.begun_ms.desc(), backup.c.backup_id)
    return [
        Backup(row.backup_id, row.file, row.begun_ms, row.verified_ms)
        for row in connection.execute(query)
    ]


_HELD = sa.and_(
    backup_mark.c.backup_id == backup.c.backup_id,
    backup_mark.c.tenant_id == sa.bindparam("tenant"),
    backup_mark.c.store_id == sa.bindparam("store"),
    backup_mark.c.device_id == sa.bindparam("device"),
    backup_mark.c.epoch == sa.bindparam("of_epoch"),
)
_DURABLE = sa.select(
    sa.func.min(sa.func.coalesce(backup_mark.c.hwm, 0)).label("hwm"),
    sa.func.max(backup.c.verified_ms).label("verified_ms"),
).select_from(backup.outerjoin(backup_mark, _HELD))


def durable_seq(connection: sa.Connection, tenant: str, store: str, device: str, epoch: str) -> int:
    """Return up to which record every backup holds a journal, verified or not; 0 while none is verified.

    An epoch that is younger than one of them is in that one not at all, and so stands at 0 too.
    """
    place = {"tenant": tenant, "store": store, "device": device, "of_epoch": epoch}
    found = connection.execute(_DURABLE, place).one()
    return int(found.hwm) if found.verified_ms else 0


def lower_marks(
    connection: sa.Connection, tenant: str, store: str, device: str, epoch: str, seq: int
) -> None:
    """Say that no backup so far holds a journal beyond a seq: a record in there came only just now."""
    mark = backup_mark.c
    connection.execute(
        sa.update(backup_mark)
        .where(
            mark.tenant_id == tenant,
            mark.store_id == store,
            mark.device_id == device,
            mark.epoch == epoch,
            mark.hwm > seq,
        )
        .values(hwm=seq)
    )


def trust_restored(connection: sa.Connection, *, now_ms: int) -> None:
    """In a database that just came back: the backup it came from was its newest and still unconfirmed
    when it was taken, and has proved itself since."""
    newest = connection.scalar(
        sa.select(backup.c.backup_id).order_by(backup.c.begun_ms.desc()).limit(1)
    )
    if newest is not None:
        confirm(connection, newest, now_ms=now_ms)
