"""Recorded key traces: what keys came when, which scans they hold, what must be left in the field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "key_traces"


@dataclass(frozen=True)
class Trace:
    """One recording. A key is (ms, character) or (ms, {"compose" | "commit": text})."""

    name: str
    keys: tuple[tuple[float, str | dict[str, str]], ...]
    scans: list[str]
    field: str
    entered: int


def traces() -> list[Trace]:
    """Return every recording."""
    found = []
    for file in sorted(FOLDER.glob("*.json")):
        data = json.loads(file.read_text("utf-8"))
        keys = tuple((float(at), key) for at, key in data["keys"])
        found.append(Trace(file.stem, keys, data["scans"], data["field"], data["entered"]))
    return found
