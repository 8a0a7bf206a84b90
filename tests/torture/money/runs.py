"""One run: steps played, settled and judged; the same steps are the same run again."""

from __future__ import annotations

import logging
import random
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.torture.invariants import Harm, Kind
from tests.torture.money.cloud import without_threads
from tests.torture.money.providers import signing_quickly
from tests.torture.money.settling import judge, settle
from tests.torture.money.template import template
from tests.torture.money.world import World
from tests.torture.sim.runs import no_collector
from tests.torture.sim.world import Step, seeded

LAYER = "money"

CHANCES = {
    "show": 3,
    "scan": 3,
    "choose": 3,
    "pay": 4,
    "buy": 2,
    "collect": 2,
    "own_qr": 1,
    "notify": 2,
    "burn": 1,
    "ask": 2,
    "hint": 1,
    "cancel": 2,
    "cash": 1,
    "prove": 1,
    "vouch": 1,
    "lose": 2,
    "storm": 1,
    "wait": 3,
    "sweep": 1,
    "restart_till": 1,
    "restart_cloud": 1,
    "line": 1,
    "drown": 1,
    "sync": 2,
    "act": 2,
    "give_back": 2,
}
"""Step → how often it comes, by weight."""

STEPS = 35
"""Most steps of a run."""


@dataclass(slots=True)
class Outcome:
    """What a run did and what came of it."""

    harms: list[Harm]
    records: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def kinds(self) -> set[Kind]:
        """How money came to harm."""
        return {harm.kind for harm in self.harms}


def steps_of(seed: int, chances: Mapping[str, int] = CHANCES) -> list[Step]:
    """Make a run up."""
    draw = random.Random(seed)
    names = ["show", *draw.choices(list(chances), list(chances.values()), k=STEPS - 1)]
    return [Step(name, draw.randrange(2), draw.randrange(65_536)) for name in names]


@contextmanager
def one_run() -> Iterator[World]:
    """Yield a world whose ids are the same each time."""
    hushed = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with without_threads(), signing_quickly(), no_collector():
            with seeded(1):  # with a cloud of its own, so before the run's
                template()
            with seeded(2):
                world = World()
                try:
                    yield world
                finally:
                    world.close()
    finally:
        logging.disable(hushed)


def end(world: World, steps: Sequence[Step]) -> Outcome:
    """Settle and judge a run that has been played."""
    settle(world, random.Random(len(steps)))
    return Outcome(judge(world), len(world.codes), Counter(world.faults))


def play(steps: Sequence[Step]) -> Outcome:
    """Play a run and judge it. What the program itself raises is judged too."""
    with one_run() as world:
        try:
            for step in steps:
                world.play(step)
            return end(world, steps)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            harm = Harm(Kind.BROKE, f"{error!r} at {place.filename}:{place.lineno}")
            return Outcome([harm], len(world.codes), Counter(world.faults))


def shrunk(steps: Sequence[Step], kinds: set[Kind]) -> list[Step]:
    """Return fewer steps that still come to such harm: ever smaller parts are left out."""
    steps, size = list(steps), max(1, len(steps) // 2)
    while size:
        at, smaller = 0, False
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            if play(fewer).kinds & kinds:
                steps, smaller = fewer, True
            else:
                at += size
        size = size // 2 if not smaller or size > 1 else size
    return steps


def replay(kept: Any) -> Outcome:
    """Play a kept input again."""
    return play([Step(*step) for step in kept["steps"]])
