"""What the shop's prices were and are: written down whenever one is published, asked when an order comes
from a till that could not ask us. Knows no order and no payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from app.wire.messages import SkuRow
from app.wire.portable import sku_mark
from cloud.db.columns import rows_of
from cloud.db.price_tables import price
from cloud.db.rows import insert_rows
from cloud.db.tables import sku

FOR_EVER = 2**62

_SKU = msgspec.json.Decoder(SkuRow)


@dataclass(frozen=True, slots=True)
class Span:
    """A price in minor units and when it was the shop's: from `since_ms` until before `until_ms`."""

    list_price: int
    since_ms: int
    until_ms: int = FOR_EVER


@dataclass(frozen=True, slots=True)
class Goods:
    """A SKU that is sold now, with every price it ever had, the oldest first."""

    row: SkuRow
    spans: tuple[Span, ...]


def note(connection: sa.Connection, tenant: str, rows: Sequence[SkuRow], now_ms: int) -> None:
    """Write down the prices of SKUs that are being published, where they are new."""
    marks = {row.sku_id: sku_mark(row.sku_id) for row in rows}
    spans = _spans(connection, tenant, set(marks.values()))
    latest = {sku_id: known[-1] for sku_id, known in spans.items()}
    news: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = latest.get(row.sku_id)
        if known is not None and known.list_price == row.list_price:
            continue
        if known is not None and known.since_ms == now_ms:
            _forget(connection, tenant, row.sku_id, now_ms)
        news[row.sku_id] = {
            "tenant_id": tenant,
            "mark": marks[row.sku_id],
            "sku_id": row.sku_id,
            "since_ms": now_ms,
            "list_price": row.list_price,
        }
    insert_rows(connection, price, list(news.values()))


def _forget(connection: sa.Connection, tenant: str, sku_id: str, since_ms: int) -> None:
    """Forget a price that was replaced within its millisecond: nobody can have asked it."""
    which = rows_of(price, tenant_id=tenant, sku_id=sku_id)
    mark = price.c.mark == sku_mark(sku_id)
    connection.execute(sa.delete(price).where(which, mark, price.c.since_ms == since_ms))


def goods_marked(
    connection: sa.Connection, tenant: str, marks: Collection[int]
) -> dict[int, list[Goods]]:
    """Return what is sold now under each mark; two SKUs may share one."""
    spans = _spans(connection, tenant, marks)
    rows = connection.execute(
        sa.select(sku.c.sku_id, sku.c.body).where(
            sku.c.tenant_id == tenant, sku.c.sku_id.in_(spans), sa.not_(sku.c.deleted)
        )
    )
    found: dict[int, list[Goods]] = defaultdict(list)
    for row in rows:
        goods = Goods(_SKU.decode(bytes(row.body)), spans[row.sku_id])
        found[sku_mark(row.sku_id)].append(goods)
    return found


def _spans(
    connection: sa.Connection, tenant: str, marks: Collection[int]
) -> dict[str, tuple[Span, ...]]:
    rows = connection.execute(
        sa.select(price.c.sku_id, price.c.since_ms, price.c.list_price)
        .where(price.c.tenant_id == tenant, price.c.mark.in_(marks))
        .order_by(price.c.sku_id, price.c.since_ms)
    )
    found: dict[str, tuple[Span, ...]] = {}
    for row in rows:
        earlier = found.get(row.sku_id, ())
        if earlier:
            last = earlier[-1]
            ended = Span(last.list_price, last.since_ms, row.since_ms)
            earlier = (*earlier[:-1], ended)
        found[row.sku_id] = (*earlier, Span(row.list_price, row.since_ms))
    return found
