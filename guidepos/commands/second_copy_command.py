"""`guidepos second-copy [--to DIR | --off]`: keep what is sold on a second card too, or see how it stands."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from app.errors import Code, RuleBroken
from app.ports import CopyStanding
from guidepos.bootstrap import open_till
from guidepos.till import Till

_PATIENCE_S = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--to", type=Path, metavar="DIR", help="a folder on another card or partition"
    )
    what.add_argument("--off", action="store_true", help="keep none any more")
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    till = open_till(arguments.home)
    try:
        if arguments.off:
            till.store.end_second_copy()
        elif arguments.to:
            switch_on(till, arguments.to)
        standing = till.store.second_copy
    finally:
        till.close()
    if arguments.json:
        print(json.dumps(asdict(standing) if standing else None))
    else:
        print(told(standing))
    return 1 if standing is not None and standing.alarm else 0


def switch_on(till: Till, place: Path) -> None:
    """Keep the copy in `place` and wait for everything there is to be on it.

    Raises RuleBroken(COPY_PLACE_UNFIT) for a folder inside the till's own, Trouble(COPY_FAILED).
    """
    place = place.expanduser().resolve()
    home = till.settings.home.resolve()
    if place == home or home in place.parents:
        raise RuleBroken(Code.COPY_PLACE_UNFIT, folder=str(place))
    till.store.begin_second_copy(place).catch_up(_PATIENCE_S)


def told(standing: CopyStanding | None) -> str:
    """Return one line on how the copy stands."""
    if standing is None:
        return "none kept: what is not at the cloud yet lies on one disk only"
    if standing.alarm is Code.COPY_AHEAD:
        return (
            f"{standing.place} holds {standing.missing_here} records this store does not:"
            f" guidepos recover --copy {standing.place}"
        )
    if standing.alarm:
        return f"{standing.place} is {standing.behind} records behind: {standing.detail}"
    return f"{standing.place}, {standing.behind} records behind"


def on_one_disk(place: Path, home: Path) -> bool:
    """Tell whether a copy lies on the very disk it should outlive."""
    return place.stat().st_dev == home.stat().st_dev
