"""Which payment attempts the sweep has to look at, across all stores. Reads only."""

from __future__ import annotations

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, PAID_STATES, State
from cloud.db import payment_tables as tables
from cloud.db.distribution import across
from cloud.gateways.base import AttemptKey
from cloud.services.attempts import STARTED, Vouched


def unsettled(
    conn: sa.Connection, now_ms: int, limit: int, due: sa.ColumnElement[bool]
) -> list[AttemptKey]:
    """Return the open attempts past their end, oldest first, then those nobody answers about; only those
    whose rows fulfil `due`."""
    columns = tables.attempt.c
    is_open = columns.state.in_([State.CREATED.value, State.WAITING.value, State.UNKNOWN.value])
    overdue = sa.or_(columns.expires_ms <= now_ms, columns.state == State.UNKNOWN.value)
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id)
        .where(is_open, overdue, due)
        .order_by(columns.state == State.UNKNOWN.value, columns.expires_ms)
        .limit(limit)
    )
    return [
        AttemptKey(row.tenant_id, row.store_id, row.attempt_id)
        for row in conn.execute(across(query, "sweep"))
    ]


def unproven(
    conn: sa.Connection, now_ms: int, limit: int, due: sa.ColumnElement[bool]
) -> list[AttemptKey]:
    """Return what was confirmed by hand and is past its end, while its provider may still say something;
    only those whose rows fulfil `due`."""
    columns = tables.attempt.c
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id)
        .where(
            columns.vouched == sa.literal_column(f"'{Vouched.AWAITED}'"),
            columns.expires_ms <= now_ms,
            due,
        )
        .where(columns.received < columns.amount)
        .order_by(columns.expires_ms)
        .limit(limit)
    )
    rows = conn.execute(across(query, "sweep"))
    return [AttemptKey(row.tenant_id, row.store_id, row.attempt_id) for row in rows]


def unheard(
    conn: sa.Connection, after_ms: int, until_ms: int, least: int
) -> list[tuple[AttemptKey, str, int]]:
    """Return (attempt, wallet, end) of every wallet chosen for an attempt that ended in this span and
    closed unpaid, was paid where several were chosen, or confirmed by hand; the oldest first, and of
    `least` pairs on only those that end with the last one."""
    columns, chosen = tables.attempt.c, tables.event.c
    mine = [chosen[name] == columns[name] for name in ("tenant_id", "store_id", "attempt_id")] + [
        chosen.event == STARTED
    ]
    wallets = sa.select(sa.func.count(sa.distinct(chosen.provider))).where(*mine)
    unpaid = columns.state.in_([state.value for state in CLOSED_UNPAID])
    over = columns.state.in_([state.value for state in CLOSED_UNPAID | PAID_STATES])
    query = (
        sa.select(
            columns.tenant_id,
            columns.store_id,
            columns.attempt_id,
            chosen.provider,
            columns.expires_ms,
        )
        .distinct()
        .join(tables.event, sa.and_(*mine))
        .where(over, columns.expires_ms > after_ms, columns.expires_ms <= until_ms)
        .where(
            sa.or_(
                unpaid,
                wallets.correlate(tables.attempt).scalar_subquery() > 1,
                sa.and_(columns.vouched != "", columns.received < columns.amount),
            )
        )
        .order_by(columns.expires_ms)
    )
    rows = conn.execute(across(query, "sweep"))
    found: list[tuple[AttemptKey, str, int]] = []
    for row in rows:
        if len(found) >= least and row.expires_ms > found[-1][2]:
            break
        key = AttemptKey(row.tenant_id, row.store_id, row.attempt_id)
        found.append((key, row.provider, row.expires_ms))
    return found
