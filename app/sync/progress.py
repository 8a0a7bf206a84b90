"""How far the filling of a till has come, as a value for screens and commands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.ports import FeedState
from app.wire.messages import MEMBERS


@dataclass(frozen=True, slots=True)
class Filling:
    """What is being downloaded: `taken` of about `expected` rows of one part, the `number`-th of `parts`.

    `sells` tells whether everything a sale needs is here: all parts but the members.
    """

    stream: str
    number: int
    parts: int
    taken: int
    expected: int
    sells: bool
    paused: bool

    @property
    def share(self) -> float:
        """Return how much of the part is here, 0 to 1; more may come than was expected."""
        return min(1.0, self.taken / self.expected) if self.expected else 0.0


def filling(feeds: Sequence[FeedState], *, paused: bool) -> Filling | None:
    """Return what is being filled, None where nothing is.

    Between two parts that is the next one. A till whose cloud gives no snapshots is filled by its feeds
    and shows nothing.
    """
    begun = [feed for feed in feeds if feed.filling]
    waiting = [feed for feed in feeds if not feed.is_whole]
    if not begun and (not waiting or len(waiting) == len(feeds)):
        return None
    now = (begun or waiting)[0]
    return Filling(
        stream=now.stream,
        number=[feed.stream for feed in feeds].index(now.stream) + 1,
        parts=len(feeds),
        taken=now.taken if now.filling else 0,
        expected=now.expected if now.filling else 0,
        sells=all(feed.complete for feed in feeds if feed.stream != MEMBERS),
        paused=paused,
    )
