"""CSV that a spreadsheet reads as text: names come from outside and may look like formulas (CWE-1236)."""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """Return text as a cell that no spreadsheet runs; an apostrophe marks what would be a formula."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text
