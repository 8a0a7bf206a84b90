"""The proof that half a sale is seen: a till that commits in the middle of one must be found out."""

from __future__ import annotations

import sys
from typing import Any

from tests.torture.bench import open_bench
from tests.torture.disk.shim import is_on_layer, run_on_layer
from tests.torture.kill.runs import kill_at_step, steps_of
from tests.torture.profile import run_layer
from tests.torture.tally import Tally

SCENE = "three sales"


def in_two_halves() -> None:
    """Change the till's program in this process: tenders are written in a second transaction."""
    from offline_store import facts

    recording: Any = facts
    write_tenders = recording._write_tenders

    def write_tenders_apart(connection: Any, *arguments: Any) -> None:
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        write_tenders(connection, *arguments)

    recording._write_tenders = write_tenders_apart


def torture(tally: Tally, long: bool) -> None:
    """Kill at every fifth step of three sales, at every one if `long`."""
    with open_bench() as bench:
        steps = len(steps_of(bench, SCENE, in_two_halves))
        for at in range(1, steps + 1, 1 if long else 5):
            tally.faults["kill"] += 1
            findings = kill_at_step(bench, SCENE, at, in_two_halves)
            findings.count_in(tally, {"scene": SCENE, "step": at})


if __name__ == "__main__":
    if not is_on_layer():
        sys.exit(run_on_layer("tests.torture.kill.halved", *sys.argv[1:]))
    sys.exit(run_layer("halved", torture, sys.argv[1:]))
