"""`guidepos enrol --cloud URL --code CODE`: make this till a device of a cloud."""

from __future__ import annotations

import argparse
import json

from guidepos.bootstrap import open_till


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cloud", required=True, metavar="URL")
    parser.add_argument(
        "--code", required=True, help="one-time code of `guidepos-cloud enrol-code`"
    )
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    from guidepos.online import enrol_till

    till = open_till(arguments.home)
    try:
        if till.store.reader.identity().enrolled:
            # Another cloud would never learn of it; with nothing unsent `unenrol` clears the way.
            till.store.run(lambda uow: uow.refuse_unsent()).result()
        identity = enrol_till(till, arguments.cloud, arguments.code)
    finally:
        till.close()
    if arguments.json:
        print(json.dumps({"store": identity.store, "device": identity.device}))
    else:
        print(f"enrolled as device {identity.device} of store {identity.store}")
    return 0
