"""Money a provider confirms for an attempt this cloud has no longer: a backup it came back from is older.

It becomes a task of its store at once; what the store's till still pushes about the attempt settles it.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.wire.tasks import MONEY, NO_SALE
from cloud.db.base import Database
from cloud.db.feed import next_change
from cloud.db.tables import store
from cloud.db.task_tables import task
from cloud.gateways.base import Answer, AttemptKey
from cloud.services.live import Newsroom, store_topic
from cloud.services.tasks import NEWS, open_tasks


def note(
    database: Database, newsroom: Newsroom, key: AttemptKey, answer: Answer, now_ms: int
) -> bool:
    """Open a task for all the money of an answer about an unknown attempt; tell whether it is new.

    Nothing is opened for a store that is not ours, nor twice, nor where no money came.
    """
    amount = sum(piece.amount for piece in answer.money)
    if not amount:
        return False
    opened = database.write(lambda conn: _open(conn, key, amount, now_ms))
    if opened:
        newsroom.publish([store_topic(key.tenant, key.store)], NEWS)
    return opened


def _open(conn: sa.Connection, key: AttemptKey, amount: int, now_ms: int) -> bool:
    own = {"tenant_id": key.tenant, "store_id": key.store}
    # The store's row is the lock: of two notices that come at once, one opens the task.
    ours = sa.select(store.c.store_id).where(*(store.c[name] == own[name] for name in own))
    if conn.execute(ours.with_for_update()).first() is None:
        return False
    there = sa.select(task.c.task_id).where(
        *(task.c[name] == own[name] for name in own), task.c.task_id == key.attempt_id
    )
    if conn.execute(there).first() is not None:
        return False
    open_tasks(
        conn,
        [
            own
            | {
                "task_id": key.attempt_id,
                "kind": MONEY,
                "code": NO_SALE,
                "subject": key.attempt_id,
                "device_id": "",
                "device_code": "",
                "epoch": "",
                "seq": 0,
                "detail": str(amount),
                "amount": amount,
                "created_ms": now_ms,
                "change": next_change(conn),
            }
        ],
    )
    return True
