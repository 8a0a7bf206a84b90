"""Two that look at one attempt at the same moment: the row says in the end what the newer of them knew."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from cloud.bootstrap import open_cloud
from cloud.db.base import Database
from cloud.db.payment_tables import attempt
from cloud.db.task_tables import task
from cloud.services.money_tasks import review
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.paying import open_shop


def await_blocked(database: Database) -> None:
    """Wait until a transaction waits for another's row."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    tick = threading.Event()
    for _ in range(3_000):
        if database.read(lambda connection: connection.scalar(query)):
            return
        tick.wait(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.postgres
def test_a_review_that_waits_for_a_row_sees_what_came_meanwhile(
    postgres_url: str, tmp_path: Path, clock: Clock
):
    cloud = open_cloud(Settings(data=tmp_path, db_url=postgres_url), clock=clock)
    with open_shop(cloud) as shop, ThreadPoolExecutor(1) as pool:
        shown = shop.till().show(shop.client)
        key, db = shown.key, cloud.db
        own, ids = (key.tenant, key.store), [key.attempt_id]
        row = (task.c.store_id == key.store) & (task.c.task_id == key.attempt_id)
        with db.begin() as conn:
            conn.execute(sa.select(task).where(row).with_for_update())
            waits = pool.submit(db.write, lambda other: review(other, own, ids, clock()))
            await_blocked(db)
            late = {"state": "confirmed", "anomalies": "late", "received": shown.order.total}
            mine = (attempt.c.store_id == key.store) & (attempt.c.attempt_id == key.attempt_id)
            conn.execute(attempt.update().where(mine).values(late))
            review(conn, own, ids, clock())
        waits.result()
        with db.reading() as conn:
            found = conn.execute(sa.select(task.c.kind, task.c.code, task.c.state).where(row)).one()
    assert tuple(found) == ("money", "late", "open")
    cloud.close()
