"""Opening a store: the right key, one process, a fit library, the right version, a sound backup."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import Code, Trouble
from offline_store import check_fitness, connection, open_store, verify_file
from offline_store.connection import SqliteError, is_fit, settle, sorted_error
from tests.fakes.clock import FakeClock
from tests.store.conftest import Opener
from tests.store.shop import KEY, sale_of, sku_row

OTHER_KEY = bytes(reversed(KEY))


def code_of(trouble) -> Code:
    return trouble.value.code


def test_what_was_written_is_there_when_the_store_is_opened_again(opened: Opener):
    store = opened()
    sale = sale_of()
    store.run(lambda uow: uow.record(sale)).result()
    store.close()
    assert opened().reader.document(sale.sale_id) == sale


def test_the_file_and_its_neighbours_hold_no_plain_text(opened: Opener, file: Path):
    store = opened()
    store.run(lambda uow: uow.put_skus([sku_row(name_en="Zebra print coat")])).result()
    for path in file.parent.iterdir():
        assert b"Zebra" not in path.read_bytes()
        assert b"SQLite format" not in path.read_bytes()


def test_a_wrong_key_is_named_and_changes_nothing(opened: Opener, file: Path, capfd):
    opened().close()
    before = file.read_bytes()
    with pytest.raises(Trouble) as trouble:
        open_store(file, OTHER_KEY, FakeClock())
    assert code_of(trouble) is Code.STORE_KEY_WRONG
    with pytest.raises(Trouble):
        verify_file(file, OTHER_KEY)
    assert file.read_bytes() == before
    assert capfd.readouterr().err == ""
    opened()


def test_a_key_of_the_wrong_length_opens_nothing(file: Path):
    with pytest.raises(Trouble) as trouble:
        open_store(file, b"short", FakeClock())
    assert code_of(trouble) is Code.STORE_KEY_WRONG


@pytest.mark.fault(4, "the store is named as damaged, not the key as wrong")
def test_a_damaged_first_page_is_not_taken_for_a_wrong_key(opened: Opener, file: Path):
    opened().close()
    data = bytearray(file.read_bytes())
    data[100] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_DAMAGED


@pytest.mark.fault(4, "the store is named as damaged")
def test_damage_inside_is_named_where_it_is_met(opened: Opener, file: Path, capfd):
    store = opened()
    sale = sale_of()
    store.run(lambda uow: uow.record(sale)).result()
    store.close()
    data = bytearray(file.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 + 2000] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_DAMAGED
    with pytest.raises(Trouble) as trouble:
        verify_file(file, KEY)
    assert code_of(trouble) is Code.STORE_DAMAGED
    assert capfd.readouterr().err == ""


@pytest.mark.fault(4, "the store is named as damaged; no empty one takes its place")
def test_a_file_cut_to_nothing_is_not_taken_for_a_new_one(opened: Opener, file: Path):
    opened().close()
    file.write_bytes(b"")
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_DAMAGED


@pytest.mark.fault(15, "the second program says that this till is already open")
def test_a_store_is_open_once(opened: Opener, file: Path):
    store = opened()
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_IN_USE
    program = (
        "from pathlib import Path\n"
        "from app.errors import Trouble\n"
        "from offline_store import open_store\n"
        "from tests.fakes.clock import FakeClock\n"
        "try: open_store(Path(%r), bytes(range(32)), FakeClock())\n"
        "except Trouble as trouble: print(trouble.code)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program % str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert answer.stdout.strip() == "store_in_use"
    store.close()
    opened()


def test_an_open_store_can_be_verified_from_outside(opened: Opener, file: Path):
    store = opened()
    store.run(lambda uow: uow.record(sale_of())).result()
    assert verify_file(file, KEY) is None
    with pytest.raises(Trouble):
        verify_file(file.with_name("no such file"), KEY)


@pytest.mark.fault(7, "the till says that it cannot write; no sale and no payment is begun")
def test_a_folder_that_is_not_there_is_trouble(tmp_path: Path):
    with pytest.raises(Trouble) as trouble:
        open_store(tmp_path / "no" / "till.db", KEY, FakeClock())
    assert code_of(trouble) is Code.STORE_READ_ONLY


def test_a_directory_in_the_files_place_is_trouble(file: Path):
    file.mkdir()
    with pytest.raises(Trouble) as trouble:
        open_store(file, KEY, FakeClock())
    assert code_of(trouble) is Code.STORE_READ_ONLY


def test_what_a_crash_left_in_the_wal_is_in_the_file_before_anything_is_added(
    opened: Opener, file: Path, tmp_path: Path
):
    store = opened()
    store.run(lambda uow: uow.record(sale_of())).result()
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("till.db", "till.db-wal"):
        (crashed / name).write_bytes(file.with_name(name).read_bytes())
    assert (crashed / "till.db-wal").stat().st_size > 0
    with open_store(crashed / "till.db", KEY, FakeClock()) as again:
        assert (crashed / "till.db-wal").stat().st_size == 0
        assert len(again.reader.documents()) == 1


class OldMode:
    """A connection whose file does not change to a write-ahead log; SQLite only says so."""

    def __init__(self, connection) -> None:
        self._connection = connection

    def execute(self, sql: str):
        if sql == "PRAGMA journal_mode = WAL":
            return self._connection.execute("SELECT 'delete'")
        return self._connection.execute(sql)

    def close(self) -> None:
        self._connection.close()


def test_a_store_without_a_write_ahead_log_is_not_worked_on(opened: Opener, monkeypatch):
    from offline_store import connection

    opening = connection._open
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_open", lambda *a, **k: OldMode(opening(*a, **k)))
        with pytest.raises(Trouble) as trouble:
            opened()
    assert code_of(trouble) is Code.STORE_DAMAGED
    assert trouble.value.facts["mode"] == "delete"
    opened()


@pytest.mark.fault(8, "the till does not open before the log of its sales is surely there")
def test_nothing_is_promised_while_the_name_of_the_log_may_be_lost(
    opened: Opener, file: Path, monkeypatch
):
    """The library syncs the folder of a new log and does not look whether that failed."""
    log = file.with_name(file.name + "-wal")
    seen = []

    def fails(folder: Path) -> None:
        seen.append((folder, log.exists()))
        raise OSError(errno.EIO, "the disk")

    monkeypatch.setattr(connection, "flush_folder", fails)
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_DAMAGED
    assert seen == [(file.parent, True)]
    monkeypatch.undo()
    assert opened().reader.people() == ()


def test_a_key_that_cannot_be_noted_does_not_keep_a_store_shut(opened: Opener, monkeypatch, caplog):
    def no_room(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("offline_store.lock.os.write", no_room)
        opened().close()
    assert "was not noted" in caplog.text
    opened().close()


def test_a_backup_that_fails_on_the_file_system_is_trouble(opened: Opener, monkeypatch):
    def no_room(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("offline_store.store.migrate", no_room)
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_FULL


def test_a_full_disk_does_not_keep_a_store_shut_that_has_something_in_its_wal():
    settle(FailingCheckpoint("database or disk is full"))  # type: ignore[arg-type]
    with pytest.raises(Trouble) as trouble:
        settle(FailingCheckpoint("disk I/O error"))  # type: ignore[arg-type]
    assert code_of(trouble) is Code.STORE_DAMAGED


class FailingCheckpoint:
    """A connection that cannot move its WAL."""

    def __init__(self, why: str) -> None:
        self._why = why

    def execute(self, sql: str) -> None:
        raise SqliteError(self._why)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("database or disk is full", Code.STORE_FULL),
        ("disk I/O error", Code.STORE_DAMAGED),
        ("attempt to write a readonly database", Code.STORE_READ_ONLY),
    ],
)
def test_an_error_without_a_code_is_known_by_the_librarys_words(words, code):
    trouble = sorted_error(SqliteError(words))
    assert isinstance(trouble, Trouble)
    assert trouble.code is code


@pytest.mark.parametrize(
    ("version", "fit"),
    [
        ((3, 51, 3), True),
        ((3, 53, 4), True),
        ((3, 51, 2), False),
        ((3, 50, 7), True),
        ((3, 50, 6), False),
        ((3, 44, 6), True),
        ((3, 44, 5), False),
        ((3, 45, 0), False),
        ((3, 40, 1), False),
    ],
)
def test_libraries_with_the_wal_race_are_unfit(version, fit):
    assert is_fit(version) is fit


def test_an_unfit_library_is_refused(monkeypatch, file: Path):
    check_fitness()
    monkeypatch.setattr("offline_store.connection.sqlite.sqlite_version_info", (3, 46, 1))
    with pytest.raises(Trouble) as trouble:
        open_store(file, KEY, FakeClock())
    assert code_of(trouble) is Code.SQLITE_UNFIT


def test_sqlite_utils_and_the_store_use_one_library(opened: Opener):
    opened()
    import sqlcipher3.dbapi2
    import sqlite_utils.utils

    assert vars(sqlite_utils.utils)["sqlite3"] is sqlcipher3.dbapi2


def test_durability_is_what_the_till_relies_on(store):
    def pragma(name: str):
        job = store.run(lambda uow: uow._connection.execute(f"PRAGMA {name}").fetchone()[0])
        return job.result()

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    assert pragma("recursive_triggers") == 1


def test_every_table_is_strict(store):
    tables = store.reader._connection.execute("PRAGMA table_list").fetchall()
    loose = [
        row[1]
        for row in tables
        if row[2] == "table" and not row[5] and not row[1].startswith(("sqlite_", "_sqlite"))
    ]
    assert loose == []


def test_a_store_knows_when_its_newest_record_was_made(opened):
    store = opened()
    assert store.last_recorded_ms == 0
    sale = sale_of()
    store.run(lambda uow: uow.record(sale)).result()
    store.close()
    assert opened().last_recorded_ms == sale.at.server_ms
