"""What a file lets go of on purpose: nothing before it is acknowledged, durable and old."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Code, Trouble
from app.ports import JournalMark
from app.wire.journal import Record
from offline_store import OfflineStore
from tests.store.conftest import Opener
from tests.store.shop import NOON, do, enrol_answer
from tests.store.test_epochs import acknowledge, rotate
from tests.store.test_journal import fill, tamper, unsent

LATER = NOON + 1


def test_nothing_goes_before_it_is_acknowledged_durable_and_old(enrolled: OfflineStore):
    fill(enrolled, 6)
    assert do(enrolled, "prune", LATER, 100) == 0
    acknowledge(enrolled, 4, 0)
    assert do(enrolled, "prune", LATER, 100) == 0
    do(enrolled, "note_durable", 3)
    assert do(enrolled, "prune", NOON, 100) == 0
    assert do(enrolled, "prune", LATER, 2) == 2
    assert do(enrolled, "prune", LATER, 100) == 1
    assert do(enrolled, "prune", LATER, 100) == 0
    assert enrolled.verify_journal() is None


def test_the_newest_record_never_goes(opened: Opener):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 3)
    acknowledge(store, 3, 3)
    assert do(store, "prune", LATER, 100) == 2
    store.close()
    store = opened()
    assert store.tail_broken is None
    fill(store, 1)
    assert store.verify_journal() is None
    assert [place.seq for place in unsent(store).records] == [4]


def test_a_document_that_went_says_that_the_cloud_has_it(enrolled: OfflineStore):
    sales = fill(enrolled, 3)
    acknowledge(enrolled, 3, 2)
    do(enrolled, "prune", LATER, 100)
    with pytest.raises(Trouble) as trouble:
        enrolled.reader.document(sales[0])
    assert trouble.value.code is Code.RECORD_ARCHIVED
    assert enrolled.reader.document(sales[2]) is not None
    assert len(enrolled.reader.documents()) == 3


def test_the_file_itself_refuses_to_let_go_of_what_the_cloud_could_lose(enrolled: OfflineStore):
    fill(enrolled, 4)
    acknowledge(enrolled, 3, 1)

    def by_hand(statement: str) -> None:
        def change(uow: Any) -> None:  # behind the port, as no service can
            uow._connection.execute(statement)

        enrolled.run(change).result()

    with pytest.raises(Exception, match="could still lose"):
        by_hand("UPDATE epoch SET pruned_seq = 2")
    with pytest.raises(Exception, match="never changed"):
        by_hand("DELETE FROM journal")


def test_damage_is_not_pruned_away(opened: Opener, file):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 5)
    acknowledge(store, 5, 5)
    store.close()
    tamper(file, "UPDATE journal SET hash = zeroblob(32) WHERE seq = 3")
    store = opened()
    assert do(store, "prune", LATER, 100) == 2
    assert do(store, "prune", LATER, 100) == 0


def test_an_epoch_after_pruning_sends_no_ghosts(enrolled: OfflineStore):
    sales = fill(enrolled, 4)
    acknowledge(enrolled, 4, 3)
    do(enrolled, "prune", LATER, 100)
    rotate(enrolled)
    again = unsent(enrolled).records
    assert [r.header.rec_id for r in again[1:] if isinstance(r, Record)] == sales[3:]
    assert len(again) == 2


def test_what_is_given_back_is_not_let_go(enrolled: OfflineStore):
    fill(enrolled, 6)
    (third,) = unsent(enrolled).records[2:3]
    acknowledge(enrolled, 5, 5)
    epoch = enrolled.reader.identity().epoch
    assert len(do(enrolled, "give_back", [JournalMark(epoch, 3, third.hash)])) == 1
    assert do(enrolled, "prune", LATER, 100) == 2
    do(enrolled, "note_durable", 5)
    assert do(enrolled, "prune", LATER, 100) == 3
