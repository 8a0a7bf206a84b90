"""Settled changes of members: kept while a backup of the cloud may lack them, told again to a cloud of
another timeline, and nothing of them left of who was erased."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from app.wire.messages import MEMBERS, MemberVerdict
from offline_store import OfflineStore
from tests.store.conftest import Opener
from tests.store.pages import plain_bytes
from tests.store.shop import KEY, do, enrol_answer, sale_of
from tests.store.test_epochs import acknowledge
from tests.store.test_feeds import people_known, snapshot
from tests.store.test_members import change, join, pull, queue, row, settle


@pytest.fixture
def enrolled(store: OfflineStore) -> OfflineStore:
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    do(store, "pin_cloud", "t1", ())
    return store


def verdict(change_id: str, revision: int = 1, word: str = "applied", ref: str = "m1"):
    return MemberVerdict(change_id=change_id, verdict=word, member_ref=ref, revision=revision)


def another_timeline(store: OfflineStore, timeline: str = "t2", most: int = 200) -> None:
    """The cloud begins another history, and the till puts into the queue what it must tell again."""
    do(store, "pin_cloud", timeline, ())
    while do(store, "queue_settled_members", most):
        pass


@pytest.mark.fault(22, "nothing; tills tell again what the backup lacks of members, too")
@pytest.mark.parametrize("most", [1, 2, 200])
def test_what_was_settled_is_sent_again_in_the_order_it_was_made(enrolled, most: int):
    first, second = join(enrolled, "m1", name="王"), change(enrolled, "name", "李")
    settle(enrolled, verdict(first, 1), verdict(second, 2))
    third = change(enrolled, "note", "x")
    settle(enrolled, verdict(third, 3, "duplicate"))
    waiting = change(enrolled, "note", "y")
    another_timeline(enrolled, most=most)
    assert [(c.change_id, c.settled_revision) for c in queue(enrolled)] == [
        (first, 1),
        (second, 2),
        (third, 3),
        (waiting, 0),
    ]
    assert enrolled.reader.sync_status().member_changes == 4


def test_the_same_timeline_sends_nothing_again_and_another_everything_once_more(enrolled):
    made = join(enrolled, "m1", name="王")
    settle(enrolled, verdict(made))
    another_timeline(enrolled, "t1")
    assert queue(enrolled) == []
    for timeline in ("t2", "t3"):
        another_timeline(enrolled, timeline)
        (again,) = queue(enrolled)
        assert (again.change_id, again.settled_revision) == (made, 1)
        settle(enrolled, verdict(made))
        assert queue(enrolled) == []


def test_a_kill_while_it_is_queued_again_goes_on_at_the_next_start(opened: Opener):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    made = [change(store, "note", f"n{number}") for number in range(5)]
    settle(store, *(verdict(each, nth) for nth, each in enumerate(made, 2)))
    do(store, "pin_cloud", "t2", ())
    assert do(store, "queue_settled_members", 2)
    store.close()
    store = opened()
    while do(store, "queue_settled_members", 2):
        pass
    assert [each.change_id for each in queue(store)] == made


def test_a_change_that_lost_is_not_sent_again(enrolled):
    settle(enrolled, verdict(change(enrolled, "note", "x"), 4, "kept"))
    another_timeline(enrolled)
    assert queue(enrolled) == []


def test_who_joined_twice_says_so_again_under_both_references(enrolled):
    made = join(enrolled, "m2", name="王")
    settle(enrolled, verdict(made, 7, "alias", "m1"))
    noted = change(enrolled, "note", "x", "m2")
    settle(enrolled, verdict(noted, 8))
    another_timeline(enrolled)
    joining, noting = queue(enrolled)
    assert (joining.member_ref, joining.settled_ref) == ("m2", "m1")
    assert (noting.member_ref, noting.settled_ref) == ("m1", "")


# --- retention ------------------------------------------------------------------------------------


def test_it_goes_once_every_backup_holds_a_record_made_after_it(enrolled):
    do(enrolled, "record", sale_of())
    made = join(enrolled, "m1", name="王")
    settle(enrolled, verdict(made))
    acknowledge(enrolled, 1, 1)
    assert do(enrolled, "prune", 0, 100) == 0, "the backup may be older than the change"
    do(enrolled, "record", sale_of())
    acknowledge(enrolled, 2, 1)
    assert do(enrolled, "prune", 0, 100) == 0
    do(enrolled, "note_durable", 2)
    assert do(enrolled, "prune", 0, 100) == 1
    another_timeline(enrolled)
    assert queue(enrolled) == []


def test_without_backups_it_stays(enrolled):
    settle(enrolled, verdict(join(enrolled, "m1", name="王")))
    do(enrolled, "record", sale_of())
    acknowledge(enrolled, 1, 0)
    assert do(enrolled, "prune", 0, 100) == 0


# --- erasure --------------------------------------------------------------------------------------


@pytest.mark.fault(
    40, "nothing of the erased member is kept for a restored cloud but the reference"
)
def test_of_an_erased_member_only_the_reference_is_told_again(
    enrolled: OfflineStore, file: Path
) -> None:
    settle(enrolled, verdict(join(enrolled, "m1", name="欧阳震华", note="私人秘密")))
    settle(enrolled, verdict(join(enrolled, "m2", name="欧阳震华"), 1, "alias", "m1"))
    pull(enrolled, row("m1", "", phone="", revision=5, erased=True))
    while do(enrolled, "tidy_members"):
        pass
    another_timeline(enrolled)
    (told,) = queue(enrolled)
    assert (told.member_ref, told.field, told.value, told.settled_revision) == (
        *("m1", "erase", ""),
        5,
    )
    enrolled.close()
    data = plain_bytes(file, KEY)
    assert [word for word in ("欧阳震华", "私人秘密") if word.encode() in data] == []


@pytest.mark.fault(40, "an erasure that tills know is not undone by a restored cloud")
def test_a_restored_clouds_row_brings_nobody_back_who_was_erased(enrolled):
    pull(enrolled, row("m1", "", phone="", revision=5, erased=True))
    another_timeline(enrolled)
    pull(enrolled, row("m1", "王小明"), row("m2", "李芳", phone="15900000000"))
    assert enrolled.reader.find_members("王小明") == ()
    assert [each.member_ref for each in enrolled.reader.find_members("李芳")] == ["m2"]
    (told,) = queue(enrolled)
    assert told.field == "erase"
    settle(enrolled, verdict(told.change_id, 6))
    another_timeline(enrolled, "t3")
    assert [(each.field, each.settled_revision) for each in queue(enrolled)] == [("erase", 6)]


def test_an_erasure_made_here_is_remembered_from_its_verdict_on(enrolled):
    pull(enrolled, row())
    change(enrolled, "note", "x")
    made = change(enrolled, "erase", "")
    settle(enrolled, verdict(made, 3))
    assert enrolled.reader.find_members("王小明") == ()
    another_timeline(enrolled)
    assert [each.field for each in queue(enrolled)] == ["erase"]


def test_many_erasures_are_told_in_batches_and_each_once(enrolled):
    pull(enrolled, *(row(f"m{n}", "", phone="", revision=2, erased=True) for n in range(7)))
    another_timeline(enrolled, most=3)
    do(enrolled, "pin_cloud", "t3", ())
    another_timeline(enrolled, "t3", most=3)
    assert sorted(each.member_ref for each in queue(enrolled)) == [f"m{n}" for n in range(7)]


# --- whom the cloud has lost altogether -----------------------------------------------------------


@pytest.mark.fault(22, "nothing; tills tell again what the backup lacks of members, too")
def test_who_is_missing_at_the_restored_cloud_is_told_by_every_till_alike(enrolled):
    snapshot(enrolled, MEMBERS, people_known("m1", "m2"))
    pull(enrolled, row("m3", "", phone="", revision=4, erased=True))
    another_timeline(enrolled)
    snapshot(enrolled, MEMBERS, people_known("m1"))
    erased, lost = queue(enrolled)
    assert (erased.member_ref, erased.field) == ("m3", "erase")
    assert (lost.member_ref, lost.field, lost.settled_revision) == ("m2", "join", 1)
    assert lost.change_id == "lost-1-m2"
    assert msgspec.json.decode(lost.value) == {
        "name": "林",
        "phone": "13800138000",
        "tier": "",
        "note": "",
    }


def test_whom_a_cloud_of_the_same_history_leaves_out_is_not_told(enrolled):
    snapshot(enrolled, MEMBERS, people_known("m1", "m2"))
    snapshot(enrolled, MEMBERS, people_known("m1"))
    assert queue(enrolled) == []
    another_timeline(enrolled)
    snapshot(enrolled, MEMBERS, people_known("m1"))
    snapshot(enrolled, MEMBERS, people_known())
    assert [each.member_ref for each in queue(enrolled)] == []


# --- no longer this cloud's -----------------------------------------------------------------------


def test_a_revoked_till_forgets_what_was_settled_and_keeps_what_was_not(enrolled):
    settle(enrolled, verdict(join(enrolled, "m1", name="王")))
    waiting = change(enrolled, "note", "x")
    do(enrolled, "set_revoked", True)
    while do(enrolled, "tidy_members"):
        pass
    do(enrolled, "set_revoked", False)
    another_timeline(enrolled)
    assert [each.change_id for each in queue(enrolled)] == [waiting]


def test_another_cloud_hears_nothing_of_it(enrolled):
    settle(enrolled, verdict(join(enrolled, "m1", name="王")))
    pull(enrolled, row("m2", "", phone="", revision=5, erased=True))
    do(enrolled, "pin_cloud", "t2", ())
    do(enrolled, "unenrol")
    do(enrolled, "enrol", enrol_answer(epoch="e9"), b"k" * 32, "http://other")
    another_timeline(enrolled, "t9")
    assert queue(enrolled) == []
