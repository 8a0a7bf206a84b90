"""A store put back from a backup: verified, marked as restored, and given the store's name in one step.

The old file is never touched before the new one is whole, and never thrown away while it holds what
no cloud holds.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Code, RuleBroken, Trouble
from app.wire.journal import Record
from offline_store import device, leaving, members
from offline_store.backup import remove, verify_backup
from offline_store.connection import SqliteError, open_reader, open_writer, troubles_sorted
from offline_store.copy_files import Copied
from offline_store.durable import flush_folder, make_durable
from offline_store.epochs import REQUEST, RESTORED
from offline_store.identity import all_epochs
from offline_store.journal import head, read_on
from offline_store.lock import StoreLock
from offline_store.status import sync_status

if TYPE_CHECKING:
    from sqlite3 import Connection

RESTORED_MS = "restored.ms"
"""Device state: when this file came back from a backup, Unix ms."""
_WAL = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. `newest_ms` is when its last record was made (Unix ms, 0 for none);
    `aside` is where the old store lies now, None if nothing was kept."""

    records: int
    unsent: int
    newest_ms: int
    aside: Path | None


def restore(backup: Path, file: Path, key: bytes, now: datetime, *, keep_old: bool) -> Restored:
    """Put `backup` in the place of a till's store.

    Raises Trouble(STORE_IN_USE) while a till has the store open, RuleBroken(UNSENT_LEFT) if the old
    one holds anything unsent (or cannot be asked) and need not be kept, and what `verify_backup`
    raises. Until the last step the old store is in its place.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = StoreLock(file)
    try:
        if not keep_old:
            _refuse_loss(file, key)
        fresh = file.with_name(file.name + ".restoring")
        records, unsent, newest_ms = _prepared(backup, fresh, key, now)
        _fold_in_log(file, key)
        aside = _lay_aside(file, now) if keep_old else None
        for suffix in _WAL:  # folded in or laid aside; a foreign log would spoil the new file
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        fresh.replace(file)
        flush_folder(file.parent)
    finally:
        lock.release()
    return Restored(records, unsent, newest_ms, aside)


def unsent_in(file: Path, key: bytes) -> tuple[int, int]:
    """Return how many records and changes of members, refused ones included, a store holds that no
    cloud has taken.

    Raises Trouble when the file cannot be asked.
    """
    connection = open_reader(file, key)
    try:
        with troubles_sorted():
            return leaving.unsent(connection)
    finally:
        connection.close()


def read_store(file: Path, key: bytes) -> Copied:
    """Return all a store that was laid aside holds, as a second copy would.

    Raises Trouble: STORE_KEY_WRONG, STORE_DAMAGED.
    """
    connection = open_reader(file, key)
    records: list[Record] = []
    damaged = 0
    try:
        with troubles_sorted():
            for epoch in reversed(all_epochs(connection)):
                last = head(connection, epoch).seq
                for place in read_on(connection, epoch, *epoch.start, last, last):
                    if isinstance(place, Record):
                        records.append(place)
                    else:
                        damaged += 1
            changes = members.kept(connection)
    finally:
        connection.close()
    return Copied(tuple(records), changes, damaged)


def _refuse_loss(file: Path, key: bytes) -> None:
    if not file.exists():
        return
    try:
        unsent, changes = unsent_in(file, key)
    except Trouble as trouble:
        raise RuleBroken(Code.UNSENT_LEFT, detail=f"unknown: {trouble.code.value}") from trouble
    if unsent or changes:
        raise RuleBroken(Code.UNSENT_LEFT, records=unsent, member_changes=changes)


def _prepared(backup: Path, fresh: Path, key: bytes, now: datetime) -> tuple[int, int, int]:
    """Make the file that will take the store's place: a verified copy that says it was restored."""
    remove(fresh)
    try:
        shutil.copyfile(backup, fresh)
    except OSError as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error
    try:
        verify_backup(fresh, key)
        connection = open_writer(fresh, key)
        try:
            with troubles_sorted():
                found = _mark(connection, now)
        finally:
            connection.close()
        make_durable(fresh)
    except BaseException:
        remove(fresh)
        raise
    for suffix in _WAL:
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    return found


def _mark(connection: Connection, now: datetime) -> tuple[int, int, int]:
    connection.execute("BEGIN IMMEDIATE")
    device.set_state(connection, RESTORED, "1")
    # Asked for by the file as it was: the till it was copied from may get, or have, that very epoch.
    device.set_state(connection, REQUEST, "")
    device.set_state(connection, RESTORED_MS, str(round(now.timestamp() * 1_000)))
    device.set_state(connection, "db_id", "")  # it is another file than the one the cloud knows
    connection.execute("COMMIT")
    standing = sync_status(connection)
    row = connection.execute("SELECT max(at_ms), count(*) FROM document").fetchone()
    connection.execute("PRAGMA journal_mode = DELETE")
    return row[1], standing.unsent, row[0] or 0


def _fold_in_log(file: Path, key: bytes) -> None:
    """Move what lies in the old store's log into the store itself, where it still can be opened."""
    if not file.exists():
        return
    try:
        old = open_writer(file, key)
        try:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            old.close()
    except (Trouble, SqliteError):
        return  # damaged: it is kept as it is, with its log beside it


def _lay_aside(file: Path, now: datetime) -> Path | None:
    """Give the old store and its log a second name."""
    if not file.exists():
        return None
    aside = file.with_name(f"store-before-{now.strftime('%Y%m%dT%H%M%S')}.db")
    for suffix in ("", *_WAL):
        part = file.with_name(file.name + suffix)
        if part.exists():
            _link(part, aside.with_name(aside.name + suffix))
    flush_folder(file.parent)
    return aside


def _link(part: Path, to: Path) -> None:
    """Give a file another name and leave it the old one, so that the store's name is never free."""
    try:
        os.link(part, to)
    except OSError:  # a file system without hard links
        shutil.copyfile(part, to)
        make_durable(to)


def wipe(file: Path, key: bytes, seen: tuple[int, int]) -> None:
    """Remove a store from the disk, if it still holds just what was `seen` (see `unsent_in`).

    Raises Trouble(STORE_IN_USE) while a till has it open, RuleBroken(UNSENT_LEFT) if one had since.
    """
    lock = StoreLock(file)
    try:
        if unsent_in(file, key) != seen:
            raise RuleBroken(Code.UNSENT_LEFT)
        file.unlink()  # first: a log without its store is nothing
        remove(file)
        remove(file.with_name(file.name + ".restoring"))
        flush_folder(file.parent)
    finally:
        lock.release()
