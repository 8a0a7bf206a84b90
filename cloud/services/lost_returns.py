"""Returns whose money went back and whose document never came, as tasks of their store: the tablet is offline
or lost, and the books still say that the goods are sold. A document that comes settles its task.

Where the look stands is kept in memory; a new process looks back once. What is open and has come after all
is found in the books alone. Knows no provider.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from app.domain.money_back import Back
from app.errors import Trouble
from app.wire.bodies import RefundV1
from app.wire.tasks import RECORD, RETURN_LOST, SETTLED
from cloud.db import refund_tables, tables
from cloud.db.base import Database
from cloud.db.columns import rows_of
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.task_tables import task
from cloud.gateways.base import AttemptKey
from cloud.services import attempts, refund_ledger, tasks
from cloud.services.judging import ORPHAN_MS
from cloud.services.money_facts import Own
from cloud.services.projection import Arrival, Projectable
from cloud.services.refund_ledger import GoingBack
from cloud.services.rounds import MOST

log = logging.getLogger(__name__)

LOST_MS = ORPHAN_MS
"""So long after its money went back a return may be without its document, as a payment without its sale."""

LOOK_BACK_MS = 14 * 24 * 3_600_000
"""So far back a cloud looks that starts: no shop's cloud is off for longer over a holiday."""

AGAIN_MS = 60_000
"""So often all that is open is compared with the books, and what could not be reviewed is tried again."""

Place = tuple[int, str, str, str]
"""Where a look stands: when money had gone back, and the key of its refund."""


@dataclass
class LostReturns:
    """The look for them, and for those of them that have come."""

    database: Database
    tell: Callable[[Iterable[Own]], None]
    until_ms: int
    _after: Place = field(init=False)
    _due: set[AttemptKey] = field(default_factory=set)
    _failed: set[AttemptKey] = field(default_factory=set)
    _again_ms: int = 0

    def __post_init__(self) -> None:
        self._after = _first_at(self.until_ms)

    def go(self, now_ms: int) -> None:
        """Look at what went back since the last look and has had its time, at most `MOST` of it.

        Raises Trouble; what was not reviewed by then is reviewed at the next look.
        """
        # A clock that was ahead and is put right must not make anything wait until it has caught up.
        if not self._again_ms - AGAIN_MS <= now_ms < self._again_ms:
            came = self.database.read(what_came)
            if came:
                self.database.write(partial(settle_what_came, came=came, now_ms=now_ms))
                self.tell(came)
            self._due, self._failed = self._due | self._failed, set()
            self._again_ms = now_ms + AGAIN_MS
        until_ms = now_ms - LOST_MS
        is_ahead = self._after >= _first_at(until_ms + 1)
        after = _first_at(until_ms - LOST_MS) if is_ahead else self._after
        page = self.database.read(partial(gone_back, after=after, until_ms=until_ms, limit=MOST))
        self._due |= {attempt for _, attempt, is_here in page if not is_here}
        self._after = page[-1][0] if page else after
        for attempt in sorted(self._due, key=lambda key: key.attempt_id):
            self._review(attempt, now_ms)

    def _review(self, attempt: AttemptKey, now_ms: int) -> None:
        try:
            if self.database.write(partial(review, attempt=attempt, now_ms=now_ms)):
                self.tell([(attempt.tenant, attempt.store)])
        except Trouble:
            raise
        except Exception:  # a bug with one attempt must not keep all others from being reviewed
            log.exception("the returns of attempt %s could not be reviewed", attempt.attempt_id)
            self._failed.add(attempt)
        self._due.discard(attempt)


def gone_back(
    conn: sa.Connection, after: Place, until_ms: int, limit: int
) -> list[tuple[Place, AttemptKey, bool]]:
    """Return, in order, the refunds behind a place that a till makes a return of and whose money was back by
    `until_ms`: the place of each, its attempt, and whether the return is in the books."""
    return [
        (
            (row.changed_ms, row.tenant_id, row.store_id, row.number),
            AttemptKey(row.tenant_id, row.store_id, row.attempt_id),
            bool(row.is_here),
        )
        for row in conn.execute(across(page_of(after, until_ms, limit), "sweep"))
    ]


def page_of(after: Place, until_ms: int, limit: int) -> sa.Select[Any]:
    """Return the query of `gone_back`: as much of one index as the page is long."""
    columns = refund_tables.refund.c
    place = (columns.changed_ms, columns.tenant_id, columns.store_id, columns.number)
    booked = sa.exists().where(
        tables.refund.c.tenant_id == columns.tenant_id,
        tables.refund.c.store_id == columns.store_id,
        tables.refund.c.refund_id == columns.document_id,
    )
    return (
        sa.select(*place, columns.attempt_id, booked.label("is_here"))
        .where(columns.standing == Back.DONE.value, refund_tables.OF_A_RETURN)
        # By the first column alone, too: engines do not look the whole place up in the index.
        .where(columns.changed_ms >= after[0], columns.changed_ms <= until_ms)
        .where(sa.tuple_(*place) > sa.tuple_(*map(sa.literal, after)))
        .order_by(*place)
        .limit(limit)
    )


def review(conn: sa.Connection, attempt: AttemptKey, now_ms: int) -> bool:
    """Bring the tasks about an attempt's returns up to what is known; tell whether any was changed.

    One that a person has settled stays so until more goes back for the same return.
    """
    paid = attempts.find(conn, attempt, lock=True)  # of two that look at once, one writes
    returns: dict[str, list[GoingBack]] = {}
    for row in refund_ledger.of_attempt(conn, attempt):
        # What was called refused before it went has a task of its own: the till made no return of it.
        if row.document and row.standing is Back.DONE and not row.belied_ms:
            returns.setdefault(row.document, []).append(row)
    own = (attempt.tenant, attempt.store)
    here, told, change = _booked(conn, own, returns), _told(conn, own, returns), next_change(conn)
    settled = _settle(conn, own, here, now_ms, change)
    receipt_no = _receipt_no(conn, own, paid.sale_id)
    fresh = [
        _about(document, rows)
        | {
            "device_code": tasks.device_code(conn, *own, rows[0].device),
            "receipt_no": receipt_no,
            "created_ms": now_ms,
            "change": change,
        }
        for document, rows in sorted(returns.items())
        if document not in here and told.get(document) != _sum(rows)
    ]
    tasks.open_again(conn, fresh)
    return settled or bool(fresh)


def what_came(conn: sa.Connection) -> dict[Own, list[str]]:
    """Return, by store, the open tasks whose returns are in the books: one that came while its task was being
    written knew of none."""
    columns, booked = task.c, tables.refund.c
    is_here = sa.exists().where(
        booked.tenant_id == columns.tenant_id,
        booked.store_id == columns.store_id,
        booked.refund_id == columns.task_id,
    )
    query = sa.select(columns.tenant_id, columns.store_id, columns.task_id)
    query = query.where(columns.code == RETURN_LOST, columns.state != SETTLED, is_here)
    found: dict[Own, list[str]] = {}
    for row in conn.execute(across(query, "sweep")):
        found.setdefault((row.tenant_id, row.store_id), []).append(row.task_id)
    return found


def settle_what_came(conn: sa.Connection, came: Mapping[Own, list[str]], now_ms: int) -> None:
    """Settle those tasks."""
    change = next_change(conn)
    for own, documents in sorted(came.items()):
        _settle(conn, own, documents, now_ms, change)


def note_arrivals(
    connection: sa.Connection, arrival: Arrival, records: Iterable[Projectable]
) -> None:
    """Settle the tasks about returns that have just come."""
    came = {record.body.id for record in records if isinstance(record.body, RefundV1)}
    if came:
        own = (arrival.tenant, arrival.store)
        _settle(connection, own, came, arrival.received_ms, arrival.change)


def _first_at(changed_ms: int) -> Place:
    return (changed_ms, "", "", "")


def _booked(conn: sa.Connection, own: Own, documents: Iterable[str]) -> set[str]:
    columns = tables.refund.c
    mine = rows_of(tables.refund, tenant_id=own[0], store_id=own[1])
    query = sa.select(columns.refund_id).where(mine, columns.refund_id.in_(sorted(documents)))
    return set(conn.scalars(query))


def _told(conn: sa.Connection, own: Own, documents: Iterable[str]) -> dict[str, int]:
    """Return how much the tasks about these returns name, open or settled."""
    query = sa.select(task.c.task_id, task.c.amount).where(_tasks_of(own, documents))
    return {row.task_id: row.amount for row in conn.execute(query)}


def _settle(
    conn: sa.Connection, own: Own, documents: Iterable[str], now_ms: int, change: int
) -> bool:
    return tasks.settle_without_claim(conn, _tasks_of(own, documents), now_ms, change)


def _tasks_of(own: Own, documents: Iterable[str]) -> sa.ColumnElement[bool]:
    mine = rows_of(task, tenant_id=own[0], store_id=own[1], code=RETURN_LOST)
    return sa.and_(mine, task.c.task_id.in_(sorted(documents)))


def _receipt_no(conn: sa.Connection, own: Own, sale_id: str) -> str:
    """Return the receipt of a sale, "" if that has not come either."""
    mine = rows_of(tables.sale, tenant_id=own[0], store_id=own[1], sale_id=sale_id)
    return conn.scalar(sa.select(tables.sale.c.receipt_no).where(mine)) or ""


def _about(document: str, rows: list[GoingBack]) -> dict[str, Any]:
    """Return what the refunds of a return say of its task, whose id is the return's."""
    first = rows[0]
    return {
        "tenant_id": first.attempt.tenant,
        "store_id": first.attempt.store,
        "task_id": document,
        "kind": RECORD,
        "code": RETURN_LOST,
        "subject": document,
        "other": first.attempt.attempt_id,
        "device_id": first.device,
        "epoch": "",
        "seq": 0,
        "amount": _sum(rows),
    }


def _sum(rows: list[GoingBack]) -> int:
    return sum(row.amount for row in rows)
