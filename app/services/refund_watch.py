"""Following refunds to their end: at once when the cloud hints at news, at intervals when it does not.

Has no thread of its own; the watch over payments lends it its turns. Decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from app.domain.facts import RefundStep
from app.domain.money_back import Back
from app.services.giving_back import BackNews, GivingBack
from app.services.questions import Questions

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
        self._giving_back, self._now_s = giving_back, now_s
        self._asked_at: dict[str, float] = {}
        self._questions = Questions("refund", self._ask_about, on_news, self._is_open)

    def turn(self) -> None:
        """Ask about those whose time has come."""
        for step in self._giving_back.not_ended():
            if self._is_due(step):
                self._questions.ask(step.number)

    def hinted(self, number: str) -> None:
        """There is news of a refund, of this till or of another."""
        self._questions.hinted(number)

    def close(self) -> None:
        """Ask no more."""
        self._questions.close()

    def _is_open(self, number: str) -> bool:
        return any(step.number == number for step in self._giving_back.not_ended())

    def _ask_about(self, number: str) -> Future[BackNews]:
        self._asked_at[number] = self._now_s()
        return self._giving_back.refresh(number)

    def _is_due(self, step: RefundStep) -> bool:
        asked = self._asked_at.get(step.number)
        return asked is None or step.standing is Back.UNKNOWN or self._now_s() >= asked + SELDOM_S
