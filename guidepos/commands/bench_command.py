"""`guidepos bench`: measure the till on this machine. Needs a checkout: the benchmarks are not shipped.

`--cloud` measures the cloud instead, on a private PostgreSQL. `--home` is where shops to measure in are
kept between runs; without it, `build/bench` of the checkout.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

from app.errors import Code, RuleBroken


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parts = (
        "frames, cold_start, commit, replay, push, bootstrap, decoding, proofs, confirmation; "
        "with --cloud load, drain, reconcile"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help=f"of {parts}")
    parser.add_argument(
        "--cloud", action="store_true", help="the cloud on a private PostgreSQL under load"
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions, rough figures")
    parser.add_argument("--json", action="store_true", help="flat figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    try:
        bench = import_module("benchmarks.run")
    except ModuleNotFoundError as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail="benchmarks need a checkout") from error
    parts = bench.CLOUD_PARTS if arguments.cloud else bench.PARTS
    for name in arguments.only:
        if name not in parts:
            print(f"guidepos bench: {name} is none of {', '.join(parts)}", file=sys.stderr)
            return 2
    figures: dict[str, float]
    if arguments.cloud:
        try:
            figures = bench.run_cloud(arguments.only, quick=arguments.quick)
        except LookupError as error:
            raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error
    else:
        folder = arguments.home or bench.BENCH
        figures = bench.run(arguments.only, quick=arguments.quick, folder=folder)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return 0
    print(import_module("benchmarks.report").told(figures))
    return 0
