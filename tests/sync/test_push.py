"""The journal reaches the cloud once, in order, whatever the line does to requests and answers."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Code, Trouble
from app.sync.push import GENTLE_RECORDS, MOST_RECORDS
from app.wire.messages import HelloAnswer, HelloRequest
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud
from tests.fakes.store import FakeStore
from tests.fakes.transport import FakeTransport, Fault
from tests.sync.till import Till, become_device, engine_of, new_till, record

TOO_BIG = Trouble(Code.CLOUD_REFUSED, status=413, problem="too_big")


def test_everything_recorded_reaches_the_cloud_in_order(till: Till):
    ids = till.record(450)
    report = till.engine.run()
    assert report.trouble is None
    assert (report.pushed, report.duplicates) == (450, 0)
    assert till.at_cloud == ids
    assert till.transport.batches == [200, 200, 50]


def test_a_backlog_that_leaves_gently_rests_between_small_batches(till: Till):
    rests: list[float] = []
    ids = till.record(2 * GENTLE_RECORDS + 3)
    report = till.engine.run(rest=rests.append)
    assert report.trouble is None
    assert till.at_cloud == ids
    assert till.transport.batches == [GENTLE_RECORDS, GENTLE_RECORDS, 3]
    assert len(rests) == 2


def test_a_single_sale_waits_for_no_rest(till: Till):
    rests: list[float] = []
    till.record(1)
    assert till.engine.run(rest=rests.append).pushed == 1
    assert rests == []


def test_a_second_round_adds_nothing(till: Till):
    till.record(5)
    till.engine.run()
    again = till.engine.run()
    assert not again.changed
    assert len(till.at_cloud) == 5
    assert till.transport.batches == [5]


def test_what_was_sold_before_enrolment_is_sent_too():
    store, clock, cloud = FakeStore(), FakeClock(), FakeCloud()
    ids = record(store, clock, 3)
    become_device(store, cloud)
    engine_of(store, FakeTransport(cloud), clock).run()
    assert [item.rec_id for item in cloud.devices["d1"].records] == ids


def test_a_till_that_is_no_device_yet_says_so_and_asks_nobody():
    till = new_till()
    till.store = FakeStore()
    till.restart()
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.code is Code.DEVICE_NOT_ENROLLED
    assert till.transport.calls == []


def test_a_lost_answer_to_a_push_adds_nothing_twice(till: Till):
    ids = till.record(10)
    till.transport.faults = [None, Fault.ANSWER_LOST]
    first = till.engine.run()
    assert first.trouble is not None
    assert first.trouble.retryable
    second = till.engine.run()
    assert second.trouble is None
    assert (second.pushed, second.duplicates) == (10, 10)
    assert till.at_cloud == ids
    assert till.transport.batches == [10]


def test_a_lost_answer_without_a_hello_ends_in_duplicates(till: Till):
    ids = till.record(10)
    till.engine.run(pull=False)
    more = till.record(5)
    till.transport.faults = [Fault.ANSWER_LOST]
    assert till.engine.run(hello=False).trouble is not None
    last = till.record(1)
    report = till.engine.run(hello=False)
    assert (report.pushed, report.duplicates) == (6, 5)
    assert till.at_cloud == ids + more + last


def test_a_lost_request_leaves_everything_unsent_for_the_next_round(till: Till):
    ids = till.record(3)
    till.transport.faults = [None, Fault.REQUEST_LOST]
    report = till.engine.run()
    assert (report.pushed, till.at_cloud) == (0, [])
    till.engine.run()
    assert till.at_cloud == ids


def test_a_push_that_arrives_twice_counts_once(till: Till):
    ids = till.record(3)
    till.transport.faults = [None, Fault.DELIVERED_TWICE]
    report = till.engine.run()
    assert (report.pushed, report.duplicates) == (3, 3)
    assert till.at_cloud == ids


def test_a_cloud_that_comes_back_gets_all_that_was_sold_meanwhile(till: Till):
    till.transport.down = True
    ids = [*till.record(2)]
    assert till.engine.run().trouble is not None
    ids += till.record(3)
    assert till.engine.run().trouble is not None
    till.transport.down = False
    report = till.engine.run()
    assert (report.pushed, report.trouble) == (5, None)
    assert till.at_cloud == ids


def test_a_till_killed_between_answer_and_mark_resumes_without_a_double(till: Till):
    ids = till.record(500)

    class KilledError(BaseException):
        """Nothing in the house may catch this."""

    pushes_before_death = 2

    def die(job: int) -> None:
        if len(till.transport.batches) == pushes_before_death:
            raise KilledError

    till.store.before_job = die
    with pytest.raises(KilledError):
        till.engine.run()
    assert len(till.at_cloud) == 400
    till.store.before_job = lambda job: None
    till.restart()
    report = till.engine.run()
    assert report.trouble is None
    assert till.at_cloud == ids


def test_a_batch_too_big_is_halved_at_once_and_grows_again(till: Till):
    till.cloud.most_records = 60
    ids = till.record(250)
    report = till.engine.run()
    assert report.trouble is None
    assert till.at_cloud == ids
    assert till.transport.batches[:3] == [200, 100, 50]
    assert max(till.transport.batches[3:]) <= 100


def test_a_single_record_too_big_is_trouble_and_not_an_endless_loop(till: Till):
    till.cloud.most_records = 0
    till.record(3)
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.facts["status"] == 413
    assert till.transport.batches == [3, 1]


def test_a_malformed_batch_is_split_down_to_one_record(till: Till):
    till.record(4)
    malformed = Trouble(Code.CLOUD_MESSAGE_INVALID, status=422)
    till.transport.faults = [None, malformed, malformed, malformed]
    report = till.engine.run()
    assert report.trouble is None
    assert till.transport.batches[:3] == [4, 2, 1]


def test_a_record_that_is_malformed_even_alone_goes_sealed(till: Till):
    ids = till.record(4)
    till.cloud.unreadable = lambda record: record.rec_id == ids[1] and not record.sealed
    report = till.engine.run()
    assert (report.trouble, report.sealed, report.exceptions) == (None, (2,), 1)
    assert till.at_cloud == [ids[0], *ids[2:]]
    assert till.cloud.sealed[0].body == till.store.held.records[1].body


def test_a_strangers_status_says_nothing_about_a_record(till: Till):
    ids = till.record(1)
    portal = Trouble(Code.CLOUD_NOT_OURS, retryable=True, status=422)
    till.transport.faults = [None, portal, None, portal]
    for _ in range(2):
        assert till.engine.run().trouble is portal
    report = till.engine.run()
    assert (report.trouble, report.sealed) == (None, ())
    assert till.at_cloud == ids


def test_a_cloud_that_refuses_the_seal_as_well_does_not_spoil_the_record(till: Till):
    ids = till.record(1)
    malformed = Trouble(Code.CLOUD_MESSAGE_INVALID, status=422)
    till.transport.faults = [None, malformed, malformed]
    assert till.engine.run().trouble is malformed
    report = till.engine.run()
    assert (report.trouble, report.sealed) == (None, ())
    assert till.at_cloud == ids


@pytest.mark.fault(17, "syncing takes longer and moves forward; selling does not notice")
def test_a_slow_line_gets_smaller_batches_after_the_back_off(till: Till):
    ids = till.record(200)
    till.transport.faults = [None, Fault.ANSWER_TOO_SLOW]
    report = till.engine.run()
    assert report.trouble is not None
    assert till.transport.batches == [200]
    till.record(200)
    till.engine.run()
    assert till.transport.batches == [200, 100, 100]
    assert till.at_cloud[:200] == ids


def test_batches_never_grow_past_the_limit(till: Till):
    till.record(MOST_RECORDS * 3)
    till.engine.run()
    assert max(till.transport.batches) == MOST_RECORDS


@pytest.mark.fault(22, "what the cloud forgot is sent again")
def test_a_cloud_restored_from_a_backup_is_given_the_rest_again(till: Till):
    ids = till.record(10)
    till.engine.run()
    del till.cloud.devices["d1"].records[4:]
    report = till.engine.run()
    assert report.trouble is None
    assert report.pushed == 6
    assert till.at_cloud == ids


def test_a_cloud_restored_to_before_everything_is_given_everything_again(till: Till):
    ids = till.record(3)
    till.engine.run()
    del till.cloud.devices["d1"].records[:]
    till.engine.run()
    assert till.at_cloud == ids


def test_a_gap_found_at_a_push_rewinds_to_the_cloud(till: Till):
    ids = till.record(10)
    till.engine.run()
    del till.cloud.devices["d1"].records[4:]
    ids += till.record(1)
    report = till.engine.run(hello=False)
    assert report.trouble is None
    assert till.at_cloud == ids


def test_a_cloud_that_keeps_asking_for_a_gap_is_not_asked_for_ever(till: Till):
    till.record(3)
    gap = Trouble(Code.CLOUD_REFUSED, status=409, problem="gap", hwm=0, hwm_hash="")
    till.transport.faults = [None, gap, gap, gap, gap, gap]
    report = till.engine.run()
    assert report.trouble is gap
    assert len(till.transport.batches) == 4


def test_a_gap_without_a_mark_means_from_the_start(till: Till):
    ids = till.record(2)
    till.transport.faults = [None, Trouble(Code.CLOUD_REFUSED, status=409, problem="gap")]
    report = till.engine.run()
    assert report.trouble is None
    assert till.at_cloud == ids


def test_a_cloud_that_lost_records_hears_of_it_before_they_are_sent_again(till: Till, monkeypatch):
    ids = till.record(3)
    till.engine.run()
    del till.cloud.devices["d1"].epochs[-1].records[1:]
    ids += till.record(1)
    told: list[int] = []
    hello = till.cloud.hello

    def listen(device: str, request: HelloRequest) -> HelloAnswer:
        told.append(request.acked_seq)
        return hello(device, request)

    monkeypatch.setattr(till.cloud, "hello", listen)
    report = till.engine.run(hello=False, pull=False)
    assert (report.trouble, report.said_hello, told) == (None, True, [3])
    assert till.at_cloud == ids


def test_a_damaged_record_goes_sealed_and_those_behind_it_leave(till: Till):
    ids = till.record(5)
    till.store.damage(3)
    report = till.engine.run()
    assert (report.trouble, report.sealed) == (None, (3,))
    assert till.at_cloud == [*ids[:2], *ids[3:]]


def test_a_damaged_record_that_a_second_copy_holds_leaves_as_if_nothing_were(till: Till):
    ids = till.record(5)
    till.store.copied = list(till.store.held.records)
    till.store.damage(3)
    report = till.engine.run()
    assert (report.trouble, report.sealed, report.exceptions) == (None, (), 0)
    assert till.at_cloud == ids


def test_new_keys_of_the_cloud_are_pinned_when_a_proven_answer_names_them(till: Till, monkeypatch):
    till.engine.run()
    before = till.store.held.cloud_keys()
    assert before
    monkeypatch.setattr(till.cloud, "_signing", Ed25519PrivateKey.generate())
    till.engine.run()
    assert till.store.held.cloud_keys() != before


def test_an_answer_that_makes_no_progress_is_not_believed(till: Till, monkeypatch):
    till.record(2)
    take = till.cloud.push
    monkeypatch.setattr(
        till.cloud,
        "push",
        lambda device, request: type(take(device, request))(
            hwm=0, hwm_hash="", durable_seq=0, results=[]
        ),
    )
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.code is Code.CLOUD_MESSAGE_INVALID


def test_a_hash_that_is_none_is_not_believed(till: Till, monkeypatch):
    till.record(2)
    take = till.cloud.push
    monkeypatch.setattr(
        till.cloud,
        "push",
        lambda device, request: type(take(device, request))(
            hwm=2, hwm_hash="not hex", durable_seq=0, results=[]
        ),
    )
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.facts["detail"] == "not a hash"


def test_a_record_set_aside_for_a_person_does_not_hold_up_the_queue(till: Till):
    ids = till.record(3)
    till.cloud.projected[ids[1]] = b"another body"
    report = till.engine.run()
    assert (report.pushed, report.exceptions, report.trouble) == (3, 1, None)


def test_a_store_in_trouble_ends_the_round(till: Till):
    till.record(1)

    def full(job: int) -> None:
        if till.transport.batches:
            raise Trouble(Code.STORE_FULL)

    till.store.before_job = full
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.code is Code.STORE_FULL
    assert till.transport.calls == ["hello", "push"]


@pytest.mark.fault(21, "the till says that it was signed off; what is unsent stays")
def test_a_revoked_device_ends_the_round(till: Till):
    till.record(1)
    till.transport.faults = [None, Trouble(Code.DEVICE_REVOKED, status=403)]
    report = till.engine.run()
    assert report.trouble is not None
    assert till.transport.calls == ["hello", "push"]


FAULTS = st.lists(st.sampled_from([None, *Fault, TOO_BIG]), max_size=25)


@given(st.lists(st.tuples(st.integers(0, 40), FAULTS, st.booleans(), st.booleans()), max_size=6))
@pytest.mark.fault(14, "nothing")
def test_whatever_the_line_does_every_record_arrives_once_and_in_order(rounds):
    till = new_till()
    ids: list[str] = []
    for count, faults, hello, killed in rounds:
        ids += till.record(count)
        till.transport.faults = list(faults)
        till.engine.run(hello=hello)
        assert till.at_cloud == ids[: len(till.at_cloud)]
        if killed:
            till.restart()
    till.transport.faults = []
    assert till.engine.run().trouble is None
    assert till.at_cloud == ids
    assert list(till.cloud.projected) == ids
    assert not till.engine.run().changed
