"""A restore drill, as a shop does it: sell, back up, sell more, sync, lose the file, restore, open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guidepos.backup_rounds import EVERY, IDLE_S, OVERDUE, BackupRounds, is_due, shelf_of
from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud
from offline_store import shelf
from tests.e2e.commands import figures, guidepos
from tests.e2e.selling import held, sell

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


@pytest.mark.fault(23, "what a restore may lose, in words; sent sales come back by themselves")
def test_a_restore_drill(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    home = tmp_path / "till"
    guidepos("enrol", "--home", home, "--cloud", cloud.url, "--code", cloud.enrol_code("BK"))
    till = open_till(home)
    first = sell(till, 2)
    guidepos("backup", "--home", home)  # while the till runs
    second = sell(till, 2)
    till.close()
    assert figures("sync", "--once", "--home", home)["unsent"] == 0
    (line,) = guidepos("backup", "--home", home, "--list").splitlines()
    backup = Path(line.rsplit("  ", 1)[1])
    till = open_till(home)
    third = sell(till, 1)
    guidepos("restore", backup, "--home", home, status=1)  # the till has the store open
    till.close()
    guidepos("restore", backup, "--home", home, status=1)  # a sale is unsent
    told = guidepos("restore", backup, "--home", home, "--keep-old")
    assert "2 documents" in told
    assert "second copy" in told
    till = open_till(home)
    assert till.store.reader.state("restored") == "1"
    assert all(till.store.reader.document(sale.sale_id) == sale for sale in first)
    assert all(till.store.reader.document(sale.sale_id) is None for sale in [*second, *third])
    till.close()
    assert held(cloud, tmp_path, [*first, *second])
    assert figures("journal", "verify", "--home", home)["sound"]
    (aside,) = home.glob("store-before-*.db")
    assert str(aside) in told

    # Next contact: another epoch, nothing twice; and what the old file alone held comes back from it.
    back = figures("recover", "--home", home, "--copy", aside)
    assert (back["recorded"], back["known"]) == (3, 2)
    synced = figures("sync", "--once", "--home", home)
    assert (synced["unsent"], synced["trouble"]) == (0, None)
    assert held(cloud, tmp_path, [*first, *second, *third])
    till = open_till(home)
    assert till.store.reader.state("restored") == ""
    assert all(till.store.reader.document(sale.sale_id) == sale for sale in [*second, *third])
    later = sell(till, 1)
    till.close()
    assert figures("sync", "--once", "--home", home)["unsent"] == 0
    assert held(cloud, tmp_path, later)


def test_another_tablet_takes_a_backup_with_the_key_from_escrow(
    cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    home, key, new = tmp_path / "till", tmp_path / "key", tmp_path / "new"
    code = cloud.enrol_code("BN")
    device = figures("enrol", "--home", home, "--cloud", cloud.url, "--code", code)["device"]
    till = open_till(home)
    sold = sell(till, 1)
    till.close()
    guidepos("backup", "--home", home, "--to", tmp_path / "stick")
    (backup,) = shelf.listed(tmp_path / "stick")
    where = ("--data", cloud.data, "--device", device, "--out", key)
    guidepos("store-key", *where, program="cloud")
    guidepos("restore", backup.file, "--home", new, status=1)
    guidepos("restore", backup.file, "--home", new, "--key", key)
    till = open_till(new)
    assert till.store.reader.document(sold[0].sale_id) == sold[0]
    till.close()


def test_backups_are_kept_where_a_person_said(tmp_path: Path) -> None:
    home, card = tmp_path / "till", tmp_path / "card"
    till = open_till(home)
    sell(till, 1)
    assert BackupRounds(till.store, home).look(NOW)
    till.close()
    assert len(shelf.listed(shelf_of(home, ""))) == 1
    guidepos("backup", "--home", home, "--place", card)
    assert len(shelf.listed(card)) == 1
    assert str(card) in figures("doctor", "--home", home)["seen"]["backups"]


def test_a_till_backs_up_when_it_is_quiet_and_now_and_then_in_any_case() -> None:
    assert is_due(None, NOW, 0)
    assert not is_due(NOW - EVERY / 2, NOW, IDLE_S * 10)
    assert is_due(NOW - EVERY, NOW, IDLE_S)
    assert not is_due(NOW - EVERY, NOW, IDLE_S / 2)
    assert is_due(NOW - OVERDUE, NOW, 0)
    assert is_due(NOW + timedelta(days=900), NOW, 0)  # made by a clock that was years ahead


def test_rounds_end_at_once_and_a_failing_shelf_stops_nothing(tmp_path: Path) -> None:
    home = tmp_path / "till"
    till = open_till(home)
    rounds = BackupRounds(till.store, home)
    rounds.start()
    (home / "backups").write_text("no folder")
    assert not rounds.look(NOW)
    rounds.stop()
    sell(till, 1)
    till.close()
