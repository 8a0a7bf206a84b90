"""`guidepos wipe [--exported FILE]`: remove this till from the machine; refused while anything is unsent."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from app.devices.keeper_mark import MARK_FILE
from app.devices.secrets import STORE_KEY, choose_keeper
from app.errors import Code, RuleBroken, Trouble
from guidepos.bootstrap import default_home, open_till
from guidepos.exported import covered_by
from guidepos.till import Till
from offline_store import unsent_in
from offline_store import wipe as remove_store

_PATIENCE_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exported",
        type=Path,
        metavar="FILE",
        help="a file of `guidepos journal export` that holds everything unsent",
    )


def run(arguments: argparse.Namespace) -> int:
    home: Path = arguments.home or default_home()
    store = home / "store.db"
    if store.exists():
        till = open_till(home)
        try:
            _refuse_loss(till, arguments.exported)
            status = till.store.reader.sync_status()
        finally:
            till.close()
        key = _key(home)
        _refuse_losing_old_stores(home, key)
        changes = status.member_changes + status.member_refused
        remove_store(store, key, (status.unsent, changes))
    _remove_rest(home)
    print(
        f"nothing of this till is left in {home}. Backups and second copies on other disks can be read"
        " no more without its key; have the cloud revoke the device."
    )
    return 0


def _remove_rest(home: Path) -> None:
    """Remove all else; the key goes last, so that a wipe cut short leaves a till that opens or nothing
    that needs a key."""
    if not home.is_dir():
        return
    for file in (home / "guidepos.log", *home.glob("store-before-*"), *home.glob("store.db.*")):
        file.unlink(missing_ok=True)
    for folder in ("receipts", "backups"):
        shutil.rmtree(home / folder, ignore_errors=True)
    choose_keeper(home).forget(STORE_KEY)
    shutil.rmtree(home / "keys", ignore_errors=True)
    (home / MARK_FILE).unlink(missing_ok=True)


def _key(home: Path) -> bytes:
    key = choose_keeper(home).read(STORE_KEY)
    if key is None:
        raise Trouble(Code.STORE_KEY_MISSING)
    return key


def _refuse_loss(till: Till, exported: Path | None) -> None:
    """Raise RuleBroken unless all is at the cloud or in the exported file."""
    standing = till.store.settled_copy(_PATIENCE_S)
    if standing is not None and standing.missing_here:
        raise RuleBroken(Code.COPY_AHEAD, records=standing.missing_here, place=standing.place)
    if exported is None:
        till.store.run(lambda uow: uow.refuse_unsent()).result()
        return
    covered_by(exported, till.store)


def _refuse_losing_old_stores(home: Path, key: bytes) -> None:
    """Raise RuleBroken(UNSENT_LEFT) for a store a restore laid aside that holds anything unsent."""
    for aside in sorted(home.glob("store-before-*.db")):
        records, changes = unsent_in(aside, key)
        if records or changes:
            raise RuleBroken(
                Code.UNSENT_LEFT, file=aside.name, records=records, member_changes=changes
            )
