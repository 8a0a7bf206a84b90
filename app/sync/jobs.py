"""Store jobs of sync, each short enough for a sale to slip in between. Knows no feed and no message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.ports import Clock, Priority, Store, UnitOfWork

JOB_S = 0.020
"""A store job of sync holds the writer no longer than this."""
_AIM_S = 0.008
"""What a job is meant to compute before its COMMIT, which takes about half as long again. Neither the
disk nor another program is quicker for smaller jobs, so waiting for them does not count."""
_FIRST_JOB, _FEWEST_ROWS = 50, 10
_LARGEST_JOB, LARGEST_FILL = 300, 2_000
"""Rows of one job; in between it is their time that counts. A fill's are cheap, for none was there."""
_NEWS = 0.25
"""How much the newest job says about the next: one alone must not shrink them all."""

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
        self._row_s: dict[str, float] = {}

    def run(self, job: Callable[[UnitOfWork], T], *, priority: Priority = Priority.SYNC) -> T:
        """Run one job after everything a person waits for; its result is there after COMMIT."""
        return self._store.run(job, priority=priority).result()

    def in_pieces(
        self,
        kind: str,
        rows: Sequence[R],
        part: Callable[[list[R], bool], Callable[[UnitOfWork], None]],
        *,
        largest: int = _LARGEST_JOB,
        priority: Priority = Priority.SYNC,
    ) -> None:
        """Apply rows piece by piece; `part` makes the job of a piece and is told which is the last."""
        done, last = 0, False
        while not last:
            most = self._rows.get(kind, _FIRST_JOB)
            piece = list(rows[done : done + most])
            done += len(piece)
            last = done >= len(rows)
            self._learn(kind, len(piece), self._timed(part(piece, last), priority), largest)

    def repeat(self, kind: str, job: Callable[[UnitOfWork, int], bool]) -> None:
        """Run a job with the number of rows that fit until it says that there is nothing more to do."""
        more = True
        while more:
            most, found = self._rows.get(kind, _FIRST_JOB), [False]

            def once(uow: UnitOfWork, most: int = most, found: list[bool] = found) -> None:
                found[0] = job(uow, most)

            self._learn(kind, most, self._timed(once, Priority.SYNC), _LARGEST_JOB)
            more = found[0]

    def _learn(self, kind: str, rows: int, took: float, largest: int) -> None:
        """Let the next job have as many rows as fit into the time one is meant to take."""
        if not rows:
            return
        row_s = took / rows
        if kind in self._row_s:
            row_s = _NEWS * row_s + (1 - _NEWS) * self._row_s[kind]
        self._row_s[kind] = row_s
        fitting = int(_AIM_S / row_s) if row_s > 0 else largest
        fitting = min(fitting, 2 * self._rows.get(kind, _FIRST_JOB), largest)
        self._rows[kind] = max(_FEWEST_ROWS, fitting)

    def _timed(self, job: Callable[[UnitOfWork], None], priority: Priority) -> float:
        def timed(uow: UnitOfWork) -> float:
            start = self._clock.worked()
            job(uow)
            return self._clock.worked() - start

        return self.run(timed, priority=priority)
