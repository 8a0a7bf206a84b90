"""What a person of a store must see: opened here, told by the feed, claimed by one, settled by whoever
claimed it.

A claim is a row lock, so of two tablets at once exactly one gets it. Knows no provider and no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.errors import Code, RuleBroken
from app.wire.messages import News
from app.wire.tasks import (
    BELIED,
    CLAIM_MINUTES,
    CLAIMED,
    CORRECTED,
    DELIVERED,
    DROPPED,
    GOODS_FOR,
    MONEY,
    OPEN,
    PAYMENT,
    QUARANTINE,
    RECORD,
    REFUNDED,
    RELEASED,
    SEEN,
    SETTLED,
    UNPROVEN,
    TaskClaim,
    TaskRow,
    TaskSettlement,
)
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.rows import Rows, insert_rows, upsert
from cloud.db.tables import device, exception, refund, sale
from cloud.db.task_tables import task
from cloud.errors import Refused
from cloud.gateways.base import AttemptKey
from cloud.services import proofs
from cloud.services.answered import after_word, has_word
from cloud.services.live import Newsroom, store_topic
from cloud.services.people import is_manager

NEWS = News(kind="reference", subject="tasks")
"""What the store's other tills are told after a change."""

MAX_ID = 64
"""Longest id of a claim or a person."""

OPERATOR = "operator"
"""Who claims at the command line of the cloud."""

_RESOLUTIONS = {
    # By kind, and by the codes that have words of their own.
    MONEY: frozenset({REFUNDED, SEEN}),
    RECORD: frozenset({SEEN, CORRECTED}),
    QUARANTINE: frozenset({RELEASED, DROPPED}),
    UNPROVEN: frozenset({SEEN}),  # nothing came that could be delivered for or go back
    BELIED: frozenset({SEEN}),  # all that came has gone
    **dict.fromkeys(GOODS_FOR, frozenset({DELIVERED, REFUNDED, SEEN})),
}
_BLANK: dict[str, Any] = {
    "other": "",
    "detail": "",
    "amount": 0,
    "receipt_no": "",
    "state": OPEN,
    "claimed_device": "",
    "claimed_by": "",
    "claim_id": "",
    "claim_until_ms": 0,
    "settled_ms": 0,
    "resolution": "",
    "answered": 0,
}


TaskColumns = Mapping[str, Any] | sa.RowMapping
"""A row of table `task`, read or about to be written."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who acts on a task: a device of a store, and the claim it made."""

    tenant: str
    store: str
    device: str
    claim_id: str
    person: str = ""


def tell(newsroom: Newsroom, stores: Iterable[tuple[str, str]]) -> None:
    """Let every till of these stores, each named by its tenant and itself, hear that tasks have changed."""
    for tenant, store in stores:
        newsroom.publish([store_topic(tenant, store)], NEWS)


def open_tasks(connection: sa.Connection, rows: Rows) -> None:
    """Write new tasks. Rows name the columns of `task` without those of claim and settlement."""
    insert_rows(connection, task, [_BLANK | row for row in rows])


def open_again(connection: sa.Connection, rows: Rows) -> None:
    """Write tasks that may have been there before and settled: they are open and unclaimed again."""
    upsert(connection, task, [_BLANK | row for row in rows])


def raise_exceptions(
    connection: sa.Connection,
    rows: Rows,
    change: int,
    *,
    others: Mapping[str, str] | None = None,
) -> None:
    """Write exceptions of one device and a task for each.

    Rows are those of table `exception`; `others` maps an exception's id to the receipt it is about
    besides its own record.
    """
    if not rows:
        return
    insert_rows(connection, exception, rows)
    first = rows[0]
    own = (first["tenant_id"], first["store_id"])
    code = device_code(connection, *own, first["device_id"])
    documents = _documents(connection, own, {row["rec_id"] for row in rows})
    open_tasks(
        connection,
        [
            {
                "tenant_id": row["tenant_id"],
                "store_id": row["store_id"],
                "task_id": row["exception_id"],
                "kind": RECORD,
                "code": row["code"],
                "subject": row["rec_id"],
                "device_id": row["device_id"],
                "device_code": code,
                "epoch": row["epoch"],
                "seq": row["seq"],
                "receipt_no": documents.get(row["rec_id"], ("", 0))[0],
                "other": (others or {}).get(row["exception_id"], ""),
                "detail": row["detail"],
                "amount": documents.get(row["rec_id"], ("", 0))[1],
                "created_ms": row["created_ms"],
                "change": change,
            }
            for row in rows
        ],
    )


def device_code(connection: sa.Connection, tenant: str, store: str, device_id: str) -> str:
    """Return the number people know a till by, "" for an unknown one."""
    code: str | None = connection.scalar(
        sa.select(device.c.device_code).where(
            device.c.tenant_id == tenant,
            device.c.store_id == store,
            device.c.device_id == device_id,
        )
    )
    return code or ""


def _documents(
    connection: sa.Connection, own: tuple[str, str], ids: set[str]
) -> dict[str, tuple[str, int]]:
    """Return receipt number and total of the documents among these records that could be read."""
    found: dict[str, tuple[str, int]] = {}
    for table, name in ((sale, "sale_id"), (refund, "refund_id")):
        rows = connection.execute(
            sa.select(table.c[name], table.c.receipt_no, table.c.total).where(
                table.c.tenant_id == own[0], table.c.store_id == own[1], table.c[name].in_(ids)
            )
        )
        found |= {row[0]: (row.receipt_no, row.total) for row in rows}
    return found


# --- claim and settle -----------------------------------------------------------------------------


def claim(connection: sa.Connection, holder: Holder, asked: TaskClaim, *, now_ms: int) -> TaskRow:
    """Give a task to a device for `CLAIM_MINUTES`; the same claim again gets the same answer until then.

    A device may claim anew what it holds, and anybody what was held for too long. Raises Refused: 404,
    409 `claimed` (whose detail says by whom) when another device holds it or it is settled.
    """
    row = _locked(connection, holder, asked.task_id)
    held = row["state"] == CLAIMED and now_ms < row["claim_until_ms"]
    if held and _holds(row, holder):
        return task_row(row)
    if row["state"] == SETTLED or (held and row["claimed_device"] != holder.device):
        raise _taken(connection, row)
    return _write(
        connection,
        row,
        state=CLAIMED,
        claimed_device=holder.device,
        claimed_by=asked.person[:MAX_ID],
        claim_id=asked.claim_id,
        claim_until_ms=now_ms + CLAIM_MINUTES * 60_000,
    )


def settle(
    connection: sa.Connection, holder: Holder, asked: TaskSettlement, *, now_ms: int
) -> tuple[TaskRow, bool]:
    """Settle a task by its claim; return it, and whether that happened just now and not before.

    Raises Refused: 404, 409 `claimed` when it is not held by this claim or was settled otherwise, 409
    PROOF_OUT when money is said to have gone back that its till may hold a proof of, 422 for a word that
    makes no sense for this task, 403 for somebody who is no manager. What follows for records is the
    work of `release`.
    """
    row = _locked(connection, holder, asked.task_id)
    mine = _holds(row, holder)
    if mine and (row["state"], row["resolution"]) == (SETTLED, asked.resolution):
        return task_row(row), False
    if row["state"] != CLAIMED or not mine:
        raise _taken(connection, row)
    if asked.resolution not in resolutions_of(row["kind"], row["code"]):
        raise Refused(422, "malformed", "resolution")
    person = (asked.person or row["claimed_by"])[:MAX_ID]
    only_who_may(connection, holder, asked.resolution, person)
    if asked.resolution == REFUNDED:
        _refuse_refund(connection, row, holder, now_ms)
    _resolve_exception(connection, row, now_ms)
    values = {"settled_ms": now_ms, "resolution": asked.resolution, "claimed_by": person}
    answered = _answered(row, asked.resolution)
    return _write(connection, row, state=SETTLED, answered=answered, **values), True


def _answered(row: sa.RowMapping, word: str) -> int:
    if row["kind"] != MONEY or not has_word(row["code"]):
        return int(row["answered"])
    return after_word(word, row["code"], row["amount"], int(row["detail"]), row["answered"])


def held(connection: sa.Connection, holder: Holder, task_id: str) -> None:
    """Let a manager who holds a task act on it, until the transaction ends nobody else.

    Raises Refused: 404, 409 `claimed` when it is not held by this claim or is settled, 403 for somebody
    who is no manager.
    """
    row = _locked(connection, holder, task_id)
    if row["state"] != CLAIMED or not _holds(row, holder):
        raise _taken(connection, row)
    only_who_may(connection, holder, REFUNDED, holder.person or row["claimed_by"])


def only_who_may(connection: sa.Connection, holder: Holder, word: str, person: str) -> None:
    """Return if a person may settle with this word: guides deliver, managers decide, and the operator sits
    at the cloud itself. Raises Refused 403."""
    if word == DELIVERED or holder.device == OPERATOR:
        return
    if not is_manager(connection, holder.tenant, holder.store, person):
        raise Refused(403, Code.NOT_A_MANAGER)


def _refuse_refund(
    connection: sa.Connection, row: sa.RowMapping, holder: Holder, now_ms: int
) -> None:
    key = AttemptKey(row["tenant_id"], row["store_id"], row["subject"])
    try:
        proofs.refuse_refund(connection, key, holder.device, now_ms)
    except RuleBroken as refusal:
        raise Refused(409, refusal.code) from refusal


def take_away(connection: sa.Connection, holder: Holder, task_id: str) -> None:
    """End whatever claim there is, so that the next one gets the task. Raises Refused as `claim`."""
    row = _locked(connection, holder, task_id)
    if row["state"] == SETTLED:
        raise _taken(connection, row)
    _write(connection, row, claim_until_ms=0)


def resolutions_of(kind: str, code: str) -> frozenset[str]:
    """Return the words by which such a task may be settled."""
    return _RESOLUTIONS[code if code in _RESOLUTIONS else kind]


def unsettled(connection: sa.Connection, tenant: str, store: str = "") -> Sequence[sa.RowMapping]:
    """Return what waits for a person in one store of the tenant, or in all; oldest first."""
    query = sa.select(task).where(
        task.c.tenant_id == tenant, task.c.state != SETTLED, task.c.kind != PAYMENT
    )
    query = query.where(task.c.store_id == store) if store else across(query, "office")
    return connection.execute(query.order_by(task.c.created_ms)).mappings().all()


_CHANGED = sa.select(
    sa.exists().where(
        task.c.tenant_id == sa.bindparam("tenant"),
        task.c.store_id == sa.bindparam("store"),
        task.c.change > sa.bindparam("since"),
    )
)


def changed(connection: sa.Connection, tenant: str, store: str, since: int) -> bool:
    """Tell whether a task of a store was changed since `changes_so_far` was `since`, most likely by this
    transaction."""
    asked = {"tenant": tenant, "store": store, "since": since}
    return bool(connection.scalar(_CHANGED, asked))


def task_row(row: TaskColumns) -> TaskRow:
    """Return a task as it travels."""
    return TaskRow(
        device=row["device_id"],
        **{name: row[name] for name in TaskRow.__struct_fields__ if name != "device"},
    )


def row_of(connection: sa.Connection, holder: Holder, task_id: str) -> TaskRow:
    """Return a task of the holder's store as it stands. Raises Refused 404."""
    return task_row(_locked(connection, holder, task_id))


def _locked(connection: sa.Connection, holder: Holder, task_id: str) -> sa.RowMapping:
    if not 0 < len(holder.claim_id) <= MAX_ID:
        raise Refused(422, "malformed", "claim_id")
    query = sa.select(task).where(
        task.c.tenant_id == holder.tenant,
        task.c.store_id == holder.store,
        task.c.task_id == task_id,
        task.c.kind != PAYMENT,
    )
    row = connection.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise Refused(404, Code.TASK_UNKNOWN)
    return row


def _holds(row: sa.RowMapping, holder: Holder) -> bool:
    return (row["claimed_device"], row["claim_id"]) == (holder.device, holder.claim_id)


def _taken(connection: sa.Connection, row: sa.RowMapping) -> Refused:
    """Say by whom a task is held: the till's number and the person, or that it is settled."""
    if row["state"] == SETTLED:
        return Refused(409, "claimed", "settled")
    code = device_code(connection, row["tenant_id"], row["store_id"], row["claimed_device"])
    return Refused(409, "claimed", f"{code} {row['claimed_by']}".strip())


def _write(connection: sa.Connection, row: sa.RowMapping, **values: Any) -> TaskRow:
    values["change"] = next_change(connection)
    connection.execute(
        sa.update(task)
        .where(
            task.c.tenant_id == row["tenant_id"],
            task.c.store_id == row["store_id"],
            task.c.task_id == row["task_id"],
        )
        .values(**values)
    )
    return task_row(dict(row) | values)


def _resolve_exception(connection: sa.Connection, row: sa.RowMapping, now_ms: int) -> None:
    connection.execute(
        sa.update(exception)
        .where(
            exception.c.tenant_id == row["tenant_id"],
            exception.c.store_id == row["store_id"],
            exception.c.exception_id == row["task_id"],
        )
        .values(resolved_ms=now_ms)
    )
