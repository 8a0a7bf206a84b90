"""A cloud as its own process, tills as folders, commands as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guidepos.embedded_cloud import EmbeddedCloud, embedded_cloud

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """An empty cloud on loopback."""
    with embedded_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def guidepos(*arguments: str | Path, status: int = 0, program: str = "guidepos") -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == status, done.stderr + done.stdout
    return done.stdout


def figures(*arguments: str | Path, status: int = 0) -> dict[str, Any]:
    """Run a command with --json and return its figures."""
    return dict(json.loads(guidepos(*arguments, "--json", status=status)))


def shared(*parts: str) -> Path:
    """Return a file of the recorded data beside the checkout; skip where it is not there."""
    file = SHARED.joinpath(*parts)
    if not file.exists():
        pytest.skip(f"recorded data {'/'.join(parts)} is not beside this checkout")
    return file
