"""Decides which codes a row of pictures shows, so that a blurred bar code never becomes another
product. Works on any `CodeReader`s; knows no camera, no library and no screen.

The first reader looks at every frame. The second, slower one looks at every third frame in which the
first saw nothing. A QR code corrects its own errors and counts at once; a 1-D code has one check digit
at best and counts when two frames show the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.ports import CodeReader, Frame, ReadCode

MISSES_BETWEEN = 3
"""Every so many frames without a code the second reader is asked."""

REMEMBERED_FRAMES = 8
"""How many frames a 1-D code waits to be seen again; the second reader alone needs six for two looks."""

WHOLE_PIXELS = 640 * 480
"""Of a larger frame the second reader gets only the middle, or it would hold up the frames behind."""

GONE_FRAMES = 24
"""A code counts as out of sight after so many frames without it, at fifteen a second a second and a half:
a hand that trembles must not sell a piece twice."""

_SELF_CORRECTING = frozenset({"qr", "microqr"})


class Scanner:
    """Looks at frames in turn and tells which codes are certain. One thread at a time."""

    def __init__(self, first: CodeReader, second: CodeReader) -> None:
        self._first, self._second = first, second
        self._misses = 0
        self._frames = 0
        self._seen: dict[ReadCode, int] = {}

    def look(self, frame: Frame) -> tuple[ReadCode, ...]:
        """Return the codes this frame makes certain, the one nearest the middle first."""
        self._frames += 1
        found = self._read(frame)
        certain = tuple(
            code for code in found if code.symbology in _SELF_CORRECTING or code in self._seen
        )
        oldest = self._frames - REMEMBERED_FRAMES
        self._seen = {code: at for code, at in self._seen.items() if at > oldest}
        self._seen.update(dict.fromkeys(found, self._frames))
        return certain

    def _read(self, frame: Frame) -> tuple[ReadCode, ...]:
        found = self._first.read(frame.pixels, frame.width, frame.height)
        if found:
            self._misses = 0
            return found
        self._misses += 1
        if self._misses % MISSES_BETWEEN:
            return ()
        part = middle(frame)
        return self._second.read(part.pixels, part.width, part.height)


class Novelty:
    """Tells each code once per visit: again only after it was out of sight."""

    def __init__(self) -> None:
        self._frames = 0
        self._last: dict[ReadCode, int] = {}

    def fresh(self, codes: Sequence[ReadCode]) -> tuple[ReadCode, ...]:
        """Return those of this frame's codes that have just come into sight."""
        self._frames += 1
        oldest = self._frames - GONE_FRAMES
        self._last = {code: at for code, at in self._last.items() if at >= oldest}
        new = tuple(code for code in codes if code not in self._last)
        self._last.update(dict.fromkeys(codes, self._frames))
        return new


def middle(frame: Frame) -> Frame:
    """Return the middle two thirds of a large frame, where people hold what they scan; a small one
    as it is."""
    if frame.width * frame.height <= WHOLE_PIXELS:
        return frame
    left, top = frame.width // 6, frame.height // 6
    width, height = frame.width - 2 * left, frame.height - 2 * top
    starts = range(top * frame.width + left, (top + height) * frame.width + left, frame.width)
    pixels = b"".join(frame.pixels[start : start + width] for start in starts)
    return Frame(pixels, width, height)
