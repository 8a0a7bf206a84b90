"""Turns records of a known kind into rows that can be asked: set-based, whole batches at a time.

Reads the frozen wire shapes only and copies what they say. Stock is moved by what happened here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.wire.bodies import (
    Body,
    PaymentStepV1,
    RefundLineV1,
    RefundV1,
    SaleLineV1,
    SaleV1,
    StockAdjustmentV1,
)
from app.wire.checksum import stock_mark
from app.wire.journal import Header
from cloud.db import tables
from cloud.db.rows import Rows, add_to, insert_rows

Row = dict[str, Any]


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


@dataclass(slots=True)
class _Batch:
    arrival: Arrival
    rows: dict[sa.Table, Rows] = field(default_factory=lambda: defaultdict(list))
    stock: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, table: sa.Table, **values: Any) -> None:
        values["tenant_id"], values["store_id"] = self.arrival.tenant, self.arrival.store
        self.rows[table].append(values)


def project(connection: sa.Connection, arrival: Arrival, records: Sequence[Projectable]) -> None:
    """Write the rows of all records and move stock. Raises the engine's errors; nothing is kept
    then, if the caller opened a savepoint."""
    batch = _Batch(arrival)
    for record in records:
        _collect(batch, record)
    for table, rows in batch.rows.items():
        insert_rows(connection, table, rows)
    _move_stock(connection, arrival, batch.stock)


def _collect(batch: _Batch, record: Projectable) -> None:
    match record.body:
        case SaleV1() as sale:
            _sale(batch, record.header, sale)
        case RefundV1() as refund:
            _refund(batch, record.header, refund)
        case StockAdjustmentV1() as adjustment:
            _adjustment(batch, record.header, adjustment)
        case PaymentStepV1() as step:
            _step(batch, record.header, step)


def _document(batch: _Batch, header: Header, body: SaleV1 | RefundV1) -> Row:
    return {
        "device_id": batch.arrival.device,
        "receipt_no": body.receipt_no,
        "business_date": body.business_date,
        "currency": body.currency,
        "total": body.total,
        "member_ref": body.member_ref,
        "reference": body.reference,
        "actor": header.actor,
        "at_ms": header.t_est_server,
        "t_quality": header.t_quality,
        "received_ms": batch.arrival.received_ms,
    }


def _sale(batch: _Batch, header: Header, sale: SaleV1) -> None:
    gross = sum(line.gross for line in sale.lines)
    batch.add(tables.sale, sale_id=sale.id, gross=gross, **_document(batch, header, sale))
    for line in sale.lines:
        batch.add(tables.sale_line, sale_id=sale.id, gross=line.gross, **_goods(line))
    _parts(batch, "sale", sale)


def _refund(batch: _Batch, header: Header, refund: RefundV1) -> None:
    batch.add(
        tables.refund,
        refund_id=refund.id,
        reason=refund.reason,
        **_document(batch, header, refund),
    )
    for line in refund.lines:
        batch.add(
            tables.refund_line,
            refund_id=refund.id,
            origin_sale=line.origin_sale,
            origin_line=line.origin_line,
            **_goods(line),
        )
    _parts(batch, "refund", refund)


def _goods(line: SaleLineV1 | RefundLineV1) -> Row:
    return {
        "line_no": line.no,
        "sku_id": line.sku,
        "style_no": line.style,
        "name": line.name,
        "colour": line.colour,
        "size": line.size,
        "category": line.category,
        "kind": line.kind,
        "quantity": line.quantity,
        "unit_mills": line.unit_mills,
        "net": line.net,
        "rounded": line.rounded,
    }


def _parts(batch: _Batch, document: str, body: SaleV1 | RefundV1) -> None:
    """Collect what sales and refunds have alike: tenders, movements, commission."""
    for no, tender in enumerate(body.tenders, 1):
        batch.add(
            tables.tender,
            document_id=body.id,
            no=no,
            document=document,
            tender_id=tender.id,
            kind=tender.kind,
            amount=tender.amount,
            given=tender.given,
            change=tender.change,
            attempt_id=tender.attempt,
            provider=tender.provider,
        )
    _movements(batch, body)
    for no, entry in enumerate(body.commissions, 1):
        batch.add(
            tables.commission,
            document_id=body.id,
            no=no,
            document=document,
            business_date=body.business_date,
            receipt_no=body.receipt_no,
            line_no=entry.line,
            guide_id=entry.guide,
            plan_id=entry.plan,
            plan_version=entry.plan_version,
            base=entry.base,
            rate_bp=entry.rate_bp,
            weight_bp=entry.weight_bp,
            amount=entry.amount,
        )


def _movements(batch: _Batch, body: SaleV1 | RefundV1 | StockAdjustmentV1) -> None:
    for no, movement in enumerate(body.movements, 1):
        batch.stock[movement.sku] += movement.delta
        batch.add(
            tables.stock_movement,
            document_id=body.id,
            no=no,
            sku_id=movement.sku,
            delta=movement.delta,
            kind=movement.kind,
            business_date=body.business_date,
        )


def _adjustment(batch: _Batch, header: Header, body: StockAdjustmentV1) -> None:
    batch.add(
        tables.stock_adjustment,
        adjustment_id=body.id,
        device_id=batch.arrival.device,
        business_date=body.business_date,
        reason=body.reason,
        reference=body.reference,
        actor=header.actor,
        at_ms=header.t_est_server,
        received_ms=batch.arrival.received_ms,
    )
    _movements(batch, body)


def _step(batch: _Batch, header: Header, body: PaymentStepV1) -> None:
    batch.add(
        tables.payment_step,
        step_id=body.id,
        device_id=batch.arrival.device,
        attempt_id=body.attempt,
        sale_id=body.sale,
        step=body.step,
        event=body.event,
        state=body.state,
        anomalies=" ".join(body.anomalies),
        amount=body.amount,
        received=body.received,
        currency=body.currency,
        provider=body.provider,
        provider_ref=body.provider_ref,
        order_hash=body.order_hash,
        expires_ms=body.expires_ms,
        actor=header.actor,
        at_ms=header.t_est_server,
    )


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
    marks = [stock_mark(arrival.store, sku) for sku in added]
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
