"""`guidepos-cloud distribute [--require] [--shards N]`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

from cloud.bootstrap import open_cloud
from cloud.commands.numbers import none_or_more
from cloud.db.base import metadata
from cloud.services.cluster import Spreading, distribute
from cloud.settings import Settings


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the program's."""
    spread = commands.add_parser(
        "distribute", parents=[common], help="spread the tables over a Citus cluster"
    )
    spread.add_argument("--require", action="store_true", help="fail where Citus is not installed")
    spread.add_argument(
        "--shards",
        type=none_or_more,
        default=0,
        metavar="N",
        help="pieces of a table; 0: Citus' default",
    )
    spread.set_defaults(run=_distribute)


def _distribute(options: argparse.Namespace, settings: Settings) -> int:
    cloud = open_cloud(replace(settings, statement_s=0))  # a year of rows takes its time
    try:
        done = cloud.db.write(lambda connection: distribute(connection, metadata, options.shards))
    finally:
        cloud.close()
    if options.json:
        print(json.dumps({"citus": done.version or None, "distributed": list(done.tables)}))
    else:
        print(_sentence(done))
    return 1 if options.require and not done.version else 0


def _sentence(done: Spreading) -> str:
    if not done.version:
        return "Citus is not installed in this database: every table stays on this one machine"
    if not done.tables:
        return f"Citus {done.version}: every table is where it belongs"
    return f"Citus {done.version}: distributed {', '.join(done.tables)}"
