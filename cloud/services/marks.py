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


_THIS = sa.and_(
    device_epoch.c.tenant_id == sa.bindparam("tenant"),
    device_epoch.c.store_id == sa.bindparam("store"),
    device_epoch.c.device_id == sa.bindparam("device"),
    device_epoch.c.epoch == sa.bindparam("of_epoch"),
)
_MARK = sa.select(device_epoch.c.hwm, device_epoch.c.hwm_hash).where(_THIS)
_LOCKED_MARK = _MARK.with_for_update()
_MOVE = (
    sa.update(device_epoch)
    .where(_THIS)
    .values(hwm=sa.bindparam("to_seq"), hwm_hash=sa.bindparam("to_hash"))
)
"""Written once: every push asks, and building a statement costs more than sending it."""


def mark_of(
    connection: sa.Connection, sender: DevicePrincipal, epoch: str, *, lock: bool = False
) -> Mark | None:
    """Return the mark of an epoch, None if it was never opened here; `lock` keeps others from moving it."""
    row = connection.execute(_LOCKED_MARK if lock else _MARK, _place(sender, epoch)).first()
    return Mark(row.hwm, row.hwm_hash) if row else None


def move_mark(connection: sa.Connection, sender: DevicePrincipal, epoch: str, mark: Mark) -> None:
    """Write down how far an epoch is held from now on."""
    to = {"to_seq": mark.hwm, "to_hash": mark.hash}
    connection.execute(_MOVE, {**_place(sender, epoch), **to})


def _place(sender: DevicePrincipal, epoch: str) -> dict[str, str]:
    known = epoch.replace("\0", "")
    return {
        "tenant": sender.tenant,
        "store": sender.store,
        "device": sender.device,
        "of_epoch": known,
    }


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
