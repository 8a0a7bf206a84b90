"""Questions about things that are under way elsewhere: one at a time about each, and another after a hint.

Knows neither what is asked about nor what the answers mean.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Questions(Generic[Answer]):
    """Asks `ask_about` and hands every answer to `on_answer`, on a thread of the network pool.

    `what` names the things in the log; a hint about one that is not `open_` leads to nothing. Every
    method may be called on any thread and returns at once.
    """

    def __init__(
        self,
        what: str,
        ask_about: Callable[[str], Future[Answer]],
        on_answer: Callable[[Answer], None],
        open_: Callable[[str], bool] = lambda number: True,
    ) -> None:
        self._what, self._ask_about, self._on_answer = what, ask_about, on_answer
        self._open = open_
        self._out: set[str] = set()
        self._hinted_meanwhile: set[str] = set()
        self._closed = False
        self._lock = threading.Lock()

    def ask(self, number: str) -> None:
        """Ask about one, unless a question about it is out."""
        with self._lock:
            if number in self._out or self._closed:
                return
            self._out.add(number)
        try:
            asked = self._ask_about(number)
        except RuntimeError:  # the network pool has been shut: the till is closing
            return
        asked.add_done_callback(lambda answer: self._answered(number, answer))

    def hinted(self, number: str) -> None:
        """There is news of one. An answer that is on its way may be older than the hint, so it is asked
        about once more."""
        with self._lock:
            if number in self._out:
                self._hinted_meanwhile.add(number)
                return
        if self._open(number):
            self.ask(number)

    def close(self) -> None:
        """Ask no more."""
        with self._lock:
            self._closed = True

    def _answered(self, number: str, answer: Future[Answer]) -> None:
        with self._lock:
            self._out.discard(number)
            again = number in self._hinted_meanwhile
            self._hinted_meanwhile.discard(number)
        if answer.cancelled():
            return
        error = answer.exception()
        try:
            if error is None:
                self._on_answer(answer.result())
            else:
                log.warning("%s %s could not be asked about: %r", self._what, number, error)
        finally:  # whatever a listener does wrong, the hint was ours to remember
            if again:
                self.hinted(number)
