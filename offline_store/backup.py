"""Copies of a store: online, encrypted with the same key, and verified before they count."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Code, Trouble
from offline_store.connection import open_writer, troubles_sorted

if TYPE_CHECKING:
    from sqlite3 import Connection

_SPARE_BYTES = 8_000_000


def back_up(source: Connection, target: Path, key: bytes) -> None:
    """Copy a store with everything still in its WAL, then check the copy page by page.

    The copy takes the target's name only once it is sound. Raises Trouble: STORE_FULL,
    STORE_READ_ONLY, STORE_DAMAGED.
    """
    pages = int(source.execute("PRAGMA page_count").fetchone()[0])
    size = pages * int(source.execute("PRAGMA page_size").fetchone()[0])
    if shutil.disk_usage(target.parent).free < size + _SPARE_BYTES:
        raise Trouble(Code.STORE_FULL, needed=size)
    half = target.with_name(target.name + ".part")
    _remove(half)
    copy = open_writer(half, key)
    try:
        with troubles_sorted():
            source.backup(copy)
            verdict = copy.execute("PRAGMA quick_check").fetchone()[0]
            bad_pages = copy.execute("PRAGMA cipher_integrity_check").fetchall()
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, no WAL beside it
    finally:
        copy.close()
    if verdict != "ok" or bad_pages:
        _remove(half)
        raise Trouble(Code.STORE_DAMAGED, detail=str(verdict))
    half.replace(target)


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
