"""Looks for payments that ended without a sale some time ago. Decides nothing about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from cloud.services import money_tasks
from cloud.services.money_facts import Own


@dataclass
class LostSales:
    """A look for payments that ended `after_ms` ago and have no sale: at all of them, or, when no proof
    of theirs counts any more, at those that were shown by a till that was offline."""

    after_ms: int
    until_ms: int
    portable: bool = False
    seen: list[tuple[Own, str]] = field(default_factory=list)

    def look(self, until_ms: int, limit: int, conn: sa.Connection) -> list[tuple[Own, str, int]]:
        """Return what ended since the last look, `limit` at most, and remember how far this one came."""
        found = money_tasks.unsold(conn, self.until_ms, until_ms, limit, portable=self.portable)
        # As many as we asked for may not be all: the next look goes on from the last of them.
        full = len(found) == limit
        self.until_ms = max(found[-1][2] - 1 if full else until_ms, self.until_ms)
        return found
