"""The sync thread: rounds of the engine when the timetable says so. Never in a sale's way.

Knows no Qt: whoever listens to `publish` is called on this thread and hands the news on itself.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.errors import Trouble
from app.ports import Clock
from app.sync.engine import SyncEngine
from app.sync.report import SyncReport
from app.sync.schedule import Draw, Timetable

_log = logging.getLogger(__name__)

_REST = 1.0
"""How long a backlog rests after a batch, in times of what the batch took."""
_LONGEST_REST_S = 1.0


class Phase(StrEnum):
    """What the sync thread is doing."""

    RUNNING = "running"
    RESTING = "resting"
    """The last round went through; the next one comes by itself."""
    BACKING_OFF = "backing_off"
    """The last round met trouble; the next one comes after a wait."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A snapshot for screens. `report` is the last finished round's, None before the first.

    `next_at` is when the next round is due by itself, in seconds of the monotonic clock.
    """

    phase: Phase
    report: SyncReport | None = None
    failures: int = 0
    next_at: float = 0.0

    @property
    def trouble(self) -> Trouble | None:
        """Why the last round did not go through, None if it did."""
        return self.report.trouble if self.report else None


@dataclass(frozen=True, slots=True)
class _Errand:
    """What a round is for: `streams` are those the cloud told of."""

    hello: bool
    pull: bool
    streams: frozenset[str]


class SyncWorker:
    """One thread that runs rounds. `publish` gets every change of status, on that thread."""

    def __init__(
        self,
        engine: SyncEngine,
        clock: Clock,
        publish: Callable[[WorkerStatus], None] = lambda status: None,
        *,
        draw: Draw = random.uniform,
    ) -> None:
        self._engine, self._clock, self._publish, self._draw = engine, clock, publish, draw
        self._bell = threading.Condition()
        self._woken = self._hurried = self._stopping = False
        self._told: set[str] = set()
        self._timetable = Timetable()
        self._report: SyncReport | None = None
        self._thread = threading.Thread(target=self._live, name="sync", daemon=True)

    def start(self) -> None:
        """Start the thread; its first round begins at once. Only once per worker."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to send (a sale was recorded). Any thread; returns at once."""
        with self._bell:
            self._woken = True
            self._bell.notify()

    def tell(self, stream: str) -> None:
        """Say that the cloud has news of a reference stream. Any thread; returns at once."""
        with self._bell:
            self._told.add(stream)
            self._bell.notify()

    def hurry(self) -> None:
        """Ask for a whole round now, as a person does. Any thread; returns at once.

        Ends a back-off, but not a wait the cloud asked for.
        """
        with self._bell:
            self._hurried = True
            self._bell.notify()

    def stop(self, timeout_s: float = 15.0) -> bool:
        """End the thread after the request in flight; True if it has ended within `timeout_s`."""
        with self._bell:
            self._stopping = True
            self._bell.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # --- sync thread ------------------------------------------------------------------------------

    def _live(self) -> None:
        while (errand := self._next_errand()) is not None:
            self._publish_phase(Phase.RUNNING)
            self._round(errand)
            troubled = self._timetable.failures
            self._publish_phase(Phase.BACKING_OFF if troubled else Phase.RESTING)
        self._publish_phase(Phase.STOPPED)

    def _next_errand(self) -> _Errand | None:
        """Wait until a round is due and return what it is for; None when it is time to end."""
        with self._bell:
            while not self._stopping:
                now = self._clock.monotonic()
                due = self._timetable.due_at(
                    woken=self._woken, hurried=self._hurried, told=bool(self._told)
                )
                if due <= now:
                    return self._take_errand(now)
                self._bell.wait(due - now)
            return None

    def _take_errand(self, now: float) -> _Errand:
        """Under the bell's lock, so that what is asked for from now on leads to another round."""
        table = self._timetable
        pull = table.pull_due(now, hurried=self._hurried)
        told = frozenset(self._told) if pull or table.news_due(now) else frozenset()
        self._told -= told
        self._woken = self._hurried = False
        return _Errand(table.hello_due(now), pull, told)

    def _round(self, errand: _Errand) -> None:
        try:
            report = self._engine.run(
                hello=errand.hello,
                pull=errand.pull,
                streams=errand.streams,
                stop=lambda: self._stopping,
                rest=self._rest,
            )
        except Exception:
            # A bug in a round must not end sync for the day; it is logged and backed off from.
            _log.exception("a sync round broke")
            self._timetable = self._timetable.after_trouble(
                self._clock.monotonic(), self._draw, retryable=False
            )
            return
        self._report = report
        now = self._clock.monotonic()
        if report.trouble is None:
            self._timetable = self._timetable.after_success(
                now,
                said_hello=report.said_hello,
                pulled=errand.pull,
                followed=bool(errand.streams),
            )
            return
        asked = report.trouble.facts.get("retry_after_s")
        self._timetable = self._timetable.after_trouble(
            now,
            self._draw,
            retryable=report.trouble.retryable,
            retry_after_s=asked if isinstance(asked, int) else 0,
        )

    def _rest(self, took_s: float) -> None:
        """Leave the machine to the person at the till for a while after each batch of a backlog: that it is
        gone in two minutes instead of one nobody notices, a screen that lags everybody."""
        with self._bell:
            self._bell.wait_for(lambda: self._stopping, min(took_s * _REST, _LONGEST_REST_S))

    def _publish_phase(self, phase: Phase) -> None:
        table = self._timetable
        try:
            self._publish(WorkerStatus(phase, self._report, table.failures, table.next_at))
        except Exception:
            _log.exception("a listener to sync broke")
