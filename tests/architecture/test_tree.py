"""What must never enter the repository: keys, addresses of package servers, somebody's paths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, name

BINARY = {".png", ".jpg", ".ico", ".ttf", ".otf", ".woff2", ".wav", ".ogg", ".gz", ".zip", ".db"}
LARGEST_FILE = 4_000_000

# Written so that no pattern matches its own line.
FORBIDDEN = {
    "a private or public key in PEM": r"-{5}BEGIN [A-Z ]*(?:KEY|CERTIFICATE)-{5}",
    "an access key": r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|sk_live_\w{16,})",
    "a package server": r"(?i)py(?:pi)\.org|pythonhosted\.(?:org)|--(?:extra-)?index-(?:url)",
    "a home or build directory": r"(?<![\w.])/(?:home/[a-z]\w+|root/|work/(?:main|shared))",
    "an unfinished merge": r"^(?:<{7} |>{7} |={7}$)",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what):
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [
        f"{name(path)}: {match.group()[:40]}"
        for path in files()
        if path.suffix not in BINARY
        for match in pattern.finditer(text_of(path))
    ]
    assert found == []


def test_no_file_is_too_large_to_clone_quickly():
    large = [name(path) for path in files() if path.stat().st_size > LARGEST_FILE]
    assert large == []


def test_constraints_are_plain_versions_and_name_no_source():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    odd = [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.!+]*", line)]
    assert odd == []
    assert len(pins) > 50
    assert pins == sorted(pins, key=str.lower)


def test_every_direct_dependency_is_pinned():
    pinned = {
        canonical(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    project = (ROOT / "pyproject.toml").read_text("utf-8").split("[project.scripts]")[0]
    direct = {
        canonical(match)
        for match in re.findall(r'^    "([A-Za-z0-9_.-]+)(?:\[\w+\])?[<>=]', project, re.MULTILINE)
    }
    assert direct - pinned == set()
    assert "pyside6-essentials" in direct


def text_of(path: Path) -> str:
    """Return a file's text; bytes that are no text cannot hold what we look for."""
    return path.read_text("utf-8", errors="replace")


def canonical(distribution: str) -> str:
    """Return a distribution's name the way all its spellings agree on."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
