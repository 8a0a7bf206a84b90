"""Records of a revoked device: kept, on no books, until a person of the store releases or drops them.

One open task per device stands for all of them; a settled one is never opened again, so what comes
later is another decision. The records themselves are never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.domain.ids import new_id
from app.errors import Trouble
from app.wire.bodies import BODIES, RefundV1, SaleV1
from app.wire.codec import decode_body
from app.wire.tasks import BY_ITSELF, QUARANTINE, RECORD, SETTLED
from cloud.db.rows import insert_rows
from cloud.db.tables import journal
from cloud.db.task_tables import quarantine, task
from cloud.services.marks import own
from cloud.services.projection import Arrival
from cloud.services.tasks import device_code, open_tasks
from cloud.services.tokens import DevicePrincipal

if TYPE_CHECKING:
    from cloud.services.envelope import Received


def set_aside(
    connection: sa.Connection, arrival: Arrival, epoch: str, records: Sequence[Received]
) -> None:
    """Note that these records, kept in the journal under this epoch (an imported file's is not that of
    their headers), wait for a person; one task for all."""
    if not records:
        return
    amount = sum(map(_amount_of, records))
    task_id = one_task_for(connection, arrival, epoch, records, QUARANTINE, amount)
    place = {"tenant_id": arrival.tenant, "store_id": arrival.store, "device_id": arrival.device}
    insert_rows(
        connection,
        quarantine,
        [{**place, "epoch": epoch, "seq": r.header.seq, "task_id": task_id} for r in records],
    )


def one_task_for(
    connection: sa.Connection,
    arrival: Arrival,
    epoch: str,
    records: Sequence[Received],
    code: str,
    amount: int,
) -> str:
    """Let the device's open task of this code stand for these records too, or open one; return its id."""
    place = {"tenant_id": arrival.tenant, "store_id": arrival.store, "device_id": arrival.device}
    last = records[-1].header
    query = sa.select(task).where(
        *(task.c[name] == value for name, value in place.items()),
        task.c.code == code,
        task.c.state != SETTLED,
    )
    waiting = connection.execute(query.with_for_update()).mappings().first()
    task_id = waiting["task_id"] if waiting else new_id()
    values: dict[str, Any] = {
        "epoch": epoch,
        "seq": last.seq,
        "detail": str(len(records) + (int(waiting["detail"]) if waiting else 0)),
        "amount": amount + (waiting["amount"] if waiting else 0),
        "change": arrival.change,
    }
    if waiting:
        connection.execute(sa.update(task).where(_task(arrival, task_id)).values(**values))
    else:
        fixed = {
            "task_id": task_id,
            "kind": RECORD,
            "code": code,
            "subject": records[0].header.rec_id,
            "device_code": device_code(connection, *place.values()),
            "created_ms": arrival.received_ms,
        }
        open_tasks(connection, [place | fixed | values])
    return task_id


def take_out(
    connection: sa.Connection, arrival: Arrival, copies: Sequence[Received], *, still: str, now: str
) -> set[str]:
    """Return the ids among these records whose originals are on no books because a revoked device sent
    them, and take those out: a till we trust says them too, so it is its own copy that counts.

    `still` is the verdict of what is on no books, `now` what an original gets. Whoever gets an id here
    is the only one. What was dropped is taken out as well: it was the word of a device, not the sale.
    """
    aside = quarantine.c
    here = sa.and_(aside.tenant_id == arrival.tenant, aside.store_id == arrival.store)
    if not copies or not connection.scalar(sa.select(sa.exists().where(here))):
        return set()
    known = {copy.header.rec_id: copy for copy in copies}
    found = _originals(arrival, list(known), still)
    tasks = sorted({row.task_id for row in connection.execute(found)})
    for task_id in tasks:  # nobody releases them meanwhile
        connection.execute(
            sa.select(task.c.task_id).where(_task(arrival, task_id)).with_for_update()
        )
    rows = connection.execute(found).all() if tasks else []
    for row in rows:
        connection.execute(sa.delete(quarantine).where(_place(quarantine, arrival, row)))
        connection.execute(
            sa.update(journal).where(_place(journal, arrival, row)).values(verdict=now)
        )
    for task_id in tasks:
        gone = [known[row.rec_id] for row in rows if row.task_id == task_id]
        _count_down(connection, arrival, task_id, gone)
    return {row.rec_id for row in rows}


def _originals(arrival: Arrival, ids: list[str], verdict: str) -> sa.Select[Any]:
    aside = quarantine.c
    return (
        sa.select(journal.c.device_id, journal.c.epoch, journal.c.seq, journal.c.rec_id)
        .add_columns(aside.task_id)
        .join(
            quarantine,
            (aside.tenant_id == journal.c.tenant_id)
            & (aside.store_id == journal.c.store_id)
            & (aside.device_id == journal.c.device_id)
            & (aside.epoch == journal.c.epoch)
            & (aside.seq == journal.c.seq),
        )
        .where(
            aside.tenant_id == arrival.tenant,
            aside.store_id == arrival.store,
            journal.c.tenant_id == arrival.tenant,
            journal.c.store_id == arrival.store,
            journal.c.rec_id.in_(ids),
            journal.c.verdict == verdict,
        )
    )


def _place(table: sa.Table, arrival: Arrival, row: sa.Row[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.tenant_id == arrival.tenant,
        table.c.store_id == arrival.store,
        table.c.device_id == row.device_id,
        table.c.epoch == row.epoch,
        table.c.seq == row.seq,
    )


def _count_down(
    connection: sa.Connection, arrival: Arrival, task_id: str, gone: Sequence[Received]
) -> None:
    """Let an open task stand for so much less; one that stands for nothing is settled."""
    query = sa.select(task).where(_task(arrival, task_id))
    row = connection.execute(query).mappings().one()
    if not gone or row["state"] == SETTLED:
        return
    left = max(0, int(row["detail"]) - len(gone))
    values: dict[str, Any] = {
        "detail": str(left),
        "amount": row["amount"] - sum(map(_amount_of, gone)),
        "change": arrival.change,
    }
    if not left:
        settled = {"settled_ms": arrival.received_ms, "resolution": BY_ITSELF}
        values |= {"state": SETTLED, **settled}
    connection.execute(sa.update(task).where(_task(arrival, task_id)).values(**values))


def waiting_records(
    connection: sa.Connection, tenant: str, store: str, task_id: str
) -> Sequence[sa.RowMapping]:
    """Return the journal's rows a quarantine task stands for, in the order they came."""
    aside = quarantine.c
    return (
        connection.execute(
            sa.select(journal)
            .join(
                quarantine,
                (aside.tenant_id == journal.c.tenant_id)
                & (aside.store_id == journal.c.store_id)
                & (aside.device_id == journal.c.device_id)
                & (aside.epoch == journal.c.epoch)
                & (aside.seq == journal.c.seq),
            )
            .where(
                aside.tenant_id == tenant,
                aside.store_id == store,
                aside.task_id == task_id,
                journal.c.tenant_id == tenant,
                journal.c.store_id == store,
            )
            .order_by(journal.c.received_ms, journal.c.seq)
        )
        .mappings()
        .all()
    )


def waiting(connection: sa.Connection, sender: DevicePrincipal, since_ms: int) -> int:
    """Return how many records of a device that came since a time wait for somebody to decide."""
    aside = quarantine.c
    query = (
        sa.select(sa.func.count())
        .select_from(quarantine)
        .join(
            task,
            (task.c.tenant_id == aside.tenant_id)
            & (task.c.store_id == aside.store_id)
            & (task.c.task_id == aside.task_id),
        )
        .join(
            journal,
            (journal.c.tenant_id == aside.tenant_id)
            & (journal.c.store_id == aside.store_id)
            & (journal.c.device_id == aside.device_id)
            & (journal.c.epoch == aside.epoch)
            & (journal.c.seq == aside.seq),
        )
        .where(
            own(aside, sender),
            own(journal.c, sender),
            task.c.tenant_id == sender.tenant,
            task.c.store_id == sender.store,
            task.c.state != SETTLED,
            journal.c.received_ms >= since_ms,
        )
    )
    return connection.scalar(query) or 0


def _amount_of(record: Received) -> int:
    """Return what a document among the records comes to, in minor units; 0 for anything else."""
    if record.header.kind not in BODIES:
        return 0
    try:
        body = decode_body(record.header.kind, record.body)
    except Trouble:
        return 0
    match body:
        case SaleV1():
            return min(max(body.total, 0), 10**15)
        case RefundV1():
            return -min(max(body.total, 0), 10**15)
        case _:
            return 0


def _task(arrival: Arrival, task_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        task.c.tenant_id == arrival.tenant,
        task.c.store_id == arrival.store,
        task.c.task_id == task_id,
    )
