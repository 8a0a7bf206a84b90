"""The benchmark of confirmations pays for real, alone and among others, by a wallet and by a notification."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import confirmation
from benchmarks.tills import floor

SKUS, MEMBERS = 60, 200
HOWS = ("confirmed", "confirmed_sandbox")


@pytest.mark.qml
def test_confirmations_are_painted_alone_and_among_others(tmp_path: Path):
    with floor(tmp_path) as ground:
        figures = confirmation.measure(ground, 4, 6, skus=SKUS, members=MEMBERS)
    assert figures["confirmed_waiting"] == 6
    for how in HOWS:
        for where in ("", "_crowd"):
            shown = [figures[f"{how}{where}_{what}_ms"] for what in ("p50", "p95", "max")]
            assert 0 < shown[0] <= shown[1] <= shown[2]
        assert figures[f"{how}_crowd_ratio"] > 0
