"""Reads from our ledger what was given back at an account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from app.domain.money_back import Back
from cloud.db.distribution import across
from cloud.db.refund_tables import refund
from cloud.services.reconcile.account import Account, chunks
from cloud.services.reconcile.compare import Given, RefundKey


def of_attempts(
    conn: sa.Connection, account: Account, ids: Iterable[str]
) -> dict[RefundKey, Given]:
    """Return the refunds of these attempts, those that were refused as well: a bill may know better."""
    return {
        (each.attempt_id, each.number): each
        for some in chunks(ids)
        for each in _read(conn, account, refund.c.attempt_id.in_(some))
    }


def done_on(conn: sa.Connection, account: Account, span: tuple[int, int]) -> list[Given]:
    """Return the refunds the provider confirmed in [begin, end)."""
    done = refund.c.standing == Back.DONE.value
    when = sa.and_(done, refund.c.changed_ms >= span[0], refund.c.changed_ms < span[1])
    return list(_read(conn, account, when))


def _read(conn: sa.Connection, account: Account, which: sa.ColumnElement[Any]) -> Iterator[Given]:
    columns = refund.c
    query = sa.select(
        columns.store_id,
        columns.attempt_id,
        columns.number,
        columns.amount,
        columns.currency,
        columns.standing,
        columns.changed_ms,
    ).where(
        columns.tenant_id == account.tenant,
        columns.provider == account.name,
        which,
    )
    for row in conn.execute(across(query, "bills")):
        yield Given(
            store=row.store_id,
            attempt_id=row.attempt_id,
            number=row.number,
            amount=row.amount,
            currency=row.currency,
            done=row.standing == Back.DONE.value,
            at_ms=row.changed_ms,
            refused=row.standing == Back.REFUSED.value,
        )
