"""Reads the worked tables of the rule pages, so that tests assert the very tables people read."""

from __future__ import annotations

from pathlib import Path

import app.domain

FOLDER = Path(app.domain.__file__).parent


def table(page: str, heading: str) -> list[dict[str, str]]:
    """Return the rows of the first table under a heading as {column: cell}."""
    lines = (FOLDER / page).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.lstrip("#").strip() == heading)
    rows: list[list[str]] = []
    for line in lines[start + 1 :]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif rows:
            break
    names, _, *body = rows
    return [dict(zip(names, row, strict=True)) for row in body]
