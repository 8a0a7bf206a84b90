"""A revoked till sends what it has, keeps what it could not send and forgets its members; a captive
portal's 403 does nothing of the kind. On both stores, at both clouds."""

from __future__ import annotations

from app.domain.ids import new_id
from app.errors import Code, Trouble
from app.wire.messages import MemberChange, MemberRow
from tests.sync.clouds import Side
from tests.sync.test_contract import Opened, opened, server, side
from tests.sync.till import Till, become_device, engine_of, new_till, record

__all__ = ["opened", "server", "side"]


def joined() -> MemberChange:
    return MemberChange(
        change_id=new_id(),
        member_ref=new_id(),
        field="join",
        value='{"name":"林","phone":"13800000000","tier":"normal","note":""}',
        base_revision=0,
        t_ms=1,
    )


def is_revoked(store) -> bool:
    return bool(store.run(lambda uow: uow.is_revoked()).result())


def test_what_a_revoked_till_has_leaves_and_nothing_comes_in(side: Side, opened: Opened):
    store = opened.store
    become_device(store, side.enrolment(), side.code())
    line = side.line(store, opened.clock)
    assert engine_of(store, line, opened.clock).run().trouble is None
    side.revoke(store)
    ids = record(store, opened.clock, 3)
    change = joined()
    store.run(lambda uow: uow.change_member(change)).result()
    report = engine_of(store, line, opened.clock).run()
    assert (report.trouble, report.pushed, report.members_sent) == (None, 3, 0)
    assert side.held(store) == ids
    assert is_revoked(store)
    queue = store.run(lambda uow: uow.member_queue(10)).result()
    assert queue == (change,), "an offline join is never lost"
    assert store.run(lambda uow: uow.cursor("members")).result() == ""


def test_a_reinstated_till_hears_of_it_with_its_next_round_and_sends_its_joins(
    side: Side, opened: Opened
):
    store = opened.store
    become_device(store, side.enrolment(), side.code())
    engine = engine_of(store, side.line(store, opened.clock), opened.clock)
    side.revoke(store)
    store.run(lambda uow: uow.change_member(joined())).result()
    engine.run()
    store = opened.reopen()
    assert is_revoked(store), "a restart does not forget it"
    engine = engine_of(store, side.line(store, opened.clock), opened.clock)
    side.revoke(store, revoked=False)
    report = engine.run(hello=False)
    assert (report.trouble, report.said_hello, report.members_sent) == (None, True, 1)
    assert not is_revoked(store)


def test_a_till_that_is_revoked_between_hello_and_pull_learns_it_there():
    till = new_till()
    till.record(2)
    till.engine.run()
    till.cloud.revoked.add("d1")
    till.record(1)
    report = till.engine.run(hello=False)
    assert report.trouble is not None
    assert report.trouble.code is Code.DEVICE_REVOKED
    assert is_revoked(till.store)
    assert len(till.at_cloud) == 3
    till.record(1)
    assert till.engine.run(hello=False).trouble is None
    assert len(till.at_cloud) == 4


def test_members_go_at_once_and_come_back_from_the_first_page():
    till = new_till()
    till.cloud.members = [MemberRow(member_ref=f"m{n}", revision=1) for n in range(5)]
    till.engine.run()
    assert len(till.store.held.members) == 5
    till.cloud.revoked.add("d1")
    till.engine.run()
    assert till.store.held.members == {}
    till.cloud.revoked.clear()
    till.engine.run()
    assert len(till.store.held.members) == 5


def test_what_proves_nothing_revokes_nothing():
    till = new_till()
    till.engine.run()
    portal = Trouble(Code.CLOUD_NOT_OURS, retryable=True, status=403)
    for place in range(3):
        till.transport.faults = [*([None] * place), portal]
        assert till.engine.run().trouble is portal
        assert not is_revoked(till.store)


def test_a_newer_file_is_not_written_even_for_this():
    till: Till = new_till()
    till.store.drain_only = True
    till.cloud.revoked.add("d1")
    assert till.engine.run().trouble is None
    assert not is_revoked(till.store)
