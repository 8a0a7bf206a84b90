"""`guidepos-cloud backup --to DIR [--keep N] | --list | --drop ID` and `restore FILE`."""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from cloud.bootstrap import Cloud, open_cloud, wall_clock
from cloud.db.dump import dump, load, suffix_of
from cloud.db.underway import clear_away, underway, was_given_up
from cloud.services import backups
from cloud.settings import Settings


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add both commands to the program's."""
    backup = commands.add_parser(
        "backup", parents=[common], help="write the database to a file, while tills go on sending"
    )
    what = backup.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", type=Path, metavar="DIR", help="make one there")
    what.add_argument("--list", action="store_true", help="say which may still be restored")
    what.add_argument("--drop", metavar="ID", help="forget one that no longer exists")
    backup.add_argument(
        "--keep", type=int, default=0, metavar="N", help="remove all but the newest N of ours"
    )
    backup.set_defaults(run=_backup)
    restore = commands.add_parser(
        "restore", parents=[common], help="bring a backup into an empty database"
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.set_defaults(run=_restore)


def _backup(options: argparse.Namespace, settings: Settings) -> int:
    cloud = open_cloud(settings)
    try:
        if options.drop:
            cloud.db.write(lambda connection: backups.drop(connection, options.drop))
        elif options.to:
            _settle_broken(cloud)
            _make(cloud, options.to.expanduser().resolve(), options.keep)
        known = cloud.db.read(backups.listed)
    finally:
        cloud.close()
    if options.json:
        rows = [
            {
                "id": b.backup_id,
                "file": b.file,
                "begun_ms": b.begun_ms,
                "verified_ms": b.verified_ms,
            }
            for b in known
        ]
        print(json.dumps(rows))
        return 0
    for each in known:
        begun = datetime.fromtimestamp(each.begun_ms / 1000, UTC).isoformat(timespec="seconds")
        state = "verified" if each.verified_ms else "NOT VERIFIED"
        there = "" if Path(each.file).exists() else "  (not here; --drop it if it is gone for good)"
        print(f"{each.backup_id}  {begun}  {state:12}  {each.file}{there}")
    return 0


def _settle_broken(cloud: Cloud) -> None:
    """Settle what programs that were killed left registered: a file that has its name is whole and was
    checked, so it counts; one that has not can be finished by nobody, and holds no till back any more."""
    for each in cloud.db.read(backups.listed):
        file = Path(each.file)
        if each.verified_ms or not was_given_up(file):
            continue
        settle = partial(backups.confirm, now_ms=cloud.clock()) if file.exists() else backups.drop
        cloud.db.write(partial(settle, backup_id=each.backup_id))
        clear_away(file)


def _make(cloud: Cloud, folder: Path, keep: int) -> None:
    """Register, write, verify, confirm; in this order a mark is never too high."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = datetime.fromtimestamp(cloud.clock() / 1000, UTC)
    backup_id = os.urandom(4).hex()
    name = f"cloud-{now:%Y%m%dT%H%M%SZ}-{backup_id}{suffix_of(cloud.settings)}"
    file = folder / name
    db, clock = cloud.db, cloud.clock
    with underway(file):
        db.write(
            lambda connection: backups.register(connection, backup_id, str(file), now_ms=clock())
        )
        try:
            dump(cloud.settings, file)
        except BaseException:
            file.unlink(missing_ok=True)  # first: one that nobody registered must not come back
            db.write(lambda connection: backups.drop(connection, backup_id))
            clear_away(file)
            raise
        db.write(lambda connection: backups.confirm(connection, backup_id, now_ms=clock()))
    if keep > 0:
        for old in [each for each in db.read(backups.listed) if each.verified_ms][keep:]:
            Path(old.file).unlink(missing_ok=True)  # first: a mark without its file is only too low
            db.write(lambda connection, old=old: backups.drop(connection, old.backup_id))  # type: ignore[misc]


def _restore(options: argparse.Namespace, settings: Settings) -> int:
    begun = load(settings, options.file)
    cloud = open_cloud(settings)  # a backup of an older program is brought up to date
    try:
        cloud.db.write(lambda connection: backups.trust_restored(connection, now_ms=wall_clock()))
    finally:
        cloud.close()
    if options.json:
        print(json.dumps({"timeline": begun}))
        return 0
    print(
        f"restored; timeline {begun} begins. Tills notice it at their next contact and send again what\n"
        "this backup does not hold. What was changed at the cloud itself since (prices, people, members)\n"
        "is not in it and has to be published again."
    )
    return 0
