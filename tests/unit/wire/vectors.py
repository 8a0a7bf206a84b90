"""Published cases of others, read where they lie beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).parents[4] / "shared" / "data" / "payments"


def vectors(name: str) -> Any:
    """Return a file of recorded cases; skip the test where it is not beside this checkout."""
    file = _FOLDER / name
    if not file.exists():
        pytest.skip(f"shared/data/payments/{name} is not beside this checkout")
    return json.loads(file.read_text("utf-8"))
