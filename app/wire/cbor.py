"""CBOR (RFC 8949), the deterministic subset our proofs are made of: whole numbers, bytes, text, arrays,
maps and tags in their one shortest form (§4.2.1). Knows nothing of what the values mean.

Own code because nothing else here speaks CBOR and a reader that takes only one form of each value leaves
a forger nothing to vary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DEEPEST = 8
"""More nesting than any message of ours has."""

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}
_MAX = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with its tag number (RFC 8949 §3.4)."""

    tag: int
    value: Value


Value = int | bytes | str | Sequence["Value"] | dict["Value", "Value"] | Tagged


def encode(value: Value) -> bytes:
    """Return the deterministic encoding. Raises ValueError for a number over 64 bits, TypeError for
    another kind of value."""
    match value:
        case bool():
            raise TypeError("no truth values in this subset")
        case int():
            return _head(_UINT, value) if value >= 0 else _head(_NINT, -1 - value)
        case bytes():
            return _head(_BYTES, len(value)) + value
        case str():
            raw = value.encode()
            return _head(_TEXT, len(raw)) + raw
        case list() | tuple():
            return _head(_ARRAY, len(value)) + b"".join(encode(each) for each in value)
        case dict():
            pairs = sorted((encode(key), encode(each)) for key, each in value.items())
            return _head(_MAP, len(pairs)) + b"".join(key + each for key, each in pairs)
        case Tagged():
            return _head(_TAG, value.tag) + encode(value.value)
        case _:
            raise TypeError(f"cannot encode {type(value).__name__}")


def decode(data: bytes) -> Value:
    """Return the one value in `data`. Raises ValueError unless it is in its deterministic form and
    nothing follows it."""
    reader = _Reader(data)
    value = reader.value(DEEPEST)
    if reader.place != len(data):
        raise ValueError("bytes after the value")
    return value


def _head(major: int, number: int) -> bytes:
    if not 0 <= number <= _MAX:
        raise ValueError("more than 64 bits")
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in _SIZES.items():
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size)
    raise AssertionError("every number of 64 bits has a size")


class _Reader:
    """Reads values one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def value(self, depth: int) -> Value:
        if depth == 0:
            raise ValueError("nested too deep")
        major, number = self._read_head()
        match major:
            case 0:
                return number
            case 1:
                return -1 - number
            case 2:
                return self._take(number)
            case 3:
                return self._take(number).decode("utf-8", "strict")
            case 4:
                return [self.value(depth - 1) for _ in range(self._bounded(number))]
            case 5:
                return self._map(self._bounded(number), depth - 1)
            case 6:
                return Tagged(number, self.value(depth - 1))
            case _:
                raise ValueError("no simple values in this subset")

    def _map(self, pairs: int, depth: int) -> dict[Value, Value]:
        found: dict[Value, Value] = {}
        before = b""
        for _ in range(pairs):
            start = self.place
            key = self.value(depth)
            encoded = self._data[start : self.place]
            if not isinstance(key, int | str | bytes) or encoded <= before:
                raise ValueError("keys out of order, twice, or of a kind no map of ours has")
            before = encoded
            found[key] = self.value(depth)
        return found

    def _read_head(self) -> tuple[int, int]:
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        if info not in _SIZES:
            raise ValueError("of unknown length")
        number = int.from_bytes(self._take(_SIZES[info]))
        least = 24 if info == 24 else 1 << 8 * (_SIZES[info] // 2)
        if number < least:
            raise ValueError("not in its shortest form")
        return major, number

    def _bounded(self, items: int) -> int:
        """Each item takes at least a byte, so no head can ask for more than there is."""
        if items > len(self._data) - self.place:
            raise ValueError("cut off")
        return items

    def _take(self, size: int) -> bytes:
        end = self.place + size
        if end > len(self._data):
            raise ValueError("cut off")
        taken, self.place = self._data[self.place : end], end
        return taken
