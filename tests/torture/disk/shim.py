"""Builds the layer of shim.c, starts programs on it and steers it from inside them.

Linux only: it is loaded by LD_PRELOAD. Knows no store.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
from enum import IntEnum, IntFlag
from pathlib import Path

_SOURCE = Path(__file__).with_name("shim.c")
_LOADED = "GUIDEPOS_TORTURE_SHIM"
"""Set in the environment of a program that runs on the layer."""


class Kind(IntFlag):
    """Kinds of calls that change what a disk holds."""

    WRITE = 1
    SYNC = 2
    RESIZE = 4
    NAME = 8
    """Creating, removing or renaming a file."""
    OPEN = 16
    """Opening for writing."""
    ANY = WRITE | SYNC | RESIZE | NAME


class Action(IntEnum):
    """What befalls a call."""

    COUNT = 0
    FAIL = 1
    SHORT = 2
    """The call writes half of its data; where that lasts, later calls fail."""
    KILL = 3
    """The process dies before the call."""


class Disk:
    """The layer under the running program."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        if not hasattr(self._library, "torture_count"):
            raise RuntimeError("this program does not run on the layer of shim.c")
        self._library.torture_count.restype = ctypes.c_long

    def watch(self, folder: Path, log: Path | None = None) -> None:
        """Watch a folder's files from now on, and log the calls."""
        self._library.torture_watch(os.fsencode(folder), os.fsencode(log) if log else None)

    def mark(self, text: str) -> None:
        """Write a remark between the logged calls."""
        self._library.torture_mark(text.encode())

    def arm(
        self,
        kinds: Kind,
        at: int,
        action: Action,
        *,
        error: int = errno.EIO,
        lasting: bool = False,
    ) -> None:
        """Let `action` befall the `at`-th call of these kinds, and those after it if it lasts."""
        self._library.torture_fault(int(kinds), ctypes.c_long(at), int(action), error, int(lasting))

    def count(self, kinds: Kind = Kind.ANY) -> None:
        """Count calls of these kinds from now on; nothing befalls them."""
        self.arm(kinds, 0, Action.COUNT)

    @property
    def counted(self) -> int:
        """How many calls there were since `arm` or `count`."""
        return int(self._library.torture_count())


def run_on_layer(module: str, *arguments: str) -> int:
    """Run `python -m module` with the layer under it; return its exit code."""
    with tempfile.TemporaryDirectory(prefix="shim-") as folder:
        library = Path(folder) / "shim.so"
        compiler = os.environ.get("CC", "cc")
        options = ("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
        subprocess.run([compiler, *options, "-o", library, _SOURCE, "-ldl"], check=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), _LOADED: "1"}
        return subprocess.call([sys.executable, "-m", module, *arguments], env=environment)


def is_on_layer() -> bool:
    """Tell whether this program runs on the layer."""
    return _LOADED in os.environ
