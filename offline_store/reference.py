"""Reference written: shop, people, catalogue and stock, by page with its cursor. Never edited here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.errors import Code, Trouble
from app.wire.messages import UNREADABLE, ConfigRow, PersonRow, PullAnswer, Row, SkuRow, StockRow
from app.wire.tasks import TaskRow
from offline_store import device, member_lease, stock, styles, tasks
from offline_store.identity import Epoch, all_epochs

if TYPE_CHECKING:
    from sqlite3 import Connection

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
    """Replace the shop's document."""
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
    return config.member_lease_days if config else member_lease.DEFAULT_DAYS


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
    own = epoch.chain.store
    gone = [row.key for row in page.rows if row.deleted]
    match page.stream:
        case "config":
            for config in _rows(page, ConfigRow):
                put_config(connection, config)
        case "people":
            put_people(connection, _rows(page, PersonRow))
            connection.executemany("DELETE FROM person WHERE person_id = ?", [(k,) for k in gone])
        case "catalog":
            styles.put(connection, _rows(page, SkuRow), own)
            styles.drop(connection, gone, own)
        case "stock":
            counted = _counted(connection, page, epoch)
            stock.put(connection, _rows(page, StockRow), own, counted)
            for key in gone:  # "store/sku"
                store_id, _, sku_id = key.partition("/")
                stock.drop(connection, store_id, sku_id, own)
        case "tasks":
            told = _rows(page, TaskRow)
            tasks.apply(connection, told, gone, page.feed_generation, page.server_ms)
        case _:
            return
    device.set_cursor(connection, page.stream, page.cursor)


def _counted(connection: Connection, page: PullAnswer, epoch: Epoch) -> int:
    """Return the last fact the page's figures count. For an epoch this file does not know, that is
    whatever was journalled before the current one began.

    After a fork the cloud may count others' records under the numbers of ours. What we send again then
    changes its figures, and the page that follows puts ours right.
    """
    for each in all_epochs(connection):
        if each.epoch == page.applied_epoch:
            return each.facts_up_to(page.applied_seq)
    return epoch.facts_up_to(0)


def _rows(page: PullAnswer, shape: type[T]) -> list[T]:
    return [_decoded(page.stream, row, shape) for row in page.rows if not row.deleted]


def _decoded(stream: str, row: Row, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(row.body, type=shape)
    except UNREADABLE as error:
        raise Trouble(
            Code.CLOUD_MESSAGE_INVALID, stream=stream, key=row.key, detail=str(error)
        ) from error
