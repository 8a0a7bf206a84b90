"""A sample of BOOTSTRAP: whenever the till is killed, the download goes on from the last stored row."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.torture.bootstrap.killing import KILLED, kill_and_resume
from tests.torture.tally import Tally

KILLS = 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.fault(30, "the download goes on where it was; what is here can be sold meanwhile")
def test_a_till_killed_at_random_moments_resumes_and_ends_exact(tmp_path: Path):
    tally = Tally("bootstrap", seed=20261125)
    kill_and_resume(tmp_path, KILLS, tally)
    assert tally.is_clean, tally
    assert tally.faults[KILLED] == KILLS
