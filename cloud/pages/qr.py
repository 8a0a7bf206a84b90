"""A QR as a picture: inside a page as one path of whole modules, dark on white whatever the page's colours;
by itself as PNG, which phones can keep and other apps can read."""

from __future__ import annotations

import struct
import zlib
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
    rows = _modules(text)
    runs = (run for y, row in enumerate(rows) for run in _runs(row, y))
    return QrPicture(len(rows) + 2 * QUIET, "".join(runs))


def qr_png(text: str, scale: int = 10) -> bytes:
    """Return the same symbol as PNG in black and white, `scale` pixels a module (ISO/IEC 15948)."""
    rows = _modules(text)
    side = (len(rows) + 2 * QUIET) * scale
    white = b"\0" + b"\xff" * ((side + 7) // 8)
    lines = [white] * (QUIET * scale)
    for row in rows:
        light = [True] * QUIET + [not dark for dark in row] + [True] * QUIET
        bits = "".join(("1" if each else "0") * scale for each in light)
        packed = int(bits.ljust(-(-side // 8) * 8, "1"), 2).to_bytes((side + 7) // 8, "big")
        lines += [b"\0" + packed] * scale
    lines += [white] * (QUIET * scale)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _modules(text: str) -> list[list[bool]]:
    symbol = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    symbol.add_data(text, optimize=0)
    symbol.make(fit=True)
    found: list[list[bool]] = symbol.get_matrix()
    return found


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
