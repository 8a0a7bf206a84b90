"""The layer MONEY: what broke it before, and runs by seed, more than five thousand in the long profile."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.torture.corpus import kept
from tests.torture.invariants import Kind
from tests.torture.money.machine import ordeal
from tests.torture.money.runs import LAYER, replay
from tests.torture.profile import run_layer
from tests.torture.tally import Tally

QUICK_RUNS, LONG_RUNS = 40, 6_000
LONG_MINUTES = 50.0
_PART = 100


def torture(tally: Tally, long: bool) -> None:
    """Play as many runs as the profile says."""
    for failure in kept(LAYER):
        outcome = replay(failure.input)
        tally.runs += 1
        for harm in outcome.harms:
            if harm.kind is not Kind.BROKE:
                setattr(tally, harm.kind.value, getattr(tally, harm.kind.value) + 1)
        tally.failures += [failure] if outcome.harms else []
    if not long:
        tally.add(ordeal(tally.seed, QUICK_RUNS))
        return
    end = time.monotonic() + LONG_MINUTES * 60
    seeds = range(tally.seed * LONG_RUNS, (tally.seed + 1) * LONG_RUNS, _PART)
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        for part in pool.map(partial(_part, end), seeds):
            tally.add(part)


def _part(end: float, seed: int) -> Tally:
    late = time.monotonic() > end
    return Tally(LAYER, seed=seed) if late else ordeal(seed, _PART)


if __name__ == "__main__":
    sys.exit(run_layer(LAYER, torture, sys.argv[1:]))
