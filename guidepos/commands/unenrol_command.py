"""`guidepos unenrol`: forget the cloud; refused while anything is unsent."""

from __future__ import annotations

import argparse

from guidepos.bootstrap import open_till


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # nothing to choose


def run(arguments: argparse.Namespace) -> int:
    till = open_till(arguments.home)
    try:
        before = till.store.reader.identity()
        till.store.run(lambda uow: uow.unenrol()).result()
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
