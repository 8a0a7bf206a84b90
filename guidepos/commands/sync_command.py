"""`guidepos sync --once`: one round with the cloud, then the figures. Status 1 if anything is left."""

from __future__ import annotations

import argparse
import json
import time

from app.sync.report import SyncReport
from guidepos.bootstrap import open_till
from guidepos.words import sentence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="the only mode: one round, then end")
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    from guidepos.online import sync_engine

    till = open_till(arguments.home)
    try:
        started = time.perf_counter()
        report = sync_engine(till).run()
        seconds = time.perf_counter() - started
        unsent = till.store.reader.sync_status().unsent
    finally:
        till.close()
    _print(arguments, report, unsent, seconds)
    return 0 if report.trouble is None and unsent == 0 else 1


def _print(arguments: argparse.Namespace, report: SyncReport, unsent: int, seconds: float) -> None:
    figures = {
        "pushed": report.pushed,
        "duplicates": report.duplicates,
        "exceptions": report.exceptions,
        "pulled": dict(report.pulled),
        "members_sent": report.members_sent,
        "members_received": report.members_received,
        "unsent": unsent,
        "trouble": sentence(report.trouble) if report.trouble else None,
        "seconds": round(seconds, 3),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")
