"""Store jobs of sync, each short enough for a sale to slip in between. Knows no feed and no message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.ports import Clock, Priority, Store, UnitOfWork

JOB_S = 0.020
"""A store job of sync holds the writer no longer than this."""
_FIRST_JOB, _LARGEST_JOB = 50, 300
"""Rows of one job. 1,000 SKUs were measured at 37 ms and 1,000 members at 52 ms on a desktop, so what
holds the writer 16 ms there begins far below it on a small tablet."""
_FEWEST_ROWS = 10

STOCK = "stock"
"""The stream whose figures hold what this till itself moved, up to a record that comes with them."""

T = TypeVar("T")
R = TypeVar("R")


def counted_epoch(uow: UnitOfWork) -> str:
    """Return the epoch whose records stock figures shall be told to count: a clone's newest is another."""
    return uow.identity().epoch


class ShortJobs:
    """Runs jobs for sync and remembers, per kind of row, how many fit into one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._rows: dict[str, int] = {}

    def run(self, job: Callable[[UnitOfWork], T]) -> T:
        """Run one job after everything a person waits for; its result is there after COMMIT."""
        return self._store.run(job, priority=Priority.SYNC).result()

    def in_pieces(
        self,
        kind: str,
        rows: Sequence[R],
        part: Callable[[list[R], bool], Callable[[UnitOfWork], None]],
        *,
        largest: int = _LARGEST_JOB,
    ) -> None:
        """Apply rows piece by piece; `part` makes the job of a piece and is told which is the last."""
        done, last = 0, False
        while not last:
            most = self._rows.get(kind, _FIRST_JOB)
            piece = list(rows[done : done + most])
            done += len(piece)
            last = done >= len(rows)
            self._learn(kind, len(piece), self._timed(part(piece, last)), largest)

    def repeat(self, kind: str, job: Callable[[UnitOfWork, int], bool]) -> None:
        """Run a job with the number of rows that fit until it says that there is nothing more to do."""
        more = True
        while more:
            most, found = self._rows.get(kind, _FIRST_JOB), [False]

            def once(uow: UnitOfWork, most: int = most, found: list[bool] = found) -> None:
                found[0] = job(uow, most)

            self._learn(kind, most, self._timed(once), _LARGEST_JOB)
            more = found[0]

    def _learn(self, kind: str, rows: int, took: float, largest: int) -> None:
        most = self._rows.get(kind, _FIRST_JOB)
        if took > JOB_S:
            self._rows[kind] = max(_FEWEST_ROWS, most // 2)
        elif took < JOB_S / 4 and rows == most:
            self._rows[kind] = min(largest, most * 2)

    def _timed(self, job: Callable[[UnitOfWork], None]) -> float:
        def timed(uow: UnitOfWork) -> float:
            start = self._clock.monotonic()
            job(uow)
            return self._clock.monotonic() - start

        return self.run(timed)
