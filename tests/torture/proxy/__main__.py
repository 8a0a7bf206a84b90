"""The layer PROXY: every toxic with many seeds, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.cloud.postgres import binaries, private_server
from tests.torture.corpus import kept
from tests.torture.profile import run_layer
from tests.torture.proxy.run import EVERYTHING, run
from tests.torture.proxy.shop import open_shop
from tests.torture.proxy.toxics import TOXICS
from tests.torture.tally import Tally

QUICK, LONG = 1, 6
"""Seeds per toxic and engine."""


def torture(tally: Tally, long: bool) -> None:
    """Repeat what once went wrong, then play every toxic as the profile says."""
    seeds = range(tally.seed, tally.seed + (LONG if long else QUICK))
    runs = [(name, seed) for name in (*TOXICS, EVERYTHING) for seed in seeds]
    before = [(each.input["toxic"], each.input["seed"]) for each in kept("proxy") if each.input]
    for url in databases():
        with tempfile.TemporaryDirectory() as home, open_shop(Path(home), db_url=url) as shop:
            for name, seed in [*before, *runs]:
                tally.add(run(shop, name, seed))


def databases() -> Iterator[str]:
    """Yield the address of an empty database on each engine of this machine, "" for SQLite."""
    yield ""
    bin_dir = binaries()
    with ExitStack() as stack:
        if bin_dir is not None:
            yield stack.enter_context(private_server(bin_dir))


if __name__ == "__main__":
    sys.exit(run_layer("proxy", torture, sys.argv[1:]))
