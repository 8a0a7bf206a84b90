"""The Qt we ship keeps its references, and we keep to one thread of its objects.

PySide6 6.12.0 on Python 3.11 loses one reference to True with every emit and one to None with
every conversion; after some hundred the interpreter aborts. Short tests never show it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT, name, product_modules


@pytest.mark.qml
def test_ten_thousand_emits_lose_no_reference():
    command = [sys.executable, "-m", "tests.architecture.emits"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_postbox_queues_a_signal_of_ours():
    """A signal that another thread sends for an object that can be deleted may come from freed memory; the
    camera's own one comes from a thread of Qt, which holds its sender."""
    modules = [path for path in product_modules() if "QueuedConnection" in path.read_text("utf-8")]
    assert [name(path) for path in modules] == ["ui/input/camera.py", "ui/postbox.py"]
