"""What can go wrong between a shop and its provider, to be injected call by call."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One thing that happens to one call."""

    LOSE_REQUEST = "lose_request"
    """It never arrives."""
    LOSE_ANSWER = "lose_answer"
    """It is done, and nobody hears of it."""
    WRONG_SIGNATURE = "wrong_signature"
    PROBE = "probe"
    """A signature that is wrong on purpose, as WeChat Pay sends them."""
    UNSIGNED = "unsigned"
    STALE = "stale"
    SYSTEM_ERROR = "system_error"
    """The provider says that it does not know; nothing was done."""
    DONE_SYSTEM_ERROR = "done_system_error"
    """The provider says that it does not know; it was done."""
    HTML = "html"
    """Something on the way answers instead: a portal, a proxy."""
    OTHER_ORDER = "other_order"
    """A genuine answer to another question."""
    WRONG_AMOUNT = "wrong_amount"
    """The provider names one fen less than was paid."""


class Lost(Exception):  # noqa: N818 - says what happened, like the house's own
    """The line broke."""


@dataclass
class Faults:
    """What happens to the next calls, in order; nothing once the list is used up."""

    waiting: deque[Fault] = field(default_factory=deque)

    def then(self, *faults: Fault) -> None:
        """Let these happen to the next calls."""
        self.waiting.extend(faults)

    def next(self) -> Fault | None:
        """Take what happens to this call."""
        return self.waiting.popleft() if self.waiting else None


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification on its way to the shop; it may be delivered late, twice, in any order or never."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a make-believe provider."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AtWork(Exception):  # noqa: N818 - as above
    """A call was taken on. Once `done` is set, `finish` does it and answers."""

    def __init__(self, done: threading.Event) -> None:
        super().__init__()
        self.done = done
        self.finish: Callable[[], Reply] = lambda: PORTAL


@dataclass
class Work:
    """What a provider has taken on and not done yet: nobody who asks is told of it, and the same number
    again is refused."""

    slowly: int = 0
    """So many of the next refunds are worked at until `finish`."""
    numbers: set[str] = field(default_factory=set)
    begun: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def take_on(self, number: str) -> bool:
        """Tell whether a call may go on; not if its number is at work. Raises AtWork where it begins."""
        if number in self.numbers and not self.done.is_set():
            return False
        if self.slowly:
            self.slowly -= 1
            self.numbers.add(number)
            self.begun.set()
            raise AtWork(self.done)
        return True

    def finish(self) -> None:
        """Do all that was taken on, and answer."""
        self.done.set()


PORTAL = Reply(200, {"content-type": "text/html"}, b"<html>Please sign in to the Wi-Fi</html>")
