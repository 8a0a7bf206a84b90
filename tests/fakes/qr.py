"""QR symbols that cost nothing, and a reader that sees what it was shown."""

from __future__ import annotations

import hashlib

from app.ports import QrMatrix, ReadCode


class FakeQrMaker:
    """The port `QrMaker`: the same text gives the same squares. No phone can read them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def make(self, text: str) -> QrMatrix:
        self.made.append(text)
        bits = int.from_bytes(hashlib.sha512(text.encode()).digest())
        rows = tuple(tuple(bool(bits >> (y * 21 + x) & 1) for x in range(21)) for y in range(21))
        return QrMatrix(rows, 1)


class FakeCodeReader:
    """The port `CodeReader`: every picture shows the codes it was given."""

    def __init__(self, *texts: str, symbology: str = "ean13") -> None:
        self.sees = tuple(ReadCode(text, symbology) for text in texts)
        self.pictures = 0

    def read(self, pixels: bytes, width: int, height: int) -> tuple[ReadCode, ...]:
        if len(pixels) != width * height:
            raise ValueError("pixels must be width × height bytes")
        self.pictures += 1
        return self.sees
