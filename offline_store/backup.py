"""Copies of a store: online, encrypted with the same key, and verified before they count."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Code, Trouble
from offline_store.connection import open_reader, open_writer, troubles_sorted
from offline_store.durable import flush_folder, make_durable
from offline_store.preparing import NOBODY, UNKNOWN, Onlooker, Stage
from offline_store.verifying import first_broken_seq

if TYPE_CHECKING:
    from sqlite3 import Connection

_SPARE_BYTES = 8_000_000
_STEP_PAGES = 1_000
"""4 MB a step, and a breath between two: a till may sell meanwhile."""
_BREATH_S = 0.002


def back_up(source: Connection, target: Path, key: bytes, onlooker: Onlooker = NOBODY) -> None:
    """Copy a store with everything still in its WAL, then check the copy page by page.

    The copy takes the target's name only once it is sound and durable. `source` must have no
    transaction open. Raises Trouble: STORE_FULL, STORE_READ_ONLY, STORE_DAMAGED.
    """
    pages = int(source.execute("PRAGMA page_count").fetchone()[0])
    size = pages * int(source.execute("PRAGMA page_size").fetchone()[0])
    if shutil.disk_usage(target.parent).free < size + _SPARE_BYTES:
        raise Trouble(Code.STORE_FULL, needed=size)
    half = target.with_name(target.name + ".part")
    remove(half)
    copy = open_writer(half, key)
    try:
        with troubles_sorted():
            copy.execute("PRAGMA journal_mode = OFF")  # half a copy is thrown away anyway
            copy.execute("PRAGMA synchronous = OFF")
            _copy_snapshot(source, copy, onlooker)
            onlooker.told(Stage.CHECKING, UNKNOWN)
            why = unsoundness(copy)
    finally:
        copy.close()
    if why:
        remove(half)
        raise Trouble(Code.STORE_DAMAGED, detail=why)
    make_durable(half)
    half.replace(target)
    flush_folder(target.parent)


def back_up_file(file: Path, key: bytes, target: Path) -> None:
    """Back up a store that a till may have open, by a connection of our own, its journal verified too.

    Raises Trouble: STORE_FULL, STORE_READ_ONLY, STORE_DAMAGED, STORE_KEY_WRONG, JOURNAL_BROKEN.
    """
    if not file.exists():
        raise Trouble(Code.STORE_READ_ONLY, file=file.name)
    source = open_reader(file, key)
    try:
        back_up(source, target, key)
    finally:
        source.close()
    try:
        verify_backup(target, key)
    except Trouble:
        remove(target)
        raise


def verify_backup(file: Path, key: bytes) -> None:
    """Open a copy, check its pages and walk its whole journal.

    Raises Trouble: STORE_KEY_WRONG, STORE_DAMAGED, JOURNAL_BROKEN, STORE_READ_ONLY if there is none.
    """
    if not file.exists():
        raise Trouble(Code.STORE_READ_ONLY, file=file.name)
    connection = open_reader(file, key)
    try:
        with troubles_sorted():
            why = unsoundness(connection)
            broken = None if why else first_broken_seq(connection)
    finally:
        connection.close()
    if why:
        raise Trouble(Code.STORE_DAMAGED, detail=why)
    if broken is not None:
        raise Trouble(Code.JOURNAL_BROKEN, seq=broken)


def unsoundness(connection: Connection) -> str:
    """Return what is wrong with a file's pages, "" if nothing is."""
    verdict = str(connection.execute("PRAGMA quick_check").fetchone()[0])
    bad_pages = connection.execute("PRAGMA cipher_integrity_check").fetchall()
    if verdict != "ok":
        return verdict
    return str(bad_pages[0][0]) if bad_pages else ""


def _copy_snapshot(source: Connection, copy: Connection, onlooker: Onlooker) -> None:
    """Copy step by step what one read transaction sees: no sale in between begins it anew."""

    def step(_status: int, left: int, pages: int) -> None:
        onlooker.told(Stage.COPYING, 1 - left / max(1, pages))
        time.sleep(_BREATH_S)

    reading = not source.in_transaction
    if reading:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    try:
        source.backup(copy, pages=_STEP_PAGES, progress=step)
    finally:
        if reading:
            source.execute("COMMIT")


def remove(file: Path) -> None:
    """Remove a database file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
