"""Runs by seed: made up, played, healed, judged; and made small when they fail."""

from __future__ import annotations

import gc
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.torture.invariants import Harm, Kind
from tests.torture.sim.healing import heal
from tests.torture.sim.world import Step, World, seeded
from tests.torture.tally import Failure, Tally

LAYER = "sim"
MOST_SHRUNK = 3
"""Failures of one tally that are made small; the others mostly say the same."""
STEPS = (40, 60)
"""Fewest and most steps of a run."""

CHANCES = {
    "sale": 22,
    "refund": 4,
    "adjustment": 4,
    "payment_step": 3,
    "member": 4,
    "poison": 4,
    "forgery": 1,
    "sync": 30,
    "storm": 2,
    "late": 3,
    "enrol": 4,
    "new_till": 1,
    "restart": 1,
    "clock": 2,
    "month": 3,
    "server_backup": 4,
    "server_restore": 3,
    "revoke": 2,
    "back_up": 3,
    "restore": 3,
    "clone": 2,
    "damage": 2,
}
"""Step → how often it comes, by weight."""


@dataclass(slots=True)
class Outcome:
    """What a run did and what came of it."""

    harms: list[Harm]
    records: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def kinds(self) -> set[Kind]:
        """How records came to harm."""
        return {harm.kind for harm in self.harms}


def steps_of(seed: int) -> list[Step]:
    """Make a run up."""
    draw = random.Random(seed)
    names = draw.choices(list(CHANCES), list(CHANCES.values()), k=draw.randint(*STEPS))
    return [Step(name, draw.randrange(12), draw.randrange(2**32)) for name in names]


def play(seed: int, steps: Sequence[Step]) -> Outcome:
    """Play a run and judge it. What the program itself raises is judged too."""
    with seeded(seed), no_collector():
        world = World()
        try:
            for step in steps:
                world.play(step)
            harms = heal(world, random.Random(seed))
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            harms = [Harm(Kind.BROKE, f"{error!r} at {place.name}:{place.lineno}")]
        finally:
            world.close()
    faults = world.faults + Counter({n: world.done[n] for n in _FAULTY if world.done[n]})
    return Outcome(harms, len(world.books.recorded), faults)


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the garbage collector out of a run: it would walk the cloud's whole machinery many times."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_FAULTY = frozenset(CHANCES) - {
    "sale",
    "refund",
    "adjustment",
    "payment_step",
    "member",
    "sync",
    "month",
}
"""Steps that are faults themselves."""


def shrunk(seed: int, steps: Sequence[Step], kinds: set[Kind]) -> list[Step]:
    """Return fewer steps that still come to such harm: ever smaller parts are left out."""

    def fails(some: list[Step]) -> bool:
        return bool(play(seed, some).kinds & kinds)

    steps, size = list(steps), max(1, len(steps) // 2)
    while size:
        at, smaller = 0, False
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            if fails(fewer):
                steps, smaller = fewer, True
            else:
                at += size
        size = size // 2 if not smaller or size > 1 else size
    return steps


def failure_of(seed: int, steps: Sequence[Step], outcome: Outcome, *, few: bool = True) -> Failure:
    """Return a failed run as it is kept: its seed and, with `few`, the fewest steps that do it."""
    steps = shrunk(seed, steps, outcome.kinds) if few else steps
    said = (play(seed, steps).harms if few else []) or outcome.harms
    return Failure({"seed": seed, "steps": [list(step) for step in steps]}, str(said[0]))


def replay(kept: Any) -> Outcome:
    """Play a kept input again."""
    return play(kept["seed"], [Step(*step) for step in kept["steps"]])


def count_in(tally: Tally, failure: Failure | None, outcome: Outcome) -> None:
    """Add a run to a tally; `failure` says how to repeat it, if it failed."""
    tally.runs += 1
    tally.records += outcome.records
    tally.faults += outcome.faults
    for harm in outcome.harms:
        if harm.kind is not Kind.BROKE:
            setattr(tally, harm.kind.value, getattr(tally, harm.kind.value) + 1)
    if outcome.harms and failure is not None:
        tally.failures.append(failure)


def tally_of(seeds: Sequence[int], until: Callable[[], bool] = lambda: False) -> Tally:
    """Play runs by seed and count. Ends early when `until` says so."""
    tally = Tally(LAYER, seed=seeds[0] if seeds else 0)
    began = time.perf_counter()
    for seed in seeds:
        if until():
            break
        steps = steps_of(seed)
        outcome, failure = play(seed, steps), None
        if outcome.harms:
            few = len(tally.failures) < MOST_SHRUNK
            failure = failure_of(seed, steps, outcome, few=few)
        count_in(tally, failure, outcome)
    tally.seconds = time.perf_counter() - began
    return tally


def run_long(minutes: float, processes: int, *, seed: int = 1, runs: int = 10_000) -> Tally:
    """Play `runs` runs from `seed` on in several processes, or as many as `minutes` allow."""
    end = time.monotonic() + minutes * 60
    whole = Tally(LAYER, seed=seed)
    parts = [range(at, min(at + _PART, seed + runs)) for at in range(seed, seed + runs, _PART)]
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(partial(_part, end), parts):
            whole.add(part)
    return whole


_PART = 100


def _part(end: float, seeds: Sequence[int]) -> Tally:
    return tally_of(seeds, lambda: time.monotonic() > end)
