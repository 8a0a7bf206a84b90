"""How the sweep goes round: in a lane per provider, so that one who keeps silent holds up nobody else, and in
rounds that come to an end.

Knows no payment and no provider, only their names and how long they let us wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

MOST = 200
"""Most attempts, or refunds, one round settles; the next one takes the rest."""

LONGEST_S = 15.0
"""After this a round asks nobody any more: the next one begins again with those who have waited longest. A
provider that keeps silent costs 12 s a question."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Whose rows a round looks at: one provider's, or those that are nobody's, or nobody's any more."""

    provider: str = ""
    others: frozenset[str] = frozenset()
    """The providers that have a lane of their own; with none of them this lane is everybody's."""

    def has(self, provider: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Return whether a row is in this lane, by its column of the provider."""
        if self.provider:
            return provider == self.provider
        return provider.not_in(sorted(self.others)) if self.others else sa.true()

    @property
    def is_rest(self) -> bool:
        """Whether this is where all that asks no provider is looked after."""
        return not self.provider


EVERYBODY = Lane()


def lanes(providers: Iterable[str]) -> tuple[Lane, ...]:
    """Return a lane for each provider, and first the one of everything else."""
    names = sorted(set(providers))
    return (Lane(others=frozenset(names)), *(Lane(name) for name in names))


@dataclass
class Round:
    """One round of one errand: it ends when all are settled, after a while, or when it is told to."""

    is_stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def goes_on(self) -> bool:
        """Whether somebody may be asked now."""
        return not self.is_stopped() and self.clock() - self._began < LONGEST_S


Rounds = Callable[[], Round]
"""Begins a round. Each errand has its own, or one with much to do would leave no time to the others."""
