"""How much memory this process holds, and the most it ever held."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Return the peak resident set in megabytes of 1024 × 1024 bytes.

    From VmHWM where there is one: unlike `ru_maxrss` it does not inherit the parent's peak.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text("ascii").splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        return round(kilobytes / 1024, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def now_mb() -> float:
    """Return the resident set in megabytes of 1024 × 1024 bytes. Linux only."""
    line = next(
        each for each in _STATUS.read_text("ascii").splitlines() if each.startswith("VmRSS")
    )
    return round(int(line.split()[1]) / 1024, 1)
