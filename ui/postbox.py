"""The one way from any thread to the GUI thread: what is posted there is taken in order, or dropped when
its taker is gone.

Between asking whether a Qt object still lives and telling it something the GUI thread may delete it, and
no lock of ours is held by Qt's parents. So nobody emits a signal of an object that can die from another
thread: the only such signal belongs to the postbox, which lives as long as the process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from queue import SimpleQueue
from typing import ParamSpec
from weakref import WeakMethod

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

P = ParamSpec("P")


class _Postbox(QObject):
    """Letters in the order they were posted, each taken in a turn of the event loop of its own."""

    _posted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._letters: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._posted.connect(self._take_one, Qt.ConnectionType.QueuedConnection)

    def post(self, letter: Callable[[], None]) -> None:
        """Have `letter` called on the GUI thread. Any thread."""
        self._letters.put(letter)
        self._posted.emit()

    def _take_one(self) -> None:
        self._letters.get_nowait()()


@cache
def _postbox() -> _Postbox:
    return _Postbox()


def posted_to(take: Callable[P, None]) -> Callable[P, None]:
    """Return a function for any thread that has the bound method `take` called on the GUI thread.

    Ask for it on the GUI thread. Neither it nor what it posts keeps the method's object alive: once that
    is deleted, by Qt or by Python, whatever is on its way to it is dropped in silence.
    """
    box, weak = _postbox(), WeakMethod(take)

    def deliver(*args: P.args, **kwargs: P.kwargs) -> None:
        alive = weak()
        if alive is not None and isValid(alive.__self__):  # type: ignore[attr-defined]  # it is bound
            alive(*args, **kwargs)

    def post(*args: P.args, **kwargs: P.kwargs) -> None:
        box.post(lambda: deliver(*args, **kwargs))

    return post
