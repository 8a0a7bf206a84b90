"""Which payment attempts the sweep has to look at, across all stores. Reads only."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, PAID_STATES, State
from cloud.db import payment_tables as tables
from cloud.db.distribution import across
from cloud.gateways.base import AttemptKey
from cloud.services.attempts import STARTED, Vouched
from cloud.services.reversing import REVERSING
from cloud.services.rounds import EVERYBODY, MOST, Lane


def unsettled(
    conn: sa.Connection, now_ms: int, due: sa.ColumnElement[bool], lane: Lane = EVERYBODY
) -> list[AttemptKey]:
    """Return the open attempts of a lane past their end, oldest first, then those nobody answers about; only
    those whose rows fulfil `due`."""
    columns = tables.attempt.c
    is_open = columns.state.in_([State.CREATED.value, State.WAITING.value, State.UNKNOWN.value])
    overdue = sa.or_(columns.expires_ms <= now_ms, columns.state == State.UNKNOWN.value)
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id)
        .where(is_open, overdue, due, lane.has(columns.provider))
        .order_by(columns.state == State.UNKNOWN.value, columns.expires_ms)
        .limit(MOST)
    )
    return [
        AttemptKey(row.tenant_id, row.store_id, row.attempt_id)
        for row in conn.execute(across(query, "sweep"))
    ]


def unproven(
    conn: sa.Connection, now_ms: int, due: sa.ColumnElement[bool], lane: Lane = EVERYBODY
) -> list[AttemptKey]:
    """Return what was confirmed by hand in a lane and is past its end, while its provider may still say
    something; only those whose rows fulfil `due`."""
    columns = tables.attempt.c
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id)
        .where(
            columns.vouched == sa.literal_column(f"'{Vouched.AWAITED}'"),
            columns.expires_ms <= now_ms,
            due,
            lane.has(columns.provider),
        )
        .where(columns.received < columns.amount)
        .order_by(columns.expires_ms)
        .limit(MOST)
    )
    rows = conn.execute(across(query, "sweep"))
    return [AttemptKey(row.tenant_id, row.store_id, row.attempt_id) for row in rows]


def first_end(conn: sa.Connection, after_ms: int, until_ms: int) -> int:
    """Return when the first attempt ended after one moment, or the moment behind `until_ms` if none did."""
    columns = tables.attempt.c
    over = columns.state.in_([state.value for state in CLOSED_UNPAID | PAID_STATES])
    query = sa.select(sa.func.min(columns.expires_ms)).where(
        over, columns.expires_ms > after_ms, columns.expires_ms <= until_ms
    )
    found: int | None = conn.scalar(across(query, "sweep"))
    return until_ms + 1 if found is None else found


Place = tuple[int, str, str, str, str]
"""Where a look stands: the end of an attempt, its key, and a wallet chosen for it."""


def unheard(
    conn: sa.Connection,
    after: Place,
    until_ms: int,
    limit: int,
    again: Collection[str] = (),
    lane: Lane = EVERYBODY,
) -> list[Place]:
    """Return, in order, the wallets of a lane behind a place that were chosen for attempts which ended by
    `until_ms` and closed unpaid, were paid where another was chosen too or a reversal was begun, or confirmed
    by hand; of the wallets in `again`, where an order can be paid twice, those of every attempt."""
    columns, chosen = tables.attempt.c, tables.event.c
    other = tables.event.alias("other").c
    same = ("tenant_id", "store_id", "attempt_id")
    another = sa.and_(other.event == STARTED, other.provider != columns.provider)
    may_be_elsewhere = sa.exists().where(
        *[other[name] == columns[name] for name in same],
        sa.or_(another, other.event == REVERSING),
    )
    unpaid = columns.state.in_([state.value for state in CLOSED_UNPAID])
    over = columns.state.in_([state.value for state in CLOSED_UNPAID | PAID_STATES])
    vouched = sa.and_(columns.vouched != "", columns.received < columns.amount)
    place = (columns.expires_ms, *[columns[name] for name in same], chosen.provider)
    query = (
        sa.select(*place)
        .distinct()
        .join(
            tables.event,
            sa.and_(*[chosen[name] == columns[name] for name in same], chosen.event == STARTED),
        )
        .where(over, columns.expires_ms >= after[0], columns.expires_ms <= until_ms)
        .where(sa.tuple_(*place) > sa.tuple_(*map(sa.literal, after)))
        .where(sa.or_(unpaid, may_be_elsewhere, vouched, chosen.provider.in_(sorted(again))))
        .where(lane.has(chosen.provider))
        .order_by(*place)
        .limit(limit)
    )
    rows = conn.execute(across(query, "sweep"))
    return [
        (row.expires_ms, row.tenant_id, row.store_id, row.attempt_id, row.provider) for row in rows
    ]
