"""Counts survive the way through a file; failing inputs are kept once and come back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.torture.corpus import keep, kept
from tests.torture.tally import HARMS, Failure, Tally


def test_a_tally_survives_a_file(tmp_path: Path):
    tally = Tally("kill", seed=7, runs=3, records=9, seconds=1.5, faults=Counter(kill=3))
    tally.failures.append(Failure({"step": "commit", "seed": 7}, "单据少了一张"))
    file = tmp_path / "build" / "kill.json"
    tally.write(file)
    assert Tally.read(file) == tally
    assert Tally.read(file).faults["kill"] == 3


def test_tallies_of_one_layer_add_up():
    whole = Tally("sim", seed=1)
    for _ in range(2):
        part = Tally("sim", runs=2, records=5, faults=Counter(lost_ack=1, poison=2))
        whole.add(part)
    assert (whole.runs, whole.records, whole.injected) == (4, 10, 6)
    assert whole.is_clean
    assert "0 lost, 0 doubled, 0 altered, 0 stuck" in whole.line()


def test_any_harm_and_any_failure_stains_a_tally():
    for harm in HARMS:
        tally = Tally("sim")
        setattr(tally, harm, 1)
        assert not tally.is_clean
    assert not Tally("sim", failures=[Failure(1, "stopped")]).is_clean


def test_what_broke_a_layer_is_kept_once_and_comes_back(tmp_path: Path):
    tally = Tally("sim", failures=[Failure({"seed": 4}, "lost"), Failure({"seed": 4}, "again")])
    assert kept("sim", tmp_path) == []
    assert keep(tally, tmp_path) == 1
    tally.failures += [Failure({"seed": 5}, "stuck"), Failure(None, "no tally")]
    assert keep(tally, tmp_path) == 1
    assert kept("sim", tmp_path) == [Failure({"seed": 4}, "lost"), Failure({"seed": 5}, "stuck")]
