"""Leaving a cloud and leaving a machine: refused while anything is unsent, with a way out that works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.wire.messages import MemberChange
from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud
from offline_store.connection import open_writer
from offline_store.migrations import VERSION
from tests.e2e.commands import figures, guidepos
from tests.e2e.selling import held, sell


@pytest.fixture
def home(cloud: EmbeddedCloud, tmp_path: Path) -> Path:
    """A till that is enrolled and has sold nothing."""
    folder = tmp_path / "till"
    code = cloud.enrol_code("LV")
    guidepos("enrol", "--home", folder, "--cloud", cloud.url, "--code", code)
    return folder


def refused(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "guidepos", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stdout
    return done.stderr


def taken_in(cloud: EmbeddedCloud, file: Path) -> dict[str, int]:
    where = ("--data", cloud.data, file)
    return dict(figures("import-journal", *where, program="cloud")["records"])


def test_nothing_leaves_while_a_sale_is_unsent(cloud: EmbeddedCloud, home: Path) -> None:
    till = open_till(home)
    sell(till, 1)
    till.close()
    other = ("--cloud", "https://other.example", "--code", "ABCD")
    for command in (("unenrol",), ("wipe",), ("enrol", *other)):
        told = refused(command[0], "--home", home, *command[1:])
        assert "unsent left (records: 1" in told
        assert "sync --once" in told
        assert "journal export" in told
    assert figures("sync", "--once", "--home", home)["unsent"] == 0
    assert "enrolled" in refused("enrol", "--home", home, *other)


def test_nothing_leaves_while_a_member_is_unsent(home: Path) -> None:
    till = open_till(home)
    joining = MemberChange(
        change_id="c-1", member_ref="m-1", field="join", value="{}", base_revision=0, t_ms=1
    )
    till.store.run(lambda uow: uow.change_member(joining)).result()
    till.close()
    for command in ("unenrol", "wipe"):
        assert "member_changes: 1" in refused(command, "--home", home)


def test_a_change_the_cloud_refuses_is_exported_and_lets_the_till_leave(
    cloud: EmbeddedCloud, home: Path, tmp_path: Path
) -> None:
    till = open_till(home)
    poison = MemberChange(
        change_id="c-1", member_ref="m-1", field="name", value="x" * 10_001, base_revision=0, t_ms=1
    )
    till.store.run(lambda uow: uow.change_member(poison)).result()
    sold = sell(till, 1)
    till.close()
    assert figures("sync", "--once", "--home", home)["unsent"] == 0
    assert "member_changes: 1" in refused("unenrol", "--home", home)
    file = tmp_path / "file"
    assert figures("journal", "export", file, "--home", home)["member_changes"] == 1
    guidepos("sync", "--once", "--home", home)  # which tries once more
    assert "device" in guidepos("unenrol", "--home", home, "--exported", file)
    assert "nowhere" in guidepos("unenrol", "--home", home, "--exported", file)
    told = figures("import-journal", "--data", cloud.data, file, program="cloud")
    assert told["member_changes"] == {"refused": 1}
    assert held(cloud, tmp_path, sold)


def test_a_till_that_left_starts_afresh_at_another_cloud(
    cloud: EmbeddedCloud, home: Path, tmp_path: Path
) -> None:
    till = open_till(home)
    sold = sell(till, 2)
    till.close()
    assert figures("sync", "--once", "--home", home)["unsent"] == 0
    guidepos("unenrol", "--home", home)
    till = open_till(home)
    assert not till.store.reader.identity().enrolled
    assert till.store.run(lambda uow: (uow.device_key(), uow.escrow_key())).result() == (b"", b"")
    assert till.store.reader.people() == ()
    assert till.store.reader.document(sold[0].sale_id) == sold[0]
    assert till.store.reader.sync_status().unsent == 0
    later = sell(till, 1)
    assert till.store.verify_journal() is None
    till.close()
    assert "nowhere" in guidepos("unenrol", "--home", home)
    code = cloud.enrol_code("LV2")
    guidepos("enrol", "--home", home, "--cloud", cloud.url, "--code", code)
    synced = figures("sync", "--once", "--home", home)
    assert (synced["pushed"], synced["duplicates"], synced["unsent"]) == (1, 0, 0)
    assert held(cloud, tmp_path, [*sold, *later])


def test_an_export_lets_a_till_go_and_its_sales_reach_the_cloud(
    cloud: EmbeddedCloud, home: Path, tmp_path: Path
) -> None:
    till = open_till(home)
    sold = sell(till, 2)
    till.close()
    early, whole = tmp_path / "early", tmp_path / "whole"
    assert figures("journal", "export", early, "--home", home)["records"] == 2
    assert early.stat().st_mode & 0o077 == 0
    till = open_till(home)
    sold += sell(till, 1)
    till.close()
    assert "export incomplete" in refused("wipe", "--home", home, "--exported", early)
    assert refused("journal", "export", early, "--home", home)  # never over another file
    guidepos("journal", "export", whole, "--home", home)
    broken = tmp_path / "broken"
    broken.write_bytes(whole.read_bytes()[:-1])
    assert "file unreadable" in refused("wipe", "--home", home, "--exported", broken)
    guidepos("wipe", "--home", home, "--exported", whole)
    assert list(home.iterdir()) == []
    assert taken_in(cloud, whole) == {"applied": 3}
    assert taken_in(cloud, whole) == {"duplicate": 3}
    assert held(cloud, tmp_path, sold)


def test_what_was_exported_may_still_be_sent(
    cloud: EmbeddedCloud, home: Path, tmp_path: Path
) -> None:
    till = open_till(home)
    sold = sell(till, 2)
    till.close()
    guidepos("journal", "export", tmp_path / "file", "--home", home)
    assert taken_in(cloud, tmp_path / "file") == {"applied": 2}
    synced = figures("sync", "--once", "--home", home)
    assert (synced["unsent"], synced["exceptions"]) == (0, 0)
    guidepos("journal", "export", tmp_path / "all", "--all", "--home", home)
    assert taken_in(cloud, tmp_path / "all") == {"duplicate": 2}
    assert held(cloud, tmp_path, sold)


@pytest.mark.fault(29, "unsent records can still be exported for the cloud")
def test_a_store_that_may_only_be_drained_is_exported_too(
    cloud: EmbeddedCloud, home: Path, tmp_path: Path
) -> None:
    till = open_till(home)
    sold = sell(till, 1)
    key = till.keeper.read("store-key") or b""
    till.close()
    newer = open_writer(home / "store.db", key)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    assert "newer" in refused("unenrol", "--home", home)
    guidepos("journal", "export", tmp_path / "file", "--home", home)
    assert taken_in(cloud, tmp_path / "file") == {"applied": 1}
    guidepos("wipe", "--home", home, "--exported", tmp_path / "file")
    assert held(cloud, tmp_path, sold)


def test_a_till_that_was_never_enrolled_exports_for_nobody_and_is_not_wiped(tmp_path: Path) -> None:
    home = tmp_path / "till"
    till = open_till(home)
    sell(till, 1)
    till.close()
    assert "device not enrolled" in refused("journal", "export", tmp_path / "f", "--home", home)
    assert "unsent left" in refused("wipe", "--home", home)


def test_a_wipe_that_was_cut_short_is_finished_by_the_next(home: Path) -> None:
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (home / name).unlink(missing_ok=True)
    guidepos("wipe", "--home", home)
    assert list(home.iterdir()) == []


def test_a_store_laid_aside_with_unsent_sales_keeps_its_key(
    cloud: EmbeddedCloud, home: Path
) -> None:
    guidepos("backup", "--home", home)
    (line,) = guidepos("backup", "--home", home, "--list").splitlines()
    till = open_till(home)
    sell(till, 1)
    till.close()
    guidepos("restore", line.rsplit("  ", 1)[1], "--home", home, "--keep-old")
    assert "store-before-" in refused("wipe", "--home", home)
