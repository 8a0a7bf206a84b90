"""The layer KILL: every named step of every scene, every call of the disk, and long lives of one till."""

from __future__ import annotations

import random
import sys
from typing import Any

from tests.torture.bench import Bench, open_bench
from tests.torture.books import Findings
from tests.torture.corpus import kept
from tests.torture.disk.runs import calls_of
from tests.torture.disk.shim import Kind, is_on_layer, run_on_layer
from tests.torture.kill.runs import kill_at_call, kill_at_step, live, steps_of
from tests.torture.profile import run_layer
from tests.torture.scenes import SCENES
from tests.torture.tally import Tally

QUICK_STEPS, QUICK_CALLS, QUICK_LIVES = 36, 8, 2
LONG_LIVES, KILLS_IN_A_LIFE = 60, 8


def repeat(bench: Bench, run: dict[str, Any]) -> Findings:
    """Do one run again, as a corpus describes it."""
    match run:
        case {"scene": scene, "step": int(at)}:
            return kill_at_step(bench, scene, at)
        case {"scene": scene, "call": int(at)}:
            return kill_at_call(bench, scene, at)
        case {"life": int(seed), "kills": int(kills)}:
            return live(bench, seed, kills)
    raise ValueError(f"no run of this layer: {run}")


def torture(tally: Tally, long: bool) -> None:
    """Kill as the profile says."""
    chance = random.Random(tally.seed)
    with open_bench() as bench:
        for failure in kept("kill"):
            repeat(bench, failure.input).count_in(tally, failure.input)
        named = {scene: steps_of(bench, scene) for scene in SCENES}
        steps = [
            (name, {"scene": scene, "step": at})
            for scene, names in named.items()
            for at, name in enumerate(names, 1)
        ]
        calls = [
            ("disk call", {"scene": scene, "call": at})
            for scene in SCENES
            for at in range(1, calls_of(bench, scene, Kind.ANY) + 1)
        ]
        if not long:
            steps = chance.sample(steps, QUICK_STEPS)
            calls = chance.sample(calls, QUICK_CALLS)
        for name, run in steps + calls:
            tally.faults[f"kill at {name}" if "step" in run else "kill at a disk call"] += 1
            repeat(bench, run).count_in(tally, run)
        for _ in range(LONG_LIVES if long else QUICK_LIVES):
            run = {"life": chance.randrange(10**9), "kills": KILLS_IN_A_LIFE}
            tally.faults["kill in a long life"] += KILLS_IN_A_LIFE
            repeat(bench, run).count_in(tally, run)


if __name__ == "__main__":
    if not is_on_layer():
        sys.exit(run_on_layer("tests.torture.kill", *sys.argv[1:]))
    sys.exit(run_layer("kill", torture, sys.argv[1:]))
