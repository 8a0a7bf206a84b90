"""`guidepos journal verify`: walk the whole hash chain and name the first record that does not fit."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from guidepos.bootstrap import default_home, open_till


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["verify"])
    parser.add_argument(
        "--store", type=Path, metavar="FILE", help="the store file (its folder is the home)"
    )
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    home = arguments.store.parent if arguments.store else arguments.home or default_home()
    till = open_till(home)
    try:
        started = time.perf_counter()
        broken = till.store.verify_journal()
        head = till.store.run(lambda uow: uow.head()).result()
        seconds = round(time.perf_counter() - started, 3)
    finally:
        till.close()
    figures = {
        "sound": broken is None,
        "first_broken_seq": broken,
        "records": head.seq,
        "epoch": head.epoch,
        "head": head.hash.hex(),
        "seconds": seconds,
    }
    if arguments.json:
        print(json.dumps(figures))
    elif broken is None:
        print(f"journal sound: {head.seq} records, head {head.hash.hex()[:16]}, {seconds} s")
    else:
        print(f"journal BROKEN at record {broken} of {head.seq}")
    return 0 if broken is None else 1
