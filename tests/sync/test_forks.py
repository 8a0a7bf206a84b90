"""Histories that part: another epoch answers a fork, a restored till, a cloud that knows nothing."""

from __future__ import annotations

from dataclasses import replace

from app.errors import Code, Trouble
from app.sync.engine import SyncEngine
from app.wire.upkeep import EpochRequest
from tests.fakes.store import FakeStore
from tests.sync.till import Till, record


def test_a_till_restored_from_a_backup_opens_another_epoch(till: Till):
    ids = till.record(10)
    till.engine.run()
    del till.store.held.records[6:]
    till.store.held.received = 6
    more = till.record(1)
    report = till.engine.run()
    assert (report.trouble, report.epoch) == (None, "restored")
    assert till.cloud.reasons == ["restored"]
    assert till.at_cloud == ids + more


def test_a_cloud_that_never_heard_of_the_epoch_is_given_everything(till: Till):
    ids = till.record(3)
    till.engine.run()
    till.cloud.devices["d1"].epochs.clear()
    till.cloud.projected.clear()
    report = till.engine.run()
    assert (report.trouble, report.epoch) == (None, "unknown")
    assert till.at_cloud == ids


def test_a_restored_cloud_is_told_of_the_timeline_it_lost_records_of_until_its_mark_is_ours(
    till: Till, monkeypatch
):
    till.record(3)
    till.engine.run()
    before = till.cloud.timeline
    asked: list[str] = []
    open_epoch = till.cloud.new_epoch

    def listen(device: str, request: EpochRequest):
        asked.append(request.timeline)
        return open_epoch(device, request)

    monkeypatch.setattr(till.cloud, "new_epoch", listen)
    till.cloud.timeline = "restored"
    till.cloud.devices["d1"].epochs.clear()
    till.engine.run()
    assert asked == [before]
    assert till.store.held.who.timeline == "restored"


def test_a_newer_file_opens_no_other_epoch(till: Till):
    till.record(2)
    till.engine.run()
    till.store.drain_only = True
    del till.cloud.devices["d1"].records[:]
    assert till.engine.run().pushed == 2


def test_two_tills_with_one_identity_fork_at_the_push_and_overwrite_nothing(till: Till):
    till.record(2)
    till.engine.run()
    clone = FakeStore()
    clone.held = replace(till.store.held, records=list(till.store.held.records))
    ours = till.record(1)
    till.engine.run()
    theirs = record(clone, till.clock, 1)
    other = SyncEngine(clone, till.transport, till.clock, app_version="0.1.0")
    assert other.run(hello=False).epoch == "forked"
    assert other.run().epoch == ""
    assert till.at_cloud[2:] == ours + theirs
    assert till.engine.run().epoch == ""


def test_a_cloud_that_forks_at_every_turn_is_not_followed_for_ever(till: Till, monkeypatch):
    till.record(2)
    forked = Trouble(Code.CLOUD_REFUSED, status=409, problem="fork", hwm=0, hwm_hash="")
    till.transport.faults = [None, forked, None, forked]
    report = till.engine.run()
    assert report.forked
    assert till.cloud.reasons == ["forked"]


def test_a_mark_at_the_same_place_with_another_hash_is_a_fork(till: Till):
    till.record(2)
    till.engine.run()
    held = till.cloud.devices["d1"].records
    held[1] = type(held[1])(
        **{name: getattr(held[1], name) for name in held[1].__struct_fields__} | {"hash": "ab" * 32}
    )
    assert till.engine.run().epoch == "forked"
