"""Cells that no spreadsheet runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.spreadsheets import FORMULA_STARTS, harmless

PAYLOADS = (
    Path(__file__).parents[4] / "shared/data/bad_input/csv-injection/payloadbox_csv-payload.txt"
)


@given(st.text(max_size=20))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(FORMULA_STARTS)
    assert cell in (text, "'" + text)


def test_published_payloads_do_not_run() -> None:
    if not PAYLOADS.exists():
        pytest.skip("the published payloads are not beside this checkout")
    lines = PAYLOADS.read_text("utf-8").splitlines()
    assert len(lines) > 5
    assert not any(harmless(line).startswith(FORMULA_STARTS) for line in lines)
