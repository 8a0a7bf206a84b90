"""`guidepos recover`: give a store whose keyring died the key the cloud kept for it (`--key FILE`), or
record again what a second copy, or a store laid aside, holds and the store does not (`--copy FILE`)."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from app.devices.secrets import STORE_KEY, adopt_key
from app.errors import Code, RuleBroken
from app.services.recovery import recover
from guidepos.bootstrap import default_home, open_till
from offline_store import Copied, read_copy, read_store, verify_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="from `guidepos-cloud store-key`; with --copy, the key of the till it is a copy of",
    )
    parser.add_argument(
        "--copy",
        type=Path,
        metavar="PATH",
        help="the card, the copy's folder, one of its files, or a store that a restore laid aside",
    )
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    home = arguments.home or default_home()
    key = read_key(arguments.key) if arguments.key else None
    if arguments.copy:
        return _from_copy(home, arguments.copy, key, as_json=arguments.json)
    if key is None:
        raise RuleBroken(Code.FILE_UNREADABLE, detail="name a file with --key or --copy")
    broken = verify_file(home / "store.db", key)
    adopt_key(home, key)
    journal = "sound" if broken is None else f"broken at record {broken}"
    print(f"the store opens again, its journal is {journal}; the key now lies in a file")
    return 0


def _from_copy(home: Path, path: Path, key: bytes | None, *, as_json: bool) -> int:
    till = open_till(home)
    try:
        own = till.keeper.read(STORE_KEY)
        copied = _read(path, key or own or b"")
        result = recover(till.store, copied.records, copied.changes)
        unsent = till.store.reader.sync_status().unsent
    finally:
        till.close()
    figures = {
        "read": len(copied.records),
        "recorded": result.recorded,
        "known": result.known,
        "unreadable": len(result.unreadable),
        "damaged": copied.damaged,
        "member_changes": result.member_changes,
        "unsent": unsent,
    }
    if as_json:
        print(json.dumps(figures))
    else:
        print(
            f"{result.recorded} records came back, {result.known} were here already;"
            f" {result.member_changes} changes of members are queued. Unsent now: {unsent}."
        )
        if copied.damaged or result.unreadable:
            print(
                f"NOT everything: {copied.damaged} damaged places, {len(result.unreadable)} records"
                " this version cannot read. Keep the copy."
            )
    return 1 if copied.damaged or result.unreadable else 0


def _read(path: Path, key: bytes) -> Copied:
    try:
        if path.suffix == ".db":  # a store that a restore laid aside
            return read_store(path, key)
        return read_copy(path, key)
    except OSError as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error


def read_key(file: Path) -> bytes:
    """Return the key in a file of `guidepos-cloud store-key`. Raises RuleBroken(FILE_UNREADABLE)."""
    try:
        return bytes.fromhex(file.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error
