"""The layer BOOTSTRAP: one new till, killed a hundred times while its shop comes in."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.torture.bootstrap.killing import kill_and_resume
from tests.torture.profile import run_layer
from tests.torture.tally import Tally

QUICK_KILLS, LONG_KILLS = 10, 100


def torture(tally: Tally, long: bool) -> None:
    """Kill as often as the profile says."""
    with tempfile.TemporaryDirectory(prefix="gp-bootstrap-") as folder:
        kill_and_resume(Path(folder), LONG_KILLS if long else QUICK_KILLS, tally)


if __name__ == "__main__":
    sys.exit(run_layer("bootstrap", torture, sys.argv[1:]))
