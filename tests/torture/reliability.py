"""Writes docs/RELIABILITY.md from the tests that inject faults, so that the page cannot lie.

`python -m tests.torture.reliability` collects the whole suite in a process of its own, reads the
markers `fault(number, what the user sees)`, and puts the counts of the last published long run beside
them (docs/torture.json, written by `make torture PUBLISH=1`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.torture.faults import FAULTS
from tests.torture.tally import HARMS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "RELIABILITY.md"
COUNTS = ROOT / "docs" / "torture.json"
_OUT = "--faults-to"
_HEAD = """# What goes wrong, and what happens then

Written by `make reliability` from the tests that inject each fault; a test fails when this page is not
what they say. Expected everywhere: nothing that was recorded is lost, doubled or altered, and no trouble with
the network keeps a shop from selling.

| # | what goes wrong | what the person at the till sees | injected by | last long run |
| --- | --- | --- | --- | --- |
"""


@dataclass
class Injected:
    """What the suite says of one fault."""

    sees: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)


class Collector:
    """A pytest plugin: writes the markers of what was collected to a file."""

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Take the file's name from the command line."""
        parser.addoption(_OUT, help="write the fault markers of collected tests here")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write fault, sentence and test of every marker."""
        found = [
            (*marker.args, item.nodeid.split("[")[0])
            for item in session.items
            for marker in item.iter_markers("fault")
        ]
        Path(session.config.getoption(_OUT)).write_text(json.dumps(found), "utf-8")


def collected() -> dict[int, Injected]:
    """Collect the suite and return what it injects, by fault. Raises RuntimeError if it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "faults.json"
        command = [sys.executable, "-m", "tests.torture.reliability", "--collect", str(out)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode or not out.exists():
            raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
        rows: list[tuple[int, str, str]] = json.loads(out.read_text("utf-8"))
    injected = {number: Injected() for number in FAULTS}
    for number, sees, test in sorted(rows, key=lambda row: (row[0], row[2], row[1])):
        entry = injected[number]
        if sees not in entry.sees:
            entry.sees.append(sees)
        if test not in entry.tests:
            entry.tests.append(test)
    return injected


def page(injected: dict[int, Injected], counts: dict[str, dict[str, int]]) -> str:
    """Return the page."""
    rows = [_row(number, injected[number], counts) for number in FAULTS]
    return _HEAD + "\n".join(rows) + "\n\n" + _run(counts)


def _row(number: int, entry: Injected, counts: dict[str, dict[str, int]]) -> str:
    fault = FAULTS[number]
    tests = [_link(test) for test in entry.tests]
    if not tests:
        tests = [f"*{fault.part}*" if fault.part else "**no test yet**"]
    layers = sorted({layer for test in entry.tests if (layer := _layer(test)) in counts})
    runs = [f"{layer.upper()}: {_brief(counts[layer])}" for layer in layers]
    cells = [str(number), fault.what, *(map("<br>".join, (entry.sees, tests, runs)))]
    return "| " + " | ".join(cells) + " |"


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"


def _layer(test: str) -> str:
    parts = Path(test.partition("::")[0]).parts
    return parts[2] if parts[:2] == ("tests", "torture") and len(parts) > 3 else ""


def _brief(count: dict[str, int]) -> str:
    return f"{count['runs']:,} runs, {sum(count[harm] for harm in HARMS)} harms"


def _run(counts: dict[str, dict[str, int]]) -> str:
    """Return the section on the last long run."""
    text = "## The last long run of `make torture`\n\n"
    if not counts:
        return text + "None was published yet.\n"
    text += f"| layer | runs | faults injected | records | {' | '.join(HARMS)} |\n"
    text += f"|{' --- |' * (4 + len(HARMS))}\n"
    for layer, count in sorted(counts.items()):
        figures = [f"{count[key]:,}" for key in ("runs", "faults", "records", *HARMS)]
        text += f"| {layer.upper()} | {' | '.join(figures)} |\n"
    return text


def published() -> dict[str, dict[str, int]]:
    """Return the counts of the last published long run, empty before the first."""
    if not COUNTS.exists():
        return {}
    counts: dict[str, dict[str, int]] = json.loads(COUNTS.read_text("utf-8"))
    return counts


def main(arguments: list[str]) -> int:
    """Write the page, or collect for the process that does."""
    if arguments[:1] == ["--collect"]:
        options = ["--collect-only", "-q", "-p", "no:cacheprovider", _OUT, arguments[1]]
        return int(pytest.main([*options, "tests"], plugins=[Collector()]))
    PAGE.write_text(page(collected(), published()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
