"""Settles tasks for whoever holds them, with all that follows: records in quarantine go on the books
through the same projection and checks as a push, and money beyond a word waits for the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import sqlalchemy as sa

from app.wire.journal import read_header
from app.wire.tasks import MONEY, QUARANTINE, RELEASED, TaskClaim, TaskRow, TaskSettlement
from cloud.db.feed import next_change
from cloud.db.tables import journal
from cloud.services import tasks
from cloud.services.envelope import Received
from cloud.services.exceptions import raise_exceptions
from cloud.services.ingest import Verdict, book, exceptions_of
from cloud.services.money_tasks import review
from cloud.services.projection import Arrival
from cloud.services.quarantine import waiting_records
from cloud.services.reconcile import differences
from cloud.services.tasks import OPERATOR, Holder

AT_ONCE = 200
"""Records put on the books in one piece, as many as a push brings."""


def settle(
    connection: sa.Connection, holder: Holder, asked: TaskSettlement, *, now_ms: int
) -> TaskRow:
    """Settle a task as `tasks.settle` does; released records are on the books when it returns. The row is
    open again, or open still, where the word does not answer for all of the money."""
    row, just_now = tasks.settle(connection, holder, asked, now_ms=now_ms)
    if not just_now:
        return row
    differences.settled_as_task(connection, holder.tenant, row, row.claimed_by, now_ms)
    if (row.code, row.resolution) == (QUARANTINE, RELEASED):
        _release(connection, holder, row.task_id, now_ms)
    if row.kind == MONEY:
        review(connection, (holder.tenant, holder.store), [row.task_id], now_ms)
        return tasks.row_of(connection, holder, row.task_id)
    return row


def settle_as_operator(
    connection: sa.Connection, tenant: str, store: str, task_id: str, word: str, *, now_ms: int
) -> TaskRow:
    """Settle a task at the cloud's command line, over the head of a tablet that holds it.

    Raises Refused: 404, 409 when it is settled already, 422 for a word that makes no sense.
    """
    holder = Holder(tenant, store, OPERATOR, f"{OPERATOR} {now_ms}", OPERATOR)
    tasks.take_away(connection, holder, task_id)
    claim = TaskClaim(task_id=task_id, claim_id=holder.claim_id, person=OPERATOR)
    tasks.claim(connection, holder, claim, now_ms=now_ms)
    # No amount: the operator names none, and the one read here, under the lock, would prove nothing.
    asked = TaskSettlement(task_id=task_id, claim_id=holder.claim_id, resolution=word)
    return settle(connection, holder, asked, now_ms=now_ms)


def _release(connection: sa.Connection, holder: Holder, task_id: str, now_ms: int) -> None:
    rows = waiting_records(connection, holder.tenant, holder.store, task_id)
    for (device_id, epoch), stretch in groupby(rows, lambda row: (row["device_id"], row["epoch"])):
        records = [received(row) for row in stretch]
        for start in range(0, len(records), AT_ONCE):
            arrival = Arrival(
                holder.tenant, holder.store, device_id, now_ms, next_change(connection)
            )
            book_kept(connection, arrival, epoch, records[start : start + AT_ONCE])


def book_kept(
    connection: sa.Connection, arrival: Arrival, epoch: str, records: Sequence[Received]
) -> None:
    """Put records on the books that are in the journal, under this epoch, and on no books yet."""
    verdicts = [Verdict(record) for record in records]
    book(connection, arrival, verdicts)
    raise_exceptions(connection, exceptions_of(arrival, epoch, verdicts), arrival.change)
    for verdict in verdicts:
        connection.execute(
            sa.update(journal)
            .where(
                journal.c.tenant_id == arrival.tenant,
                journal.c.store_id == arrival.store,
                journal.c.device_id == arrival.device,
                journal.c.epoch == epoch,
                journal.c.seq == verdict.record.header.seq,
            )
            .values(verdict=verdict.verdict)
        )


def received(row: sa.RowMapping) -> Received:
    """Return a record as it came; sealed ones are never set aside."""
    bytes_ = (row["header"], row["prev_hash"], row["hash"], row["body"])
    return Received(read_header(row["header"]), *bytes_)
