"""Payment attempts as their steps left them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.facts import PaymentStep
from app.ports import Attempt
from app.wire.codec import decode
from offline_store.journal import read_fact

if TYPE_CHECKING:
    from sqlite3 import Connection

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
    """Return an attempt."""
    found = _read(connection, "WHERE a.attempt_id = ?", attempt_id)
    return found[0] if found else None


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
    found = []
    for fact_no, token in connection.execute(_ATTEMPT + where, values).fetchall():
        step = decode(*read_fact(connection, fact_no))
        if isinstance(step, PaymentStep):
            found.append(Attempt(step, token))
    return tuple(found)
