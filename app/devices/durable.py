"""Files that are private from their first moment and still there after a power cut."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from app.errors import file_trouble


def create_private(path: Path, data: bytes) -> None:
    """Create a file only its owner can read, its bytes durable before this returns.

    Raises FileExistsError if there is one.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_whole(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a new private file of these pieces, whole or not at all, and durable; return its bytes.

    Raises FileExistsError if there is one, OSError.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    size = 0
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                size += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.resolve().parent)
    return size


def flush_folder(folder: Path) -> None:
    """Make the names inside a folder durable, where the system lets one ask for it."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder only its owner can enter, and what is missing above it, durable before this returns.

    Raises Trouble: STORE_FULL, STORE_READ_ONLY, STORE_DAMAGED.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for made in missing:
            flush_folder(made.parent)
    except OSError as error:
        raise file_trouble(error) from error
