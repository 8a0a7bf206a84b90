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
from cloud.gateways.base import Answer, AttemptKey, Offer
from cloud.gateways.registry import Gateways
from cloud.services import money_tasks, overdue
from cloud.services.money_facts import Own
from cloud.services.overdue import Place
from cloud.services.rounds import MOST, Lane, Round

log = logging.getLogger(__name__)

LAST_LOOK_MS = 4 * 3_600_000
"""So long after its end no code of an attempt can be paid any more: Alipay's die with it or after two hours,
and a trade that was scanned just before lives three (PAYMENTS-OPERATIONS.md)."""

LOOKS_AT_ONCE = 20
"""Most wallets one round asks for the last time, or a cloud that starts would keep providers busy."""

STRETCH_MS = 3_600_000
"""So much of the past is searched at once: a cloud that starts looks back for days, and must not read all
that was paid in them again for every twenty wallets it asks."""

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
        found = money_tasks.unsold(conn, self.until_ms, until_ms, MOST, portable=self.portable)
        # As many as we asked for may not be all: the next look goes on from the last of them.
        full = len(found) == MOST
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

    That is each wallet chosen for an attempt that closed unpaid, or that was paid at one of several, or at
    one where it can be paid twice. A provider's notice can be lost for good, and a code nobody had scanned
    cannot be closed.
    """

    database: Database
    gateways: Gateways
    heard: Heard
    until_ms: int
    lane: Lane
    _after: Place = field(init=False)
    _waiting: dict[tuple[AttemptKey, str], None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._after = _first_at(self.until_ms)

    def go(self, now_ms: int, round_: Round) -> None:
        """Ask about what is due; whoever does not answer is asked again by the next round."""
        self._find(now_ms - LAST_LOOK_MS, round_)
        for key, name in list(self._waiting)[:LOOKS_AT_ONCE]:
            if not round_.goes_on:
                return
            del self._waiting[key, name]
            if not self._ask(key, name):
                self._waiting[key, name] = None  # behind all others

    def _ask(self, key: AttemptKey, name: str) -> bool:
        """Ask a wallet and book what it says; False if it is to be asked again."""
        try:
            self.heard(key, self.gateways.named(name).query(key), name)
        except Trouble as trouble:
            log.warning("no last answer of %s about %s: %s", name, key, trouble.code)
            return False
        except RuleBroken as refused:
            log.error("%s cannot be asked about %s: %s", name, key, refused.code)
        except Exception:  # a bug with one must neither lose it nor keep all behind it waiting
            log.exception("%s could not be asked about %s", name, key)
            return False
        return True

    def _find(self, until_ms: int, round_: Round) -> None:
        """Fill up what waits, stretch by stretch, as far as `until_ms`."""
        while (missing := LOOKS_AT_ONCE - len(self._waiting)) > 0 and self.until_ms < until_ms:
            if not round_.goes_on:
                return
            stretch = min(until_ms, self.until_ms + STRETCH_MS)
            look = partial(
                overdue.unheard,
                after=self._after,
                until_ms=stretch,
                limit=missing,
                again=self.gateways.offering(Offer.AGAIN),
                lane=self.lane,
            )
            found = self.database.read(look)
            self._waiting |= dict.fromkeys((AttemptKey(*place[1:4]), place[4]) for place in found)
            if len(found) == missing:
                self._after = found[-1]
                continue
            # A clock that was put right may have left us years behind, and most of them empty.
            nobody = partial(overdue.first_end, after_ms=stretch, until_ms=until_ms)
            self.until_ms = stretch if found else self.database.read(nobody) - 1
            self._after = _first_at(self.until_ms + 1)


def _first_at(expires_ms: int) -> Place:
    return (expires_ms, "", "", "", "")
