"""What a person of a store must see: opened here, told by the feed, claimed by one, settled by whoever
claimed it.

A claim is a row lock, so of two tablets at once exactly one gets it. Knows no provider and no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.domain import payment
from app.domain.payment import State
from app.errors import Code, RuleBroken
from app.wire.messages import News
from app.wire.tasks import (
    BELIED,
    BY_ITSELF,
    CLAIM_MINUTES,
    CLAIMED,
    CORRECTED,
    DELIVERED,
    DROPPED,
    GOODS_FOR,
    MONEY,
    OPEN,
    PARTIAL,
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
from cloud.db import payment_tables
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.rows import Rows, insert_rows, upsert
from cloud.db.tables import device, exception
from cloud.db.task_tables import task
from cloud.errors import Refused
from cloud.gateways.base import AttemptKey
from cloud.services import proofs
from cloud.services.answered import is_about_money, kept_words, read_words
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
    "words": "",
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
    TASK_CHANGED when money is of another amount by now than the person saw, 409 PROOF_OUT when money is
    said to have gone back that its till may hold a proof of, 422 for a word that makes no sense for this
    task, 403 for somebody who is no manager. What follows for records is the work of `release`.
    """
    row = _locked(connection, holder, asked.task_id)
    mine = _holds(row, holder)
    if mine and (row["state"], row["resolution"]) == (SETTLED, asked.resolution):
        return task_row(row), False
    if row["state"] == OPEN:
        _refuse_unseen(row, asked)  # a claim may have ended because more came
    if row["state"] != CLAIMED or not mine:
        raise _taken(connection, row)
    if asked.resolution not in resolutions_of(row["kind"], row["code"]):
        raise Refused(422, "malformed", "resolution")
    person = (asked.person or row["claimed_by"])[:MAX_ID]
    only_who_may(connection, holder, asked.resolution, person)
    _refuse_unseen(row, asked)
    if asked.resolution == REFUNDED:
        _refuse_refund(connection, row, holder, now_ms)
    _refuse_while_open(connection, row)
    _resolve_exception(connection, row, now_ms)
    values = {"settled_ms": now_ms, "resolution": asked.resolution, "claimed_by": person}
    words = _words_after(row, asked.resolution)
    return _write(connection, row, state=SETTLED, words=words, **values), True


def _refuse_unseen(row: sa.RowMapping, asked: TaskSettlement) -> None:
    """Return if a word is about the money that was seen when it was said. Goods go out for what was due,
    whatever came by then."""
    if row["kind"] != MONEY or asked.resolution == DELIVERED:
        return
    if asked.amount and asked.amount != row["amount"]:
        raise Refused(409, Code.TASK_CHANGED)


def _words_after(row: sa.RowMapping, word: str) -> str:
    if row["kind"] != MONEY or not is_about_money(row["code"]):
        return str(row["words"])
    words = read_words(row["words"])
    return kept_words(words.after(word, row["code"], row["amount"], int(row["detail"])))


def _refuse_while_open(connection: sa.Connection, row: sa.RowMapping) -> None:
    """Money that is too little may be followed by the rest, and then by its sale: no word settles it before
    its order has ended."""
    if (row["kind"], row["code"]) != (MONEY, PARTIAL):
        return
    columns = payment_tables.attempt.c
    state = connection.scalar(
        sa.select(columns.state).where(
            columns.tenant_id == row["tenant_id"],
            columns.store_id == row["store_id"],
            columns.attempt_id == row["task_id"],
        )
    )
    if state is not None and State(state) in payment.OPEN:
        raise Refused(409, Code.PAYMENT_ALREADY_OPEN)


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


def settle_without_claim(
    connection: sa.Connection,
    which: sa.ColumnElement[bool],
    now_ms: int,
    change: int,
    word: str = BY_ITSELF,
    **by: str,
) -> bool:
    """Settle those of some tasks that are not settled, by themselves or by a word said elsewhere; tell
    whether there were any."""
    said = {"state": SETTLED, "settled_ms": now_ms, "resolution": word, "change": change, **by}
    waiting = sa.and_(which, task.c.state != SETTLED)
    return connection.execute(sa.update(task).where(waiting).values(**said)).rowcount > 0
