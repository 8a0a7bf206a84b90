"""Reference written: shop, people, catalogue and stock, by page with its cursor. Never edited here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.errors import Code, Trouble
from app.ports import SnapshotPiece
from app.wire.checksum import row_sum, stock_mark, stock_sum
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
from app.wire.shop_bounds import LEASE_DAYS, out_of_bounds, within_bounds
from app.wire.tasks import TaskRow
from offline_store import device, feeds, member_lease, stock, styles, tasks
from offline_store.identity import Epoch, all_epochs

if TYPE_CHECKING:
    from sqlite3 import Connection

log = logging.getLogger(__name__)

_ENCODER = msgspec.json.Encoder()
_PERSON = (
    "INSERT INTO person (person_id, name, name_en, role, pin_hash, active)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (person_id) DO UPDATE SET name = excluded.name,"
    " name_en = excluded.name_en, role = excluded.role, pin_hash = excluded.pin_hash,"
    " active = excluded.active"
)
_SHOP = "shop"
T = TypeVar("T")


def put_config(connection: Connection, config: ConfigRow) -> None:
    """Replace the shop's document. What makes no sense in it stays as it was."""
    wrong = ", ".join(out_of_bounds(config))
    if wrong:
        log.warning("settings of the shop that make no sense are left as they were: %s", wrong)
        config = within_bounds(config, read_config(connection))
    connection.execute(
        "INSERT OR REPLACE INTO config VALUES (?, ?)", (_SHOP, _ENCODER.encode(config))
    )


def read_config(connection: Connection) -> ConfigRow | None:
    """Return the shop's document, None before the first one came."""
    row = connection.execute("SELECT body FROM config WHERE key = ?", (_SHOP,)).fetchone()
    return msgspec.json.decode(row[0], type=ConfigRow) if row else None


def lease_days(connection: Connection) -> int:
    """Return how long members may be kept that this till has not heard of."""
    config = read_config(connection)
    days = config.member_lease_days if config else member_lease.DEFAULT_DAYS
    return days if days in LEASE_DAYS else member_lease.DEFAULT_DAYS  # kept by an older version


def put_people(connection: Connection, rows: Sequence[PersonRow]) -> None:
    """Write people; failed sign-ins at this till are not forgotten by it."""
    connection.executemany(
        _PERSON, [(r.person_id, r.name, r.name_en, r.role, r.pin, r.active) for r in rows]
    )


def apply_page(connection: Connection, page: PullAnswer, epoch: Epoch) -> None:
    """Apply one page and its cursor. A stream this version does not know only moves no cursor.

    Raises Trouble(CLOUD_MESSAGE_INVALID) for a row that is not what its stream promises; then the
    caller's transaction must not commit.
    """
    if page.stream not in STREAMS:
        return
    if page.stream == "tasks":
        told = _decoded(page.stream, [row for row in page.rows if not row.deleted], TaskRow)
        gone = [row.key for row in page.rows if row.deleted]
        tasks.apply(connection, told, gone, page.feed_generation, page.server_ms)
    else:
        counted = _counted(connection, page.applied_epoch, page.applied_seq, epoch)
        _apply(connection, page.stream, page.rows, epoch.chain.store, counted)
    device.set_cursor(connection, page.stream, page.cursor)


def apply_snapshot(connection: Connection, piece: SnapshotPiece, epoch: Epoch) -> None:
    """Apply rows of a snapshot. Raises what `apply_page` raises."""
    counted = _counted(connection, piece.applied_epoch, piece.applied_seq, epoch)
    _apply(connection, piece.stream, piece.rows, epoch.chain.store, counted)


def drop(connection: Connection, stream: str, keys: Sequence[str], own: str) -> None:
    """Take rows of a stream away by their keys."""
    match stream:
        case "config":
            connection.executemany("DELETE FROM config WHERE key = ?", [(key,) for key in keys])
        case "people":
            connection.executemany("DELETE FROM person WHERE person_id = ?", [(k,) for k in keys])
        case "catalog":
            styles.drop(connection, keys, own)
        case "stock":
            for key in keys:  # "store/sku"
                store_id, _, sku_id = key.partition("/")
                stock.drop(connection, store_id, sku_id, own)
    feeds.note(connection, stream, {}, keys)


def _apply(
    connection: Connection, stream: str, rows: Sequence[Row], own: str, counted: int
) -> None:
    there = [row for row in rows if not row.deleted]
    sums = {}
    match stream:
        case "config":
            for config in _decoded(stream, there, ConfigRow):
                put_config(connection, config)
        case "people":
            put_people(connection, _decoded(stream, there, PersonRow))
        case "catalog":
            styles.put(connection, _decoded(stream, there, SkuRow), own)
        case "stock":
            figures = _decoded(stream, there, StockRow)
            stock.put(connection, figures, own, counted)
            sums = {
                row.key: stock_sum(
                    stock_mark(each.store, each.sku_id), each.quantity, each.as_of_ms
                )
                for row, each in zip(there, figures, strict=True)
            }
    sums = sums or {row.key: row_sum(row.key, bytes(row.body)) for row in there}
    feeds.note(connection, stream, sums)
    gone = [row.key for row in rows if row.deleted]
    if gone:
        drop(connection, stream, gone, own)


def _counted(connection: Connection, applied_epoch: str, applied_seq: int, epoch: Epoch) -> int:
    """Return the last fact the figures count. For an epoch this file does not know, that is whatever
    was journalled before the current one began.

    After a fork the cloud may count others' records under the numbers of ours, or ours under others'. What
    we send again makes it tell those figures anew, and that page puts ours right.
    """
    for each in all_epochs(connection):
        if each.epoch == applied_epoch:
            return each.facts_up_to(applied_seq)
    return epoch.facts_up_to(0)


def _decoded(stream: str, rows: Sequence[Row], shape: type[T]) -> list[T]:
    read = msgspec.json.Decoder(shape).decode
    found = []
    for row in rows:
        try:
            found.append(read(row.body))
        except UNREADABLE as error:
            raise Trouble(
                Code.CLOUD_MESSAGE_INVALID, stream=stream, key=row.key, detail=str(error)
            ) from error
    return found
