"""Processor time of groups of processes, so that a figure can be split among who made it. Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(root: int) -> float:
    """Return the processor seconds a process, its living descendants and its dead children have used."""
    family = _family(root)
    return sum(_own(pid) for pid in family) + sum(_buried(pid) for pid in family)


def parent_of(pid: int) -> int:
    """Return the process that started one."""
    return int(_fields(pid)[1])


@contextmanager
def on_cores(cores: Iterable[int]) -> Iterator[None]:
    """Keep the calling thread, and every process it starts, on some cores for the length of a block."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def load_average() -> float:
    """Return how many processes wanted to run in the last minute, on average."""
    return round(os.getloadavg()[0], 2)


def _family(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                children.setdefault(parent_of(int(entry.name)), []).append(int(entry.name))
            except OSError:
                continue  # it ended while we looked
    family, waiting = [], [root]
    while waiting:
        family.append(waiting.pop())
        waiting += children.get(family[-1], [])
    return family


def _own(pid: int) -> float:
    return _sum(pid, 11, 13)


def _buried(pid: int) -> float:
    return _sum(pid, 13, 15)


def _sum(pid: int, first: int, end: int) -> float:
    try:
        return sum(map(int, _fields(pid)[first:end])) / _TICKS
    except OSError:
        return 0.0


def _fields(pid: int) -> list[str]:
    """Return the fields of a process's statistics after its name, the first being its state."""
    text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    return text.rsplit(")", 1)[1].split()
