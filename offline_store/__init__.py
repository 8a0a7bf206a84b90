"""The encrypted SQLite file of a till. Nothing outside this package knows that it is SQLite."""

from __future__ import annotations

from offline_store import shelf
from offline_store.backup import verify_backup
from offline_store.connection import check_fitness
from offline_store.copy_files import Copied, read_copy
from offline_store.restore import Restored, read_store, restore, unsent_in, wipe
from offline_store.shelf import Backup
from offline_store.store import OfflineStore, open_store, read_state, verify_file

__all__ = [
    "Backup",
    "Copied",
    "OfflineStore",
    "Restored",
    "check_fitness",
    "open_store",
    "read_copy",
    "read_state",
    "read_store",
    "restore",
    "shelf",
    "unsent_in",
    "verify_backup",
    "verify_file",
    "wipe",
]
