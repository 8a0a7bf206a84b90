"""The shelf of backups: their names, which of them stay, and what lies there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from offline_store.backup import back_up_file, remove
from offline_store.migrations import BEFORE

DAILY, WEEKLY = 7, 4
WEEK = timedelta(days=7)
_NAME = re.compile(r"store-(\d{8}T\d{6})Z\.db")
_FORM = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified copy of the store as it was at a time (UTC)."""

    file: Path
    at: datetime
    size: int


def listed(folder: Path) -> list[Backup]:
    """Return the backups on a shelf, the newest first. What is half done has another name."""
    found = []
    for file in folder.glob("store-*.db"):
        match = _NAME.fullmatch(file.name)
        if match:
            at = datetime.strptime(match[1], _FORM).replace(tzinfo=UTC)
            found.append(Backup(file, at, file.stat().st_size))
    return sorted(found, key=lambda backup: backup.at, reverse=True)


def staying(times: Sequence[datetime], keep: int = 0) -> set[datetime]:
    """Return which backups stay: the newest `keep`, or for 0 the newest of each of the last seven days
    and of each of the last four weeks that have one."""
    newest_first = sorted(times, reverse=True)
    if keep:
        return set(newest_first[:keep])
    days: dict[object, datetime] = {}
    weeks: dict[object, datetime] = {}
    for at in newest_first:
        days.setdefault(at.date(), at)
        weeks.setdefault(at.isocalendar()[:2], at)
    return {*list(days.values())[:DAILY], *list(weeks.values())[:WEEKLY]}


def add(folder: Path, store_file: Path, key: bytes, now: datetime, keep: int = 0) -> Backup:
    """Put a verified backup on the shelf and take away those whose time is over.

    Raises Trouble as `back_up_file` does; then the shelf is as it was.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"store-{now.astimezone(UTC).strftime(_FORM)}Z.db"
    back_up_file(store_file, key, target)
    rotate(folder, keep)
    drop_update_backups(store_file, now)
    return next(backup for backup in listed(folder) if backup.file == target)


def drop_update_backups(store_file: Path, shelved: datetime) -> None:
    """Remove backups that were taken before an update, once they are a week older than the newest on
    the shelf: by then the update has proved itself, and each is as large as the store."""
    for file in store_file.parent.glob(f"{store_file.name}{BEFORE}*"):
        taken = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if taken < shelved - WEEK:
            remove(file)


def rotate(folder: Path, keep: int = 0) -> None:
    """Take away what need not stay; the newest always does."""
    backups = listed(folder)
    stay = staying([backup.at for backup in backups], keep)
    for backup in backups[1:]:
        if backup.at not in stay:
            remove(backup.file)
