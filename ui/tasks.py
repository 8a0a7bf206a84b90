"""Brings the answer of a future to the GUI thread, sorted into done, rule, trouble and bug.

Futures are completed on store, network and device threads; the way back is the postbox.
It knows no service and no sentence.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import TypeVar

from PySide6.QtCore import Property, QObject, Signal

from app.errors import Code, Fact, RuleBroken, Trouble
from ui.postbox import posted_to

T = TypeVar("T")
U = TypeVar("U")


class FailureKind(StrEnum):
    """Where a failure belongs: beside the field, in a banner, or in a crash report."""

    RULE = "rule"
    TROUBLE = "trouble"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not happen. `code` is "" for a bug."""

    kind: FailureKind
    code: Code | None = None
    facts: dict[str, Fact] = field(default_factory=dict)
    retryable: bool = False


def sort_failure(error: BaseException) -> Failure:
    """Return which of the three families an exception is of."""
    if isinstance(error, RuleBroken):
        return Failure(FailureKind.RULE, error.code, dict(error.facts))
    if isinstance(error, Trouble):
        return Failure(FailureKind.TROUBLE, error.code, dict(error.facts), error.retryable)
    return Failure(FailureKind.BUG)


@dataclass(slots=True)
class _Letter:
    """What to do when one future answers."""

    future: Future[object]
    done: Callable[[object], None]
    failed: Callable[[Failure], None]
    lane: str
    quiet: bool


class Tasks(QObject):
    """The futures one view-model is waiting for. Dies with its parent; later answers are dropped."""

    busyChanged = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting: dict[int, _Letter] = {}
        self._numbers = count()
        self._answered = posted_to(self._deliver)

    @Property(bool, notify=busyChanged)
    def busy(self) -> bool:
        """Something a person is waiting for is under way."""
        return self.isBusy()

    def isBusy(self) -> bool:
        """Tell whether something a person is waiting for is under way."""
        return any(not letter.quiet for letter in self._waiting.values())

    def follow(
        self,
        future: Future[T],
        done: Callable[[T], None],
        failed: Callable[[Failure], None] | None = None,
        *,
        lane: str = "",
        quiet: bool = False,
    ) -> None:
        """Call `done(result)` or `failed(failure)` on this object's thread once `future` answers.

        A newer call in the same non-empty `lane` replaces the older one, whose answer is dropped.
        `quiet` work does not count as busy. A bug also goes to `sys.excepthook`.
        """
        if lane:
            for key in [k for k, letter in self._waiting.items() if letter.lane == lane]:
                del self._waiting[key]
        before = self.isBusy()
        letter = _Letter(
            future,  # type: ignore[arg-type]  # Future is invariant; the letter only hands it on
            done,  # type: ignore[arg-type]  # called with this very future's result
            failed or _ignore,
            lane,
            quiet,
        )
        number = next(self._numbers)
        self._waiting[number] = letter
        if self.isBusy() != before:
            self.busyChanged.emit()
        answered = self._answered
        future.add_done_callback(lambda _: answered(number))

    def forget(self, lane: str) -> None:
        """Drop what is under way in a lane; the work itself goes on."""
        before = self.isBusy()
        for key in [k for k, letter in self._waiting.items() if letter.lane == lane]:
            del self._waiting[key]
        if self.isBusy() != before:
            self.busyChanged.emit()

    def _deliver(self, key: int) -> None:
        letter = self._waiting.pop(key, None)
        if letter is None:
            return
        if not letter.quiet and not self.isBusy():
            self.busyChanged.emit()
        try:
            result = letter.future.result(timeout=0)
        except CancelledError:
            return
        except Exception as error:
            failure = sort_failure(error)
            if failure.kind is FailureKind.BUG:
                sys.excepthook(type(error), error, error.__traceback__)
            letter.failed(failure)
            return
        letter.done(result)


def then(future: Future[T], work: Callable[[T], U]) -> Future[U]:
    """Return a future of `work(result)`, done on the thread that completes `future`."""
    after: Future[U] = Future()

    def go_on(completed: Future[T]) -> None:
        try:
            after.set_result(work(completed.result()))
        except Exception as error:
            after.set_exception(error)

    future.add_done_callback(go_on)
    return after


def _ignore(failure: Failure) -> None:
    """Nobody asked to hear of it."""
