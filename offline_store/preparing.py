"""What opening a store says while it prepares a file of an older version, and how its caller waits.

A year's file is copied and checked before anything in it is changed: nobody should sit before a dark
screen meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """What is being done to the file."""

    COPYING = "copying"
    CHECKING = "checking"
    BUILDING = "building"


def _nothing(stage: Stage, part: float) -> None:
    """Nobody looks on."""


def _wait(opened: Future[None]) -> None:
    opened.result()


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who waits for a store to open.

    `told` hears, on the store thread, the stage and its part done (0 to 1, below 0 where nobody knows)
    if there is anything to prepare; it must return at once. `wait` returns on the calling thread when
    the future is done, and raises what is in it.
    """

    told: Callable[[Stage, float], None] = _nothing
    wait: Callable[[Future[None]], None] = _wait


NOBODY = Onlooker()
UNKNOWN = -1.0
