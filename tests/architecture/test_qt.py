"""The Qt we ship keeps its references.

PySide6 6.12.0 on Python 3.11 loses one reference to True with every emit and one to None with
every conversion; after some hundred the interpreter aborts. Short tests never show it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT


@pytest.mark.qml
def test_ten_thousand_emits_lose_no_reference():
    command = [sys.executable, "-m", "tests.architecture.emits"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
