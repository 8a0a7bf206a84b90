"""How far a device's journal is held here: the mark of each epoch, and the hash at any place below it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from cloud.db.tables import device_epoch, journal
from cloud.services.backups import durable_seq
from cloud.services.tokens import DevicePrincipal


@dataclass(frozen=True, slots=True)
class Mark:
    """The contiguous high-water mark with its hash (genesis at 0)."""

    hwm: int
    hash: bytes


def own(
    columns: sa.ColumnCollection[str, sa.Column[object]], sender: DevicePrincipal
) -> sa.ColumnElement[bool]:
    """Return the condition that a row is the device's own."""
    return sa.and_(
        columns.tenant_id == sender.tenant,
        columns.store_id == sender.store,
        columns.device_id == sender.device,
    )


def mark_of(
    connection: sa.Connection, sender: DevicePrincipal, epoch: str, *, lock: bool = False
) -> Mark | None:
    """Return the mark of an epoch, None if it was never opened here; `lock` keeps others from moving it."""
    query = sa.select(device_epoch.c.hwm, device_epoch.c.hwm_hash).where(
        own(device_epoch.c, sender), device_epoch.c.epoch == epoch.replace("\0", "")
    )
    row = connection.execute(query.with_for_update() if lock else query).first()
    return Mark(row.hwm, row.hwm_hash) if row else None


def durable_mark(connection: sa.Connection, sender: DevicePrincipal, epoch: str) -> int:
    """Return up to where every backup we could come back from holds an epoch."""
    known = epoch.replace("\0", "")
    return durable_seq(connection, sender.tenant, sender.store, sender.device, known)


def hash_at(connection: sa.Connection, sender: DevicePrincipal, epoch: str, seq: int) -> bytes:
    """Return the hash of the record at a place, b"" where none is held."""
    found: bytes | None = connection.scalar(
        sa.select(journal.c.hash).where(
            own(journal.c, sender), journal.c.epoch == epoch, journal.c.seq == seq
        )
    )
    return found or b""
