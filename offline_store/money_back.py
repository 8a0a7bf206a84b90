"""Refunds that go through a payment provider, as their steps left them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.facts import RefundStep
from app.wire.codec import decode
from offline_store.journal import read_fact

if TYPE_CHECKING:
    from sqlite3 import Connection

_STEP = "INSERT INTO refund_step VALUES (?, ?, ?, ?, ?)"
_NOW = (
    "INSERT INTO money_back VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
    " last_fact = excluded.last_fact, standing = excluded.standing"
)
# Repeats the term of the partial index word for word; SQLite uses an index only then.
_OPEN = "standing IN ('unknown', 'pending', 'stuck')"
_GONE = (
    "SELECT coalesce(sum(t.amount), 0) FROM tender t JOIN document d ON d.fact_no = t.fact_no"
    " WHERE t.attempt_id = ? AND t.attempt_id <> '' AND d.kind = 'refund'"
)


def write(connection: Connection, fact_no: int, step: RefundStep) -> None:
    """Write a step and where its refund stands since."""
    standing = step.standing.value
    connection.execute(_STEP, (fact_no, step.step_id, step.number, step.step, standing))
    own = (step.number, step.attempt_id, step.sale_id, step.refund_id)
    connection.execute(_NOW, (*own, fact_no, standing))


def write_beside(connection: Connection, fact_no: int, step: RefundStep) -> None:
    """Write a step whose place another took since, at a place of its own; what is known stays."""
    row = (fact_no, step.step_id, step.number, -fact_no, step.standing.value)
    connection.execute(_STEP, row)


def by_number(connection: Connection, number: str) -> RefundStep | None:
    """Return the newest step of a refund."""
    return next(iter(_read(connection, "number = ?", number)), None)


def of_attempt(connection: Connection, attempt_id: str) -> tuple[RefundStep, ...]:
    """Return the newest step of every refund of a payment, oldest first."""
    return _read(connection, "attempt_id = ?", attempt_id)


def of_sale(connection: Connection, sale_id: str) -> tuple[RefundStep, ...]:
    """Return the newest step of every refund of a sale, oldest first."""
    return _read(connection, "sale_id = ?", sale_id)


def of_document(connection: Connection, refund_id: str) -> tuple[RefundStep, ...]:
    """Return the newest step of every refund that was to become a document, oldest first."""
    return _read(connection, "refund_id = ? AND refund_id <> ''", refund_id)


def not_ended(connection: Connection) -> tuple[RefundStep, ...]:
    """Return refunds whose end nobody knows, oldest first."""
    return _read(connection, _OPEN)


def gone_back(connection: Connection, attempt_id: str) -> int:
    """Return what documents say has gone back by a payment, in minor units."""
    return int(connection.execute(_GONE, (attempt_id,)).fetchone()[0])


def _read(connection: Connection, where: str, *values: str) -> tuple[RefundStep, ...]:
    rows = connection.execute(
        f"SELECT last_fact FROM money_back WHERE {where} ORDER BY last_fact",  # noqa: S608 - our own
        values,
    ).fetchall()
    found = (decode(*read_fact(connection, row[0])) for row in rows)
    return tuple(fact for fact in found if isinstance(fact, RefundStep))
