"""Money a provider confirms for an attempt this cloud has no longer: a backup it came back from is older.

It is written down, and becomes a task of its store at once unless the sale of it is on the books already;
what the store's till still pushes about the attempt settles it, and an order that comes back has its money.
"""

from __future__ import annotations

import sqlalchemy as sa

from cloud.db import payment_tables
from cloud.db.base import Database
from cloud.db.rows import insert_rows
from cloud.db.tables import store
from cloud.gateways.base import Answer, AttemptKey, Money
from cloud.services import money_tasks, tasks
from cloud.services.attempts import Attempt, Ledger, key_columns, of_key
from cloud.services.live import Newsroom


def note(
    database: Database,
    newsroom: Newsroom,
    key: AttemptKey,
    answer: Answer,
    provider: str,
    now_ms: int,
) -> bool:
    """Keep all the money of an answer about an unknown attempt, each payment once; tell whether a person
    should hear of it.

    Nothing is kept for a store that is not ours. That the same is told again makes nothing new, but its
    sale is looked for again.
    """
    if not answer.money:
        return False
    urgent = database.write(lambda conn: _keep(conn, key, answer.money, provider, now_ms))
    if urgent:
        tasks.tell(newsroom, [(key.tenant, key.store)])
    return urgent


def told_before(ledger: Ledger, attempt: Attempt) -> Attempt:
    """Apply what was told of an attempt before it was known here."""
    columns = payment_tables.orphan.c
    query = sa.select(payment_tables.orphan).where(of_key(payment_tables.orphan, attempt.key))
    for row in ledger.conn.execute(query.order_by(columns.at_ms, columns.ref)):
        attempt = ledger.hear_money(attempt, row.provider, [Money(row.ref, row.amount, row.at_ms)])
    return attempt


def _keep(
    conn: sa.Connection, key: AttemptKey, money: tuple[Money, ...], provider: str, now_ms: int
) -> bool:
    own = {"tenant_id": key.tenant, "store_id": key.store}
    # The store's row is the lock: of two notices that come at once, one opens the task.
    ours = sa.select(store.c.store_id).where(*(store.c[name] == own[name] for name in own))
    if conn.execute(ours.with_for_update()).first() is None:
        return False
    columns = payment_tables.orphan.c
    mine = sa.select(columns.ref).where(
        of_key(payment_tables.orphan, key), columns.provider == provider
    )
    there: set[str] = set(conn.scalars(mine))
    rows = {
        piece.ref: key_columns(key)
        | {"provider": provider, "ref": piece.ref, "amount": piece.amount, "at_ms": piece.at_ms}
        for piece in money
        if piece.ref not in there and piece.amount > 0
    }
    insert_rows(conn, payment_tables.orphan, list(rows.values()))
    return money_tasks.review(conn, (key.tenant, key.store), [key.attempt_id], now_ms)
