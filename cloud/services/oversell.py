"""The last piece sold twice: finds sales that took a SKU below zero. Both sales stand; a person looks.

Looks only at SKUs that this very transaction brought below zero, so an ordinary push costs one look
into an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.bodies import RefundV1, SaleV1, StockAdjustmentV1
from app.wire.tasks import OVERSELL
from cloud.db import tables
from cloud.services.exceptions import raise_exceptions
from cloud.services.projection import Arrival, Projectable

NEWEST_MOVEMENTS = 20_000
"""So far back the other sale is looked for; a piece that two tills sold was sold not long ago."""


def note_oversold(
    connection: sa.Connection, arrival: Arrival, records: Sequence[Projectable]
) -> None:
    """Raise an exception for each sale among just projected records that made a SKU negative.

    `records` are all that moved stock in this transaction, in the order of their journal.
    """
    selling = any(isinstance(record.body, SaleV1) for record in records)
    below = _below_zero(connection, arrival) if selling else {}
    crossings = list(_crossings(records, below))
    if not crossings:
        return
    earlier = _sold_elsewhere(connection, arrival, [sku for _, sku in crossings])
    rows, others = [], {}
    for record, sku in crossings:
        exception_id = new_id()
        others[exception_id] = earlier.get(sku, "")
        rows.append(_exception(arrival, record, sku, exception_id))
    raise_exceptions(connection, rows, arrival.change, others=others)


_STOCK = tables.stock.c
_BELOW = sa.select(_STOCK.sku_id, _STOCK.quantity).where(
    _STOCK.tenant_id == sa.bindparam("tenant"),
    _STOCK.store_id == sa.bindparam("store"),
    _STOCK.change == sa.bindparam("this"),
    _STOCK.quantity < sa.literal_column("0"),  # a parameter would hide it from the index
    _STOCK.known,
)


def _below_zero(connection: sa.Connection, arrival: Arrival) -> dict[str, int]:
    """Return what is on hand now of counted SKUs that this transaction moved and that are negative."""
    asked = {"tenant": arrival.tenant, "store": arrival.store, "this": arrival.change}
    return {row.sku_id: row.quantity for row in connection.execute(_BELOW, asked)}


def _crossings(
    records: Sequence[Projectable], below: dict[str, int]
) -> Iterator[tuple[Projectable, str]]:
    """Yield (record, SKU) for each sale that took a SKU from zero or more to less."""
    if not below:
        return
    moves = [
        (record, movement.sku, movement.delta)
        for record in records
        if isinstance(record.body, SaleV1 | RefundV1 | StockAdjustmentV1)
        for movement in record.body.movements
        if movement.sku in below
    ]
    moved: dict[str, int] = defaultdict(int)
    for _, sku, delta in moves:
        moved[sku] += delta
    standing = {sku: quantity - moved[sku] for sku, quantity in below.items()}
    for record, sku, delta in moves:
        before, standing[sku] = standing[sku], standing[sku] + delta
        if before >= 0 > standing[sku] and isinstance(record.body, SaleV1):
            yield record, sku


def _sold_elsewhere(connection: sa.Connection, arrival: Arrival, skus: list[str]) -> dict[str, str]:
    """Return the receipt of the latest earlier sale of each SKU by another till of the store."""
    moved, sold = tables.stock_movement.c, tables.sale.c
    newest = (
        sa.select(moved.document_id, moved.sku_id)
        .where(moved.tenant_id == arrival.tenant, moved.store_id == arrival.store)
        .order_by(moved.document_id.desc())
        .limit(NEWEST_MOVEMENTS)
        .subquery()
    )
    rows = connection.execute(
        sa.select(newest.c.sku_id, sold.receipt_no)
        .join(tables.sale, sold.sale_id == newest.c.document_id)
        .where(
            sold.tenant_id == arrival.tenant,
            sold.store_id == arrival.store,
            sold.device_id != arrival.device,
            newest.c.sku_id.in_(skus),
        )
        .order_by(sold.received_ms, sold.sale_id)
    )
    return {row.sku_id: row.receipt_no for row in rows}


def _exception(
    arrival: Arrival, record: Projectable, sku: str, exception_id: str
) -> dict[str, Any]:
    return {
        "tenant_id": arrival.tenant,
        "store_id": arrival.store,
        "device_id": arrival.device,
        "exception_id": exception_id,
        "code": OVERSELL,
        "epoch": record.header.epoch,
        "seq": record.header.seq,
        "rec_id": record.header.rec_id,
        "detail": sku[:500],
        "created_ms": arrival.received_ms,
        "resolved_ms": 0,
    }
