"""Reads our side of a day for the comparison: payments, orders and refunds an account's bill speaks of.

A bill says nothing of stores, so these few statements a day visit all of them, each for many lines at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import sqlalchemy as sa

from cloud.db.distribution import across
from cloud.db.payment_tables import attempt, money
from cloud.db.tables import store
from cloud.gateways.base import AttemptKey, BillKind, BillLine
from cloud.gateways.numbers import order_number
from cloud.services.reconcile import refunds
from cloud.services.reconcile.account import Account, chunks
from cloud.services.reconcile.compare import Books, Order, Paid

NEAR_MS = 15 * 60_000
"""So far from the time on a bill our own record of a payment may lie; further away it is looked up by its
order."""


def books(
    conn: sa.Connection, account: Account, span: tuple[int, int], lines: Sequence[BillLine]
) -> Books:
    """Return what the ledger knows about the lines of a bill whose day is `span` (begin, end)."""
    near = _paid(conn, account, span[0] - NEAR_MS, span[1] + NEAR_MS)
    paid: dict[str, Paid] = {}
    twice = _collected(paid, near)
    ours = {
        line.attempt_id
        for line in lines
        if line.attempt_id and (line.kind is BillKind.REFUND or line.ref not in paid)
    }
    numbers = {line.order_number for line in lines if line.attempt_id in ours}
    orders, others = _orders(conn, account, ours, numbers)
    twice |= _collected(paid, others)
    codes = sa.select(store.c.store_id).where(store.c.tenant_id == account.tenant)
    back = {line.attempt_id for line in lines if line.kind is BillKind.REFUND} & set(orders)
    return Books(
        paid, refunds.of_attempts(conn, account, back), orders, twice, set(conn.scalars(codes))
    )


def paid_on(conn: sa.Connection, account: Account, span: tuple[int, int]) -> list[Paid]:
    """Return the payments our ledger has at an account with times in [begin, end)."""
    return list(_paid(conn, account, *span))


def _collected(paid: dict[str, Paid], more: Iterable[Paid]) -> set[str]:
    """Add payments by their numbers; return the numbers that two stores have."""
    twice = set()
    for each in more:
        first = paid.setdefault(each.ref, each)
        if first.store != each.store:
            twice.add(each.ref)
    return twice


_SAME = sa.and_(
    attempt.c.tenant_id == money.c.tenant_id,
    attempt.c.store_id == money.c.store_id,
    attempt.c.attempt_id == money.c.attempt_id,
)


def _paid(conn: sa.Connection, account: Account, begin_ms: int, end_ms: int) -> Iterator[Paid]:
    query = (
        sa.select(
            money.c.store_id,
            money.c.attempt_id,
            money.c.ref,
            money.c.amount,
            attempt.c.currency,
            money.c.at_ms,
        )
        .join(attempt, _SAME)
        .where(
            money.c.tenant_id == account.tenant,
            money.c.provider == account.name,
            money.c.at_ms >= begin_ms,
            money.c.at_ms < end_ms,
            money.c.amount > 0,
        )
    )
    for row in conn.execute(across(query, "bills")):
        yield Paid(row.store_id, row.attempt_id, row.ref, row.amount, row.currency, row.at_ms)


def _orders(
    conn: sa.Connection, account: Account, ids: Iterable[str], numbers: Collection[str]
) -> tuple[dict[str, Order], list[Paid]]:
    """Return the attempts of these ids, and all that was ever paid for them at this account. Of an id that
    several stores have, the one whose number is among `numbers` counts."""
    # Which account it was is asked of the rows: as a condition it leads the planner to an index of all
    # that account's payments, once for every order.
    here = sa.and_(_SAME, money.c.amount > 0)
    of_attempt = ("store_id", "attempt_id", "currency", "first_number")
    columns = [attempt.c[name] for name in of_attempt]
    query = sa.select(
        *columns, money.c.provider, money.c.ref, money.c.amount, money.c.at_ms
    ).outerjoin(money, here)
    orders: dict[str, Order] = {}
    paid: list[Paid] = []
    for chunk in chunks(ids):
        some = query.where(attempt.c.tenant_id == account.tenant, attempt.c.attempt_id.in_(chunk))
        for row in conn.execute(across(some, "bills")):
            key = AttemptKey(account.tenant, row.store_id, row.attempt_id)
            if (row.first_number or order_number(key)) in numbers:
                orders[row.attempt_id] = Order(row.store_id, row.currency)
            if row.provider == account.name:
                of = (row.store_id, row.attempt_id, row.ref, row.amount, row.currency, row.at_ms)
                paid.append(Paid(*of))
    return orders, paid
