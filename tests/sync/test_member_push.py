"""The members' queue on its way up: in order, in batches the line can carry, and never blocked for ever."""

from __future__ import annotations

import pytest

from app.domain.ids import new_id
from app.errors import Code, Trouble
from app.ports import UnitOfWork
from app.wire.messages import MemberChange, MembersPushAnswer
from tests.sync.till import Till

POISON = "poison"


def queue(till: Till, *values: str) -> list[str]:
    changes = [
        MemberChange(
            change_id=new_id(), member_ref="m1", field="note", value=value, base_revision=0, t_ms=1
        )
        for value in values
    ]

    def keep(uow: UnitOfWork) -> None:
        for change in changes:
            uow.change_member(change)

    till.store.run(keep).result()
    return [change.change_id for change in changes]


class Picky:
    """A cloud that refuses a push which holds poison, as a real one refuses what it cannot read."""

    def __init__(self, till: Till, status: int = 422, code: Code = Code.CLOUD_MESSAGE_INVALID):
        self.sizes: list[int] = []
        self.taken: list[str] = []
        self._push, self._status, self._code = till.cloud.push_members, status, code

    def push_members(self, changes) -> MembersPushAnswer:
        self.sizes.append(len(changes))
        if any(change.value == POISON for change in changes):
            raise Trouble(self._code, status=self._status, problem="malformed")
        self.taken += [change.change_id for change in changes]
        return self._push(changes)


@pytest.mark.parametrize(
    ("status", "code"), [(422, Code.CLOUD_MESSAGE_INVALID), (413, Code.CLOUD_REFUSED)]
)
def test_a_poison_change_is_set_aside_and_the_others_leave_in_order(
    till: Till, monkeypatch, caplog, status: int, code: Code
):
    ids = queue(till, *[POISON if number in (3, 40) else f"v{number}" for number in range(50)])
    picky = Picky(till, status, code)
    monkeypatch.setattr(till.cloud, "push_members", picky.push_members)
    report = till.engine.run()
    assert report.trouble is None
    assert (report.members_sent, report.members_refused) == (48, 2)
    assert picky.taken == [each for number, each in enumerate(ids) if number not in (3, 40)]
    assert [change.change_id for change in till.store.held.refused] == [ids[3], ids[40]]
    assert till.store.held.changes == []
    raised = {subject: code for (code, subject) in till.store.held.alarms}
    assert raised == dict.fromkeys((ids[3], ids[40]), "member_change_refused")
    assert len(picky.sizes) <= 2 * 2 * 6 + 8, "halving finds it in few requests"
    assert caplog.text.count("the cloud refuses the member change") == 2
    assert POISON not in caplog.text
    caplog.clear()


def test_what_was_set_aside_is_tried_again_by_the_next_process_behind_the_others(
    till: Till, monkeypatch, caplog
):
    queue(till, POISON)
    picky = Picky(till)
    with monkeypatch.context() as patch:
        patch.setattr(till.cloud, "push_members", picky.push_members)
        till.engine.run()
        assert till.engine.run().members_refused == 0  # not again and again
        assert picky.sizes == [1]
        caplog.clear()
    (late,) = queue(till, "fine")
    till.restart()
    assert till.engine.run().members_sent == 2  # the mended cloud takes both
    assert till.store.held.refused == []
    assert late


def test_five_hundred_changes_leave_in_three_requests(till: Till, monkeypatch):
    ids = queue(till, *[f"v{number}" for number in range(500)])
    picky = Picky(till)
    monkeypatch.setattr(till.cloud, "push_members", picky.push_members)
    assert till.engine.run().members_sent == 500
    assert (picky.sizes, picky.taken) == ([200, 200, 100], ids)


def test_a_slow_line_gets_smaller_batches_and_a_good_one_larger_again(till: Till, monkeypatch):
    queue(till, *[f"v{number}" for number in range(200)])
    picky, slow = Picky(till), [True, True, True]

    def push(changes):
        if slow:
            slow.pop()
            picky.sizes.append(len(changes))
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True, timeout=True)
        return picky.push_members(changes)

    monkeypatch.setattr(till.cloud, "push_members", push)
    for _ in range(3):
        trouble = till.engine.run().trouble
        assert trouble is not None
        assert trouble.retryable
    assert till.engine.run().trouble is None
    assert picky.sizes == [200, 100, 50, 25, 50, 100, 25]


def test_a_cloud_that_forbids_or_is_busy_loses_nothing(till: Till, monkeypatch):
    queue(till, "a", "b")
    for refused in (
        Trouble(Code.CLOUD_REFUSED, status=403),
        Trouble(Code.CLOUD_BUSY, retryable=True, status=503, retry_after_s=5),
        Trouble(Code.CLOUD_MESSAGE_INVALID, detail="another shape"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(till.cloud, "push_members", _raises(refused))
            assert till.engine.run().trouble is refused
        assert (len(till.store.held.changes), till.store.held.refused) == (2, [])


@pytest.mark.parametrize("status", [413, 422])
def test_a_strangers_status_says_nothing_about_a_change(till: Till, monkeypatch, status: int):
    for waiting in (["a"], ["a", "b"]):
        queue(till, waiting[-1])
        portal = Trouble(Code.CLOUD_NOT_OURS, retryable=True, status=status)
        with monkeypatch.context() as patch:
            patch.setattr(till.cloud, "push_members", _raises(portal))
            assert till.engine.run().trouble is portal
        assert [change.value for change in till.store.held.changes] == waiting
        assert till.store.held.refused == []
    picky = Picky(till)
    monkeypatch.setattr(till.cloud, "push_members", picky.push_members)
    assert till.engine.run().members_sent == 2
    assert picky.sizes == [2], "nothing was halved"


def _raises(trouble: Trouble):
    def push(changes):
        raise trouble

    return push
