"""Facts to journal bodies and back. The only place that knows both the domain and the wire."""

from __future__ import annotations

import msgspec

from app.domain.catalog import LineKind
from app.domain.commission import Commission
from app.domain.facts import Fact, PaymentStep, RefundStep
from app.domain.payment import Anomaly, PaymentState, State
from app.domain.people import GuideShare
from app.domain.pricing import Reason
from app.domain.refund import Origin, Refund, RefundLine
from app.domain.sale import Sale, SaleLine, Tender, TenderKind
from app.domain.stock import MovementKind, StockAdjustment, StockMovement
from app.domain.times import Moment, TimeQuality
from app.errors import Code, Trouble
from app.wire import refund_steps
from app.wire.bodies import (
    BODIES,
    Body,
    CommissionV1,
    GuideV1,
    MovementV1,
    PaymentStepV1,
    ReasonV1,
    RefundLineV1,
    RefundStepV1,
    RefundV1,
    SaleLineV1,
    SaleV1,
    StockAdjustmentV1,
    TenderV1,
)
from app.wire.journal import Header
from app.wire.messages import UNREADABLE

_ENCODER = msgspec.json.Encoder()
_DECODERS = {kind: msgspec.json.Decoder(shape) for kind, shape in BODIES.items()}


def encode(fact: Fact) -> tuple[str, bytes]:
    """Return (kind, body bytes) of a fact. The bytes are hashed and kept; never make them twice."""
    match fact:
        case Sale():
            return "sale", _ENCODER.encode(_sale(fact))
        case Refund():
            return "refund", _ENCODER.encode(_refund(fact))
        case StockAdjustment():
            return "stock_adjustment", _ENCODER.encode(_adjustment(fact))
        case PaymentStep():
            return "payment_step", _ENCODER.encode(_step(fact))
        case RefundStep():
            return "refund_step", _ENCODER.encode(refund_steps.written(fact))


def decode_body(kind: str, body: bytes) -> Body:
    """Read a body as its frozen shape. Raises Trouble(CLOUD_MESSAGE_INVALID)."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise Trouble(Code.CLOUD_MESSAGE_INVALID, kind=kind)
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        raise Trouble(Code.CLOUD_MESSAGE_INVALID, kind=kind, detail=str(error)[:200]) from error


def decode(header: Header, body: bytes) -> Fact:
    """Return the fact a record holds.

    Raises Trouble(CLOUD_MESSAGE_INVALID) for a kind, shape or word this version does not know.
    """
    shape = decode_body(header.kind, body)
    try:
        return _read(shape, header)
    except ValueError as error:  # a word a newer till knows
        raise Trouble(
            Code.CLOUD_MESSAGE_INVALID, kind=header.kind, detail=str(error)[:200]
        ) from error


def _read(shape: Body, header: Header) -> Fact:
    at = Moment(
        header.t_device,
        header.t_mono,
        header.boot_id,
        header.t_est_server,
        TimeQuality(header.t_quality),
    )
    match shape:
        case SaleV1():
            return _read_sale(shape, at, header.actor)
        case RefundV1():
            return _read_refund(shape, at, header.actor)
        case StockAdjustmentV1():
            return StockAdjustment(
                shape.id,
                at,
                shape.business_date,
                header.actor,
                shape.reason,
                _read_movements(shape.movements),
                shape.reference,
            )
        case PaymentStepV1():
            return _read_step(shape, at, header.actor)
        case RefundStepV1():
            return refund_steps.read(shape, at, header.actor)
        case _:
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, kind=header.kind)


def _sale(sale: Sale) -> SaleV1:
    return SaleV1(
        id=sale.sale_id,
        receipt_no=sale.receipt_no,
        business_date=sale.business_date,
        currency=sale.currency,
        total=sale.total,
        member_ref=sale.member_ref,
        reference=sale.reference,
        lines=tuple(_sale_line(line) for line in sale.lines),
        tenders=_tenders(sale.tenders),
        movements=_movements(sale.movements),
        commissions=_commissions(sale.commissions),
    )


def _sale_line(line: SaleLine) -> SaleLineV1:
    return SaleLineV1(
        no=line.line_no,
        sku=line.sku_id,
        style=line.style_no,
        name=line.name,
        name_en=line.name_en,
        colour=line.colour,
        colour_en=line.colour_en,
        colour_hex=line.colour_hex,
        size=line.size,
        category=line.category,
        drawing=line.drawing,
        kind=line.kind.value,
        quantity=line.quantity,
        unit_mills=line.unit_mills,
        gross=line.gross,
        net=line.net,
        rounded=line.rounded,
        price_version=line.price_version,
        reasons=tuple(
            ReasonV1(
                code=r.code,
                amount=r.amount,
                rate_bp=r.rate_bp,
                rule=r.rule,
                on_order=r.on_order,
                allowed_by=r.allowed_by,
            )
            for r in line.reasons
        ),
        guides=tuple(GuideV1(guide=g.guide_id, weight_bp=g.weight_bp) for g in line.guides),
    )


def _refund(refund: Refund) -> RefundV1:
    return RefundV1(
        id=refund.refund_id,
        receipt_no=refund.receipt_no,
        business_date=refund.business_date,
        currency=refund.currency,
        total=refund.total,
        reason=refund.reason,
        member_ref=refund.member_ref,
        reference=refund.reference,
        cash_reason=refund.cash_reason,
        lines=tuple(_refund_line(line) for line in refund.lines),
        tenders=_tenders(refund.tenders),
        movements=_movements(refund.movements),
        commissions=_commissions(refund.commissions),
    )


def _refund_line(line: RefundLine) -> RefundLineV1:
    return RefundLineV1(
        no=line.line_no,
        sku=line.sku_id,
        style=line.style_no,
        name=line.name,
        name_en=line.name_en,
        colour=line.colour,
        size=line.size,
        category=line.category,
        kind=line.kind.value,
        quantity=line.quantity,
        unit_mills=line.unit_mills,
        net=line.net,
        rounded=line.rounded,
        origin_sale=line.origin.sale_id if line.origin else "",
        origin_line=line.origin.line_no if line.origin else 0,
    )


def _adjustment(fact: StockAdjustment) -> StockAdjustmentV1:
    return StockAdjustmentV1(
        id=fact.adjustment_id,
        business_date=fact.business_date,
        reason=fact.reason,
        reference=fact.reference,
        movements=_movements(fact.movements),
    )


def _step(step: PaymentStep) -> PaymentStepV1:
    return PaymentStepV1(
        id=step.step_id,
        attempt=step.attempt_id,
        sale=step.sale_id,
        step=step.step,
        event=step.event,
        state=step.after.state.value,
        anomalies=tuple(sorted(a.value for a in step.after.anomalies)),
        amount=step.amount,
        received=step.received,
        currency=step.currency,
        order_hash=step.order_hash,
        provider=step.provider,
        provider_ref=step.provider_ref,
        expires_ms=step.expires_ms,
        evidence=step.evidence,
    )


def _tenders(tenders: tuple[Tender, ...]) -> tuple[TenderV1, ...]:
    return tuple(
        TenderV1(
            id=t.tender_id,
            kind=t.kind.value,
            amount=t.amount,
            given=t.given,
            change=t.change,
            attempt=t.attempt_id,
            provider=t.provider,
        )
        for t in tenders
    )


def _movements(movements: tuple[StockMovement, ...]) -> tuple[MovementV1, ...]:
    return tuple(MovementV1(sku=m.sku_id, delta=m.delta, kind=m.kind.value) for m in movements)


def _commissions(entries: tuple[Commission, ...]) -> tuple[CommissionV1, ...]:
    return tuple(
        CommissionV1(
            line=c.line_no,
            guide=c.guide_id,
            plan=c.plan_id,
            plan_version=c.plan_version,
            base=c.base,
            rate_bp=c.rate_bp,
            weight_bp=c.weight_bp,
            amount=c.amount,
        )
        for c in entries
    )


def _read_sale(body: SaleV1, at: Moment, actor: str) -> Sale:
    return Sale(
        sale_id=body.id,
        receipt_no=body.receipt_no,
        business_date=body.business_date,
        at=at,
        actor=actor,
        currency=body.currency,
        total=body.total,
        member_ref=body.member_ref,
        reference=body.reference,
        lines=tuple(_read_sale_line(line) for line in body.lines),
        tenders=_read_tenders(body.tenders),
        movements=_read_movements(body.movements),
        commissions=_read_commissions(body.commissions),
    )


def _read_sale_line(line: SaleLineV1) -> SaleLine:
    return SaleLine(
        line_no=line.no,
        sku_id=line.sku,
        style_no=line.style,
        name=line.name,
        name_en=line.name_en,
        colour=line.colour,
        colour_en=line.colour_en,
        colour_hex=line.colour_hex,
        size=line.size,
        category=line.category,
        drawing=line.drawing,
        kind=LineKind(line.kind),
        quantity=line.quantity,
        unit_mills=line.unit_mills,
        gross=line.gross,
        net=line.net,
        rounded=line.rounded,
        price_version=line.price_version,
        reasons=tuple(
            Reason(r.code, r.amount, r.rate_bp, r.rule, r.on_order, r.allowed_by)
            for r in line.reasons
        ),
        guides=tuple(GuideShare(g.guide, g.weight_bp) for g in line.guides),
    )


def _read_refund(body: RefundV1, at: Moment, actor: str) -> Refund:
    return Refund(
        refund_id=body.id,
        receipt_no=body.receipt_no,
        business_date=body.business_date,
        at=at,
        actor=actor,
        currency=body.currency,
        total=body.total,
        member_ref=body.member_ref,
        reference=body.reference,
        reason=body.reason,
        cash_reason=body.cash_reason,
        lines=tuple(_read_refund_line(line) for line in body.lines),
        tenders=_read_tenders(body.tenders),
        movements=_read_movements(body.movements),
        commissions=_read_commissions(body.commissions),
    )


def _read_refund_line(line: RefundLineV1) -> RefundLine:
    return RefundLine(
        line_no=line.no,
        origin=Origin(line.origin_sale, line.origin_line) if line.origin_sale else None,
        sku_id=line.sku,
        style_no=line.style,
        name=line.name,
        name_en=line.name_en,
        colour=line.colour,
        size=line.size,
        category=line.category,
        kind=LineKind(line.kind),
        quantity=line.quantity,
        unit_mills=line.unit_mills,
        net=line.net,
        rounded=line.rounded,
    )


def _read_step(body: PaymentStepV1, at: Moment, actor: str) -> PaymentStep:
    return PaymentStep(
        step_id=body.id,
        attempt_id=body.attempt,
        sale_id=body.sale,
        step=body.step,
        event=body.event,
        after=PaymentState(State(body.state), frozenset(Anomaly(a) for a in body.anomalies)),
        amount=body.amount,
        received=body.received,
        currency=body.currency,
        order_hash=body.order_hash,
        provider=body.provider,
        provider_ref=body.provider_ref,
        expires_ms=body.expires_ms,
        at=at,
        actor=actor,
        evidence=body.evidence,
    )


def _read_tenders(tenders: tuple[TenderV1, ...]) -> tuple[Tender, ...]:
    return tuple(
        Tender(t.id, TenderKind(t.kind), t.amount, t.given, t.change, t.attempt, t.provider)
        for t in tenders
    )


def _read_movements(movements: tuple[MovementV1, ...]) -> tuple[StockMovement, ...]:
    return tuple(StockMovement(m.sku, m.delta, MovementKind(m.kind)) for m in movements)


def _read_commissions(entries: tuple[CommissionV1, ...]) -> tuple[Commission, ...]:
    return tuple(
        Commission(
            c.line, c.guide, c.plan, c.plan_version, c.base, c.rate_bp, c.weight_bp, c.amount
        )
        for c in entries
    )
