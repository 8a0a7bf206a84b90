"""A sample of KILL: whatever the step, the books hold and what was promised is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.kill.steps import Steps, statement_name
from tests.torture.tally import Tally

SEED = 20251009
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the layer is loaded by LD_PRELOAD")


@linux_only
@pytest.mark.fault(1, "the whole sale, or the cart as it was before the last tap")
@pytest.mark.fault(2, "the sale is there; completing it again answers with the same sale")
@pytest.mark.fault(30, "the store as before the update, or updated; the till opens and sells")
def test_a_till_killed_at_any_step_keeps_its_books(tmp_path: Path):
    out = tmp_path / "kill.json"
    command = [sys.executable, "-m", "tests.torture.kill", "--seed", str(SEED), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tally = Tally.read(out)
    assert tally.is_clean
    assert tally.injected >= 60
    assert tally.records > tally.runs


@linux_only
def test_a_sale_in_two_transactions_is_found_out(tmp_path: Path):
    out = tmp_path / "halved.json"
    command = [sys.executable, "-m", "tests.torture.kill.halved", "--out", str(out)]
    subprocess.run(command, capture_output=True, check=False)
    assert Tally.read(out).altered > 0


def test_statements_are_named_without_their_values():
    assert statement_name("INSERT INTO document VALUES (1, 'S-0001')") == "INSERT INTO document"
    assert statement_name("SELECT a FROM draft WHERE slot = 'x'") == "SELECT draft"
    assert statement_name("UPDATE epoch SET acked_seq = 7") == "UPDATE epoch"
    assert statement_name("COMMIT") == "COMMIT"
    assert statement_name("-- TRIGGER x") == "trigger"
    assert statement_name("") == "statement"


def test_steps_are_counted_once_they_are_armed():
    steps = Steps()
    steps("before")
    steps.arm()
    steps("one")
    assert steps.names == ["one"]
