"""Puts records on the books that came before this version could read them: kinds and bodies of newer tills.

Each batch is a transaction of its own, which takes its records by their verdict, so that it may be stopped
anywhere and run by two at once; each record is booked once.
"""

from __future__ import annotations

from itertools import groupby

import sqlalchemy as sa

from app.wire.bodies import BODIES
from app.wire.tasks import BY_ITSELF, RELEASED, SETTLED, WAITS_FOR_UPDATE
from app.wire.versions import SCHEMA
from cloud.db.base import Database
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.tables import journal
from cloud.db.task_tables import quarantine, task
from cloud.services.projection import Arrival
from cloud.services.release import AT_ONCE, book_kept, received

KEPT = sa.text("journal.verdict = 'accepted_unprojected'")
"""Word for word what the partial index says; SQLite would not know it by a parameter."""


def readable() -> sa.ColumnElement[bool]:
    """Return the condition that this version knows a record's kind and the form of its body."""
    return sa.or_(
        *(
            sa.and_(journal.c.kind == kind, journal.c.schema_ver <= SCHEMA.get(kind, 1))
            for kind in BODIES
        )
    )


def catch_up(db: Database, *, now_ms: int) -> int:
    """Book all that was kept and can be read by now; return how many records."""
    booked = 0
    stores = across(
        sa.select(journal.c.tenant_id, journal.c.store_id).where(KEPT, readable()).distinct(),
        "catching up",
    )
    for tenant, store in db.read(lambda connection: connection.execute(stores).all()):
        while done := db.write(
            lambda connection, tenant=tenant, store=store: _book_some(  # type: ignore[misc]
                connection, tenant, store, now_ms
            )
        ):
            booked += done
    return booked


def _book_some(connection: sa.Connection, tenant: str, store: str, now_ms: int) -> int:
    own = sa.and_(journal.c.tenant_id == tenant, journal.c.store_id == store)
    query = (
        sa.select(journal)
        .where(own, KEPT, readable(), ~_undecided(tenant, store))
        .order_by(journal.c.received_ms, journal.c.device_id, journal.c.epoch, journal.c.seq)
        .limit(AT_ONCE)
        .with_for_update(of=journal)
    )
    rows = connection.execute(query).mappings().all()
    if not rows:
        return 0
    change = next_change(connection)
    for (device, epoch), stretch in groupby(rows, lambda row: (row["device_id"], row["epoch"])):
        arrival = Arrival(tenant, store, device, now_ms, change)
        book_kept(connection, arrival, epoch, [received(row) for row in stretch])
    for device in {row["device_id"] for row in rows}:
        _settle_if_done(connection, Arrival(tenant, store, device, now_ms, change))
    return len(rows)


def _undecided(tenant: str, store: str) -> sa.ColumnElement[bool]:
    """Return the condition that a record waits in quarantine or was dropped there."""
    aside = quarantine.c
    in_a_task = sa.select(aside.seq).where(
        journal.c.tenant_id == tenant,
        journal.c.store_id == store,
        aside.tenant_id == tenant,
        aside.store_id == store,
        aside.device_id == journal.c.device_id,
        aside.epoch == journal.c.epoch,
        aside.seq == journal.c.seq,
        task.c.tenant_id == tenant,
        task.c.store_id == store,
        task.c.task_id == aside.task_id,
        task.c.resolution != RELEASED,
    )
    return in_a_task.correlate(journal).exists()


def _settle_if_done(connection: sa.Connection, arrival: Arrival) -> None:
    """Settle a device's task about records that waited, once none does."""
    mine = sa.and_(
        journal.c.tenant_id == arrival.tenant,
        journal.c.store_id == arrival.store,
        journal.c.device_id == arrival.device,
    )
    undecided = _undecided(arrival.tenant, arrival.store)
    if connection.scalar(sa.select(sa.exists().where(mine, KEPT, ~undecided))):
        return
    connection.execute(
        sa.update(task)
        .where(
            task.c.tenant_id == arrival.tenant,
            task.c.store_id == arrival.store,
            task.c.device_id == arrival.device,
            task.c.code == WAITS_FOR_UPDATE,
            task.c.state != SETTLED,
        )
        .values(
            state=SETTLED,
            settled_ms=arrival.received_ms,
            resolution=BY_ITSELF,
            change=arrival.change,
        )
    )
