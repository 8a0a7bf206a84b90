"""The device's own clocks: what they say, and how far a recorded moment may be believed.

Knows no server; whoever hears the server's time calls `anchor`, whoever keeps device state may hand
an earlier anchor back in.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.domain.times import Moment, TimeQuality

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Anchor:
    """The server said `server_ms` when this boot's running clock stood at `mono_ms`."""

    server_ms: int
    mono_ms: int
    boot_id: str


def running_ns() -> int:
    """Return nanoseconds since some fixed point of this boot, time asleep included.

    Python's monotonic clock stops while a Linux or macOS tablet sleeps; an anchor would then be
    behind by the night. The clocks asked here go on.
    """
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    elif sys.platform == "darwin":
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    else:
        return time.monotonic_ns()


def this_boot() -> str:
    """Return what names this boot: the kernel's id, else a random one that names this process."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return os.urandom(16).hex()


class SystemClock:
    """The port `Clock` on the machine's own clocks. May be used from any thread.

    What an earlier process knew is handed in by `resume`.
    """

    def __init__(
        self,
        *,
        boot_id: str | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        running: Callable[[], int] = running_ns,
    ) -> None:
        self._boot_id = boot_id if boot_id is not None else this_boot()
        self._wall_ns, self._running = wall_ns, running
        self._not_before_ms = 0
        self._anchored: tuple[Anchor | None, TimeQuality] = (None, TimeQuality.WALL)

    def resume(self, restored: Anchor | None, not_before_ms: int) -> None:
        """Take over what an earlier process of this till knew; call it before anything is dated.

        `restored` is its anchor, which counts only within the same boot. `not_before_ms` is the last
        time it recorded (Unix ms): a wall clock that was set back does not date new records before
        old ones.
        """
        self._not_before_ms = not_before_ms
        if restored is not None and restored.boot_id == self._boot_id:
            self._anchored = (restored, TimeQuality.RECENT)

    @property
    def kept(self) -> Anchor | None:
        """The anchor in force, worth keeping for the next process of this boot."""
        return self._anchored[0]

    def now(self) -> Moment:
        """Read all clocks at once."""
        wall_ms, mono_ms = self._wall_ns() // _NS_PER_MS, self._running() // _NS_PER_MS
        anchor, quality = self._anchored
        if anchor is None:
            server_ms = max(wall_ms, self._not_before_ms)
        else:
            server_ms = anchor.server_ms + mono_ms - anchor.mono_ms
        return Moment(wall_ms, mono_ms, self._boot_id, server_ms, quality)

    def worked(self) -> float:
        """Return the seconds of processor time of the calling thread."""
        return time.thread_time()

    def monotonic(self) -> float:
        """Return seconds that never run backwards; for durations only."""
        return self._running() / 1e9

    def anchor(self, server_ms: int) -> None:
        """Take the server's time as true from now on in this boot."""
        mono_ms = self._running() // _NS_PER_MS
        self._anchored = (Anchor(server_ms, mono_ms, self._boot_id), TimeQuality.ANCHORED)
