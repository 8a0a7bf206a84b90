"""The proof that power cuts are power cuts: a till whose commits are not synced must lose sales."""

from __future__ import annotations

import sys
from typing import Any

from tests.torture.bench import open_bench
from tests.torture.disk.runs import calls_of, cut_power
from tests.torture.disk.shim import Kind, is_on_layer, run_on_layer
from tests.torture.profile import run_layer
from tests.torture.tally import Tally


def without_syncs() -> None:
    """Change the till's program in this process: its commits no longer wait for the disk."""
    from offline_store import connection

    opened: Any = connection
    set_up = opened._setup_writer

    def set_up_and_relax(writer: Any) -> None:
        set_up(writer)
        writer.execute("PRAGMA synchronous = NORMAL")

    opened._setup_writer = set_up_and_relax


def torture(tally: Tally, long: bool) -> None:
    """Cut the power at every third call of three sales, and at all of them if `long`."""
    with open_bench() as bench:
        calls = calls_of(bench, "three sales", Kind.ANY)
        for at in range(1, calls + 2, 1 if long else 3):
            tally.faults["power cut"] += 1
            for findings in cut_power(bench, "three sales", at, program=without_syncs):
                findings.count_in(tally, {"scene": "three sales", "cut": at})


if __name__ == "__main__":
    if not is_on_layer():
        sys.exit(run_on_layer("tests.torture.disk.unsynced", *sys.argv[1:]))
    sys.exit(run_layer("unsynced", torture, sys.argv[1:]))
