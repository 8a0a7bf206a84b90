"""A sample of DISK, and the proof that it sees a loss: without synced commits it must find one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.tally import Tally

SEED = 20251009
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the layer is loaded by LD_PRELOAD")


def run(module: str, out: Path) -> Tally:
    command = [sys.executable, "-m", module, "--seed", str(SEED), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert out.exists(), done.stdout + done.stderr
    return Tally.read(out)


@pytest.mark.fault(3, "every sale that was promised, and nothing half")
@pytest.mark.fault(
    4, "the damage is named when the store is opened or verified; never a wrong figure"
)
@pytest.mark.fault(5, "the record's number is named; the till sells on; the record leaves sealed")
@pytest.mark.fault(6, "the sale is refused, nothing is booked; with room again the same till sells")
@pytest.mark.fault(8, "the sale is refused or stands; the till opens its file anew and sells on")
def test_whatever_the_disk_does_the_books_hold(tmp_path: Path):
    tally = run("tests.torture.disk", tmp_path / "disk.json")
    assert tally.failures == []
    assert tally.is_clean
    assert tally.injected >= 60
    assert tally.records > tally.runs


def test_commits_that_are_not_synced_lose_sales_and_the_harness_says_so(tmp_path: Path):
    tally = run("tests.torture.disk.unsynced", tmp_path / "unsynced.json")
    assert tally.runs >= 20
    assert tally.lost > 0
