"""Finds codes in grey pictures: zxing-cpp first, zbar where it sees nothing.

Only the symbologies a shop meets are looked for: naming them makes a frame about ten times cheaper
and keeps stray patterns from being read as codes. Knows no camera and no Qt.
"""

from __future__ import annotations

import logging
from typing import Any

from app.ports import ReadCode

_log = logging.getLogger(__name__)

_ZXING = {
    "QRCode": "qr",
    "EAN13": "ean13",
    "EAN8": "ean8",
    "UPCA": "ean13",
    "UPCE": "ean13",
    "Code128": "code128",
}
"""zxing-cpp's name → ours. It gives UPC-A and UPC-E in their 13-digit form already."""

_ZBAR = {"QRCODE": "qr", "EAN13": "ean13", "EAN8": "ean8", "CODE128": "code128"}
"""zbar's name → ours. Not asked for UPC it gives those codes in 13 digits too; its short form
of UPC-E would pass for a GTIN-8."""


class TwoReaders:
    """The port `CodeReader` on zxing-cpp with pyzbar as second opinion.

    zxing-cpp is faster and sturdier on QR codes; zbar reads some tilted, blurred EAN codes it
    misses. Where zbar's system library is absent the first opinion stands alone.
    """

    def __init__(self) -> None:
        self._zbar_absent = False

    def read(self, pixels: bytes, width: int, height: int) -> tuple[ReadCode, ...]:
        """Return the codes in an 8-bit grey picture without row padding, each text once.

        Raises ValueError if `pixels` is not width × height bytes.
        """
        if width < 1 or height < 1 or len(pixels) != width * height:
            raise ValueError("pixels must be width × height bytes")
        found = _by_zxing(pixels, width, height)
        if not found and not self._zbar_absent:
            found = self._by_zbar(pixels, width, height)
        return tuple({(code.text, code.symbology): code for code in found}.values())

    def opinions(self, pixels: bytes, width: int, height: int) -> dict[str, tuple[ReadCode, ...]]:
        """Return what each reader that is installed sees by itself, for self-tests."""
        found = {"zxing-cpp": tuple(_by_zxing(pixels, width, height))}
        second = tuple(self._by_zbar(pixels, width, height))
        return found if self._zbar_absent else {**found, "zbar": second}

    def _by_zbar(self, pixels: bytes, width: int, height: int) -> list[ReadCode]:
        try:
            from pyzbar import pyzbar
        except (ImportError, OSError):
            # Remembered: a failing import would be tried again for every frame.
            self._zbar_absent = True
            _log.warning("zbar is not installed; codes are read by zxing-cpp alone")
            return []
        symbols = [pyzbar.ZBarSymbol[zbar] for zbar in _ZBAR]
        return [
            ReadCode(code.data.decode("utf-8", errors="replace"), _ZBAR.get(code.type, code.type))
            for code in pyzbar.decode((pixels, width, height), symbols=symbols)
            if code.data
        ]


def _by_zxing(pixels: bytes, width: int, height: int) -> list[ReadCode]:
    import zxingcpp

    names = {getattr(zxingcpp.BarcodeFormat, zxing): ours for zxing, ours in _ZXING.items()}
    formats: Any = list(names)
    picture = memoryview(pixels).cast("B", (height, width))
    return [
        ReadCode(code.text, names.get(code.format, str(code.format)))
        for code in zxingcpp.read_barcodes(picture, formats=formats)
        if code.valid and code.text
    ]
