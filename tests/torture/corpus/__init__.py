"""Inputs that once broke a layer: one `<layer>.json` each, replayed by the quick profile for ever."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.torture.tally import Failure, Tally

_HERE = Path(__file__).parent


def kept(layer: str, folder: Path = _HERE) -> list[Failure]:
    """Return what once broke a layer, oldest first."""
    file = folder / f"{layer}.json"
    if not file.exists():
        return []
    return [Failure(**entry) for entry in json.loads(file.read_text("utf-8"))]


def keep(tally: Tally, folder: Path = _HERE) -> int:
    """Add a tally's failures to the corpus, each input once, those without one never. Returns how many
    were new."""
    known = kept(tally.layer, folder)
    inputs = [entry.input for entry in known]
    new: list[Failure] = []
    for failure in tally.failures:
        if failure.input is not None and failure.input not in inputs:
            inputs.append(failure.input)
            new.append(failure)
    if new:
        entries = [asdict(entry) for entry in known + new]
        text = json.dumps(entries, ensure_ascii=False, indent=1)
        (folder / f"{tally.layer}.json").write_text(text + "\n", "utf-8")
    return len(new)
