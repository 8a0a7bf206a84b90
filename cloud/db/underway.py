"""Tells a backup that is being written from one whose writer died: a lock beside the file, which the system
lets go of with the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl as found
except ImportError:  # no such locks here: a dead writer's backup has to be dropped by hand
    locks: Any = None
else:
    locks = found


def _lock_of(file: Path) -> Path:
    return file.with_name(file.name + ".lock")


@contextmanager
def underway(file: Path) -> Iterator[None]:
    """Say, as long as the block runs, that `file` is being written; whoever dies in it leaves the lock file,
    unlocked. Raises OSError."""
    lock = _lock_of(file)
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if locks is not None:
            locks.flock(descriptor, locks.LOCK_EX | locks.LOCK_NB)
        yield
        lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def was_given_up(file: Path) -> bool:
    """Tell whether a file's writer certainly is no more. False where nothing is known: it may be written by
    another machine, or be older than these locks."""
    if locks is None:
        return False
    try:
        descriptor = os.open(_lock_of(file), os.O_RDWR)
    except OSError:
        return False
    try:
        locks.flock(descriptor, locks.LOCK_EX | locks.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def clear_away(file: Path) -> None:
    """Remove what a dead writer left beside its file."""
    for left in (file.with_name(file.name + ".part"), _lock_of(file)):
        left.unlink(missing_ok=True)
