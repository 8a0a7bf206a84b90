"""Every toxic with many seeds, on SQLite and on PostgreSQL; the counts go to a file."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.cloud.postgres import binaries, private_server
from tests.torture.proxy.run import EVERYTHING, run
from tests.torture.proxy.shop import open_shop
from tests.torture.proxy.toxics import TOXICS
from tests.torture.tally import Tally

QUICK, LONG = 1, 6
"""Seeds per toxic and engine."""


def main() -> int:
    """Run the layer; 0 if nothing was lost, doubled, altered or stuck."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.proxy", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=0, help="seeds per toxic and engine")
    parser.add_argument("--out", type=Path, help="where the tally goes")
    parser.add_argument("--long", action="store_true", help="the long profile")
    parser.add_argument("--toxic", choices=[*TOXICS, EVERYTHING], help="only this one")
    asked = parser.parse_args()
    seeds = asked.seeds or (LONG if asked.long else QUICK)
    tally, started = Tally("proxy", asked.seed), time.monotonic()
    names = [asked.toxic] if asked.toxic else [*TOXICS, EVERYTHING]
    for engine, url in engines():
        with tempfile.TemporaryDirectory() as home, open_shop(Path(home), db_url=url) as shop:
            for name in names:
                for seed in range(asked.seed, asked.seed + seeds):
                    tally.add(run(shop, name, seed))
        sys.stderr.write(f"{engine}: {tally.line()}\n")
    tally.seconds = time.monotonic() - started
    if asked.out:
        tally.write(asked.out)
    sys.stdout.write(tally.line() + "\n")
    for failure in tally.failures:
        sys.stdout.write(f"{failure.input} {failure.what}\n")
    return 0 if tally.is_clean else 1


def engines() -> Iterator[tuple[str, str]]:
    """Yield the engines of this machine with the address of an empty database, "" for SQLite."""
    yield "sqlite", ""
    bin_dir = binaries()
    with ExitStack() as stack:
        if bin_dir is not None:
            yield "postgres", stack.enter_context(private_server(bin_dir))


if __name__ == "__main__":
    sys.exit(main())
