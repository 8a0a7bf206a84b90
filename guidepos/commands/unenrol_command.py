"""`guidepos unenrol [--exported FILE]`: forget the cloud; refused while anything is unsent."""

from __future__ import annotations

import argparse
from pathlib import Path

from guidepos.bootstrap import open_till
from guidepos.exported import covered_by


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exported",
        type=Path,
        metavar="FILE",
        help="a file of `guidepos journal export` that holds everything unsent",
    )


def run(arguments: argparse.Namespace) -> int:
    till = open_till(arguments.home)
    try:
        before = till.store.reader.identity()
        held = (0, 0)
        if arguments.exported is not None and before.enrolled:
            held = covered_by(arguments.exported, till.store)
        till.store.run(lambda uow: uow.unenrol(exported=held)).result()
    finally:
        till.close()
    if not before.enrolled:
        print("this till is enrolled nowhere")
        return 0
    print(
        f"no longer device {before.device} of store {before.store}: its keys, people and members are"
        " gone from here, its own receipts stay. Have the cloud revoke the device."
    )
    return 0
