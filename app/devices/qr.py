"""Makes QR symbols as plain matrices; whoever shows or prints them draws the modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.ports import QrMatrix

if TYPE_CHECKING:
    from qrcode.main import QRCode

_MOST_BYTES = 2_331
"""What version 40 holds at error correction M (ISO/IEC 18004, table 7)."""

_SHORTEST_RUNS = (0, 4, 20)
"""From how many digits or capitals on a run gets a segment of its own, 0: never. A segment costs its
head, so what is shortest depends on the text: an address, or a proof, which is capitals throughout."""


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
    from qrcode import main
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.exceptions import DataOverflowError

    if not text or len(text.encode()) > _MOST_BYTES:
        raise ValueError("no QR symbol holds this text")
    fitting: list[QRCode[Any]] = []
    for runs in _SHORTEST_RUNS:
        symbol = main.QRCode(error_correction=ERROR_CORRECT_M, border=0)
        symbol.add_data(text, optimize=runs)
        try:
            symbol.best_fit()
        except (DataOverflowError, ValueError):
            continue
        fitting.append(symbol)
    if not fitting:
        raise ValueError("no QR symbol holds this text")
    symbol = min(fitting, key=lambda each: each.version)
    symbol.make(fit=False)
    rows = tuple(tuple(bool(module) for module in row) for row in symbol.get_matrix())
    return QrMatrix(rows, symbol.version)
