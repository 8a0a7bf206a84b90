"""What the sweep looks after once attempts have ended: payments that have no sale, and wallets that may have
been paid after nobody listened any more. Positions are kept in memory; a new process looks back once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa

from app.errors import RuleBroken, Trouble
from cloud.db.base import Database
from cloud.gateways.base import Answer, AttemptKey
from cloud.gateways.registry import Gateways
from cloud.services import money_tasks, overdue
from cloud.services.money_facts import Own

log = logging.getLogger(__name__)

SWEEP_LIMIT = 200
"""Most attempts, or refunds, one sweep settles; the next one takes the rest."""

LAST_LOOK_MS = 4 * 3_600_000
"""So long after its end no code of an attempt can be paid any more: Alipay's die with it or after two hours,
and a trade that was scanned just before lives three (PAYMENTS-OPERATIONS.md)."""

LOOKS_AT_ONCE = 20
"""Most wallets one sweep asks for the last time, or a cloud that starts would keep providers busy."""

Heard = Callable[[AttemptKey, Answer, str], object]


@dataclass
class LostSales:
    """A look for payments that ended `after_ms` ago and have no sale: at all of them, or, when no proof
    of theirs counts any more, at those that were shown by a till that was offline."""

    after_ms: int
    until_ms: int
    portable: bool = False
    seen: list[tuple[Own, str]] = field(default_factory=list)

    def look(self, until_ms: int, conn: sa.Connection) -> list[tuple[Own, str, int]]:
        """Return what ended since the last look, and remember how far this one came."""
        found = money_tasks.unsold(
            conn, self.until_ms, until_ms, SWEEP_LIMIT, portable=self.portable
        )
        # As many as we asked for may not be all: the next look goes on from the last of them.
        full = len(found) == SWEEP_LIMIT
        self.until_ms = max(found[-1][2] - 1 if full else until_ms, self.until_ms)
        return found


def look_for_orphans(
    database: Database,
    lost_sales: Iterable[LostSales],
    tell: Callable[[Iterable[Own]], None],
    now_ms: int,
) -> None:
    """Make tasks of payments that ended without a sale some time ago, each looked at twice: its sale may
    have come in while we looked first."""
    for lost in lost_sales:
        until_ms = now_ms - lost.after_ms
        found = database.read(partial(lost.look, until_ms))
        again, lost.seen = lost.seen, [(own, attempt) for own, attempt, _ in found]
        for own, attempt in (*again, *lost.seen):
            review = partial(money_tasks.review, own=own, attempt_ids=[attempt], now_ms=now_ms)
            if database.write(review):
                tell([own])


@dataclass
class LastLooks:
    """Asks every wallet that may hold money nobody has told us of, once, when none can come any more.

    That is each wallet chosen for an attempt that closed unpaid, or that was paid at one of several. A
    provider's notice can be lost for good, and a code nobody had scanned cannot be closed.
    """

    database: Database
    gateways: Gateways
    heard: Heard
    until_ms: int
    _waiting: dict[tuple[AttemptKey, str], None] = field(default_factory=dict)

    def go(self, now_ms: int) -> None:
        """Ask about what is due; whoever does not answer is asked again by the next sweep."""
        if len(self._waiting) < LOOKS_AT_ONCE:
            self._find(now_ms - LAST_LOOK_MS)
        for key, name in list(self._waiting)[:LOOKS_AT_ONCE]:
            del self._waiting[key, name]
            try:
                self.heard(key, self.gateways.named(name).query(key), name)
            except Trouble as trouble:
                log.warning("no last answer of %s about %s: %s", name, key, trouble.code)
                self._waiting[key, name] = None  # behind all others
            except RuleBroken as refused:
                log.error("%s cannot be asked about %s: %s", name, key, refused.code)

    def _find(self, until_ms: int) -> None:
        def look(conn: sa.Connection) -> list[tuple[AttemptKey, str, int]]:
            return overdue.unheard(conn, self.until_ms, until_ms, LOOKS_AT_ONCE)

        found = self.database.read(look)
        self._waiting |= dict.fromkeys((key, provider) for key, provider, _ in found)
        full = len(found) == LOOKS_AT_ONCE
        self.until_ms = max(found[-1][2] if full else until_ms, self.until_ms)
