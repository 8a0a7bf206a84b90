"""The layer SIM: what broke it before, and runs by seed, ten thousand of them in the long profile."""

from __future__ import annotations

import os
import sys

from tests.torture.corpus import kept
from tests.torture.profile import run_layer
from tests.torture.sim.runs import LAYER, count_in, replay, run_long, tally_of
from tests.torture.tally import Tally

QUICK_RUNS, LONG_RUNS = 150, 10_000
LONG_MINUTES = 55.0


def torture(tally: Tally, long: bool) -> None:
    """Play as many runs as the profile says."""
    for failure in kept(LAYER):
        count_in(tally, failure, replay(failure.input))
    first = tally.seed * LONG_RUNS
    if long:
        tally.add(run_long(LONG_MINUTES, os.cpu_count() or 1, seed=first, runs=LONG_RUNS))
    else:
        tally.add(tally_of(range(first, first + QUICK_RUNS)))


if __name__ == "__main__":
    sys.exit(run_layer(LAYER, torture, sys.argv[1:]))
