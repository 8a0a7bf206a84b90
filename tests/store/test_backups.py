"""Backups on real files: made while the till sells, verified, rotated; and the way back from them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Code, RuleBroken, Trouble
from offline_store import OfflineStore, open_store, restore, shelf
from offline_store.backup import verify_backup
from offline_store.epochs import REQUEST, RESTORED
from offline_store.shelf import DAILY, WEEKLY, staying
from tests.fakes.clock import FakeClock
from tests.store.conftest import Opener
from tests.store.shop import KEY, do, enrol_answer, sale_of
from tests.store.test_journal import CHEAPER, tamper
from tests.store.test_members import change

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


def sell(store: OfflineStore, count: int = 1) -> list[str]:
    sales = [sale_of() for _ in range(count)]
    for sale in sales:
        do(store, "record", sale)
    return [sale.sale_id for sale in sales]


def send_all(store: OfflineStore) -> None:
    head = do(store, "head")
    assert do(store, "mark_received", head.seq, head.hash, 1)


def holds(file: Path, sales: list[str]) -> bool:
    with open_store(file, KEY, FakeClock()) as store:
        return all(store.reader.document(sale) is not None for sale in sales)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def test_a_backup_holds_all_that_was_sold_also_what_is_still_in_the_log(store, file, folder):
    sold = sell(store, 5)
    made = store.back_up(folder, NOW)
    assert made.at == NOW
    assert [each.file for each in shelf.listed(folder)] == [made.file]
    verify_backup(made.file, KEY)
    assert {path.name for path in folder.iterdir()} == {"store-20260304T123000Z.db"}
    assert holds(made.file, sold)


def test_a_till_sells_on_while_a_backup_is_made(store, folder, monkeypatch):
    before = sell(store, 300)
    begun, sold = threading.Event(), threading.Event()

    def breath(_seconds: float) -> None:
        begun.set()
        assert sold.wait(30)

    monkeypatch.setattr("offline_store.backup._STEP_PAGES", 20)
    monkeypatch.setattr("offline_store.backup.time.sleep", breath)
    thread = threading.Thread(target=store.back_up, args=(folder, NOW))
    thread.start()
    assert begun.wait(30)
    meanwhile = sell(store, 3)  # a sale waits for nobody's backup
    sold.set()
    thread.join(60)
    (made,) = shelf.listed(folder)
    assert holds(made.file, before)
    assert not holds(made.file, meanwhile)
    assert store.verify_journal() is None


def test_a_store_whose_chain_is_broken_yields_no_backup(opened: Opener, file, folder):
    store = opened()
    sell(store, 3)
    store.close()
    tamper(file, CHEAPER + " WHERE seq = 2")
    with pytest.raises(Trouble) as trouble:
        shelf.add(folder, file, KEY, NOW)
    assert trouble.value.code is Code.JOURNAL_BROKEN
    assert list(folder.iterdir()) == []


@pytest.mark.fault(4, "a damaged backup is refused")
def test_a_damaged_backup_is_known_as_one(store, folder):
    sell(store, 3)
    made = store.back_up(folder, NOW)
    data = bytearray(made.file.read_bytes())
    data[len(data) // 2] ^= 1
    made.file.write_bytes(data)
    with pytest.raises(Trouble) as trouble:
        verify_backup(made.file, KEY)
    assert trouble.value.code is Code.STORE_DAMAGED


def test_half_a_backup_is_not_on_the_list(folder):
    folder.mkdir()
    (folder / "store-20260304T123000Z.db.part").write_bytes(b"half")
    (folder / "store-before-20260304T123000.db").write_bytes(b"another")
    assert shelf.listed(folder) == []


def test_the_shelf_keeps_days_and_weeks(store, folder):
    sell(store, 1)
    for hours in range(0, 60 * 24, 24 * 3):
        store.back_up(folder, NOW + timedelta(hours=hours))
    left = [each.at for each in shelf.listed(folder)]
    assert left[0] == NOW + timedelta(days=57)
    assert DAILY <= len(left) <= DAILY + WEEKLY
    shelf.rotate(folder, keep=2)
    assert [each.at for each in shelf.listed(folder)] == left[:2]


def test_a_backup_from_before_an_update_goes_once_the_update_has_proved_itself(store, file, folder):
    sell(store, 1)
    before = file.with_name(f"{file.name}.before-2")
    before.write_bytes(b"an older store")
    taken = datetime.fromtimestamp(before.stat().st_mtime, UTC)
    store.back_up(folder, taken + timedelta(days=6))
    assert before.exists()
    store.back_up(folder, taken + timedelta(days=8))
    assert not before.exists()


@given(st.lists(st.integers(0, 100 * 24), min_size=1, unique=True))
def test_the_newest_stays_and_the_rest_is_bounded(hours):
    times = [NOW - timedelta(hours=each) for each in hours]
    stay = staying(times)
    assert max(times) in stay
    assert len(stay) <= DAILY + WEEKLY
    assert stay <= set(times)
    assert staying(list(stay)) == stay
    days = sorted({at.date() for at in times}, reverse=True)[:DAILY]
    for day in days:
        assert max(at for at in times if at.date() == day) in stay


# --- the way back ---------------------------------------------------------------------------------


def test_a_restored_store_opens_and_says_that_it_was_restored(opened: Opener, file, folder):
    store = opened()
    do(store, "set_state", "db_id", "known to the cloud")
    kept = sell(store, 2)
    backup = store.back_up(folder, NOW)
    later = sell(store, 1)
    send_all(store)
    store.close()
    put_back = restore(backup.file, file, KEY, NOW, keep_old=False)
    assert (put_back.records, put_back.unsent, put_back.aside) == (2, 2, None)
    store = opened()
    assert all(store.reader.document(sale) for sale in kept)
    assert store.reader.document(later[0]) is None
    assert store.reader.state(RESTORED) == "1"
    assert store.reader.state("db_id") == ""
    assert store.verify_journal() is None
    sell(store, 1)
    assert {path.name for path in file.parent.iterdir() if "restoring" in path.name} == set()


def test_a_restored_store_asks_for_an_epoch_of_its_own(opened: Opener, file, folder):
    store = opened()
    do(store, "set_state", REQUEST, "asked for before the backup")
    backup = store.back_up(folder, NOW)
    store.close()
    restore(backup.file, file, KEY, NOW, keep_old=True)
    assert opened().reader.state(REQUEST) == ""


def test_no_store_is_replaced_while_a_till_has_it_open(store, file, folder):
    sell(store, 1)
    backup = store.back_up(folder, NOW)
    with pytest.raises(Trouble) as trouble:
        restore(backup.file, file, KEY, NOW, keep_old=True)
    assert trouble.value.code is Code.STORE_IN_USE


@pytest.mark.parametrize("what", ["sale", "member"])
def test_a_store_with_anything_unsent_is_replaced_only_when_it_is_kept(
    opened: Opener, file, folder, what
):
    store = opened()
    backup = store.back_up(folder, NOW)
    unsent = sell(store, 1) if what == "sale" else []
    if what == "member":
        change(store, "join", '{"name": "王小明"}', "m9")
    store.close()
    with pytest.raises(RuleBroken) as refused:
        restore(backup.file, file, KEY, NOW, keep_old=False)
    assert refused.value.code is Code.UNSENT_LEFT
    put_back = restore(backup.file, file, KEY, NOW, keep_old=True)
    assert put_back.aside is not None
    assert holds(put_back.aside, unsent)
    assert not unsent or not holds(file, unsent)


def test_a_store_that_cannot_be_asked_is_kept(opened: Opener, file, folder):
    store = opened()
    sold = sell(store, 2)
    backup = store.back_up(folder, NOW)
    store.close()
    file.write_bytes(b"\0" * file.stat().st_size)
    with pytest.raises(RuleBroken) as refused:
        restore(backup.file, file, KEY, NOW, keep_old=False)
    assert refused.value.code is Code.UNSENT_LEFT
    put_back = restore(backup.file, file, KEY, NOW, keep_old=True)
    assert put_back.aside is not None
    assert put_back.aside.read_bytes().count(b"\0") == put_back.aside.stat().st_size
    assert holds(file, sold)


def test_what_a_killed_till_left_in_the_log_is_laid_aside_too(opened: Opener, file, folder):
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "https://shop.example")
    backup = store.back_up(folder, NOW)
    sold = sell(store, 3)
    killed = {name: file.with_name(file.name + name).read_bytes() for name in ("", "-wal")}
    store.close()
    for name, data in killed.items():
        file.with_name(file.name + name).write_bytes(data)
    with pytest.raises(RuleBroken):
        restore(backup.file, file, KEY, NOW, keep_old=False)
    put_back = restore(backup.file, file, KEY, NOW, keep_old=True)
    assert put_back.aside is not None
    assert holds(put_back.aside, sold)
    assert not holds(file, sold)


@pytest.mark.parametrize("how", ["damaged", "foreign", "absent"])
def test_a_backup_that_is_none_replaces_nothing(opened: Opener, file, folder, how):
    store = opened()
    sold = sell(store, 1)
    send_all(store)
    backup = store.back_up(folder, NOW).file
    store.close()
    if how == "damaged":
        data = bytearray(backup.read_bytes())
        data[len(data) // 2] ^= 1
        backup.write_bytes(data)
    elif how == "foreign":
        backup.write_bytes(b"x" * 50_000)
    else:
        backup.unlink()
    with pytest.raises((Trouble, RuleBroken)):
        restore(backup, file, KEY, NOW, keep_old=True)
    assert holds(file, sold)
    assert not [path for path in file.parent.iterdir() if "before" in path.name]
