"""The state machine that plays runs: Hypothesis draws and shrinks the orderings, the world does the rest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.torture.invariants import Kind
from tests.torture.money.runs import CHANCES, LAYER, STEPS, Outcome, end, one_run
from tests.torture.sim.world import Step
from tests.torture.tally import Failure, Tally


class Harmed(AssertionError):  # noqa: N818 - says what happened, like the house's own
    """Money came to harm."""


@dataclass
class Watched:
    """What a row of runs did: its counts, and the last run that failed, which is the smallest."""

    tally: Tally = field(default_factory=lambda: Tally(LAYER))
    failure: Failure | None = None

    def note(self, steps: list[Step], outcome: Outcome) -> None:
        """Count a run; once one has failed only what Hypothesis makes of it is kept. Raises Harmed."""
        if self.failure is None:
            self.tally.runs += 1
            self.tally.records += outcome.records
            self.tally.faults += outcome.faults
        if outcome.harms:
            said = "; ".join(str(harm) for harm in outcome.harms)
            self.failure = Failure({"steps": [list(step) for step in steps]}, said)
            raise Harmed(said)

    def whole(self) -> Tally:
        """Return the counts, the failure included."""
        if self.failure is not None:
            self.tally.failures.append(self.failure)
            for kind in Kind:
                if kind is not Kind.BROKE and f"{kind.value}:" in self.failure.what:
                    setattr(self.tally, kind.value, getattr(self.tally, kind.value) + 1)
        return self.tally


class _Machine(RuleBasedStateMachine):
    """One run. Its rules are made of `CHANCES`."""

    watched: Watched

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.broken: Exception | None = None
        self.open = ExitStack()
        self.world = self.open.enter_context(one_run())

    def teardown(self) -> None:
        """Settle and judge."""
        with self.open:
            if self.broken is None:
                self.watched.note(self.steps, end(self.world, self.steps))


def _playing(name: str) -> Callable[[_Machine, int, int], None]:
    def play(self: _Machine, which: int, seed: int) -> None:
        step = Step(name, which, seed)
        self.steps.append(step)
        try:
            self.world.play(step)
        except Exception as error:
            self.broken = error
            what = f"{Kind.BROKE.value}: {error!r}"
            self.watched.failure = Failure({"steps": [list(each) for each in self.steps]}, what)
            raise

    return play


def machine(watched: Watched) -> type[_Machine]:
    """Return the machine whose runs are noted there."""
    which, seeds = st.integers(0, 1), st.integers(0, 65_535)
    rules: dict[str, Any] = {
        f"{name}_{number}": rule(which=which, seed=seeds)(_playing(name))
        for name, weight in CHANCES.items()
        for number in range(weight)
    }
    first = initialize(which=which, seed=seeds)(_playing("show"))
    return type("Money", (_Machine,), {"watched": watched, "first": first} | rules)


def ordeal(seed: int, runs: int, *, steps: int = STEPS, smaller: bool = True) -> Tally:
    """Play so many runs from a seed and count; stops at the first that fails, made small if `smaller`."""
    watched = Watched()
    kind = hypothesis.seed(seed)(machine(watched))
    phases = (Phase.generate, Phase.shrink) if smaller else (Phase.generate,)
    try:
        run_state_machine_as_test(
            kind,
            settings=settings(
                max_examples=runs,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=phases,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
    except Exception as error:
        if watched.failure is None:
            watched.failure = Failure(None, f"{Kind.BROKE.value}: {error!r}")
    return watched.whole()
