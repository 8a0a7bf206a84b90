"""Tells a keyboard-wedge scanner from a person by the rhythm of keys. Pure: knows no Qt, no clock.

A scanner "types" 6 or more characters faster than a person can and usually ends with Enter or Tab.
Keys are never held back: they go where they would go, and when the rhythm turns out to have been a
scanner's, the answer says how many of them to take back.

    USB scanners send a key every 1–8 ms, Bluetooth ones every 15–30 ms with hiccups; a fast typist
    has single pairs at 30–50 ms and may roll five fingers at 25 ms, but not eight keys in a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

LEAST_CHARACTERS = 6
"""A shorter burst is never a code (GTIN-8 without its leading zeros has six)."""

LEAST_SLOW_CHARACTERS = 8
"""The same for a rhythm slower than `FAST_MEDIAN_MS`, which rolling fingers can reach for a moment."""

FAST_MEDIAN_MS = 10.0
"""No person types like this."""

SLOW_MEDIAN_MS = 35.0
"""A Bluetooth scanner's rhythm at worst; slower in the middle is a person."""

FIRST_GAP_MS = 50.0
"""Two keys further apart than this are not one code, until a scanner's rhythm is established."""

HICCUP_MS = 90.0
"""A pause an established code survives; after it a code without Enter or Tab counts as finished."""

LATE_SUFFIX_MS = 250.0
"""An Enter that comes this soon after a code without one belongs to the code."""

_SUFFIXES = "\r\n\t"
_RHYTHM_AFTER = 3


@dataclass(frozen=True, slots=True)
class Scan:
    """A recognised code. `typed` characters reached whatever had the focus and must come back."""

    code: str
    typed: int


@dataclass(frozen=True, slots=True)
class Swallow:
    """The key belongs to a code already delivered and must reach nobody."""


@dataclass(slots=True)
class Rhythm:
    """The state machine. Times are milliseconds on any steady clock."""

    _keys: list[tuple[str, float]] = field(default_factory=list)
    _ended_ms: float = -1e12

    def feed(self, character: str, at_ms: float) -> Scan | Swallow | None:
        """Take one key press. None lets it through; Scan and Swallow mean: keep this key back."""
        if len(character) == 1 and character in _SUFFIXES:
            return self._suffix(at_ms)
        if len(character) != 1 or not " " <= character <= "~":
            self.reset()
            return None
        if self._keys and self._gap(at_ms) > self._patience():
            self._keys.clear()
        self._keys.append((character, at_ms))
        return None

    def due(self, at_ms: float) -> Scan | None:
        """Return a code that ended without a suffix; ask when `deadline_ms` has passed."""
        deadline = self.deadline_ms
        if deadline is None or at_ms < deadline:
            return None
        scan = self._scan()
        self._keys.clear()
        if scan:
            self._ended_ms = at_ms
        return scan

    def would_end(self, at_ms: float) -> bool:
        """Tell whether Enter now would end a code (so that no shortcut may take it first)."""
        if at_ms - self._ended_ms <= LATE_SUFFIX_MS:
            return True
        return self._running_at(at_ms) and self._scan() is not None

    @property
    def deadline_ms(self) -> float | None:
        """When a code without suffix will be due; None while nothing looks like one."""
        if not _is_code(self._keys):
            return None
        return self._keys[-1][1] + HICCUP_MS

    @property
    def suspects(self) -> bool:
        """The last keys came too fast for a person: a look-up of them can wait a moment."""
        gaps = _gaps(self._keys)
        return len(gaps) >= _RHYTHM_AFTER and median(gaps) <= SLOW_MEDIAN_MS

    @property
    def length(self) -> int:
        """Keys in the run under way."""
        return len(self._keys)

    def reset(self) -> None:
        """Forget the run under way: another key, an input method, a mouse press, a new window."""
        self._keys.clear()

    # --- judging ------------------------------------------------------------------------------

    def _suffix(self, at_ms: float) -> Scan | Swallow | None:
        scan = self._scan() if self._running_at(at_ms) else None
        late = not self._keys and at_ms - self._ended_ms <= LATE_SUFFIX_MS
        self._keys.clear()
        if late:
            self._ended_ms = -1e12
            return Swallow()
        return scan

    def _scan(self) -> Scan | None:
        keys = self._without_a_person_before()
        if not _is_code(keys):
            return None
        return Scan("".join(character for character, _ in keys), len(keys))

    def _without_a_person_before(self) -> list[tuple[str, float]]:
        """Drop leading keys that are followed by a gap out of the run's own rhythm."""
        keys = self._keys
        gaps = _gaps(keys)
        if len(gaps) < LEAST_CHARACTERS:
            return keys
        limit = min(max(3 * median(gaps) + 12, 20.0), FIRST_GAP_MS)
        start = 0
        while start < len(gaps) and gaps[start] > limit:
            start += 1
        return keys[start:]

    def _running_at(self, at_ms: float) -> bool:
        return bool(self._keys) and self._gap(at_ms) <= self._patience()

    def _gap(self, at_ms: float) -> float:
        return at_ms - self._keys[-1][1]

    def _patience(self) -> float:
        """Return the gap that still belongs to this run."""
        gaps = _gaps(self._keys)
        if len(gaps) < _RHYTHM_AFTER:
            return FIRST_GAP_MS
        established = median(gaps) <= FAST_MEDIAN_MS or _is_code(self._keys)
        return HICCUP_MS if established else FIRST_GAP_MS


def _is_code(keys: list[tuple[str, float]]) -> bool:
    """Tell whether keys are enough, and fast enough for how many they are, to be a scanner's."""
    if len(keys) < LEAST_CHARACTERS:
        return False
    middle = median(_gaps(keys))
    if middle <= FAST_MEDIAN_MS:
        return True
    return middle <= SLOW_MEDIAN_MS and len(keys) >= LEAST_SLOW_CHARACTERS


def _gaps(keys: list[tuple[str, float]]) -> list[float]:
    return [later[1] - earlier[1] for earlier, later in pairwise(keys)]
