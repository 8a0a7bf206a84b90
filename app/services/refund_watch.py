"""Following refunds to their end: at once when the cloud hints at news, at intervals when it does not.

Has no thread of its own; the watch over payments lends it its turns. Decides nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from app.domain.facts import RefundStep
from app.domain.money_back import Back
from app.services.giving_back import BackNews, GivingBack

log = logging.getLogger(__name__)

SELDOM_S = 60.0
"""Between questions about a refund the provider has accepted: it may take days, and is hinted at."""


class RefundWatch:
    """Keeps asking about refunds until each has its end. `on_news` is called with every answer, on a thread
    of the network pool."""

    def __init__(
        self,
        giving_back: GivingBack,
        on_news: Callable[[BackNews], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._giving_back, self._on_news, self._now_s = giving_back, on_news, now_s
        self._asked_at: dict[str, float] = {}
        self._asking: set[str] = set()
        self._told_meanwhile: set[str] = set()
        self._lock = threading.Lock()

    def turn(self) -> None:
        """Ask about those whose time has come."""
        for step in self._giving_back.not_ended():
            if self._is_due(step):
                self._ask(step.number)

    def hinted(self, number: str) -> None:
        """There is news of a refund, of this till or of another. While one is being asked about, the answer
        may be older than the hint, so it is asked about once more."""
        with self._lock:
            if number in self._asking:
                self._told_meanwhile.add(number)
                return
        if any(step.number == number for step in self._giving_back.not_ended()):
            self._ask(number)

    def _is_due(self, step: RefundStep) -> bool:
        asked = self._asked_at.get(step.number)
        return asked is None or step.standing is Back.UNKNOWN or self._now_s() >= asked + SELDOM_S

    def _ask(self, number: str) -> None:
        with self._lock:
            if number in self._asking:
                return
            self._asking.add(number)
            self._asked_at[number] = self._now_s()
        try:
            asked = self._giving_back.refresh(number)
        except RuntimeError:  # the network pool has been shut: the till is closing
            return
        asked.add_done_callback(lambda answer: self._answered(number, answer))

    def _answered(self, number: str, answer: Future[BackNews]) -> None:
        with self._lock:
            self._asking.discard(number)
            again = number in self._told_meanwhile
            self._told_meanwhile.discard(number)
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            self._on_news(answer.result())
        else:
            log.warning("refund %s could not be asked about: %r", number, error)
        if again:
            self.hinted(number)
