"""`guidepos-cloud serve` as a program of its own, for what only real processes show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloud.settings import Settings

ROOT = Path(__file__).parents[2]
LONG_S = 60


@dataclass(slots=True)
class Program:
    """A serving process. `log` is where its standard error goes."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    def ended(self) -> int:
        """Wait for its end and return its status."""
        return self.process.wait(LONG_S)


def command(settings: Settings, *arguments: str) -> list[str]:
    """Return the command line that serves what the settings describe, on a free port."""
    place = ["--data", str(settings.data), *(["--db", settings.db_url] if settings.db_url else [])]
    return [sys.executable, "-m", "cloud", "serve", "--port", "0", *place, *arguments]


@contextmanager
def program(settings: Settings, *arguments: str, log: Path) -> Iterator[Program]:
    """Serve for the length of a block; ended the hard way if it is still there."""
    with (
        log.open("a") as stderr,
        subprocess.Popen(
            command(settings, *arguments),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            assert said.startswith("listening on "), log.read_text()
            yield Program(process, said.removeprefix("listening on "), log)
        finally:
            process.kill()
