"""Recorded data beside the checkout, which a fresh clone does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


def shared(*parts: str) -> Path:
    """Return a file of the recorded data; skip the test where it is not there."""
    file = SHARED.joinpath(*parts)
    if not file.exists():
        pytest.skip(f"recorded data {'/'.join(parts)} is not beside this checkout")
    return file
