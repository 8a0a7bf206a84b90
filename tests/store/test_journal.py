"""The chain: whole, verifiable, sent on from where the cloud stands, moved when the till enrols."""

from __future__ import annotations

import pytest

from app.errors import Code, Trouble
from app.wire.journal import Chain, first_broken
from offline_store import OfflineStore, verify_file
from offline_store.connection import open_writer
from tests.store.conftest import Opener
from tests.store.shop import (
    COAT,
    KEY,
    NOON,
    cart_of,
    do,
    enrol_answer,
    refund_of,
    sale_of,
    step_of,
)

CHEAPER = "UPDATE journal SET body = CAST(replace(CAST(body AS TEXT), '129900', '129901') AS BLOB)"


def fill(store: OfflineStore, count: int = 5) -> list[str]:
    sales = [sale_of() for _ in range(count)]
    for sale in sales:
        do(store, "record", sale)
    return [sale.sale_id for sale in sales]


def unsent(store: OfflineStore, max_records: int = 100, max_bytes: int = 10**9):
    return store.run(lambda uow: uow.unsent(max_records=max_records, max_bytes=max_bytes)).result()


def tamper(file, *statements: str, key: bytes = KEY) -> None:
    """Change a closed file behind its triggers, as somebody with the key could."""
    connection = open_writer(file, key)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in names:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_the_journal_is_the_chain_the_wire_describes(store):
    fill(store)
    identity = store.reader.identity()
    chain = Chain(identity.tenant, identity.store, identity.device, identity.epoch)
    sent = unsent(store)
    assert sent.prev_hash == chain.genesis()
    assert first_broken(sent.records, chain.genesis(), 0) is None
    assert store.verify_journal() is None


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        (
            f"{CHEAPER} WHERE seq = 3",
            3,
        ),
        ("UPDATE journal SET hash = zeroblob(32) WHERE seq = 2", 2),
        ("UPDATE journal SET prev_hash = zeroblob(32) WHERE seq = 4", 4),
        ("UPDATE journal SET kind = 'refund' WHERE seq = 4", 4),
        ("UPDATE journal SET rec_id = 'other' WHERE seq = 1", 1),
        ("UPDATE journal SET header = x'00ff41' WHERE seq = 5", 5),
        ("DELETE FROM journal WHERE seq = 3", 3),
        ("DELETE FROM journal WHERE seq >= 4", 4),
        ("DELETE FROM journal", 1),
        ("UPDATE journal SET seq = seq + 1 WHERE seq = 5", 5),
    ],
)
@pytest.mark.fault(26, "the journal is reported as changed, with the record's number")
def test_any_change_is_found_and_its_place_named(opened: Opener, file, statement, seq):
    store = opened()
    fill(store)
    store.close()
    tamper(file, statement)
    assert verify_file(file, KEY) == seq
    again = opened()
    assert again.verify_journal() == seq
    assert again.tail_broken == seq


@pytest.mark.fault(26, "the journal is reported as changed, with the record's number")
def test_a_rewritten_record_is_found_even_if_its_own_hash_was_made_to_fit(opened: Opener, file):
    from app.wire.journal import record_hash

    store = opened()
    fill(store)
    record = unsent(store).records[1]
    store.close()
    body = record.body.replace(b"129900", b"129901")
    connection = open_writer(file, KEY)
    (header,) = connection.execute("SELECT header FROM journal WHERE seq = 2").fetchone()
    connection.close()
    hash_ = record_hash(header, record.prev_hash, body)
    tamper(
        file,
        f"UPDATE journal SET body = x'{body.hex()}', hash = x'{hash_.hex()}' WHERE seq = 2",
    )
    assert verify_file(file, KEY) == 3


def test_the_tail_check_looks_at_the_end_of_a_long_journal(opened: Opener, file, monkeypatch):
    monkeypatch.setattr("offline_store.verifying.TAIL", 2)
    store = opened()
    fill(store, 6)
    store.close()
    tamper(file, "UPDATE journal SET kind = 'x' WHERE seq = 2")
    store = opened()
    assert (store.tail_broken, store.verify_journal()) == (None, 2)
    store.close()
    tamper(file, "UPDATE journal SET kind = 'x' WHERE seq = 6")
    store = opened()
    assert store.tail_broken == 6
    store.close()
    tamper(file, "DELETE FROM journal WHERE seq = 4")
    assert opened().tail_broken == 4


def test_unsent_records_come_in_order_and_within_limits(store):
    ids = fill(store)
    assert [r.header.rec_id for r in unsent(store).records] == ids
    assert [r.header.seq for r in unsent(store, max_records=2).records] == [1, 2]
    assert [r.header.seq for r in unsent(store, max_bytes=1).records] == [1]
    two = sum(len(r.body) for r in unsent(store).records[:2]) + 600
    assert [r.header.seq for r in unsent(store, max_bytes=two).records] == [1, 2]


def test_the_mark_moves_with_the_clouds_and_back_with_a_restored_one(store):
    ids = fill(store)
    records = unsent(store).records

    def mark(seq: int, hash_: bytes) -> bool:
        return store.run(lambda uow: uow.mark_received(seq, hash_, NOON)).result()

    assert mark(3, records[2].hash)
    assert [r.header.seq for r in unsent(store).records] == [4, 5]
    assert unsent(store).prev_hash == records[2].hash
    assert store.run(lambda uow: uow.acked()).result().seq == 3
    assert [d.sent for d in store.reader.documents()] == [False, False, True, True, True]
    status = store.reader.sync_status()
    assert (status.unsent, status.last_push_ms, status.oldest_unsent_ms) == (2, NOON, NOON)
    assert not mark(4, records[2].hash)
    assert not mark(9, records[2].hash)
    assert mark(1, records[0].hash)
    assert mark(0, b"")
    assert not mark(0, b"x")
    assert [r.header.rec_id for r in unsent(store).records] == ids


def test_when_all_is_sent_nothing_is_old(store):
    assert store.reader.sync_status().oldest_unsent_ms == 0
    assert unsent(store).records == ()


def enrol(store: OfflineStore, **more: object):
    answer = enrol_answer(**more)  # type: ignore[arg-type]
    return store.run(lambda uow: uow.enrol(answer, b"k" * 32, "https://cloud.example")).result()


def test_a_new_till_has_a_provisional_identity_of_its_own(opened: Opener, tmp_path):
    store = opened()
    identity = store.reader.identity()
    assert (identity.tenant, identity.store, identity.device) == ("", "local", "")
    assert (identity.epoch_ordinal, identity.enrolled) == (0, False)
    assert len(identity.epoch) == 16
    store.close()
    assert opened().reader.identity() == identity


def test_enrolment_journals_again_what_was_sold_before_with_the_same_ids(store):
    ids = fill(store, 3)
    before = unsent(store).records
    identity = enrol(store)
    assert (identity.store, identity.device_code, identity.enrolled) == ("sh01", "A7", True)
    assert identity.public_url == "https://shop.example"
    assert identity.cloud_url == "https://cloud.example"
    sent = unsent(store)
    chain = Chain("brand", "sh01", "dev-7", "00112233aabbccdd")
    assert first_broken(sent.records, chain.genesis(), 0) is None
    assert sent.prev_hash == chain.genesis()
    assert [r.header.rec_id for r in sent.records] == ids
    assert [r.body for r in sent.records] == [r.body for r in before]
    assert store.verify_journal() is None
    assert all(store.reader.document(i) is not None for i in ids)
    fill(store, 1)
    assert unsent(store).records[-1].header.seq == 4
    assert store.run(lambda uow: uow.next_receipt_no()).result() == "SH01A7-1-000001"


def test_enrolment_of_a_long_history_goes_page_by_page(store, monkeypatch):
    monkeypatch.setattr("offline_store.journal._PAGE", 2)
    ids = fill(store, 5)
    enrol(store)
    assert [r.header.rec_id for r in unsent(store).records] == ids
    assert store.verify_journal() is None


def test_the_same_enrolment_twice_changes_nothing(store):
    fill(store, 2)
    assert enrol(store) == enrol(store)
    assert store.reader.sync_status().unsent == 2


def test_a_second_epoch_takes_on_only_what_the_cloud_does_not_hold(store):
    fill(store, 2)
    enrol(store)
    ids = fill(store, 3)
    records = unsent(store).records
    store.run(lambda uow: uow.mark_received(2, records[1].hash, NOON)).result()
    enrol(store, epoch="ffff", epoch_ordinal=2)
    assert [r.header.rec_id for r in unsent(store).records] == ids
    assert [d.sent for d in store.reader.documents()] == [False, False, False, True, True]
    assert all(store.reader.document(d.document_id) for d in store.reader.documents())
    assert store.verify_journal() is None


def test_a_break_in_an_older_epoch_is_found_too(opened: Opener, file):
    store = opened()
    fill(store, 2)
    enrol(store)
    store.close()
    tamper(file, "UPDATE journal SET kind = 'x' WHERE seq = 2 AND epoch <> '00112233aabbccdd'")
    assert opened().verify_journal() == 2


def test_keys_are_kept_and_void_ones_not_trusted(store):
    assert store.run(lambda uow: uow.device_key()).result() == b""
    enrol(store)
    assert store.run(lambda uow: uow.device_key()).result() == b"k" * 32
    assert store.run(lambda uow: uow.cloud_keys()).result() == {"k1": b"1" * 32}


@pytest.mark.fault(5, "the document is reported as damaged; the till works on")
def test_a_record_that_cannot_be_read_is_trouble_and_no_crash(opened: Opener, file):
    store = opened()
    ids = fill(store, 3)
    store.close()
    tamper(
        file,
        "UPDATE journal SET header = x'00ff41' WHERE seq = 1",
        "UPDATE journal SET header = CAST(replace(header, '129', 'abc') AS BLOB) WHERE seq = 2",
        "UPDATE journal SET header = CAST(header || 'x' AS BLOB) WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 3",
    )
    store = opened()
    for broken in (*ids,):
        with pytest.raises(Trouble) as trouble:
            store.reader.document(broken)
        assert trouble.value.code is Code.JOURNAL_BROKEN


def test_the_head_is_where_the_last_record_is(store):
    sale = sale_of(cart_of((COAT, 2)))
    store.run(lambda uow: uow.record(sale)).result()
    line = store.run(lambda uow: uow.sold_lines(sale.sale_id)).result()[0]
    store.run(lambda uow: uow.record(refund_of((line, 1)))).result()
    mark = store.run(lambda uow: uow.record(step_of("a", 1))).result()
    assert store.run(lambda uow: uow.head()).result() == mark
    assert store.reader.sync_status().head == mark
