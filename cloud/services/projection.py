"""Turns records of a known kind into rows that can be asked: set-based, whole batches at a time.

Reads the frozen wire shapes only and copies what they say. Stock is moved by what happened here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from app.wire.bodies import Body, PaymentStepV1, RefundStepV1, RefundV1, SaleV1, StockAdjustmentV1
from app.wire.checksum import stock_mark
from app.wire.journal import Header
from cloud.db import refund_tables, tables
from cloud.db.rows import Values, add_to, insert_values


@dataclass(frozen=True, slots=True)
class Projectable:
    """A record that is to be projected, with its body read."""

    header: Header
    body: Body


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where and when a batch came in; `change` is the number of its transaction."""

    tenant: str
    store: str
    device: str
    received_ms: int
    change: int


class _Shape:
    """How a part of a body becomes a row: the columns told from around it come first, then those read
    off its own fields. A row is a tuple, because a push of a hundred sales has two thousand."""

    def __init__(self, table: sa.Table, around: tuple[str, ...], fields: dict[str, str]) -> None:
        self.table = table
        self.columns = (*around, *fields)
        self.read: Callable[[Any], Values] = attrgetter(*fields.values())


_HEADER = {"actor": "actor", "at_ms": "t_est_server"}
_of_header = attrgetter(*_HEADER.values())
_AROUND = ("device_id", "received_ms", *_HEADER)
_DOCUMENT = {
    name: name
    for name in ("receipt_no", "business_date", "currency", "total", "member_ref", "reference")
}
_GOODS = {
    "line_no": "no",
    "sku_id": "sku",
    "style_no": "style",
    **{name: name for name in ("name", "colour", "size", "category", "kind", "quantity")},
    **{name: name for name in ("unit_mills", "net", "rounded")},
}
_SALE = _Shape(tables.sale, (*_AROUND, "t_quality", "gross"), {"sale_id": "id", **_DOCUMENT})
_REFUND = _Shape(
    tables.refund, (*_AROUND, "t_quality"), {"refund_id": "id", "reason": "reason", **_DOCUMENT}
)
_SALE_LINE = _Shape(tables.sale_line, ("sale_id",), {**_GOODS, "gross": "gross"})
_REFUND_LINE = _Shape(
    tables.refund_line,
    ("refund_id",),
    {**_GOODS, "origin_sale": "origin_sale", "origin_line": "origin_line"},
)
_TENDER = _Shape(
    tables.tender,
    ("document_id", "document", "no"),
    {
        "tender_id": "id",
        **{name: name for name in ("kind", "amount", "given", "change")},
        "attempt_id": "attempt",
        "provider": "provider",
    },
)
_MOVEMENT = _Shape(
    tables.stock_movement,
    ("document_id", "business_date", "no"),
    {"sku_id": "sku", "delta": "delta", "kind": "kind"},
)
_COMMISSION = _Shape(
    tables.commission,
    ("document_id", "document", "business_date", "receipt_no", "no"),
    {
        "line_no": "line",
        "guide_id": "guide",
        "plan_id": "plan",
        **{name: name for name in ("plan_version", "base", "rate_bp", "weight_bp", "amount")},
    },
)
_ADJUSTMENT = _Shape(
    tables.stock_adjustment,
    _AROUND,
    {"adjustment_id": "id", **{n: n for n in ("business_date", "reason", "reference")}},
)
_STEP = _Shape(
    tables.payment_step,
    ("device_id", *_HEADER, "anomalies"),
    {
        "step_id": "id",
        "attempt_id": "attempt",
        "sale_id": "sale",
        **{name: name for name in ("step", "event", "state", "amount", "received", "currency")},
        **{name: name for name in ("provider", "provider_ref", "order_hash", "expires_ms")},
    },
)
_BACK = _Shape(
    refund_tables.step,
    ("device_id", *_HEADER),
    {
        "step_id": "id",
        "attempt_id": "attempt",
        "sale_id": "sale",
        "document_id": "refund",
        **{name: name for name in ("number", "step", "standing", "amount", "cash", "currency")},
        **{name: name for name in ("business_date", "reason", "provider", "ref", "word")},
    },
)


@dataclass(slots=True)
class _Batch:
    arrival: Arrival
    rows: dict[_Shape, list[Values]] = field(default_factory=lambda: defaultdict(list))
    stock: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def around(self, header: Header) -> Values:
        """Return the values of `_AROUND`."""
        return (self.arrival.device, self.arrival.received_ms, *_of_header(header))


def project(connection: sa.Connection, arrival: Arrival, records: Sequence[Projectable]) -> None:
    """Write the rows of all records and move stock. Raises the engine's errors; nothing is kept
    then, if the caller opened a savepoint."""
    batch = _Batch(arrival)
    for record in records:
        _collect(batch, record)
    own = {"tenant_id": arrival.tenant, "store_id": arrival.store}
    for shape, rows in batch.rows.items():
        insert_values(connection, shape.table, shape.columns, rows, own)
    _move_stock(connection, arrival, batch.stock)


def _collect(batch: _Batch, record: Projectable) -> None:
    header = record.header
    match record.body:
        case SaleV1() as sale:
            gross = sum([line.gross for line in sale.lines])
            around = (*batch.around(header), header.t_quality, gross)
            batch.rows[_SALE].append((*around, *_SALE.read(sale)))
            read = _SALE_LINE.read
            batch.rows[_SALE_LINE] += [(sale.id, *read(line)) for line in sale.lines]
            _parts(batch, "sale", sale)
        case RefundV1() as refund:
            around = (*batch.around(header), header.t_quality)
            batch.rows[_REFUND].append((*around, *_REFUND.read(refund)))
            read = _REFUND_LINE.read
            batch.rows[_REFUND_LINE] += [(refund.id, *read(line)) for line in refund.lines]
            _parts(batch, "refund", refund)
        case StockAdjustmentV1() as adjustment:
            row = (*batch.around(header), *_ADJUSTMENT.read(adjustment))
            batch.rows[_ADJUSTMENT].append(row)
            _movements(batch, adjustment)
        case PaymentStepV1() as step:
            own = (batch.arrival.device, *_of_header(header), " ".join(step.anomalies))
            batch.rows[_STEP].append((*own, *_STEP.read(step)))
        case RefundStepV1() as step:
            own = (batch.arrival.device, *_of_header(header))
            batch.rows[_BACK].append((*own, *_BACK.read(step)))


def _parts(batch: _Batch, document: str, body: SaleV1 | RefundV1) -> None:
    """Collect what sales and refunds have alike: tenders, movements, commission."""
    own, read = (body.id, document), _TENDER.read
    batch.rows[_TENDER] += [(*own, no, *read(part)) for no, part in enumerate(body.tenders, 1)]
    _movements(batch, body)
    day, read = (*own, body.business_date, body.receipt_no), _COMMISSION.read
    entries = enumerate(body.commissions, 1)
    batch.rows[_COMMISSION] += [(*day, no, *read(entry)) for no, entry in entries]


def _movements(batch: _Batch, body: SaleV1 | RefundV1 | StockAdjustmentV1) -> None:
    own, read, stock = (body.id, body.business_date), _MOVEMENT.read, batch.stock
    for movement in body.movements:
        stock[movement.sku] += movement.delta
    movements = enumerate(body.movements, 1)
    batch.rows[_MOVEMENT] += [(*own, no, *read(movement)) for no, movement in movements]


_mark_of = lru_cache(maxsize=50_000)(stock_mark)
"""The weight of a SKU's figure never changes, and a shop sells the same ones all day."""


def _move_stock(connection: sa.Connection, arrival: Arrival, moved: dict[str, int]) -> None:
    """Add movements to what is on hand; SKUs in order, so that two batches cannot deadlock."""
    if not moved:
        return
    new = {
        "tenant_id": arrival.tenant,
        "store_id": arrival.store,
        "as_of_ms": arrival.received_ms,
        "change": arrival.change,
    }
    added = dict(sorted(moved.items()))
    marks = [_mark_of(arrival.store, sku) for sku in added]
    # Known is only what began with goods, counted or received, and not with a sale.
    add_to(
        connection,
        tables.stock,
        "sku_id",
        "quantity",
        added,
        new,
        made={"mark": marks},
        rising="known",
    )


def tell_stock_again(
    connection: sa.Connection, arrival: Arrival, document_ids: Sequence[str]
) -> None:
    """Let the feed name the figures once more that these documents moved when they first came.

    Their till has counted them on top of what it was told, and hears only with the next figure that
    they were in it.
    """
    moved, stock = tables.stock_movement.c, tables.stock.c
    skus: Sequence[str] = connection.scalars(
        sa.select(moved.sku_id)
        .where(
            moved.tenant_id == arrival.tenant,
            moved.store_id == arrival.store,
            moved.document_id.in_(document_ids),
        )
        .distinct()
    ).all()
    connection.execute(
        sa.update(tables.stock)
        .where(
            stock.tenant_id == arrival.tenant,
            stock.store_id == arrival.store,
            stock.sku_id.in_(skus),
        )
        .values(change=arrival.change)
    )


def over_refunded(
    connection: sa.Connection, arrival: Arrival, records: Sequence[Projectable]
) -> set[str]:
    """Return the ids of refunds in the batch that touch a sold line of which more has now come back,
    in pieces or money, than was sold. Lines whose sale has not arrived yet are not judged."""
    touched: dict[tuple[str, int], set[str]] = defaultdict(set)
    for record in records:
        if isinstance(record.body, RefundV1):
            for line in record.body.lines:
                if line.origin_sale:
                    touched[(line.origin_sale, line.origin_line)].add(record.body.id)
    if not touched:
        return set()
    back, sold = tables.refund_line.c, tables.sale_line.c
    own = (back.tenant_id == arrival.tenant) & (back.store_id == arrival.store)
    over = connection.execute(
        sa.select(back.origin_sale, back.origin_line)
        .join(
            tables.sale_line,
            (sold.tenant_id == back.tenant_id)
            & (sold.store_id == back.store_id)
            & (sold.sale_id == back.origin_sale)
            & (sold.line_no == back.origin_line),
        )
        .where(own, sa.tuple_(back.origin_sale, back.origin_line).in_(list(touched)))
        .group_by(back.origin_sale, back.origin_line, sold.quantity, sold.net)
        .having((sa.func.sum(back.quantity) > sold.quantity) | (sa.func.sum(back.net) > sold.net))
    ).all()
    return {refund for row in over for refund in touched[(row.origin_sale, row.origin_line)]}
