"""How a layer is run from the command line: which profile, which seed, where its tally goes."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.torture.tally import Tally

Layer = Callable[[Tally, bool], None]
"""Runs the layer into the tally, in the long profile if the second argument says so."""


def run_layer(layer: str, run: Layer, arguments: Sequence[str]) -> int:
    """Run a layer as the command line asks, write and print its tally; 0 if nothing went wrong.

    One that is stopped (SIGTERM, SIGINT) still says what it counted, and ends with 1.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.torture.{layer}")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--out", type=Path, help="write the tally to this file")
    parser.add_argument("--long", action="store_true", help="everything, instead of a sample")
    asked = parser.parse_args(arguments)
    tally, started = Tally(layer, seed=asked.seed), time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    whole = False
    try:
        run(tally, asked.long)
        whole = True
    except KeyboardInterrupt:
        print("stopped before its end", flush=True)
    tally.seconds = round(time.monotonic() - started, 1)
    tally.processor_s = round(sum(os.times()[:4]), 1)
    if asked.out is not None:
        tally.write(asked.out)
    print(tally.line(), flush=True)
    for failure in tally.failures[:20]:
        print(f"  {failure.input}: {failure.what[:2000]}", flush=True)
    return 0 if tally.is_clean and whole else 1
