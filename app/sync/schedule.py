"""When the next round is due: after a sale, every half minute, and less and less often in trouble.

Pure: knows no thread, no clock and no network. A crowd of tills coming back after an outage must
not fall on the cloud at the same second, so every wait in trouble is drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

PULL_EVERY_S = 30.0
NEWS_EVERY_S = 2.0
"""News of stock come with every sale of every till of the store; a shelf need not follow faster."""
HELLO_EVERY_S = 3_600.0
LONGEST_BACKOFF_S = 300.0
LONGEST_RETRY_AFTER_S = 3_600.0
"""A cloud that asks for more than this is asked again anyway; it may have mistaken its clock."""
_SLOWEST = 9
"""2^9 s is past the longest back-off."""

Draw = Callable[[float, float], float]
"""Draws a number between two, like `random.uniform`."""


def backoff_s(failures: int, draw: Draw) -> float:
    """Return a full-jitter wait after the `failures`-th failure in a row: random(0, min(300, 2^n))."""
    return draw(0.0, min(LONGEST_BACKOFF_S, 2.0 ** min(failures - 1, _SLOWEST)))


@dataclass(frozen=True, slots=True)
class Timetable:
    """What is due when, in seconds of the monotonic clock. Starts with everything due at once.

    `not_before` is the promise made to a busy cloud: not even a person in a hurry breaks it.
    """

    failures: int = 0
    next_at: float = 0.0
    hello_at: float = 0.0
    not_before: float = 0.0
    news_at: float = 0.0

    def due_at(self, *, woken: bool = False, hurried: bool = False, told: bool = False) -> float:
        """Return when the next round may start.

        A sale wakes a till that is well at once, but not one in trouble, or a busy shop would
        hammer a broken cloud; a person asking for it ends the back-off. Being told that something
        changed at the cloud is followed at its own pace.
        """
        if hurried or (woken and not self.failures):
            return self.not_before
        if told and not self.failures:
            return min(self.news_at, self.next_at)
        return self.next_at

    def hello_due(self, now: float) -> bool:
        """Tell whether the next round should begin with a hello: at start, hourly, after trouble."""
        return self.failures > 0 or now >= self.hello_at

    def pull_due(self, now: float, *, hurried: bool = False) -> bool:
        """Tell whether the next round should pull too; a sale alone only wants to be sent."""
        return hurried or self.failures > 0 or now >= self.next_at

    def news_due(self, now: float) -> bool:
        """Tell whether the next round should follow what the cloud told of."""
        return now >= self.news_at

    def after_success(
        self, now: float, *, said_hello: bool, pulled: bool = True, followed: bool = False
    ) -> Timetable:
        """Return the timetable after a round that went through: all back-off is forgotten."""
        return Timetable(
            next_at=now + PULL_EVERY_S if pulled else self.next_at,
            hello_at=now + HELLO_EVERY_S if said_hello else self.hello_at,
            news_at=now + NEWS_EVERY_S if pulled or followed else self.news_at,
        )

    def after_trouble(
        self, now: float, draw: Draw, *, retryable: bool = True, retry_after_s: int = 0
    ) -> Timetable:
        """Return the timetable after a round that failed.

        A cloud that said how long to stay away is obeyed, with jitter on top. Trouble that only a
        person can end is looked at again at the slowest pace, so that the till recovers by itself.
        """
        failures = self.failures + 1
        asked = min(max(retry_after_s, 0), LONGEST_RETRY_AFTER_S)
        not_before = now + asked if asked else self.not_before
        wait = backoff_s(failures if retryable else max(failures, _SLOWEST + 1), draw)
        return replace(self, failures=failures, next_at=now + asked + wait, not_before=not_before)
