"""`guidepos recover --key FILE`: give a store whose keyring died the key the cloud kept for it."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.devices.secrets import adopt_key
from app.errors import Code, RuleBroken
from guidepos.bootstrap import default_home
from offline_store import verify_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="from `guidepos-cloud store-key`"
    )


def run(arguments: argparse.Namespace) -> int:
    home = arguments.home or default_home()
    try:
        key = bytes.fromhex(arguments.key.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error
    broken = verify_file(home / "store.db", key)
    adopt_key(home, key)
    journal = "sound" if broken is None else f"broken at record {broken}"
    print(f"the store opens again, its journal is {journal}; the key now lies in a file")
    return 0
