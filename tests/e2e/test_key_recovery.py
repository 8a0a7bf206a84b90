"""A till whose key is gone: it says so, makes no new one, and opens again with the key from escrow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guidepos.embedded_cloud import EmbeddedCloud
from tests.e2e.commands import figures, guidepos


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
