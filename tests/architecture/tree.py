"""The files of the project as git would take them: tracked, or new and not ignored."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "ui", "offline_store", "cloud", "guidepos")


@cache
def files(*patterns: str) -> tuple[Path, ...]:
    """Return the existing files that match git's `patterns`, sorted, as paths under ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    paths = (ROOT / name for name in set(listed.split("\0")) if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def name(path: Path) -> str:
    """Return the path as the tables of these tests write it: from ROOT, with forward slashes."""
    return path.relative_to(ROOT).as_posix()


def product_modules() -> list[Path]:
    """Return the Python files of the product itself, without tests, tools and benchmarks."""
    return [path for path in files("*.py") if name(path).split("/")[0] in PACKAGES]


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of one Python file."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))
