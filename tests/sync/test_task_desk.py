"""Claiming and settling as the till asks for it: the stand-in and the real cloud keep the same rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from app.devices.clock import SystemClock
from app.domain.ids import new_id
from app.errors import Code, RuleBroken, Trouble
from app.ports import TaskDesk
from app.remote.tasks import CloudTasks
from app.wire.tasks import LATE, MONEY, RECORD, TaskClaim, TaskRow, TaskSettlement
from tests.fakes.store import FakeStore
from tests.fakes.tasks import FakeTaskDesk, TaskBook
from tests.sync.clouds import RealServer
from tests.sync.till import become_device


@dataclass
class Desks:
    """Two tablets of one store, and a way to give them something to do."""

    one: TaskDesk
    other: TaskDesk
    put: Callable[[TaskRow], None]

    def task(self) -> str:
        task_id = new_id()
        row = TaskRow(task_id=task_id, kind=RECORD, code="bad_body", subject="r1", device="d1")
        self.put(row)
        return task_id

    def money(self, amount: int) -> str:
        task_id = new_id()
        self.put(
            TaskRow(
                task_id=task_id,
                kind=MONEY,
                code=LATE,
                subject=task_id,
                device="d1",
                detail=str(amount),
                amount=amount,
            )
        )
        return task_id


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    server = RealServer(tmp_path_factory.mktemp("tasks") / "data")
    server.start()
    clock = SystemClock()
    made = []
    for _ in range(2):
        store = FakeStore()
        become_device(store, server.enrolment(), server.code())
        made.append(CloudTasks(server.connect(store, clock)))
    yield Desks(made[0], made[1], server.put_task)
    server.close()


@pytest.fixture(params=["memory", "server"])
def desks(request: pytest.FixtureRequest) -> Desks:
    if request.param == "server":
        made: Desks = request.getfixturevalue("real")
        return made
    book = TaskBook(codes={"d1": "01", "d2": "02"})
    return Desks(FakeTaskDesk(book), FakeTaskDesk(book, "d2"), book.put)


def claim(task_id: str, claim_id: str, person: str = "g1") -> TaskClaim:
    return TaskClaim(task_id=task_id, claim_id=claim_id, person=person)


def settlement(
    task_id: str, claim_id: str, resolution: str = "seen", amount: int = 0
) -> TaskSettlement:
    return TaskSettlement(task_id=task_id, claim_id=claim_id, resolution=resolution, amount=amount)


def refused(act: Callable[[], object]) -> RuleBroken:
    with pytest.raises(RuleBroken) as caught:
        act()
    return caught.value


def test_one_gets_it_and_the_other_hears_by_whom(desks: Desks):
    task_id = desks.task()
    held = desks.one.claim(claim(task_id, "c1", "m1"))
    assert (held.state, held.claimed_by) == ("claimed", "m1")
    assert desks.one.claim(claim(task_id, "c1", "m1")) == held
    no = refused(lambda: desks.other.claim(claim(task_id, "c2")))
    assert (no.code, no.facts) == (Code.TASK_TAKEN, {"till": "01", "person": "m1"})
    no = refused(lambda: desks.other.settle(settlement(task_id, "c2")))
    assert no.code is Code.TASK_TAKEN


def test_whoever_holds_it_settles_it_once(desks: Desks):
    task_id = desks.task()
    desks.one.claim(claim(task_id, "c1"))
    done = desks.one.settle(settlement(task_id, "c1"))
    assert (done.state, done.resolution) == ("settled", "seen")
    assert desks.one.settle(settlement(task_id, "c1")) == done
    for act in (
        lambda: desks.other.claim(claim(task_id, "c2")),
        lambda: desks.one.claim(claim(task_id, "c3")),
        lambda: desks.one.settle(settlement(task_id, "c1", "corrected")),
    ):
        assert refused(act).code is Code.TASK_SETTLED


def test_a_word_settles_no_money_of_another_amount_than_was_seen(desks: Desks):
    task_id = desks.money(5_000)
    held = desks.one.claim(claim(task_id, "c1"))
    assert held.amount == 5_000
    no = refused(lambda: desks.one.settle(settlement(task_id, "c1", amount=2_500)))
    assert no.code is Code.TASK_CHANGED
    assert desks.one.claim(claim(task_id, "c1")) == held, "nothing has changed"
    done = desks.one.settle(settlement(task_id, "c1", amount=5_000))
    assert (done.state, done.resolution) == ("settled", "seen")
    again = desks.one.settle(settlement(task_id, "c1", amount=2_500))
    assert again == done, "the answer was lost, and the list is older"


def test_an_older_till_names_no_amount_goods_go_out_anyhow_and_records_have_none(desks: Desks):
    old = desks.money(5_000)
    desks.one.claim(claim(old, "c1"))
    assert desks.one.settle(settlement(old, "c1")).state == "settled"
    goods = desks.money(5_000)
    desks.one.claim(claim(goods, "c1"))
    assert desks.one.settle(settlement(goods, "c1", "delivered", 2_500)).state == "settled"
    record = desks.task()
    desks.one.claim(claim(record, "c1"))
    assert desks.one.settle(settlement(record, "c1", amount=700)).state == "settled"


def test_what_was_never_claimed_is_not_settled(desks: Desks):
    task_id = desks.task()
    no = refused(lambda: desks.one.settle(settlement(task_id, "c1")))
    assert no.code is Code.TASK_TAKEN


def test_a_till_may_claim_anew_what_it_holds(desks: Desks):
    task_id = desks.task()
    desks.one.claim(claim(task_id, "c1"))
    assert desks.one.claim(claim(task_id, "c2", "m2")).claimed_by == "m2"


def test_money_nobody_holds_has_changed_where_its_amount_is_another(desks: Desks):
    """A claim may have ended because more came: no other tablet is at it then."""
    task_id = desks.money(5_000)
    no = refused(lambda: desks.one.settle(settlement(task_id, "c1", amount=2_500)))
    assert no.code is Code.TASK_CHANGED
    no = refused(lambda: desks.one.settle(settlement(task_id, "c1", amount=5_000)))
    assert no.code is Code.TASK_TAKEN
    desks.other.claim(claim(task_id, "c2", "m1"))
    no = refused(lambda: desks.one.settle(settlement(task_id, "c1", amount=2_500)))
    assert (no.code, no.facts["person"]) == (Code.TASK_TAKEN, "m1")


def test_a_task_nobody_knows_is_unknown(desks: Desks):
    assert refused(lambda: desks.one.claim(claim(new_id(), "c1"))).code is Code.TASK_UNKNOWN
    assert refused(lambda: desks.one.settle(settlement(new_id(), "c1"))).code is Code.TASK_UNKNOWN


def test_other_refusals_stay_what_they_are(real: Desks):
    task_id = new_id()
    real.put(TaskRow(task_id=task_id, kind=RECORD, code="bad_body", subject="r", device="d1"))
    real.one.claim(claim(task_id, "c1"))
    with pytest.raises(Trouble) as caught:
        real.one.settle(settlement(task_id, "c1", "nonsense"))
    assert caught.value.code is Code.CLOUD_MESSAGE_INVALID
