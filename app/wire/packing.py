"""Numbers and names in few bytes, for what has to fit into a QR. Each has exactly one form.

A number is LEB128: seven bits a byte, the low ones first. A name is its length and its UTF-8 bytes, but 16
bytes where it is a UUID and 8 where it is 16 hex digits, as our own ids are.
"""

from __future__ import annotations

import re

_UUID, _HEX = 0xFF, 0xFE
_LONGEST_NAME = 0xFD
_MOST_BITS = 63
_HEX_ID = re.compile(r"[0-9a-f]{16}")
_UUID_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Packer:
    """Writes values one after another into `data`."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    @property
    def data(self) -> bytes:
        return b"".join(self._parts)

    def raw(self, data: bytes) -> None:
        """Write bytes whose number the reader knows."""
        self._parts.append(data)

    def number(self, value: int) -> None:
        """Write a number from 0 to 2^63 - 1. Raises ValueError for any other."""
        if not 0 <= value < 1 << _MOST_BITS:
            raise ValueError("not a number of 63 bits")
        data = bytearray()
        while value > 0x7F:
            data.append(value & 0x7F | 0x80)
            value >>= 7
        data.append(value)
        self._parts.append(bytes(data))

    def name(self, text: str) -> None:
        """Write a name of at most 253 bytes. Raises ValueError for a longer one."""
        if _UUID_ID.fullmatch(text):
            self._parts.append(bytes([_UUID]) + bytes.fromhex(text.replace("-", "")))
        elif _HEX_ID.fullmatch(text):
            self._parts.append(bytes([_HEX]) + bytes.fromhex(text))
        else:
            raw = text.encode()
            if len(raw) > _LONGEST_NAME:
                raise ValueError("the name is too long")
            self._parts.append(bytes([len(raw)]) + raw)


class Unpacker:
    """Reads what a `Packer` wrote. Everything raises ValueError for bytes that no packer writes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def left(self) -> int:
        """How many bytes were not read yet."""
        return len(self._data) - self._place

    def raw(self, size: int) -> bytes:
        """Read so many bytes."""
        if size > self.left:
            raise ValueError("cut off")
        self._place += size
        return self._data[self._place - size : self._place]

    def rest(self) -> bytes:
        """Read all that is left."""
        return self.raw(self.left)

    def number(self) -> int:
        """Read a number."""
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= _MOST_BITS:
                raise ValueError("not a number of 63 bits")
        if value >> _MOST_BITS or (byte == 0 and shift > 7):
            raise ValueError("not in its shortest form")
        return value

    def name(self) -> str:
        """Read a name."""
        size = self.raw(1)[0]
        if size == _HEX:
            return self.raw(8).hex()
        if size == _UUID:
            digits = self.raw(16).hex()
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        text = self.raw(size).decode("utf-8", "strict")
        if _UUID_ID.fullmatch(text) or _HEX_ID.fullmatch(text):
            raise ValueError("not in its shortest form")
        return text
