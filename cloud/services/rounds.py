"""How the sweep goes round: in a lane per provider, each in rounds that one who keeps silent cannot hold up.

Knows no payment and no provider, only their names and how long they let us wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

MOST = 200
"""Most attempts, or refunds, one round settles; the next one takes the rest."""

PATIENCE_S = 3.0
"""Who has taken longer than this over one of them is asked no more in this round: silence costs 12 s a
question, and the next round begins again with those who have waited longest."""


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
    """One round: it ends early when told to, and leaves alone whoever has kept it waiting."""

    is_stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    _silent: set[str] = field(default_factory=set)

    @contextmanager
    def asking(self, *providers: str) -> Iterator[bool]:
        """Tell whether these may be asked now, and note if they take too long."""
        may = not self.is_stopped() and self._silent.isdisjoint(providers)
        begun = self.clock()
        try:
            yield may
        finally:
            if may and self.clock() - begun > PATIENCE_S:
                self._silent.update(providers)
