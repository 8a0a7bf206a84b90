"""Half a year of a real shop through the till's own services, and all of it at the cloud, once."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from guidepos.embedded_cloud import EmbeddedCloud
from tests.e2e.commands import figures, guidepos
from tests.recorded import shared

# The tests of this file go on with what the one before left at the cloud.
pytestmark = pytest.mark.xdist_group("recorded retail")

RETAIL = ("retail", "uci_online_retail_until_2011-06.csv.gz")
TOTALS = ("retail", "online_retail_invoice_totals_until_2011-06.csv.gz")


def _given() -> dict[str, int]:
    with gzip.open(shared(*TOTALS), "rt", encoding="utf-8") as file:
        return {
            row["invoice"]: int((Decimal(row["net_total"]) * 100).to_integral_value())
            for row in csv.DictReader(file)
        }


def _written(file: Path) -> dict[str, int]:
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["invoice"]: int(row["net_minor"]) for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory, cloud: EmbeddedCloud) -> Path:
    """A till that replayed the whole file, killed on the way, and sent everything."""
    home = tmp_path_factory.mktemp("till")
    source = shared(*RETAIL)
    guidepos(*("enrol", "--home", home, "--cloud", cloud.url, "--code", cloud.enrol_code("UCI")))
    command = [sys.executable, "-m", "guidepos", "replay", str(source), "--home", str(home)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert first.stderr is not None
    while b"1500 of" not in (line := first.stderr.read(64)):
        assert line, "the replay ended before it could be killed"
    first.kill()
    first.communicate()
    return home


def test_every_invoice_comes_out_to_the_penny_after_a_kill_and_at_the_cloud_once(
    replayed: Path, cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    source, totals = shared(*RETAIL), tmp_path / "totals.csv"
    told = figures("replay", source, "--home", replayed, "--totals", totals)
    given = _given()
    assert 1500 <= told["resumed"] < told["invoices"] == len(given)
    assert told["skipped"] == {}
    assert told["rounded_lines"] == 1
    assert _written(totals) == given
    assert told["net_minor"] == sum(given.values())
    assert figures("journal", "verify", "--home", replayed)["sound"]

    sent = figures("sync", "--once", "--home", replayed)
    assert (sent["pushed"], sent["unsent"]) == (told["journal_records"], 0)
    again = figures("sync", "--once", "--home", replayed)
    assert (again["pushed"], again["unsent"]) == (0, 0)

    exported = tmp_path / "cloud.csv"
    data = cloud.data
    guidepos("export", "sales", exported, "--data", data, program="cloud")
    assert _written(exported) == given

    once_more = figures("replay", source, "--home", replayed)
    assert once_more["resumed"] == once_more["invoices"]
    assert once_more["journal_head"] == told["journal_head"]
