"""Opening a store: the right key, one process, a fit library, the right version, a sound backup."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.errors import Code, Trouble
from offline_store import check_fitness, open_store, verify_file
from offline_store.backup import back_up
from offline_store.connection import is_fit, open_reader, open_writer, sorted_error
from offline_store.migrations import VERSION, version_of
from tests.fakes.clock import FakeClock
from tests.store.conftest import Opener
from tests.store.shop import KEY, enrol_answer, sale_of, sku_row

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


def test_a_damaged_first_page_is_not_taken_for_a_wrong_key(opened: Opener, file: Path):
    opened().close()
    data = bytearray(file.read_bytes())
    data[100] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_DAMAGED


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


def test_a_file_cut_to_nothing_is_not_taken_for_a_new_one(opened: Opener, file: Path):
    opened().close()
    file.write_bytes(b"")
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_DAMAGED


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


def test_a_folder_that_is_not_there_is_trouble(tmp_path: Path):
    with pytest.raises(Trouble) as trouble:
        open_store(tmp_path / "no" / "till.db", KEY, FakeClock())
    assert code_of(trouble) is Code.STORE_READ_ONLY


def test_a_directory_in_the_files_place_is_trouble(file: Path):
    file.mkdir()
    with pytest.raises(Trouble) as trouble:
        open_store(file, KEY, FakeClock())
    assert code_of(trouble) is Code.STORE_READ_ONLY


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


# --- versions -----------------------------------------------------------------------------------


@pytest.fixture
def next_version(monkeypatch):
    """A program one version ahead, whose migration adds a table."""
    from offline_store import migrations

    shipped = migrations.steps

    def more_steps():
        steps = shipped()

        @steps(name="next")
        def next_step(db) -> None:
            db.execute("CREATE TABLE later (a INTEGER) STRICT")
            db.execute(f"PRAGMA user_version = {VERSION + 1}")

        return steps

    monkeypatch.setattr(migrations, "steps", more_steps)
    monkeypatch.setattr(migrations, "VERSION", VERSION + 1)
    monkeypatch.setattr("offline_store.store.VERSION", VERSION + 1)


def test_a_migration_is_preceded_by_a_sound_backup(opened: Opener, file: Path, request):
    store = opened()
    sale = sale_of()
    store.run(lambda uow: uow.record(sale)).result()
    store.close()
    request.getfixturevalue("next_version")
    assert opened().reader.document(sale.sale_id) == sale
    backup = file.with_name(f"till.db.before-{VERSION + 1}")
    connection = open_reader(backup, KEY)
    assert version_of(connection) == VERSION
    assert connection.execute("SELECT count(*) FROM journal").fetchone() == (1,)
    connection.close()
    assert not list(file.parent.glob("*.part*"))


def test_a_new_file_needs_no_backup(opened: Opener, file: Path, next_version):
    opened()
    assert not list(file.parent.glob("*.before*"))


def test_without_room_for_the_backup_nothing_is_migrated(
    opened: Opener, file: Path, request, monkeypatch
):
    opened().close()
    request.getfixturevalue("next_version")
    from shutil import _ntuple_diskusage

    monkeypatch.setattr("shutil.disk_usage", lambda _: _ntuple_diskusage(1, 1, 0))
    with pytest.raises(Trouble) as trouble:
        opened()
    assert code_of(trouble) is Code.STORE_FULL
    monkeypatch.undo()
    assert opened().drain_only is False


def test_a_migration_that_fails_leaves_the_version_before(opened: Opener, request, monkeypatch):
    store = opened()
    sale = sale_of()
    store.run(lambda uow: uow.record(sale)).result()
    store.close()
    from offline_store import migrations

    shipped = migrations.steps

    def failing_steps():
        steps = shipped()

        @steps(name="fails")
        def fails(db) -> None:
            db.execute("CREATE TABLE later (a INTEGER) STRICT")
            db.execute("CREATE TABLE later (a INTEGER) STRICT")

        return steps

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "steps", failing_steps)
        patch.setattr(migrations, "VERSION", VERSION + 1)
        with pytest.raises(Exception, match="already exists"):
            opened()
    store = opened()
    assert store.reader.document(sale.sale_id) == sale
    tables = store.reader._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'later'")
    assert tables.fetchone() is None


def test_a_backup_of_a_damaged_store_does_not_count(opened: Opener, file: Path):
    store = opened()
    store.run(lambda uow: uow.put_skus([sku_row(f"Y{i}") for i in range(300)])).result()
    store.close()
    data = bytearray(file.read_bytes())
    data[len(data) - 2000] ^= 0xFF
    file.write_bytes(data)
    target = file.with_name("copy.db")
    connection = open_writer(file, KEY)
    with pytest.raises(Trouble) as trouble:
        back_up(connection, target, KEY)
    connection.close()
    assert code_of(trouble) is Code.STORE_DAMAGED
    assert not target.exists()


def test_a_file_of_a_newer_program_only_drains(opened: Opener, file: Path, request):
    store = opened()
    sale = sale_of()
    mark = store.run(lambda uow: uow.record(sale)).result()
    store.close()
    with pytest.MonkeyPatch.context() as patch:
        connection = open_writer(file, KEY)
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        connection.close()
        store = opened()
        patch.undo()
    assert store.drain_only
    sent = store.run(lambda uow: uow.unsent(max_records=9, max_bytes=10**6)).result()
    assert sent.records[0].header.rec_id == sale.sale_id
    assert store.run(lambda uow: uow.mark_received(mark.seq, mark.hash, 1)).result()
    for refused in (
        lambda uow: uow.record(sale_of()),
        lambda uow: uow.next_receipt_no(),
        lambda uow: uow.put_skus([sku_row()]),
        lambda uow: uow.set_state("a", "b"),
        lambda uow: uow.enrol(enrol_answer(), b"", ""),
    ):
        with pytest.raises(Trouble) as trouble:
            store.run(refused).result()
        assert code_of(trouble) is Code.STORE_NEWER
    assert store.reader.document(sale.sale_id) == sale
    assert store.reader.sync_status().unsent == 0


# --- readers and closing --------------------------------------------------------------------------


def test_each_thread_reads_on_a_connection_of_its_own(store):
    readers = [store.reader]

    def other() -> None:
        readers.append(store.reader)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert readers[0] is store.reader
    assert readers[0] is not readers[1]


def test_a_reader_cannot_write(store):
    with pytest.raises(Exception, match="readonly"):
        store.reader._connection.execute("DELETE FROM draft")


def test_a_reader_waits_for_a_lock_no_longer_than_a_frame(store, file: Path):
    store.reader.identity()
    blocker = open_writer(file, KEY)
    try:
        assert store.reader._connection.execute("PRAGMA busy_timeout").fetchone() == (20,)
    finally:
        blocker.close()


def test_a_locked_file_is_trouble_that_may_pass(store, file: Path, monkeypatch):
    def locked(*_):
        raise _sqlite_error(5)

    monkeypatch.setattr("offline_store.goods.sku", locked)
    with pytest.raises(Trouble) as trouble:
        store.reader.sku("x")
    assert code_of(trouble) is Code.STORE_BUSY
    assert trouble.value.retryable
    monkeypatch.setattr("offline_store.documents.references_and_nets", locked)
    with pytest.raises(Trouble):
        list(store.reader.references_and_nets())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (5, Code.STORE_BUSY),
        (6, Code.STORE_BUSY),
        (8, Code.STORE_READ_ONLY),
        (10, Code.STORE_DAMAGED),
        (778, Code.STORE_DAMAGED),
        (11, Code.STORE_DAMAGED),
        (13, Code.STORE_FULL),
        (14, Code.STORE_READ_ONLY),
        (26, Code.STORE_DAMAGED),
    ],
)
def test_errors_of_sqlite_are_sorted_where_they_are_born(number, code):
    trouble = sorted_error(_sqlite_error(number))
    assert isinstance(trouble, Trouble)
    assert trouble.code is code


def test_an_error_in_our_own_sql_stays_a_bug():
    error = _sqlite_error(1)
    assert sorted_error(error) is error
    plain = ValueError()
    assert sorted_error(plain) is plain


def test_a_closed_store_answers_nothing(opened: Opener):
    store = opened()
    reader = store.reader
    store.close()
    store.close()
    for ask in (
        lambda: store.run(lambda uow: None),
        lambda: store.reader,
        store.verify_journal,
    ):
        with pytest.raises(Trouble) as trouble:
            ask()
        assert code_of(trouble) is Code.STORE_BUSY
    with pytest.raises(Exception, match="closed"):
        reader.identity()


def test_closing_moves_everything_into_the_one_file(opened: Opener, file: Path):
    store = opened()
    store.run(lambda uow: uow.record(sale_of())).result()
    store.close()
    assert sorted(path.name for path in file.parent.iterdir()) == ["till.db", "till.db.lock"]


def _sqlite_error(number: int) -> Exception:
    from offline_store.connection import SqliteError

    error = SqliteError("made for a test")
    error.sqlite_errorcode = number  # type: ignore[attr-defined]
    return error
