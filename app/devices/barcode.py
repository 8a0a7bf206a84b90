"""Finds codes in grey pictures: zxing-cpp, and zbar as second opinion.

Only the symbologies a shop meets are looked for: naming them makes a frame about ten times cheaper
and keeps stray patterns from being read as codes. Knows no camera and no Qt. Both libraries let other
threads run while they look.
"""

from __future__ import annotations

import logging
from typing import Any

from app.ports import ReadCode

_log = logging.getLogger(__name__)

_ZXING = {
    "QRCode": "qr",
    "MicroQRCode": "microqr",
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


class ZxingReader:
    """The port `CodeReader` on zxing-cpp: fast, and sturdy on QR codes."""

    def read(self, pixels: bytes, width: int, height: int) -> tuple[ReadCode, ...]:
        """Return the codes in an 8-bit grey picture without row padding, nearest the middle first.

        Raises ValueError if `pixels` is not width × height bytes.
        """
        _check(pixels, width, height)
        import zxingcpp

        names = {getattr(zxingcpp.BarcodeFormat, zxing): ours for zxing, ours in _ZXING.items()}
        formats: Any = list(names)
        picture = memoryview(pixels).cast("B", (height, width))
        found = zxingcpp.read_barcodes(picture, formats=formats, text_mode=zxingcpp.TextMode.Plain)
        placed = []
        for code in found:
            if code.valid and code.text:
                near, far = code.position.top_left, code.position.bottom_right
                place = (near.x + far.x) / 2 - width / 2, (near.y + far.y) / 2 - height / 2
                read = ReadCode(_lines(code.text), names.get(code.format, str(code.format)))
                placed.append((place, read))
        return _nearest_first(placed)


class ZbarReader:
    """The port `CodeReader` on pyzbar: slower, but reads some tilted, blurred EAN codes that zxing-cpp
    misses. Where its system library is absent it sees nothing and says so once in the log."""

    def __init__(self) -> None:
        self.absent = False
        """Found out at the first look, and remembered: a failing import would be tried again for
        every frame."""

    def read(self, pixels: bytes, width: int, height: int) -> tuple[ReadCode, ...]:
        """The same promise as `ZxingReader.read`, as far as zbar knows where a bar code lies; 1-D
        readings of one place that contradict each other are none."""
        _check(pixels, width, height)
        if self.absent:
            return ()
        try:
            from pyzbar import pyzbar
        except (ImportError, OSError):
            self.absent = True
            _log.warning("zbar is not installed; codes are read by zxing-cpp alone")
            return ()
        symbols = [pyzbar.ZBarSymbol[zbar] for zbar in _ZBAR]
        found = [
            code for code in pyzbar.decode((pixels, width, height), symbols=symbols) if code.data
        ]
        placed = []
        for code in found:
            if not any(_contradicts(code, other) for other in found):
                at = code.rect
                place = at.left + at.width / 2 - width / 2, at.top + at.height / 2 - height / 2
                text = code.data.decode("utf-8", errors="replace")
                placed.append((place, ReadCode(_lines(text), _ZBAR.get(code.type, code.type))))
        return _nearest_first(placed)


class TwoReaders:
    """The port `CodeReader` on both: the second opinion is asked where the first sees nothing."""

    def __init__(self) -> None:
        self._first, self._second = ZxingReader(), ZbarReader()

    def read(self, pixels: bytes, width: int, height: int) -> tuple[ReadCode, ...]:
        """Return what the first reader sees, else what the second does."""
        return self._first.read(pixels, width, height) or self._second.read(pixels, width, height)

    def opinions(self, pixels: bytes, width: int, height: int) -> dict[str, tuple[ReadCode, ...]]:
        """Return what each reader that is installed sees by itself, for self-tests."""
        found = {"zxing-cpp": self._first.read(pixels, width, height)}
        second = self._second.read(pixels, width, height)
        return found if self._second.absent else {**found, "zbar": second}


def _check(pixels: bytes, width: int, height: int) -> None:
    if width < 1 or height < 1 or len(pixels) != width * height:
        raise ValueError("pixels must be width × height bytes")


def _lines(text: str) -> str:
    """Return a text with line ends as on any screen; makers of codes write them in two ways."""
    return text.replace("\r\n", "\n")


def _contradicts(one: Any, other: Any) -> bool:
    """Tell whether two readings of zbar's are of the same bars and say different things.

    A blurred code gives it several numbers with a right check digit; which one is right it cannot know.
    """
    if one.data == other.data or "QRCODE" in (one.type, other.type):
        return False
    a, b = one.rect, other.rect
    beside = a.left > b.left + b.width or b.left > a.left + a.width
    above = a.top > b.top + b.height or b.top > a.top + a.height
    return not (beside or above)


def _nearest_first(placed: list[tuple[tuple[float, float], ReadCode]]) -> tuple[ReadCode, ...]:
    """Sort by distance from the middle, each code once."""
    placed.sort(key=lambda entry: entry[0][0] ** 2 + entry[0][1] ** 2)
    return tuple(dict.fromkeys(code for _, code in placed))
