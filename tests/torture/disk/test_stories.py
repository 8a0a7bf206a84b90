"""The stories of stories.py, each under the fault it tells of."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.torture.disk.stories import STORIES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the layer is loaded by LD_PRELOAD")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What went wrong in each story."""
    out = tmp_path_factory.mktemp("stories") / "told.json"
    command = [sys.executable, "-m", "tests.torture.disk.stories", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read: dict[str, str] = json.loads(out.read_text("utf-8"))
    assert set(read) == set(STORIES)
    return read


@pytest.mark.fault(6, "the sale is refused, the cart stays; with room again the same till sells it")
@pytest.mark.parametrize("story", [name for name in STORIES if name.startswith("full")])
def test_a_full_disk_takes_no_money_it_cannot_book(told, story):
    assert told[story] == ""


@pytest.mark.fault(7, "the till says that it cannot write; no sale and no payment is begun")
@pytest.mark.parametrize("story", [name for name in STORIES if name.startswith("read-only")])
def test_a_read_only_folder_is_said_and_no_payment_begins(told, story):
    assert told[story] == ""


@pytest.mark.fault(
    8, "the sale is refused; the file is opened anew and checked before the next one"
)
def test_after_a_failed_sync_the_file_is_opened_anew(told):
    assert told["sync fails"] == ""


@pytest.mark.fault(8, "every sale that was promised, even if the power fails next")
def test_pages_that_a_failed_sync_lost_carry_nothing_that_follows(told):
    assert told["sync fails, kill, power cut"] == ""
