"""Whose turn it is to ask a provider about an attempt.

However many tills and phones wait for an answer, and in however many processes, a provider is asked once per
some seconds, and all others are told what was heard last.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.domain.payment import State
from cloud.db import payment_tables as tables
from cloud.db.base import Database
from cloud.services.attempts import Attempt, of_key

EVERY_MS = 4_500
"""Between two questions about one attempt. Alipay advises 3 to 6 s, WeChat Pay 5 s and more while somebody
types a password; a little less than the 5 s at which a page comes again, or it would come in vain."""

SELDOM_MS = 60_000
"""Between questions about one that nobody answers about, or that cannot be ended, in the long run."""

_PATIENCE = 10
"""Such a one is asked about whenever a tenth more time has passed."""


def is_due(attempt: Attempt, now_ms: int) -> bool:
    """Tell whether its provider may be asked now. A time further off than any we set was written by a clock
    that has been put right since."""
    return not now_ms < attempt.next_ms <= now_ms + SELDOM_MS


def due(now_ms: int) -> sa.ColumnElement[bool]:
    """Return `is_due` as a condition on rows of attempts."""
    next_ms = tables.attempt.c.next_ms
    return sa.or_(next_ms <= now_ms, next_ms > now_ms + SELDOM_MS)


def taken(database: Database, attempt: Attempt, now_ms: int) -> bool:
    """Take the turn in a transaction of its own, opened only when it may be ours."""
    return is_due(attempt, now_ms) and database.write(lambda conn: take(conn, attempt, now_ms))


def take(conn: sa.Connection, attempt: Attempt, now_ms: int) -> bool:
    """Take the turn to ask, in the caller's transaction; False if it was not due or somebody else took it."""
    if not is_due(attempt, now_ms):
        return False
    mine = of_key(tables.attempt, attempt.key) & (tables.attempt.c.next_ms == attempt.next_ms)
    taken = tables.attempt.update().where(mine).values(next_ms=_after(attempt, now_ms))
    return conn.execute(taken).rowcount == 1


def _after(attempt: Attempt, now_ms: int) -> int:
    """Return when it may be asked about again: no later than at its end, which is to be seen at once."""
    if attempt.payment.is_open and now_ms < attempt.expires_ms:
        wait = (
            _wait(now_ms - attempt.changed_ms)
            if attempt.payment.state is State.UNKNOWN
            else EVERY_MS
        )
        return min(now_ms + wait, attempt.expires_ms)
    return now_ms + _wait(now_ms - max(attempt.changed_ms, attempt.expires_ms))


def _wait(since_ms: int) -> int:
    return min(max(since_ms // _PATIENCE, EVERY_MS), SELDOM_MS)
