"""A till whose key is gone: it says so, makes no new one, and opens again with the key from escrow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud
from tests.e2e.commands import figures, guidepos
from tests.e2e.selling import held, sell


@pytest.mark.fault(41, "the key is missing; it can come back from the cloud's escrow")
def test_a_lost_key_comes_back_from_escrow(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    home, key = tmp_path / "till", tmp_path / "key"
    code = cloud.enrol_code("S7")
    device = figures("enrol", "--home", home, "--cloud", cloud.url, "--code", code)["device"]
    shutil.rmtree(home / "keys")
    refused = figures("doctor", "--home", home, status=1)
    assert "store key missing" in refused["seen"]["store"]
    assert not (home / "keys").exists()

    where = ("--data", cloud.data, "--device", device, "--out", key)
    guidepos("store-key", *where, program="cloud")
    assert key.stat().st_mode & 0o077 == 0
    assert "journal is sound" in guidepos("recover", "--home", home, "--key", key)
    assert figures("sync", "--once", "--home", home)["unsent"] == 0


def test_another_stores_key_is_refused(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    home, wrong = tmp_path / "till", tmp_path / "wrong"
    guidepos("enrol", "--home", home, "--cloud", cloud.url, "--code", cloud.enrol_code("S8"))
    wrong.write_text("00" * 32)
    guidepos("recover", "--home", home, "--key", wrong, status=1)
    assert figures("sync", "--once", "--home", home)["unsent"] == 0


@pytest.mark.fault(41, "with the key from escrow the unsent sales leave")
def test_sales_that_were_unsent_when_the_keyring_died_reach_the_cloud(
    cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    home, key = tmp_path / "till", tmp_path / "key"
    code = cloud.enrol_code("S9")
    device = figures("enrol", "--home", home, "--cloud", cloud.url, "--code", code)["device"]
    till = open_till(home)
    sold = sell(till, 3)
    till.close()
    shutil.rmtree(home / "keys")
    guidepos("sync", "--once", "--home", home, status=1)
    guidepos("wipe", "--home", home, status=1)  # nobody can say what is in it
    guidepos(
        "store-key", *("--data", cloud.data, "--device", device, "--out", key), program="cloud"
    )
    guidepos("recover", "--home", home, "--key", key)
    synced = figures("sync", "--once", "--home", home)
    assert (synced["pushed"], synced["unsent"], synced["exceptions"]) == (3, 0, 0)
    assert held(cloud, tmp_path, sold)
