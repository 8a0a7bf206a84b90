"""How much a worker takes on: pushes at work and waiting, bodies on their way, requests of one device.

Whoever is refused is told when to come again, each at another moment. Knows no HTTP beyond `Refused`
and no database; used on one event loop.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

from cloud.errors import Refused
from cloud.settings import Limits

T = TypeVar("T")

BUSY, TOO_MANY = "busy", "too_many_requests"
SOONEST_S, LATEST_S = 1, 5
"""When a refused till may come again. Tills add a wait of their own that grows with each refusal."""
_MOST_KNOWN = 20_000
"""Devices whose allowance is remembered; a device that rested needs no remembering."""


class Admission:
    """The doorkeeper of one worker. `on_refusal` is told the reason of every refusal."""

    def __init__(
        self,
        limits: Limits,
        *,
        on_refusal: Callable[[str], None] = lambda reason: None,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._limits, self._on_refusal = limits, on_refusal
        self._monotonic, self._draw = monotonic, draw
        self._seats = anyio.CapacityLimiter(limits.pushes_at_work)
        self.for_health = anyio.CapacityLimiter(2)
        """Threads nobody but the question for our health may use."""
        self._uploading = 0
        self._pushing: Counter[str] = Counter()
        self._allowance: dict[str, tuple[float, float]] = {}

    def allow(self, device: str) -> None:
        """Count a request of a device. Raises Refused 429 when it asked too much of late."""
        now, most = self._monotonic(), self._limits.requests_at_once
        left, at = self._allowance.get(device, (most, now))
        left = min(most, left + (now - at) * self._limits.requests_per_s)
        if left < 1:
            raise self._refused(429, TOO_MANY, "device_rate")
        self._allowance[device] = (left - 1, now)
        if len(self._allowance) > _MOST_KNOWN:
            self._forget(now - most / self._limits.requests_per_s)

    @contextmanager
    def upload(self) -> Iterator[None]:
        """Hold a place for a body on its way in. Raises Refused 503 before the body was read when
        there is no place, or when it could not be worked on anyway."""
        if self._uploading >= self._limits.uploads:
            raise self._refused(503, BUSY, "uploads")
        self.refuse_when_full()
        self._uploading += 1
        try:
            yield
        finally:
            self._uploading -= 1

    async def push(self, device: str, work: Callable[[], T]) -> T:
        """Run the work of a push in a thread, when its turn has come.

        Raises Refused 503 when too many wait, 429 when too many of them are this device's.
        """
        self.refuse_when_full()
        if self._pushing[device] >= self._limits.pushes_of_a_device:
            raise self._refused(429, TOO_MANY, "device_pushes")
        self._pushing[device] += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._seats)
        finally:
            self._pushing[device] -= 1
            if not self._pushing[device]:
                del self._pushing[device]

    @property
    def waiting(self) -> int:
        """How many pushes wait for their turn."""
        return self._seats.statistics().tasks_waiting

    @property
    def at_work(self) -> int:
        """How many pushes are being checked and written."""
        return self._seats.statistics().borrowed_tokens

    def refuse_when_full(self) -> None:
        """Say no to a push that could not even wait. Raises Refused 503."""
        if self.waiting >= self._limits.pushes_waiting:
            raise self._refused(503, BUSY, "queue")

    def _refused(self, status: int, code: str, reason: str) -> Refused:
        self._on_refusal(reason)
        return Refused(status, code, retry_after_s=self._draw(SOONEST_S, LATEST_S))

    def _forget(self, rested_since: float) -> None:
        self._allowance = {
            device: kept for device, kept in self._allowance.items() if kept[1] > rested_since
        }
