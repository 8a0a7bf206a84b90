"""Serves the reference streams by cursor, and takes in what tills are to be told.

A page holds whole rows in the order of their change; the cursor after it is opaque to tills. Stock
comes with the record of the asking device up to which its figures count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from app.errors import Code
from app.wire.messages import (
    STREAMS,
    UNREADABLE,
    ConfigRow,
    PersonRow,
    PullAnswer,
    Row,
    SkuRow,
    StockRow,
)
from app.wire.tasks import KEPT_DAYS, SETTLED
from app.wire.tokens import b64, unb64
from cloud.db.distribution import across
from cloud.db.feed import fence, next_change
from cloud.db.rows import upsert
from cloud.db.state import feed_generation
from cloud.db.tables import config, device_epoch, journal, person, sku, stock
from cloud.db.task_tables import task
from cloud.errors import Refused
from cloud.services.tasks import task_row
from cloud.services.tokens import DevicePrincipal

MAX_PAGE = 2_000
BATCH = 2_000
DAY_MS = 86_400_000
_encode = msgspec.json.Encoder().encode


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a till stands in a feed: after this row of this change, in this generation."""

    generation: int
    change: int = -1
    key: list[str] = []

    def text(self) -> str:
        """Return the cursor as a till keeps it."""
        return b64(_encode(self))


def read_cursor(text: str, generation: int, keys: int) -> Cursor:
    """Read a till's cursor, "" for the beginning. Raises Refused 422, and 410 when it is void."""
    if not text:
        return Cursor(generation, -1, [""] * keys)
    try:
        cursor = msgspec.json.decode(unb64(text), type=Cursor)
    except (ValueError, *UNREADABLE) as error:
        raise Refused(422, "malformed", "cursor") from error
    if cursor.generation != generation:
        raise Refused(410, "start_over")
    known = len(cursor.key) == keys and -1 <= cursor.change < 2**63
    if not known or any("\0" in part for part in cursor.key):
        raise Refused(422, "malformed", "cursor")
    return cursor


def page_of(
    connection: sa.Connection,
    query: sa.Select[Any],
    change: sa.Column[int],
    keys: list[sa.Column[str]],
    cursor: Cursor,
    limit: int,
) -> tuple[list[sa.Row[Any]], Cursor, bool]:
    """Return (rows, cursor after them, whether there are more) of a feed's query."""
    size = max(1, min(limit, MAX_PAGE))
    position = (cursor.change, *cursor.key)
    rows = connection.execute(
        query.where(
            sa.tuple_(change, *keys) > sa.tuple_(*position),
            change < fence(connection, change.table),
        )
        .order_by(change, *keys)
        .limit(size + 1)
    ).all()
    page = list(rows[:size])
    if page:
        last = page[-1]._mapping
        cursor = Cursor(cursor.generation, last[change], [last[key] for key in keys])
    return page, cursor, len(rows) > size


def pull(
    connection: sa.Connection,
    asking: DevicePrincipal,
    stream: str,
    cursor: str,
    limit: int,
    *,
    now_ms: int,
) -> PullAnswer:
    """Return the next page of a stream. Raises Refused 404, 410 and 422."""
    if stream not in STREAMS:
        raise Refused(404, Code.CLOUD_REFUSED, f"stream {stream[:40]!r}")
    table, keys = _SOURCES[stream]
    query = sa.select(table).where(table.c.tenant_id == asking.tenant)
    if stream == "people":
        query = query.where(table.c.store_id.in_(("", asking.store)))
    elif stream == "tasks":
        query = query.where(_of_today(asking, now_ms))
    elif stream == "stock":
        query = across(query, "brand stock")
    generation = feed_generation(connection)
    start = read_cursor(cursor, generation, len(keys))
    rows, after, more = page_of(connection, query, table.c.change, keys, start, limit)
    epoch, seq = _counted(connection, asking) if stream == "stock" else ("", 0)
    return PullAnswer(
        stream=stream,
        rows=[_read_as(stream)(row) for row in rows],
        cursor=after.text(),
        more=more,
        feed_generation=generation,
        server_ms=now_ms,
        applied_epoch=epoch,
        applied_seq=seq,
    )


def _of_today(asking: DevicePrincipal, now_ms: int) -> sa.ColumnElement[bool]:
    """Tasks of the asking till's own store; what was settled long ago is no till's business."""
    forgotten = (
        (task.c.kind == kind) & (task.c.settled_ms <= now_ms - days * DAY_MS)
        for kind, days in KEPT_DAYS.items()
    )
    return sa.and_(
        task.c.store_id == asking.store,
        sa.or_(task.c.state != SETTLED, ~sa.or_(*forgotten)),
    )


_SOURCES: dict[str, tuple[sa.Table, list[sa.Column[str]]]] = {
    "config": (config, [config.c.name]),
    "people": (person, [person.c.person_id]),
    "catalog": (sku, [sku.c.sku_id]),
    "stock": (stock, [stock.c.store_id, stock.c.sku_id]),
    "tasks": (task, [task.c.task_id]),
}


def _read_as(stream: str) -> Callable[[sa.Row[Any]], Row]:
    """Return what makes rows of a stream's table into rows that travel."""
    match stream:
        case "stock":
            return _stock_row
        case "tasks":
            return _task_row
        case _:
            (key,) = _SOURCES[stream][1]
            return lambda row: _row(row, key)


def _row(row: sa.Row[Any], key: sa.Column[str]) -> Row:
    values = row._mapping
    if row.deleted:
        return Row(key=values[key], deleted=True)
    return Row(key=values[key], body=msgspec.Raw(row.body))


def _task_row(row: sa.Row[Any]) -> Row:
    return Row(key=row.task_id, body=msgspec.Raw(_encode(task_row(row._mapping))))


def _stock_row(row: sa.Row[Any]) -> Row:
    body = StockRow(
        store=row.store_id, sku_id=row.sku_id, quantity=row.quantity, as_of_ms=row.as_of_ms
    )
    return Row(key=f"{row.store_id}/{row.sku_id}", body=msgspec.Raw(_encode(body)))


def _counted(connection: sa.Connection, asking: DevicePrincipal) -> tuple[str, int]:
    """Return (epoch, seq) of the device's newest record that the visible figures count."""
    marks = device_epoch.c
    epochs: Sequence[str] = connection.scalars(
        sa.select(marks.epoch)
        .where(
            marks.tenant_id == asking.tenant,
            marks.store_id == asking.store,
            marks.device_id == asking.device,
        )
        .order_by(marks.ordinal.desc())
    ).all()
    visible = fence(connection, journal)
    for epoch in epochs:
        seq: int | None = connection.scalar(
            sa.select(journal.c.seq)
            .where(
                journal.c.tenant_id == asking.tenant,
                journal.c.store_id == asking.store,
                journal.c.device_id == asking.device,
                journal.c.epoch == epoch,
                journal.c.change < visible,
            )
            .order_by(journal.c.seq.desc())
            .limit(1)
        )
        if seq is not None:
            return epoch, seq
    return "", 0


# --- what tills are to be told --------------------------------------------------------------------


def put_skus(connection: sa.Connection, tenant_id: str, rows: Iterable[SkuRow]) -> int:
    """Publish SKUs, replacing those with the same id; returns how many."""
    change = next_change(connection)
    return _put(
        connection,
        sku,
        (
            {
                "tenant_id": tenant_id,
                "sku_id": row.sku_id,
                "style_no": row.style_no,
                "gtin": row.gtin,
                "body": _encode(row),
                "deleted": False,
                "change": change,
            }
            for row in rows
        ),
    )


def put_people(
    connection: sa.Connection, tenant_id: str, rows: Iterable[PersonRow], store_id: str = ""
) -> int:
    """Publish people to one store, or to all of the tenant; returns how many."""
    change = next_change(connection)
    return _put(
        connection,
        person,
        (
            {
                "tenant_id": tenant_id,
                "person_id": row.person_id,
                "store_id": store_id,
                "body": _encode(row),
                "deleted": False,
                "change": change,
            }
            for row in rows
        ),
    )


def put_config(connection: sa.Connection, tenant_id: str, row: ConfigRow) -> None:
    """Publish what a till needs to know about the shop."""
    values = {
        "tenant_id": tenant_id,
        "name": "shop",
        "body": _encode(row),
        "deleted": False,
        "change": next_change(connection),
    }
    _put(connection, config, [values])


def put_stock(connection: sa.Connection, tenant_id: str, rows: Iterable[StockRow]) -> int:
    """Set counted stock; returns how many rows. Movements received later are added to it."""
    change = next_change(connection)
    return _put(
        connection,
        stock,
        (
            {
                "tenant_id": tenant_id,
                "store_id": row.store,
                "sku_id": row.sku_id,
                "quantity": row.quantity,
                "as_of_ms": row.as_of_ms,
                "known": True,
                "change": change,
            }
            for row in rows
        ),
    )


def _put(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> int:
    count, batch = 0, []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            upsert(connection, table, batch)
            count, batch = count + len(batch), []
    upsert(connection, table, batch)
    return count + len(batch)
