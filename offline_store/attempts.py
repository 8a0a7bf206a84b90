"""Payment attempts as their steps left them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.domain.facts import PaymentStep
from app.errors import Code, Trouble
from app.ports import Attempt
from app.wire.codec import decode
from offline_store.journal import read_fact

if TYPE_CHECKING:
    from sqlite3 import Connection

log = logging.getLogger(__name__)

_ATTEMPT = (
    "SELECT a.last_fact, coalesce(t.token, '') FROM attempt a"
    " LEFT JOIN attempt_token t ON t.attempt_id = a.attempt_id "
)
# These terms repeat those of the partial indexes word for word; SQLite uses an index only then.
_OPEN = "WHERE state IN ('created', 'waiting', 'unknown') ORDER BY a.last_fact"
_UNEASY = (
    "WHERE state <> 'refunded'"
    " AND (odd = 1 OR (has_sale = 0 AND state IN ('confirmed', 'refund_pending')))"
    " ORDER BY a.last_fact"
)


def by_id(connection: Connection, attempt_id: str) -> Attempt | None:
    """Return an attempt. Raises Trouble(JOURNAL_BROKEN) where its last step is damaged."""
    row = connection.execute(_ATTEMPT + "WHERE a.attempt_id = ?", (attempt_id,)).fetchone()
    return _attempt(connection, *row) if row else None


def of_sale(connection: Connection, sale_id: str) -> tuple[Attempt, ...]:
    """Return the attempts for one cart, oldest first."""
    return _read(connection, "WHERE a.sale_id = ? ORDER BY a.last_fact", sale_id)


def still_open(connection: Connection) -> tuple[Attempt, ...]:
    """Return attempts to which money may still come in the ordinary way."""
    return _read(connection, _OPEN)


def uneasy(connection: Connection) -> tuple[Attempt, ...]:
    """Return attempts with money where no sale is."""
    return _read(connection, _UNEASY)


def keep_token(connection: Connection, attempt_id: str, token: str) -> None:
    """Remember the QR text of an attempt."""
    connection.execute("INSERT OR REPLACE INTO attempt_token VALUES (?, ?)", (attempt_id, token))


def _read(connection: Connection, where: str, *values: str) -> tuple[Attempt, ...]:
    """Return attempts; one whose last step is damaged hides no other (the damage has its own alarm)."""
    found = []
    for fact_no, token in connection.execute(_ATTEMPT + where, values).fetchall():
        try:
            attempt = _attempt(connection, fact_no, token)
        except Trouble as trouble:
            if trouble.code is not Code.JOURNAL_BROKEN:
                raise
            log.error("the last step of an attempt is damaged: fact %s", fact_no)
            continue
        if attempt is not None:
            found.append(attempt)
    return tuple(found)


def _attempt(connection: Connection, fact_no: int, token: str) -> Attempt | None:
    step = decode(*read_fact(connection, fact_no))
    return Attempt(step, token) if isinstance(step, PaymentStep) else None
