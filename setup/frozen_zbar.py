"""Runs first in the frozen till: lets pyzbar find the libzbar that was built in.

pyzbar asks ctypes for the system's library; the frozen till brings its own, so it must not depend
on what the shop's computer happens to have.
"""

import ctypes.util
import sys
from pathlib import Path

_find_library = ctypes.util.find_library


def _find_ours_first(name: str) -> str | None:
    """Return the bundled library called `name`, or what ctypes finds on the system."""
    bundle = Path(getattr(sys, "_MEIPASS", "."))
    ours = next(iter(sorted(bundle.glob(f"lib{name}.*"))), None) if name == "zbar" else None
    return str(ours) if ours else _find_library(name)


ctypes.util.find_library = _find_ours_first
