"""One epoch after another on a real file: facts keep their records, damage stays damage, numbers go on."""

from __future__ import annotations

import pytest

from app.domain.ids import new_epoch, new_id
from app.errors import Code, Trouble
from app.ports import JournalMark
from app.wire.bodies import EPOCH_OPENED, EpochOpenedV1
from app.wire.codec import decode_body
from app.wire.journal import Damaged, Record
from app.wire.messages import PublicKey
from app.wire.upkeep import EpochAnswer, HeldMark
from offline_store import OfflineStore
from tests.store.conftest import Opener
from tests.store.shop import at, do, enrol_answer, sale_of, step_of
from tests.store.test_journal import fill, tamper, unsent


def held(store: OfflineStore, seq: int) -> HeldMark:
    """What a cloud says that holds the current epoch up to `seq`."""
    mark = store.run(lambda uow: uow.acked()).result()
    records = unsent(store).records
    hash_ = records[seq - 1 - mark.seq].hash if seq > mark.seq else mark.hash
    return HeldMark(epoch=mark.epoch, hwm=seq, hwm_hash=hash_.hex())


def acknowledge(store: OfflineStore, seq: int, durable: int) -> None:
    mark = store.run(lambda uow: uow.acked()).result()
    hash_ = unsent(store).records[seq - 1 - mark.seq].hash
    assert do(store, "mark_received", seq, hash_, 1)
    do(store, "note_durable", durable)


def rotate(store: OfflineStore, *marks: HeldMark, ordinal: int = 2) -> str:
    answer = EpochAnswer(epoch=new_epoch(), ordinal=ordinal, timeline="t2", held=list(marks))
    do(store, "open_epoch", answer, "forked", at())
    return answer.epoch


def kinds(store: OfflineStore) -> list[str]:
    return [r.header.kind if isinstance(r, Record) else "damaged" for r in unsent(store).records]


def test_what_the_cloud_holds_is_not_journalled_again(enrolled: OfflineStore):
    sales = fill(enrolled, 5)
    epoch = rotate(enrolled, held(enrolled, 3))
    identity = enrolled.reader.identity()
    assert (identity.epoch, identity.epoch_ordinal, identity.timeline) == (epoch, 2, "t2")
    sent = unsent(enrolled).records
    assert kinds(enrolled) == [EPOCH_OPENED, "sale", "sale"]
    assert [r.header.rec_id for r in sent[1:] if isinstance(r, Record)] == sales[3:]
    assert enrolled.verify_journal() is None


def test_the_first_record_says_which_epoch_it_follows(enrolled: OfflineStore):
    fill(enrolled, 5)
    before = enrolled.run(lambda uow: uow.head()).result()
    rotate(enrolled, held(enrolled, 3))
    first = unsent(enrolled).records[0]
    assert isinstance(first, Record)
    body = decode_body(first.header.kind, first.body)
    assert isinstance(body, EpochOpenedV1)
    said = (body.old_epoch, body.old_seq, body.old_hash, body.again, body.reason)
    assert said == (before.epoch, 5, before.hash.hex(), 2, "forked")
    assert body.id == first.header.rec_id


@pytest.mark.parametrize("known", [0, 2, 5])
def test_every_document_is_found_and_the_next_ones_too(enrolled: OfflineStore, known: int):
    sales = [sale_of() for _ in range(5)]
    for sale in sales:
        do(enrolled, "record", sale)
    rotate(enrolled, held(enrolled, known))
    more = [sale_of() for _ in range(2)]
    for sale in more:
        do(enrolled, "record", sale)
    rotate(enrolled, held(enrolled, 1), ordinal=3)
    more.append(sale_of())
    do(enrolled, "record", more[-1])
    for sale in sales + more:
        assert enrolled.reader.document(sale.sale_id) == sale
    assert enrolled.verify_journal() is None
    assert kinds(enrolled)[0] == EPOCH_OPENED


def test_a_cloud_that_knows_no_epoch_is_given_every_fact(enrolled: OfflineStore):
    sales = fill(enrolled, 3)
    mark = enrolled.run(lambda uow: uow.head()).result()
    assert do(enrolled, "mark_received", mark.seq, mark.hash, 1)
    rotate(enrolled)
    sales += fill(enrolled, 1)
    again = [r.header.rec_id for r in unsent(enrolled).records if isinstance(r, Record)]
    assert again[1:] == sales


def test_a_mark_the_cloud_proves_at_our_place_counts_where_its_own_is_strange(enrolled):
    sales = fill(enrolled, 4)
    records = unsent(enrolled).records
    assert do(enrolled, "mark_received", 2, records[1].hash, 1)
    epoch = enrolled.reader.identity().epoch
    strange = HeldMark(epoch=epoch, hwm=9, hwm_hash="ab" * 32, at_mark=records[1].hash.hex())
    rotate(enrolled, strange)
    again = [r.header.rec_id for r in unsent(enrolled).records if isinstance(r, Record)]
    assert again[1:] == sales[2:]


def test_a_mark_that_proves_nothing_sends_the_epoch_again(enrolled: OfflineStore):
    sales = fill(enrolled, 4)
    records = unsent(enrolled).records
    assert do(enrolled, "mark_received", 2, records[1].hash, 1)
    epoch = enrolled.reader.identity().epoch
    rotate(enrolled, HeldMark(epoch=epoch, hwm=9, hwm_hash="ab" * 32, at_mark="cd" * 32))
    again = [r.header.rec_id for r in unsent(enrolled).records if isinstance(r, Record)]
    assert again[1:] == sales


def test_the_same_answer_twice_opens_one_epoch(enrolled: OfflineStore):
    fill(enrolled, 2)
    answer = EpochAnswer(epoch=new_epoch(), ordinal=2, timeline="t", held=[])
    for _ in range(2):
        do(enrolled, "open_epoch", answer, "restored", at())
    assert kinds(enrolled) == [EPOCH_OPENED, "sale", "sale"]


def test_receipt_numbers_carry_the_new_ordinal_from_one(enrolled: OfflineStore):
    do(enrolled, "next_receipt_no")
    rotate(enrolled)
    assert do(enrolled, "next_receipt_no").endswith("-2-000001")


def test_opening_an_epoch_settles_the_request_and_the_restore(enrolled: OfflineStore):
    do(enrolled, "set_state", "restored", "1")
    do(enrolled, "set_state", "epoch.request", new_id())
    rotate(enrolled)
    assert enrolled.reader.state("restored") == enrolled.reader.state("epoch.request") == ""


def test_damage_stays_damage_in_the_next_epoch(opened: Opener, file):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    sales = fill(store, 5)
    store.close()
    tamper(file, "UPDATE journal SET body = x'7b7d' WHERE seq = 3")
    store = opened()
    rotate(store)
    assert kinds(store) == [EPOCH_OPENED, "sale", "sale", "damaged", "sale", "sale"]
    more = fill(store, 1)
    rotate(store, ordinal=3)
    assert kinds(store) == [EPOCH_OPENED, "sale", "sale", "damaged", "sale", "sale", "sale"]
    with pytest.raises(Trouble) as trouble:
        store.reader.document(sales[2])
    assert trouble.value.code is Code.JOURNAL_BROKEN
    for sale_id in (*sales[:2], *sales[3:], *more):
        assert store.reader.document(sale_id) is not None


@pytest.mark.parametrize(
    ("gone", "sound"),
    [
        ("seq >= 4", [1, 2, 3, 6, 7]),
        ("seq >= 1", [6, 7]),
        ("seq = 3", [1, 2, 4, 5, 6, 7]),
    ],
)
def test_a_journal_that_lost_records_sells_on(opened: Opener, file, gone: str, sound: list[int]):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 5)
    store.close()
    tamper(file, f"DELETE FROM journal WHERE {gone}")
    store = opened()
    more = fill(store, 2)
    places = unsent(store).records
    assert [place.seq for place in places] == list(range(1, 8))
    assert [place.seq for place in places if isinstance(place, Record)] == sound
    assert [r.header.rec_id for r in places[-2:] if isinstance(r, Record)] == more
    for sale_id in more:
        assert store.reader.document(sale_id) is not None
    rotate(store)
    assert [place.seq for place in unsent(store).records] == list(range(1, 9))


def test_a_lost_end_that_the_cloud_holds_goes_on_from_its_mark(opened: Opener, file):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 4)
    mark = store.run(lambda uow: uow.head()).result()
    do(store, "mark_received", mark.seq, mark.hash, 1)
    store.close()
    tamper(file, "DELETE FROM journal WHERE seq >= 3")
    store = opened()
    more = fill(store, 1)
    (place,) = unsent(store).records
    assert isinstance(place, Record)
    assert (place.seq, place.prev_hash, place.header.rec_id) == (5, mark.hash, more[0])


@pytest.mark.parametrize("rotten", ["x'00'", "zeroblob(32)"])
def test_the_cloud_remembers_the_last_hash_for_us(opened: Opener, file, rotten: str):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 2)
    mark = store.run(lambda uow: uow.head()).result()
    do(store, "mark_received", mark.seq, mark.hash, 1)
    store.close()
    tamper(file, f"UPDATE journal SET hash = {rotten} WHERE seq = 2")
    store = opened()
    fill(store, 1)
    (third,) = unsent(store).records
    assert isinstance(third, Record)
    assert third.prev_hash == mark.hash


def test_the_chain_goes_on_from_what_was_said_for_a_last_record_that_rots_while_we_run(
    opened: Opener, file
):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 2)
    tamper(file, "UPDATE journal SET hash = zeroblob(32) WHERE seq = 2")
    said = unsent(store).records[1]
    assert isinstance(said, Damaged)
    assert do(store, "mark_received", 2, said.hash, 1)
    fill(store, 1)
    (third,) = unsent(store).records
    assert isinstance(third, Record)
    assert third.prev_hash == said.hash


def test_a_rotten_last_hash_seals_the_record_and_the_mark_is_still_known(opened: Opener, file):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 2)
    store.close()
    tamper(file, "UPDATE journal SET hash = x'00' WHERE seq = 2")
    store = opened()
    fill(store, 1)
    first, second, third = unsent(store).records
    assert isinstance(first, Record)
    assert isinstance(second, Damaged)
    assert isinstance(third, Record)
    assert third.prev_hash == second.hash
    assert do(store, "mark_received", 2, second.hash, 1)
    assert not do(store, "mark_received", 3, b"\0" * 32, 1)
    assert do(store, "mark_received", 3, third.hash, 1)


def test_a_rotten_hash_hides_no_record_from_the_next_epoch(opened: Opener, file):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    sales = fill(store, 4)
    acknowledge(store, 4, 0)
    second = store.run(
        lambda uow: uow.batch_after(uow.stretches()[0][0], max_records=2, max_bytes=1 << 20)
    )
    hash_ = second.result().records[1].hash
    store.close()
    tamper(file, "UPDATE journal SET hash = zeroblob(32) WHERE seq = 2")
    store = opened()
    mark = store.run(lambda uow: uow.acked()).result()
    rotate(store, HeldMark(epoch=mark.epoch, hwm=2, hwm_hash=hash_.hex()))
    assert kinds(store) == [EPOCH_OPENED, "sale", "sale"]
    again = [place.header.rec_id for place in unsent(store).records if isinstance(place, Record)]
    assert again[1:] == sales[2:]


def test_the_hash_of_a_place_proves_what_is_whole_here(opened: Opener, file):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    fill(store, 4)
    records = [place for place in unsent(store).records if isinstance(place, Record)]
    epoch = store.reader.identity().epoch
    said = [JournalMark(epoch, record.seq, record.hash) for record in records]
    guessed = JournalMark(epoch, 2, b"g" * 32)
    assert do(store, "give_back", [guessed]) == ()
    assert do(store, "give_back", [guessed, said[2]]) == (records[2], records[1])
    assert do(store, "give_back", [JournalMark("00" * 8, 1, said[0].hash)]) == ()
    store.close()
    tamper(
        file,
        "UPDATE journal SET hash = x'00' WHERE seq = 4",
        "UPDATE journal SET prev_hash = zeroblob(32) WHERE seq = 2",
        "UPDATE journal SET body = x'7b7d' WHERE seq = 1",
    )
    store = opened()
    assert do(store, "give_back", said) == tuple(reversed(records[1:]))


def test_a_damaged_payment_step_hides_no_other_payment(opened: Opener, file):
    store = opened()
    steps = [step_of(new_id(), 1) for _ in range(3)]
    for step in steps:
        do(store, "record", step)
    store.close()
    tamper(file, "UPDATE journal SET body = x'7b7d' WHERE seq = 2")
    store = opened()
    seen = [attempt.attempt_id for attempt in store.reader.open_attempts()]
    assert seen == [steps[0].attempt_id, steps[2].attempt_id]
    with pytest.raises(Trouble) as trouble:
        do(store, "attempt", steps[1].attempt_id)
    assert trouble.value.code is Code.JOURNAL_BROKEN


def test_keys_are_pinned_and_the_timeline_is_kept(enrolled: OfflineStore):
    do(enrolled, "pin_cloud", "t9", [PublicKey(kid="s9", key=b"9" * 32)])
    assert do(enrolled, "cloud_keys") == {"s9": b"9" * 32}
    do(enrolled, "pin_cloud", "t10", ())
    assert do(enrolled, "cloud_keys") == {"s9": b"9" * 32}
    assert enrolled.reader.identity().timeline == "t10"
