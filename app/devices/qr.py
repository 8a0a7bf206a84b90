"""Makes QR symbols as plain matrices; whoever shows or prints them draws the modules."""

from __future__ import annotations

from app.ports import QrMatrix

_MOST_BYTES = 2_331
"""What version 40 holds at error correction M (ISO/IEC 18004, table 7)."""


class QrCodeMaker:
    """The port `QrMaker` on the `qrcode` package: error correction M, the shortest encoding.

    The symbol made last is kept, because one order's QR is asked for again by screen and printer.
    """

    def __init__(self) -> None:
        self._last: tuple[str, QrMatrix] | None = None

    def make(self, text: str) -> QrMatrix:
        """Return the smallest symbol that holds `text`. Raises ValueError if none does."""
        last = self._last
        if last is not None and last[0] == text:
            return last[1]
        matrix = _make(text)
        self._last = (text, matrix)
        return matrix


def _make(text: str) -> QrMatrix:
    # Not needed before the first QR, and costs the start 50 ms.
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.exceptions import DataOverflowError
    from qrcode.main import QRCode

    if not text or len(text.encode()) > _MOST_BYTES:
        raise ValueError("no QR symbol holds this text")
    symbol = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    # `optimize` lets runs of digits or capitals use their shorter encodings inside one symbol.
    symbol.add_data(text, optimize=4)
    try:
        symbol.make(fit=True)
    except (DataOverflowError, ValueError) as error:
        raise ValueError("no QR symbol holds this text") from error
    rows = tuple(tuple(bool(module) for module in row) for row in symbol.get_matrix())
    return QrMatrix(rows, symbol.version)
