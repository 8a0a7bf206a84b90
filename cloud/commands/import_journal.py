"""`guidepos-cloud import-journal FILE`: take in what a till exported because it could reach us no more."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from cloud.bootstrap import open_cloud
from cloud.services.imports import import_journal
from cloud.settings import Settings


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the program's."""
    command = commands.add_parser(
        "import-journal", parents=[common], help="take in a file of `guidepos journal export`"
    )
    command.add_argument("file", type=Path, metavar="FILE")
    command.set_defaults(run=_import)


def _import(options: argparse.Namespace, settings: Settings) -> int:
    data = options.file.read_bytes()
    cloud = open_cloud(settings)
    try:
        taken = import_journal(cloud.db, cloud.keys.escrow, data, now_ms=cloud.clock())
    finally:
        cloud.close()
    figures = {
        "device": taken.device,
        "records": dict(taken.verdicts),
        "member_changes": dict(taken.members),
        "chains": taken.chains,
    }
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name}: {value}")
    return 0
