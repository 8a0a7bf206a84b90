"""What is on the disk when a call returns, and not only in the system's memory. It knows no store."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def make_durable(file: Path) -> None:
    """Have a file's bytes on the disk when this returns. Raises OSError."""
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system lets one ask for it. Raises OSError."""
    if sys.platform == "win32":  # pragma: no cover
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
