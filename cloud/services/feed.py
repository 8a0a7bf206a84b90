"""Serves the reference streams by cursor, and takes in what tills are to be told.

A page holds whole rows in the order of their change; the cursor after it is opaque to tills. Stock
comes with the record of the asking device up to which its figures count.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from app.errors import Code, RuleBroken
from app.wire.checksum import row_sum, stock_mark
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
from app.wire.shop_bounds import out_of_bounds
from app.wire.tokens import b64, unb64
from cloud.db.feed import NO_FENCE, fence, is_beyond, next_change
from cloud.db.rows import upsert
from cloud.db.state import feed_generation, horizon
from cloud.db.tables import config, device_epoch, journal, person, sku, stock
from cloud.errors import Refused
from cloud.services import prices
from cloud.services.marks import own
from cloud.services.streams import Stream, checksum, stream_of
from cloud.services.tokens import DevicePrincipal

MAX_PAGE = 2_000
BATCH = 2_000
SHOP = "shop"
"""The key of the one row of the stream `config`."""
_encode = msgspec.json.Encoder().encode


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a till stands in a feed: after this row of this change, in this generation.

    `begun_ms` is when it began to follow; what was forgotten by then it never held, and all else it is
    told of for ever, however long it stays away. 0 in cursors that do not know.
    """

    generation: int
    change: int = -1
    key: list[str] = []
    begun_ms: int = 0

    def text(self) -> str:
        """Return the cursor as a till keeps it."""
        return b64(_encode(self))


def read_cursor(connection: sa.Connection, text: str, stream: Stream, *, now_ms: int) -> Cursor:
    """Read a till's cursor, "" for the beginning, which is now.

    Raises Refused 422, and 410 when it is void: of another generation, of changes that a restored cloud
    knows nothing of, or so old that tombstones after it are gone already.
    """
    generation, keys = feed_generation(connection), len(stream.keys)
    if not text:
        return Cursor(generation, -1, [""] * keys, now_ms)
    try:
        cursor = msgspec.json.decode(unb64(text), type=Cursor)
    except (ValueError, *UNREADABLE) as error:
        raise Refused(422, "malformed", "cursor") from error
    if cursor.generation != generation:
        raise Refused(410, "start_over")
    known = len(cursor.key) == keys and -1 <= cursor.change < 2**63
    if not known or not 0 <= cursor.begun_ms < 2**62 or any("\0" in part for part in cursor.key):
        raise Refused(422, "malformed", "cursor")
    lost = is_beyond(connection, cursor.change)
    if lost or (cursor.change, cursor.key) < horizon(connection, stream.name):
        raise Refused(410, "start_over")
    return cursor


def page_of(
    connection: sa.Connection,
    stream: Stream,
    asking: DevicePrincipal,
    cursor: Cursor,
    limit: int,
) -> tuple[list[sa.Row[Any]], Cursor, bool]:
    """Return (rows, cursor after them, whether there are more) of a feed."""
    size = max(1, min(limit, MAX_PAGE))
    change, keys = stream.table.c.change, stream.keys
    query = (
        sa.select(stream.table)
        .where(
            *stream.rows_for(asking, cursor.begun_ms),
            sa.tuple_(change, *keys) > sa.tuple_(cursor.change, *cursor.key),
            change < fence(connection, stream.table),
        )
        .order_by(change, *keys)
        .limit(size + 1)
    )
    rows = connection.execute(stream.spread(query)).all()
    page = list(rows[:size])
    if page:
        last = page[-1]._mapping
        place = [last[key] for key in keys]
        cursor = Cursor(cursor.generation, last[change], place, cursor.begun_ms)
    return page, cursor, len(rows) > size


def checked(
    connection: sa.Connection,
    stream: Stream,
    asking: DevicePrincipal,
    *,
    more: bool,
    now_ms: int,
) -> str:
    """Return the checksum of a stream after its last page, "" before and while it cannot be told.

    A row behind the fence has replaced one that a till still holds, and nobody knows its sum any more.
    """
    if more or stream.row_sum is None:
        return ""
    change = stream.table.c.change
    hidden = (
        sa.select(change)
        .where(*stream.rows_for(asking, now_ms), change >= fence(connection, stream.table))
        .limit(1)
    )
    if connection.execute(stream.spread(hidden)).first() is not None:
        return ""
    return checksum(connection, stream, asking, now_ms=now_ms)


def pull(
    connection: sa.Connection,
    asking: DevicePrincipal,
    name: str,
    cursor: str,
    limit: int,
    *,
    now_ms: int,
    check: bool = False,
    epoch: str = "",
) -> PullAnswer:
    """Return the next page of a reference stream; `epoch` is the one the till's journal is in, as far as
    it says so. Raises Refused 404, 410 and 422."""
    if name not in STREAMS:
        raise Refused(404, Code.CLOUD_REFUSED, f"stream {name[:40]!r}")
    stream = stream_of(name)
    start = read_cursor(connection, cursor, stream, now_ms=now_ms)
    rows, after, more = page_of(connection, stream, asking, start, limit)
    epoch, seq = counted(connection, asking, epoch) if name == "stock" else ("", 0)
    return PullAnswer(
        stream=name,
        rows=[_row(stream, row) for row in rows],
        cursor=after.text(),
        more=more,
        feed_generation=start.generation,
        server_ms=now_ms,
        applied_epoch=epoch,
        applied_seq=seq,
        checksum=checked(connection, stream, asking, more=more, now_ms=now_ms) if check else "",
    )


def _row(stream: Stream, row: sa.Row[Any]) -> Row:
    if stream.leaves_tombstones and row.deleted:
        return Row(key=stream.key_of(row), deleted=True)
    return Row(key=stream.key_of(row), body=msgspec.Raw(stream.body_of(row)))


def counted(
    connection: sa.Connection, asking: DevicePrincipal, named: str = "", *, fenced: bool = True
) -> tuple[str, int]:
    """Return (epoch, seq) of the device's newest record that the visible figures count.

    In the epoch the till named, for its copies may be in newer ones it knows nothing of; without a known
    one, in the newest. `fenced` is for figures that a feed shows; whoever reads all that is committed
    sees it counted.
    """
    marks = device_epoch.c
    epochs: Sequence[str] = connection.scalars(
        sa.select(marks.epoch).where(own(marks, asking)).order_by(marks.ordinal.desc())
    ).all()
    visible = fence(connection, journal) if fenced else NO_FENCE
    for epoch in [named] if named in epochs else epochs:
        seq: int | None = connection.scalar(
            sa.select(journal.c.seq)
            .where(own(journal.c, asking), journal.c.epoch == epoch, journal.c.change < visible)
            .order_by(journal.c.seq.desc())
            .limit(1)
        )
        if seq is not None or epoch == named:
            return epoch, seq or 0
    return "", 0


# --- what tills are to be told --------------------------------------------------------------------


def put_skus(
    connection: sa.Connection,
    tenant_id: str,
    rows: Iterable[SkuRow],
    *,
    now_ms: int | None = None,
) -> int:
    """Publish SKUs, replacing those with the same id; returns how many. Their prices count from
    `now_ms` on, by the wall clock if it is not said."""
    change, rows = next_change(connection), list(rows)
    since_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    for start in range(0, len(rows), BATCH):
        prices.note(connection, tenant_id, rows[start : start + BATCH], since_ms)
    return _put(
        connection,
        sku,
        (
            {
                "tenant_id": tenant_id,
                "sku_id": row.sku_id,
                "style_no": row.style_no,
                "gtin": row.gtin,
                **_told(row.sku_id, _encode(row), change),
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
                **_told(row.person_id, _encode(row), change),
            }
            for row in rows
        ),
    )


def put_config(connection: sa.Connection, tenant_id: str, row: ConfigRow) -> None:
    """Publish what a till needs to know about the shop. Raises RuleBroken(CONFIG_INVALID), naming what
    makes no sense, before anything is written."""
    wrong = ", ".join(out_of_bounds(row))
    if wrong:
        raise RuleBroken(Code.CONFIG_INVALID, field=wrong)
    values = {
        "tenant_id": tenant_id,
        "name": SHOP,
        **_told(SHOP, _encode(row), next_change(connection)),
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
                "mark": stock_mark(row.store, row.sku_id),
                "known": True,
                "change": change,
            }
            for row in rows
        ),
    )


def drop_skus(
    connection: sa.Connection, tenant_id: str, sku_ids: Iterable[str], *, now_ms: int
) -> int:
    """Take SKUs out of the shop; returns how many were there. Tills are told for ninety days."""
    return _drop(connection, sku, sku.c.sku_id, tenant_id, sku_ids, now_ms)


def drop_people(
    connection: sa.Connection, tenant_id: str, person_ids: Iterable[str], *, now_ms: int
) -> int:
    """Take people off every till; returns how many were there."""
    return _drop(connection, person, person.c.person_id, tenant_id, person_ids, now_ms)


def _drop(
    connection: sa.Connection,
    table: sa.Table,
    key: sa.Column[str],
    tenant_id: str,
    keys: Iterable[str],
    now_ms: int,
) -> int:
    change, wanted, count = next_change(connection), list(keys), 0
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        done = connection.execute(
            sa.update(table)
            .where(table.c.tenant_id == tenant_id, key.in_(some), sa.not_(table.c.deleted))
            .values(body=b"", row_sum=0, deleted=True, deleted_ms=now_ms, change=change)
        )
        count += done.rowcount
    return count


def _told(key: str, body: bytes, change: int) -> dict[str, Any]:
    return {
        "body": body,
        "row_sum": row_sum(key, body),
        "deleted": False,
        "deleted_ms": 0,
        "change": change,
    }


def _put(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> int:
    count, batch = 0, []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            upsert(connection, table, batch)
            count, batch = count + len(batch), []
    upsert(connection, table, batch)
    return count + len(batch)
