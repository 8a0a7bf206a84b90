"""A QR as a picture inside a page: whole modules as one path, dark on white whatever the page's colours."""

from __future__ import annotations

from dataclasses import dataclass

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

QUIET = 4
"""Modules of white around the symbol (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class QrPicture:
    """What an SVG needs: the length of a side in modules, quiet zone included, and the dark parts."""

    side: int
    path: str


def qr_picture(text: str) -> QrPicture:
    """Return the smallest symbol at level M that holds a text, read as one run of characters."""
    symbol = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    symbol.add_data(text, optimize=0)
    symbol.make(fit=True)
    rows = symbol.get_matrix()
    runs = (run for y, row in enumerate(rows) for run in _runs(row, y))
    return QrPicture(len(rows) + 2 * QUIET, "".join(runs))


def _runs(row: list[bool], y: int) -> list[str]:
    """Return the dark stretches of a row as closed parts of a path."""
    found, start = [], None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            found.append(f"M{start + QUIET} {y + QUIET}h{x - start}v1h{start - x}z")
            start = None
    return found
