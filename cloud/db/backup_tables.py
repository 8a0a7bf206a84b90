"""Tables of backups: which may still be restored, and what of each device's journal is certainly in them."""

from __future__ import annotations

from sqlalchemy import Table

from cloud.db.base import metadata
from cloud.db.columns import key, text, whole
from cloud.db.distribution import BY_STORE, REFERENCE

backup = Table(
    "backup",
    metadata,
    *key("backup_id"),
    text("file"),
    whole("begun_ms"),
    whole("verified_ms"),
    info=REFERENCE,
)
"""`verified_ms` 0: registered, but nobody knows yet whether it can be restored."""

backup_mark = Table(
    "backup_mark",
    metadata,
    *key("tenant_id", "store_id", "device_id", "epoch", "backup_id"),
    whole("hwm"),
    info=BY_STORE,
)
"""The mark of an epoch as it stood before the backup was begun, and so is contained in it."""
