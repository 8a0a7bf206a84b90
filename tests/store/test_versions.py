"""Versions of the file: a backup before every migration, and draining what a newer program wrote."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest

from app.errors import Code, Trouble
from offline_store import open_store
from offline_store.backup import back_up
from offline_store.connection import open_reader, open_writer
from offline_store.migrations import VERSION, version_of
from offline_store.preparing import Onlooker, Stage
from tests.fakes.clock import FakeClock
from tests.store.conftest import Opener
from tests.store.shop import KEY, enrol_answer, sale_of, sku_row
from tests.store.test_journal import tamper


def code_of(trouble) -> Code:
    return trouble.value.code


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


def test_a_file_that_is_prepared_says_how_far_that_is(opened: Opener, file: Path, request):
    store = opened()
    store.run(lambda uow: uow.record(sale_of())).result()
    store.close()
    told: list[tuple[Stage, float]] = []
    onlooker = Onlooker(lambda stage, part: told.append((stage, part)))
    open_store(file, KEY, FakeClock(), onlooker).close()
    assert told == []
    request.getfixturevalue("next_version")
    open_store(file, KEY, FakeClock(), onlooker).close()
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == [Stage.COPYING, Stage.CHECKING, Stage.BUILDING]
    copied = [part for stage, part in told if stage is Stage.COPYING]
    assert copied == sorted(copied)
    assert copied[-1] == 1.0
    told.clear()
    open_store(file, KEY, FakeClock(), onlooker).close()
    assert told == []


def test_an_index_is_added_without_a_copy_of_the_whole_file(opened: Opener, file: Path):
    store = opened()
    sale = sale_of()
    store.run(lambda uow: uow.record(sale)).result()
    store.close()
    tamper(
        file,
        "DROP INDEX document_books",
        "DROP INDEX sku_code",
        "CREATE INDEX sku_gtin ON sku (gtin14) WHERE gtin14 <> ''",
        "DROP TABLE member_settled",
        "DROP TABLE refund_step",
        "DROP TABLE money_back",
        "DROP INDEX tender_attempt",
        "DROP INDEX member_erased",
        *(
            f"ALTER TABLE {table} DROP COLUMN {column}"
            for table in ("member_change", "member_refused")
            for column in ("settled_ref", "settled_revision")
        ),
        "PRAGMA user_version = 5",
        "DELETE FROM _sqlite_migrations WHERE name >= '0006'",
    )
    told: list[tuple[Stage, float]] = []
    onlooker = Onlooker(lambda stage, part: told.append((stage, part)))
    with open_store(file, KEY, FakeClock(), onlooker) as store:
        assert store.reader.document(sale.sale_id) == sale
    assert [stage for stage, _ in told] == [Stage.BUILDING]
    assert not list(file.parent.glob("*.before*"))
    connection = open_reader(file, KEY)
    assert version_of(connection) == VERSION
    found = "SELECT count(*) FROM sqlite_master WHERE name = 'document_books'"
    assert connection.execute(found).fetchone() == (1,)
    connection.close()


def test_whoever_waits_hears_why_a_store_does_not_open(file: Path):
    waited: list[object] = []

    def wait(opened: Future[None]) -> None:
        waited.append(opened.exception())
        opened.result()

    file.write_bytes(b"no store" * 1_000)
    with pytest.raises(Trouble) as trouble:
        open_store(file, KEY, FakeClock(), Onlooker(wait=wait))
    assert waited == [trouble.value]


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


@pytest.mark.fault(30, "the store as before the update, or updated; the till opens and sells")
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


@pytest.mark.fault(
    29, "what is unsent still leaves; nothing new is recorded until the program is updated"
)
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
    assert [record.seq for record in sent.records] == [1]
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
