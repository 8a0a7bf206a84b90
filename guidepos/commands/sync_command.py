"""`guidepos sync --once`: one round with the cloud, then the figures. Status 1 if anything is left."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict

from app.sync.progress import Filling
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
        filling = till.filling()
    finally:
        till.close()
    figures = _figures(report, unsent, filling, seconds)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name}: {value}")
    return 0 if report.trouble is None and unsent == 0 and filling is None else 1


def _figures(
    report: SyncReport, unsent: int, filling: Filling | None, seconds: float
) -> dict[str, object]:
    """Return the figures by name; `snapshots` counts rows that came with snapshots, `filling` is what a
    download still lacks, `mismatched` are streams whose sum was not the cloud's."""
    return {
        "pushed": report.pushed,
        "duplicates": report.duplicates,
        "exceptions": report.exceptions,
        "pulled": dict(report.pulled),
        "snapshots": dict(report.snapshots),
        "filling": asdict(filling) if filling else None,
        "mismatched": list(report.mismatched),
        "members_sent": report.members_sent,
        "members_received": report.members_received,
        "unsent": unsent,
        "trouble": sentence(report.trouble) if report.trouble else None,
        "seconds": round(seconds, 3),
    }
