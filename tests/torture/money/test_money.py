"""The quick profile of MONEY: what broke it before, orderings nobody has chosen, and that it bites."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.torture.corpus import kept
from tests.torture.money.machine import ordeal
from tests.torture.money.mutations import MUTATIONS, MoneyMutation
from tests.torture.money.runs import LAYER, play, replay, shrunk, steps_of
from tests.torture.money.till import COLLECTING, GIVING_BACK

QUICK_RUNS = 25
MOST_SEEDS = 80
"""A rule that is missing shows within so many seeds."""


def test_what_broke_it_once_holds():
    assert [failure for failure in kept(LAYER) if replay(failure.input).harms] == []


@pytest.mark.fault(34, "one payment")
@pytest.mark.fault(35, "one sale; the surplus waits for a decision")
@pytest.mark.fault(36, "late money lies on the desk and waits for a decision")
def test_every_fen_is_sold_given_back_or_waits():
    tally = ordeal(1, QUICK_RUNS)
    assert tally.is_clean, tally.failures
    assert tally.runs >= QUICK_RUNS
    assert tally.records > QUICK_RUNS


def test_the_cloud_ends_in_the_midst_of_a_collecting_and_of_a_refund_and_no_fen_is_lost():
    chances = {"buy": 4, "show": 1, "collect": 4, "give_back": 5, "ask": 1, "sweep": 1}
    ended: Counter[str] = Counter()
    for seed in range(1, MOST_SEEDS):
        outcome = play(steps_of(seed, chances))
        assert outcome.harms == [], seed
        ended += outcome.faults
        if all(ended[f"cloud killed while {what}"] >= 3 for what in (COLLECTING, GIVING_BACK)):
            return
    raise AssertionError(f"the cloud did not end there: {ended}")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule.split(":")[0])
def test_without_a_rule_money_comes_to_harm(mutation: MoneyMutation):
    with mutation.applied():
        seed = next((seed for seed in range(1, MOST_SEEDS) if harmed(mutation, seed)), None)
    assert seed is not None, "nobody noticed"
    assert play(steps_of(seed, mutation.chances)).harms == []


def harmed(mutation: MoneyMutation, seed: int) -> bool:
    return bool(play(steps_of(seed, mutation.chances)).kinds & mutation.harms)


def test_a_failing_run_is_made_small_and_kept_as_it_is():
    mutation = next(each for each in MUTATIONS if each.rule.startswith("once"))
    with mutation.applied():
        seed = next(seed for seed in range(1, MOST_SEEDS) if harmed(mutation, seed))
        steps = steps_of(seed, mutation.chances)
        few = shrunk(steps, play(steps).kinds)
        again = replay({"steps": [list(step) for step in few]})
    assert len(few) < len(steps)
    assert again.kinds & mutation.harms
    assert play(few).harms == []
