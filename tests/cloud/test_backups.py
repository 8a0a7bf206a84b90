"""Backups of the cloud on both engines: what is in them is known, and a restore begins a new timeline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.errors import Code, Trouble
from app.wire.messages import HelloAnswer, PullAnswer
from cloud.__main__ import main
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import dump as dumping
from cloud.db import tables
from cloud.db.state import begin_timeline, feed_generation, timeline
from cloud.db.underway import underway
from cloud.main import app_of
from cloud.services.backups import confirm, drop, durable_seq, listed, register
from cloud.services.demo import load_demo
from cloud.settings import Settings
from tests.cloud.books import count
from tests.cloud.conftest import Clock, Enrol, create_database
from tests.cloud.device import Device, a_sale
from tests.cloud.inprocess import running


@pytest.fixture
def empty(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of another machine: the keys came along, the database is empty."""
    data = tmp_path / "new"
    data.mkdir(mode=0o700)
    for key in ("keys.json", "cloud.db.key"):
        if (settings.data / key).exists():
            shutil.copy(settings.data / key, data / key)
    url = ""
    if settings.db_url:
        url = create_database(request.getfixturevalue("postgres_server"))
    return Settings(data=data, db_url=url, public_url=settings.public_url)


def arguments(settings: Settings) -> list[str]:
    return ["--data", str(settings.data), *(["--db", settings.db_url] if settings.db_url else [])]


def back_up(settings: Settings, folder: Path, *more: str) -> Path:
    before = set(folder.glob("cloud-*"))
    assert main(["backup", *arguments(settings), "--to", str(folder), *more]) == 0
    (made,) = set(folder.glob("cloud-*")) - before
    return made


def durable(cloud: Cloud, device: Device) -> int:
    me = device.me
    return cloud.db.read(
        lambda connection: durable_seq(connection, me.tenant, me.store, me.device, me.epoch)
    )


def sell(device: Device, count: int) -> None:
    for _ in range(count):
        device.write("sale", a_sale())
    device.push(device.records[-count:])


# --- what is certainly in a backup ----------------------------------------------------------------


def test_without_a_backup_nothing_is_durable(cloud: Cloud, device: Device) -> None:
    sell(device, 2)
    assert durable(cloud, device) == 0


def test_the_oldest_backup_decides_once_one_is_verified(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    def do(work: object, *args: object, **more: object) -> None:
        cloud.db.write(lambda connection: work(connection, *args, **more))  # type: ignore[operator]

    sell(device, 2)
    do(register, "one", "/b/one", now_ms=1)
    sell(device, 3)
    assert durable(cloud, device) == 0  # nobody knows yet whether it can be restored
    do(confirm, "one", now_ms=2)
    assert durable(cloud, device) == 2
    late = enrol()
    sell(late, 4)
    do(register, "two", "/b/two", now_ms=3)
    do(confirm, "two", now_ms=4)
    assert (durable(cloud, device), durable(cloud, late)) == (2, 0)
    do(drop, "one")
    assert (durable(cloud, device), durable(cloud, late)) == (5, 4)
    do(drop, "two")
    assert (durable(cloud, device), durable(cloud, late)) == (0, 0)


def test_a_backup_that_fails_is_forgotten(
    cloud: Cloud, device: Device, settings: Settings, tmp_path: Path, monkeypatch
) -> None:
    folder = tmp_path / "b"
    sell(device, 1)
    whole = back_up(settings, folder)
    sell(device, 1)

    def fail(_: Settings, file: Path) -> None:
        file.touch()  # the disk fills up when it has its name already
        raise Trouble(Code.STORE_FULL)

    monkeypatch.setattr("cloud.commands.backups.dump", fail)
    assert main(["backup", *arguments(settings), "--to", str(folder)]) == 1
    assert [each.file for each in cloud.db.read(listed)] == [str(whole)]
    assert list(folder.iterdir()) == [whole]
    assert durable(cloud, device) == 1


def test_a_backup_nobody_verified_may_come_back_too(cloud: Cloud, device: Device) -> None:
    sell(device, 2)
    cloud.db.write(lambda conn: register(conn, "begun", "/b/begun", now_ms=1))
    sell(device, 3)
    cloud.db.write(lambda conn: register(conn, "whole", "/b/whole", now_ms=2))
    cloud.db.write(lambda conn: confirm(conn, "whole", now_ms=3))
    assert durable(cloud, device) == 2
    cloud.db.write(lambda conn: drop(conn, "begun"))
    assert durable(cloud, device) == 5


def left_behind(cloud: Cloud, folder: Path, name: str) -> Path:
    """What a program that was killed while it wrote a backup leaves: a registration, a part, a lock file."""
    file = folder / name
    cloud.db.write(lambda c: register(c, name, str(file), now_ms=1))
    for suffix in (".part", ".lock"):
        file.with_name(name + suffix).touch()
    return file


def test_what_a_killed_backup_left_holds_nobody_back(
    cloud: Cloud, device: Device, settings: Settings, tmp_path: Path
) -> None:
    sell(device, 2)
    left_behind(cloud, tmp_path, "broken.db")
    sell(device, 1)
    made = back_up(settings, tmp_path)
    assert [(Path(b.file), bool(b.verified_ms)) for b in cloud.db.read(listed)] == [(made, True)]
    assert durable(cloud, device) == 3
    assert list(tmp_path.glob("broken*")) == []


def test_a_backup_that_is_still_being_written_counts(
    cloud: Cloud, device: Device, settings: Settings, tmp_path: Path
) -> None:
    sell(device, 2)
    file = left_behind(cloud, tmp_path, "slow.db")
    sell(device, 1)
    with underway(file):
        back_up(settings, tmp_path)
        assert durable(cloud, device) == 2
        assert file.with_name("slow.db.part").exists()


def test_a_backup_of_another_machine_counts(
    cloud: Cloud, device: Device, settings: Settings, tmp_path: Path
) -> None:
    sell(device, 2)
    cloud.db.write(lambda c: register(c, "far", "/elsewhere/far.db", now_ms=1))
    sell(device, 1)
    back_up(settings, tmp_path)
    assert durable(cloud, device) == 2


def test_a_whole_backup_whose_writer_died_before_it_said_so_is_one(
    cloud: Cloud, device: Device, settings: Settings, tmp_path: Path
) -> None:
    sell(device, 2)
    left_behind(cloud, tmp_path, "whole.db").touch()
    sell(device, 1)
    back_up(settings, tmp_path)
    assert [bool(b.verified_ms) for b in cloud.db.read(listed)] == [True, True]
    assert durable(cloud, device) == 2


def test_old_backups_go_and_the_list_says_what_is_left(
    cloud: Cloud, device: Device, settings: Settings, tmp_path: Path, capsys
) -> None:
    folder = tmp_path / "b"
    sell(device, 1)
    first = back_up(settings, folder)
    sell(device, 1)
    back_up(settings, folder)
    sell(device, 1)
    assert durable(cloud, device) == 1
    third = back_up(settings, folder, "--keep", "2")
    assert not first.exists()
    assert durable(cloud, device) == 2
    third.unlink()
    capsys.readouterr()
    assert main(["backup", *arguments(settings), "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "not here" in lines[0]
    lost = lines[0].split()[0]
    assert main(["backup", *arguments(settings), "--drop", lost]) == 0
    assert main(["backup", *arguments(settings), "--drop", lost]) == 1


def test_a_damaged_copy_is_no_backup(tmp_path: Path, monkeypatch) -> None:
    settings = Settings(data=tmp_path / "c")
    cloud = open_cloud(settings)
    cloud.close()
    whole = dumping._check_embedded

    def damaged(file: Path, key: bytes) -> None:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        whole(file, key)

    monkeypatch.setattr(dumping, "_check_embedded", damaged)
    with pytest.raises(Trouble):
        dumping.dump(settings, tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


# --- the way back ---------------------------------------------------------------------------------


@pytest.fixture
def restored(
    cloud: Cloud, device: Device, settings: Settings, empty: Settings, tmp_path: Path, clock: Clock
) -> Iterator[Cloud]:
    """A cloud restored from a backup that holds three sales; two more came after it."""
    load_demo(cloud.db, clock(), styles=2, members=3)
    sell(device, 3)
    if settings.db_url:  # as in a cluster that is years older than the one it comes back in
        for table in (tables.sku, tables.stock, tables.journal):
            with cloud.db.begin() as connection:
                connection.execute(sa.update(table).values(change=10**12))
    backup = back_up(settings, tmp_path / "b")
    sell(device, 2)
    if not empty.db_url:
        shutil.copy(settings.data / "cloud.db.key", empty.data / "cloud.db.key")
    assert main(["restore", *arguments(empty), str(backup)]) == 0
    opened = open_cloud(empty, clock=clock)
    yield opened
    opened.close()


@pytest.mark.fault(22, "nothing; the tills send again what the backup lacks")
def test_a_restore_drill(cloud: Cloud, device: Device, restored: Cloud) -> None:
    assert count(restored, tables.journal) == 3
    assert restored.db.read(timeline) != cloud.db.read(timeline)
    assert restored.db.read(feed_generation) > cloud.db.read(feed_generation)
    assert durable(restored, device) == 3  # the backup it came from may come back once more
    with running(app_of(restored)) as client:
        device.client = client
        device.sign_in()
        told = device.post("/v1/sync/hello", device.hello(), HelloAnswer)
        assert (told.hwm, told.hwm_hash) == (3, device.records[2].hash.hex())
        assert told.timeline != device.me.timeline
        device.push(device.records[3:])
        assert count(restored, tables.sale) == 5


def test_every_row_of_a_feed_is_seen_after_a_restore(device: Device, restored: Cloud) -> None:
    with running(app_of(restored)) as client:
        device.client = client
        device.sign_in()
        page = device.get("/v1/sync/pull", PullAnswer, stream="catalog", limit=2000)
        assert len(page.rows) == count(restored, tables.sku) > 0
        stock = device.get("/v1/sync/pull", PullAnswer, stream="stock", limit=2000)
        assert stock.applied_seq == 3


def test_the_same_backup_twice_is_two_timelines(restored: Cloud) -> None:
    before = restored.db.read(feed_generation)
    first = restored.db.read(timeline)
    second = restored.db.write(begin_timeline)
    assert first != second
    assert restored.db.read(feed_generation) > before


def test_no_backup_is_restored_over_a_database(
    cloud: Cloud, device: Device, settings: Settings, tmp_path: Path, capsys
) -> None:
    sell(device, 1)
    backup = back_up(settings, tmp_path / "b")
    assert main(["restore", *arguments(settings), str(backup)]) == 1
    assert count(cloud, tables.journal) == 1
    assert main(["restore", *arguments(settings), str(tmp_path / "none")]) == 1


def test_a_damaged_file_restores_nothing(
    cloud: Cloud, settings: Settings, empty: Settings, tmp_path: Path
) -> None:
    backup = back_up(settings, tmp_path / "b")
    data = bytearray(backup.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    backup.write_bytes(data)
    if not empty.db_url:
        shutil.copy(settings.data / "cloud.db.key", empty.data / "cloud.db.key")
    assert main(["restore", *arguments(empty), str(backup)]) == 1
    assert not empty.sqlite_file.exists()
