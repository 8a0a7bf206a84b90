"""The encrypted SQLite file of a till. Nothing outside this package knows that it is SQLite."""

from __future__ import annotations

from offline_store.connection import check_fitness
from offline_store.copy_files import Copied, read_copy
from offline_store.store import OfflineStore, open_store, verify_file

__all__ = ["Copied", "OfflineStore", "check_fitness", "open_store", "read_copy", "verify_file"]
