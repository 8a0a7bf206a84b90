"""`guidepos backup [--to DIR] [--keep N] [--list] [--place DIR]`: a verified copy of the store, also while
the till runs. Without `--to` it joins the backups the till makes by itself."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from app.devices.secrets import STORE_KEY, choose_keeper
from app.errors import Code, Trouble
from guidepos.backup_rounds import PLACE, shelf_of
from guidepos.bootstrap import default_home, open_till
from offline_store import Backup, read_state, shelf


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--to", type=Path, metavar="DIR", help="put it there, this once")
    what.add_argument(
        "--place", type=Path, metavar="DIR", help="keep all backups there from now on"
    )
    what.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="keep the newest N; otherwise the last of each of 7 days and 4 weeks",
    )
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    home = arguments.home or default_home()
    key = store_key(home)
    if arguments.place:
        _move_shelf(home, arguments.place.expanduser().resolve())
    folder = arguments.to or shelf_of(home, read_state(home / "store.db", key, PLACE))
    if arguments.list:
        backups = shelf.listed(folder)
    else:
        made = shelf.add(folder, home / "store.db", key, datetime.now(UTC), max(arguments.keep, 0))
        backups = [made]
    _print(backups, as_json=arguments.json)
    return 0


def store_key(home: Path) -> bytes:
    """Return the key of the till that lives in `home`. Raises Trouble(STORE_KEY_MISSING)."""
    key = choose_keeper(home).read(STORE_KEY)
    if key is None:
        raise Trouble(Code.STORE_KEY_MISSING)
    return key


def _move_shelf(home: Path, place: Path) -> None:
    till = open_till(home)
    try:
        till.store.run(lambda uow: uow.set_state(PLACE, str(place))).result()
    finally:
        till.close()


def _print(backups: list[Backup], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"file": str(each.file), "at": each.at.isoformat(), "bytes": each.size}
            for each in backups
        ]
        print(json.dumps(rows))
        return
    for each in backups:
        print(f"{each.at.isoformat(timespec='seconds')}  {each.size / 1e6:8.1f} MB  {each.file}")
    if not backups:
        print("no backups")
