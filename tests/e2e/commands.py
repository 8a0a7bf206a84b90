"""Commands as a person types them, each a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


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


def figures(*arguments: str | Path, status: int = 0, program: str = "guidepos") -> dict[str, Any]:
    """Run a command with --json and return its figures."""
    return dict(json.loads(guidepos(*arguments, "--json", status=status, program=program)))
