"""A printer that keeps what it printed, until it is broken."""

from __future__ import annotations

from app.domain.receipt import Receipt
from app.errors import Code, Trouble


class FakePrinter:
    """The port `ReceiptPrinter`. `broken` makes every print fail as a real one does."""

    def __init__(self) -> None:
        self.printed: list[Receipt] = []
        self.broken = False

    def print(self, receipt: Receipt) -> None:
        if self.broken:
            raise Trouble(Code.PRINTER_FAILED, retryable=True)
        self.printed.append(receipt)
