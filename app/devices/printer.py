"""Printers that need no hardware: one that writes receipts as files, one that drops them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from app.devices.receipt_image import DPI, draw_receipt
from app.domain.receipt import Receipt
from app.errors import Code, Trouble
from app.ports import QrMaker, ReceiptWords


class FilePrinter:
    """The port `ReceiptPrinter` that leaves a PNG and a PDF of each receipt in a folder.

    `words` is asked at every print, because the language may be switched while the till runs. Files
    are named after the receipt number; a copy never replaces an earlier print.
    """

    def __init__(self, folder: Path, words: Callable[[], ReceiptWords], qr: QrMaker) -> None:
        self._folder, self._words, self._qr = folder, words, qr

    def print(self, receipt: Receipt) -> None:
        """Write the files. Raises Trouble(PRINTER_FAILED, retryable)."""
        picture = draw_receipt(receipt, self._words(), self._qr)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            target = self._free_name(receipt.document.receipt_no)
            picture.save(target, "PNG", dpi=(DPI, DPI))
            picture.save(target.with_suffix(".pdf"), "PDF", resolution=DPI)
        except OSError as error:
            detail = type(error).__name__
            raise Trouble(Code.PRINTER_FAILED, retryable=True, detail=detail) from error

    def _free_name(self, receipt_no: str) -> Path:
        stem = re.sub(r"[^0-9A-Za-z-]+", "-", receipt_no).strip("-") or "receipt"
        target, number = self._folder / f"{stem}.png", 1
        while target.exists():
            number += 1
            target = self._folder / f"{stem}_{number}.png"
        return target


class NullPrinter:
    """The port `ReceiptPrinter` of a till without a printer: every print succeeds and is nothing."""

    def print(self, receipt: Receipt) -> None:
        """Do nothing."""
