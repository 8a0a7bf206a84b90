"""The quick profile of SIM: what broke it before, and seeds nobody has chosen."""

from __future__ import annotations

from random import Random

import pytest

from tests.torture.corpus import kept
from tests.torture.mutation import Mutation
from tests.torture.sim.healing import heal
from tests.torture.sim.mutations import MUTATIONS
from tests.torture.sim.runs import LAYER, failure_of, play, replay, steps_of, tally_of
from tests.torture.sim.world import Step, World, seeded

QUICK = range(1, 151)
MOST_SEEDS = 60
"""A rule that is missing shows within so many seeds."""


def test_what_broke_it_once_holds():
    assert [failure for failure in kept(LAYER) if replay(failure.input).harms] == []


@pytest.mark.fault(5, "the record's number is named; those behind it leave")
@pytest.mark.fault(12, "nothing; what is sent again stands once")
@pytest.mark.fault(14, "nothing; what comes late or twice changes nothing")
@pytest.mark.fault(22, "nothing; the tills send again what the backup lacks")
@pytest.mark.fault(23, "the till goes on under a new series of receipt numbers")
@pytest.mark.fault(24, "both tablets' sales arrive, each once")
@pytest.mark.fault(25, "the first content stands; the other waits for a manager")
@pytest.mark.fault(27, "the record waits for a manager; later ones are booked")
@pytest.mark.parametrize("first", range(QUICK.start, QUICK.stop, 50))
def test_nothing_is_lost_doubled_altered_or_stuck(first: int):
    tally = tally_of(range(first, first + 50))
    assert tally.is_clean, tally.failures
    assert tally.runs == 50
    assert tally.records > 500
    assert tally.injected > 500


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule.split(":")[0])
def test_without_a_rule_records_come_to_harm(mutation: Mutation):
    with mutation.applied():
        seed = next((seed for seed in range(1, MOST_SEEDS) if harmed(seed) & mutation.harms), None)
    assert seed is not None, "nobody noticed"
    assert play(seed, steps_of(seed)).harms == []


def harmed(seed: int):
    return play(seed, steps_of(seed)).kinds


def test_the_same_seed_is_the_same_run():
    first, again = (play(5, steps_of(5)) for _ in range(2))
    assert (first.records, first.faults) == (again.records, again.faults)


def test_a_restored_cloud_that_revokes_a_till_again_excuses_what_was_settled_and_no_more():
    with seeded(1):
        world = World()
        (till,) = world.tills
        device = till.identity.device
        world.cloud.revoke(device, revoked=True)
        world.cloud.back_up()
        world.cloud.revoke(device, revoked=False)
        world.play(Step("member", 0, 1))
        assert till.sync(lambda low, high: low) is not None
        (settled,) = till.settled_changes()
        world.play(Step("member", 0, 2))
        world.play(Step("server_restore", 0, ANNOUNCED))
        assert settled in world.books.changes
        assert world.books.excused_changes == {settled}
        assert heal(world, Random(1)) == []
        world.close()


ANNOUNCED = 1
"""The seed of a restore with the cloud's own command."""


def test_a_failing_run_is_made_small_and_kept_as_it_is():
    mutation = next(each for each in MUTATIONS if each.rule.startswith("dead letter"))
    steps = [Step("sale", 0, 1), Step("poison", 0, 2), Step("member", 0, 3), Step("sync", 0, 4)]
    with mutation.applied():
        outcome = play(7, steps)
        failure = failure_of(7, steps, outcome)
        assert failure.input == {"seed": 7, "steps": [["poison", 0, 2]]}
        assert replay(failure.input).kinds == outcome.kinds
    assert replay(failure.input).harms == []
