"""The second copy on real files: complete, in order, resumed after anything, and never in a sale's way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from app.errors import Code, Trouble
from app.wire.journal import Damaged, Record
from app.wire.messages import MemberRow
from offline_store import OfflineStore, copy_files, open_store, second_copy
from offline_store.connection import SqliteError, open_reader
from offline_store.copy_files import MEMBERS_NAME, Copied, folder_of, parts_in, read_copy
from offline_store.second_copy import SecondCopy
from tests.fakes.clock import FakeClock
from tests.store.conftest import Opener
from tests.store.shop import KEY, do, enrol_answer, sale_of
from tests.store.test_journal import CHEAPER, tamper
from tests.store.test_members import aside, change, pull, row

PATIENCE_S = 30.0


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return tmp_path / "card"


@pytest.fixture
def copy(store: OfflineStore, card: Path) -> SecondCopy:
    return store.begin_second_copy(card)


def sell(store: OfflineStore, count: int = 1) -> list[str]:
    sales = [sale_of() for _ in range(count)]
    for sale in sales:
        do(store, "record", sale)
    return [sale.sale_id for sale in sales]


def unsent_of(store: OfflineStore) -> tuple[Record, ...]:
    found = store.run(lambda uow: uow.unsent(max_records=99, max_bytes=10**6)).result().records
    return tuple(record for record in found if isinstance(record, Record))


def on_card(card: Path) -> Copied:
    return read_copy(card, KEY)


def ids_on(card: Path) -> list[str]:
    return [record.header.rec_id for record in on_card(card).records]


def settled(copy: SecondCopy) -> None:
    standing = copy.catch_up(PATIENCE_S)
    assert (standing.behind, standing.alarm, standing.detail) == (0, None, "")


def test_every_record_is_on_the_card_byte_for_byte_and_in_order(store, card, copy):
    sold = sell(store, 5)
    settled(copy)
    assert ids_on(card) == sold
    assert on_card(card).records == unsent_of(store)


def test_what_was_sold_before_it_was_switched_on_is_copied_too(store, card):
    sold = sell(store, 450)
    settled(store.begin_second_copy(card))
    assert ids_on(card) == sold


def test_the_copy_follows_into_a_new_epoch(store, card, copy):
    first = sell(store, 2)
    do(store, "enrol", enrol_answer(), b"k" * 32, "https://shop.example")
    second = sell(store, 1)
    settled(copy)
    assert ids_on(card) == [*first, *first, *second]
    assert {record.header.device for record in on_card(card).records} == {"", "dev-7"}


def test_a_till_that_starts_again_goes_on_where_the_file_ends(opened: Opener, card):
    store = opened()
    store.begin_second_copy(card)
    sold = sell(store, 3)
    store.close()
    assert ids_on(card) == sold  # closing waits for the card

    store = opened()
    sold += sell(store, 2)  # no copy is kept in this process: as if it had been killed
    store.close()
    assert ids_on(card) == sold[:3]

    store = opened()
    store.resume_second_copy()
    sold += sell(store, 1)
    store.close()
    assert ids_on(card) == sold


@pytest.mark.parametrize("cut", [1, 20, 200, 2_000, 10_000])
def test_a_torn_end_is_cut_and_written_again(opened: Opener, card, cut):
    store = opened()
    store.begin_second_copy(card)
    sold = sell(store, 3)
    store.close()
    (part,) = parts_in(folder_of(card, KEY))
    os.truncate(part, max(part.stat().st_size - cut, 0))

    store = opened()
    store.resume_second_copy()
    store.close()
    found = on_card(card)
    assert [record.header.rec_id for record in found.records] == sold
    assert found.damaged == 0


def test_long_journals_are_kept_in_parts(store, card, monkeypatch):
    monkeypatch.setattr(copy_files, "PART_BYTES", 10_000)
    sold = sell(store, 300)
    copy = store.begin_second_copy(card)
    settled(copy)
    sold += sell(store, 1)
    settled(copy)
    assert len(parts_in(folder_of(card, KEY))) == 3
    assert ids_on(card) == sold


def test_a_card_that_is_missing_is_an_alarm_and_stops_no_sale(store, card, copy):
    sold = sell(store, 1)
    settled(copy)
    folder = folder_of(card, KEY)
    folder.rename(card / "elsewhere")
    store.end_second_copy()
    copy = store._start_copy(card)
    sold += sell(store, 2)
    standing = copy.catch_up(PATIENCE_S)
    assert (standing.alarm, standing.detail, standing.behind) == (Code.COPY_FAILED, "ENOENT", 3)
    assert not folder.exists()  # an empty mount point is never filled
    (card / "elsewhere").rename(folder)
    settled(copy)
    assert ids_on(card) == sold


def test_a_store_that_cannot_be_read_is_an_alarm_until_it_can(store, card, copy, monkeypatch):
    sold = sell(store, 1)
    settled(copy)
    store.end_second_copy()
    ill, opened = [True], []

    def open_when_well(file, key):
        if ill:
            raise Trouble(Code.STORE_DAMAGED)
        opened.append(open_reader(file, key))
        return opened[-1]

    monkeypatch.setattr(second_copy, "open_reader", open_when_well)
    copy = store._start_copy(card)
    sold += sell(store, 1)
    standing = copy.catch_up(PATIENCE_S)
    assert (standing.alarm, standing.detail) == (Code.COPY_FAILED, "store_damaged")
    ill.clear()
    settled(copy)

    next_rows, failing = second_copy._next_rows, [SqliteError("made for a test")]

    def fails_once(connection, at):
        if failing:
            raise failing.pop()
        return next_rows(connection, at)

    monkeypatch.setattr(second_copy, "_next_rows", fails_once)
    sold += sell(store, 1)
    copy.catch_up(PATIENCE_S)
    settled(copy)
    assert len(opened) == 2  # not read on by a connection that failed
    assert ids_on(card) == sold


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_card_that_takes_half_a_frame_gets_it_whole_once_it_can(
    store, card, copy, monkeypatch, number
):
    settled(copy)
    whole = copy_files._write_all

    def half(file, data):
        whole(file, data[: len(data) // 2])
        raise OSError(number, "the card says no")

    monkeypatch.setattr(copy_files, "_write_all", half)
    sold = sell(store, 2)
    standing = copy.catch_up(PATIENCE_S)
    assert (standing.alarm, standing.detail) == (Code.COPY_FAILED, errno.errorcode[number])
    assert standing.behind == 2
    assert store.verify_journal() is None
    monkeypatch.setattr(copy_files, "_write_all", whole)
    settled(copy)
    assert ids_on(card) == sold


def test_a_place_nothing_can_be_made_in_is_refused_and_changes_nothing(store, tmp_path):
    file = tmp_path / "file"
    file.write_text("no folder")
    with pytest.raises(Exception, match="copy_failed"):
        store.begin_second_copy(file)
    assert store.second_copy is None


def test_two_tills_share_a_card(store, card, copy, tmp_path):
    mine = sell(store, 1)
    with open_store(tmp_path / "other.db", b"o" * 32, FakeClock()) as other:
        other.begin_second_copy(card)
        theirs = sell(other, 1)
    settled(copy)
    assert ids_on(card) == mine
    assert [r.header.rec_id for r in read_copy(card, b"o" * 32).records] == theirs


# --- members --------------------------------------------------------------------------------------


@pytest.mark.fault(40, "no trace of them on the second copy's card")
def test_members_changes_lie_apart_and_leave_no_trace_when_settled_or_erased(store, card, copy):
    pull(store, row("m1"), row("m2"))
    change(store, "name", "王大明", "m1")
    change(store, "name", "李雷", "m2")
    settled(copy)
    assert [each.value for each in on_card(card).changes] == ["王大明", "李雷"]

    pull(store, MemberRow(member_ref="m1", revision=2, erased=True))
    settled(copy)
    assert [each.value for each in on_card(card).changes] == ["李雷"]
    assert parts_in(folder_of(card, KEY))
    assert on_card(card).records == ()
    size = (folder_of(card, KEY) / MEMBERS_NAME).stat().st_size

    pull(store, MemberRow(member_ref="m2", revision=2, erased=True))
    settled(copy)
    assert on_card_is_empty(card)
    assert (folder_of(card, KEY) / MEMBERS_NAME).stat().st_size < size


def test_a_change_the_cloud_refuses_stays_on_the_card(store, card, copy):
    pull(store, row("m1"))
    refused = change(store, "name", "王大明", "m1")
    settled(copy)
    aside(store, refused)
    change(store, "note", "常客", "m1")
    settled(copy)
    assert [each.value for each in on_card(card).changes] == ["常客", "王大明"]
    pull(store, MemberRow(member_ref="m1", revision=2, erased=True))
    settled(copy)
    assert on_card_is_empty(card)


def on_card_is_empty(card: Path) -> bool:
    data = (folder_of(card, KEY) / MEMBERS_NAME).read_bytes()
    return len(data) == 24  # a segment's head and nothing behind it


def test_a_row_that_rotted_before_it_was_copied_is_told_and_stops_nothing(
    opened: Opener, file, card
):
    store = opened()
    sold = sell(store, 3)
    store.close()
    tamper(file, "UPDATE journal SET header = x'00' WHERE seq = 3", CHEAPER + " WHERE seq = 2")
    store = opened()
    store.begin_second_copy(card)
    store.close()
    found = on_card(card)
    assert [record.header.rec_id for record in found.records] == sold[:1]
    assert found.damaged == 2
    store = opened()
    store.resume_second_copy()
    sold += sell(store, 1)
    store.close()
    assert ids_on(card)[-1] == sold[-1]


def test_what_rots_in_the_store_is_sound_on_the_card(opened: Opener, file, card):
    store = opened()
    sold = sell(store, 4)
    settled(store.begin_second_copy(card))
    store.close()
    tamper(file, "UPDATE journal SET body = x'7b7d' WHERE seq = 2")
    store = opened()
    places = store.run(lambda uow: uow.unsent(max_records=9, max_bytes=10**6)).result().records
    damaged = [place for place in places if isinstance(place, Damaged)]
    (sound,) = store.sound_copies(damaged)
    assert (sound.header.rec_id, sound.hash) == (sold[1], damaged[0].hash)
    for part in parts_in(folder_of(card, KEY)):
        part.unlink()
    assert store.sound_copies(damaged) == ()
    store.end_second_copy()
    assert store.sound_copies(damaged) == ()
