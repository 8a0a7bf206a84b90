"""A storm of refusals (fault 16): how often a till asks meanwhile, and that it drains afterwards by itself.

The worker is the real one; its waits pass at once and move the clock instead.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Code, Trouble
from app.sync.report import SyncReport
from app.sync.schedule import LONGEST_BACKOFF_S
from app.sync.worker import Phase, SyncWorker, WorkerStatus
from tests.fakes.clock import FakeClock
from tests.fakes.transport import FakeTransport
from tests.sync.till import Till, new_till

LONG_S = 30
STORM_S = 3_600.0


class QuickBell(threading.Condition):
    """A bell whose waits take no time but the clock's."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.advance((timeout or 0.0) + 0.001)
        return False


class Storm:
    """A line on which everything is refused until a moment of the till's clock."""

    def __init__(self, till: Till, refuse: Callable[[], Trouble], over_at: float) -> None:
        self.asked: list[float] = []
        self._clock, self._refuse, self._over_at = till.clock, refuse, over_at
        self._carry = till.transport._carry
        till.transport._carry = self.carry  # type: ignore[method-assign]

    def carry(self, name: str, deliver: Callable[[], Any]) -> Any:
        now = self._clock.monotonic()
        if now < self._over_at:
            self.asked.append(now)
            raise self._refuse()
        return self._carry(name, deliver)


def busy(status: int, retry_after_s: int | None) -> Trouble:
    """Return what `remote.refusal` makes of a status; None: without the header's wish."""
    wish = {} if retry_after_s is None else {"retry_after_s": retry_after_s}
    return Trouble(Code.CLOUD_BUSY, retryable=True, status=status, **wish)


def weathered(till: Till, refuse: Callable[[], Trouble], seed: int = 1) -> tuple[Storm, SyncReport]:
    """Let a till live through a storm of an hour; return what it asked and the round that healed it."""
    storm = Storm(till, refuse, till.clock.monotonic() + STORM_S)
    healed: list[SyncReport] = []
    done = threading.Event()

    def listen(status: WorkerStatus) -> None:
        if status.phase is Phase.RESTING and status.report is not None and not healed:
            healed.append(status.report)
            done.set()

    worker = SyncWorker(till.engine, till.clock, listen, draw=random.Random(seed).uniform)
    worker._bell = QuickBell(till.clock)
    worker.start()
    assert done.wait(LONG_S), "the till never came back"
    assert worker.stop(LONG_S)
    return storm, healed[0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_till_comes_no_sooner_than_it_was_told(status: int) -> None:
    till = new_till()
    ids = till.record(3)
    storm, healed = weathered(till, lambda: busy(status, 60))
    gaps = [later - earlier for earlier, later in zip(storm.asked, storm.asked[1:], strict=False)]
    assert min(gaps) >= 60
    assert len(storm.asked) <= STORM_S / 60 + 1
    assert (healed.pushed, till.at_cloud) == (3, ids)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_without_a_wish_it_comes_ever_more_seldom(status: int) -> None:
    till = new_till()
    ids = till.record(3)
    storm, healed = weathered(till, lambda: busy(status, None))
    # Nine waits that double, then one of some minutes at a time, half of it on average.
    assert len(storm.asked) <= 10 + 4 * STORM_S / LONGEST_BACKOFF_S
    assert storm.asked[-1] - storm.asked[-2] > 1
    assert (healed.pushed, till.at_cloud) == (3, ids)


def test_one_refusal_ends_the_round_and_nothing_else_is_asked_in_it() -> None:
    till = new_till()
    till.record(500)
    till.transport.faults = [None, None, busy(503, 5)]
    report = till.engine.run()
    assert till.transport.calls == ["hello", "push", "push"]
    assert (report.pushed, report.trouble and report.trouble.code) == (200, Code.CLOUD_BUSY)
    assert till.engine.run().pushed == 300


def test_a_fleet_that_was_sent_away_together_does_not_come_back_together() -> None:
    returns = []
    for seed in range(40):
        till = new_till()
        assert isinstance(till.transport, FakeTransport)
        storm, _ = weathered(till, lambda: busy(503, 5), seed)
        returns.append(storm.asked[3] - storm.asked[0])
    returns.sort()
    crowded = max(sum(1 for other in returns if moment <= other < moment + 1) for moment in returns)
    assert crowded <= len(returns) / 3
