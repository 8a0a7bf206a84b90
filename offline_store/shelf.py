"""The shelf of backups: their names, which of them stay, and what lies there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from offline_store.backup import back_up_file, remove

DAILY, WEEKLY = 7, 4
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
    return next(backup for backup in listed(folder) if backup.file == target)


def rotate(folder: Path, keep: int = 0) -> None:
    """Take away what need not stay; the newest always does."""
    backups = listed(folder)
    stay = staying([backup.at for backup in backups], keep)
    for backup in backups[1:]:
        if backup.at not in stay:
            remove(backup.file)
