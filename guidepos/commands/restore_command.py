"""`guidepos restore FILE [--keep-old] [--key FILE]`: put the store back from a backup, and say in words
what may be lost by it."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from app.devices.secrets import STORE_KEY, adopt_key, choose_keeper
from app.domain.times import SHOP_ZONE
from app.errors import Code, Trouble
from guidepos.bootstrap import default_home
from guidepos.commands.recover_command import read_key
from offline_store import Restored, restore, verify_backup


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="of `guidepos backup --list`")
    parser.add_argument(
        "--keep-old",
        action="store_true",
        help="move the present store aside instead of dropping it",
    )
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="from `guidepos-cloud store-key`, on a new tablet"
    )
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    home: Path = arguments.home or default_home()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _key(home, arguments)
    put_back = restore(
        arguments.file,
        home / "store.db",
        key,
        datetime.now(UTC),
        keep_old=arguments.keep_old,
    )
    if arguments.json:
        print(
            json.dumps(
                {
                    "documents": put_back.records,
                    "unsent": put_back.unsent,
                    "newest_ms": put_back.newest_ms,
                    "aside": str(put_back.aside) if put_back.aside else None,
                }
            )
        )
    else:
        print(statement(put_back))
    return 0


def statement(put_back: Restored) -> str:
    """Return what was put back and what may be lost, as plain sentences."""
    newest = "nothing sold yet"
    if put_back.newest_ms:
        at = datetime.fromtimestamp(put_back.newest_ms / 1000, SHOP_ZONE)
        newest = f"the newest from {at:%Y-%m-%d %H:%M}"
    lines = [
        f"The store is back: {put_back.records} documents, {newest};"
        f" {put_back.unsent} records wait to be sent.",
        "What was sold on this till after that is not in it. The cloud still has what had been sent.",
        "What had NOT been sent is only where else it was kept: a second copy"
        " (guidepos recover --copy DIR), the paper receipts, the payment provider's records,"
        " the cash in the drawer.",
        "At its next contact the till begins a new journal, sends what the cloud does not hold"
        " and fetches newer prices, stock and members.",
    ]
    if put_back.aside:
        lines.append(f"The store as it was before lies in {put_back.aside}.")
    return "\n".join(lines)


def _key(home: Path, arguments: argparse.Namespace) -> bytes:
    if arguments.key:
        key = read_key(arguments.key)
        verify_backup(arguments.file, key)  # before anything is kept under it
        adopt_key(home, key)
        return key
    found = choose_keeper(home).read(STORE_KEY)
    if found is None:
        raise Trouble(Code.STORE_KEY_MISSING)
    return found
