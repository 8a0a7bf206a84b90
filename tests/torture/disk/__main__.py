"""The layer DISK: a power cut at every call, every fault at every call, and pages that rot."""

from __future__ import annotations

import random
import sys
from typing import Any

from tests.torture.bench import Bench, open_bench
from tests.torture.books import Findings
from tests.torture.corpus import kept
from tests.torture.disk.patches import flip, patch
from tests.torture.disk.runs import FAULTS, calls_of, cut_power, fail
from tests.torture.disk.shim import Kind, is_on_layer, run_on_layer
from tests.torture.profile import run_layer
from tests.torture.scenes import SCENES
from tests.torture.tally import Tally

QUICK = {"power cut": 24, "fault": 24, "patch": 12, "flip": 4}
LONG_PATCHES, LONG_FLIPS = 300, 100
OFTEN = 3
"""Scenes around the counter fail at every third call, from a random one on; at the counter at every one."""
_NAMED = {fault.name: fault for fault in FAULTS}


def repeat(bench: Bench, run: dict[str, Any]) -> list[Findings]:
    """Do one run again, as a corpus describes it; each look at the books counts as a run."""
    match run:
        case {"scene": scene, "cut": int(at), "seeds": list(seeds)}:
            return cut_power(bench, scene, at, tuple(seeds))
        case {"scene": scene, "fault": name, "at": int(at)}:
            return fail(bench, scene, _NAMED[name], at)
        case {"patch": int(seed)}:
            return [patch(bench, seed)[2]]
        case {"flip": int(seed)}:
            return [flip(bench, seed)]
    raise ValueError(f"no run of this layer: {run}")


def everything(bench: Bench, chance: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Return every run of the long profile, by kind."""
    cuts: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    for scene, about in SCENES.items():
        first, step = (1, 1) if about.at_the_counter else (chance.randint(1, OFTEN), OFTEN)
        for at in range(first, calls_of(bench, scene, Kind.ANY) + 2, step):
            cuts.append({"scene": scene, "cut": at, "seeds": [chance.randrange(10**6)]})
        for fault in FAULTS:
            calls = calls_of(bench, scene, fault.kinds)
            faults += [
                {"scene": scene, "fault": fault.name, "at": at}
                for at in range(first, calls + 1, step)
            ]
    patches = [{"patch": chance.randrange(10**9)} for _ in range(LONG_PATCHES)]
    flips = [{"flip": chance.randrange(10**9)} for _ in range(LONG_FLIPS)]
    return {"power cut": cuts, "fault": faults, "patch": patches, "flip": flips}


def torture(tally: Tally, long: bool) -> None:
    """Fail as the profile says."""
    chance = random.Random(tally.seed)
    with open_bench() as bench:
        for failure in kept("disk"):
            for findings in repeat(bench, failure.input):
                findings.count_in(tally, failure.input)
        for kind, runs in everything(bench, chance).items():
            for run in runs if long else chance.sample(runs, QUICK[kind]):
                tally.faults[str(run.get("fault", kind))] += 1
                for findings in repeat(bench, run):
                    findings.count_in(tally, run)


if __name__ == "__main__":
    if not is_on_layer():
        sys.exit(run_on_layer("tests.torture.disk", *sys.argv[1:]))
    sys.exit(run_layer("disk", torture, sys.argv[1:]))
