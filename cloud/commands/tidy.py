"""`guidepos-cloud tidy`: forget rows of which every till has had time to hear that they are gone, and book
records that waited for this version."""

from __future__ import annotations

import argparse
import json
from typing import Any

from cloud.bootstrap import open_cloud
from cloud.services.catching_up import catch_up
from cloud.services.tidy import clear_tombstones
from cloud.settings import Settings


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the program's."""
    command = commands.add_parser(
        "tidy", parents=[common], help="forget rows gone for 90 days; daily, while serving"
    )
    command.set_defaults(run=_tidy)


def _tidy(options: argparse.Namespace, settings: Settings) -> int:
    cloud = open_cloud(settings)
    try:
        cleared = cloud.db.write(
            lambda connection: clear_tombstones(connection, now_ms=cloud.clock())
        )
        cleared["booked"] = catch_up(cloud.db, now_ms=cloud.clock())
    finally:
        cloud.close()
    figures = " · ".join(f"{count} {name}" for name, count in cleared.items())
    print(json.dumps(cleared) if options.json else figures)
    return 0
