"""Facts for tests of the wire: one of each kind with no field at its default, and any at all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from app.domain.catalog import LineKind
from app.domain.commission import Commission
from app.domain.facts import Fact, PaymentStep, RefundStep
from app.domain.money_back import Back
from app.domain.payment import Anomaly, Event, PaymentState, State
from app.domain.people import GuideShare
from app.domain.pricing import Reason
from app.domain.refund import Origin, Refund, RefundLine
from app.domain.sale import Sale, SaleLine, Tender, TenderKind
from app.domain.stock import MovementKind, StockAdjustment, StockMovement
from app.domain.times import Moment, TimeQuality
from app.wire.journal import VERSION, Header
from app.wire.versions import SCHEMA

AT = Moment(1_760_000_400_000, 81_250, "boot-7f", 1_760_000_401_000, TimeQuality.ANCHORED)

SALE = Sale(
    sale_id="0199c8a0-0000-7000-8000-000000000001",
    receipt_no="SH01-A1-0-000042",
    business_date="2025-10-09",
    at=AT,
    actor="p-lin",
    currency="CNY",
    total=22_500,
    member_ref="m-1",
    reference="EXT-9",
    lines=(
        SaleLine(
            line_no=3,
            sku_id="QY-101-BK-M",
            style_no="QY-101",
            name="黑色大衣",
            name_en="Black coat",
            colour="黑色",
            colour_en="Black",
            colour_hex="#111111",
            size="170/M",
            category="coat",
            drawing="coat",
            kind=LineKind.SERVICE,
            quantity=2,
            unit_mills=12_500_500,
            gross=25_001,
            net=22_500,
            rounded=True,
            price_version=7,
            reasons=(Reason("member_tier", 2_501, 1_000, "gold", True, "p-chen"),),
            guides=(GuideShare("p-lin", 6_000), GuideShare("p-wang", 4_000)),
        ),
    ),
    tenders=(Tender("t-1", TenderKind.QR, 22_500, 23_000, 500, "a-1", "sandbox"),),
    movements=(StockMovement("QY-101-BK-M", -2, MovementKind.SALE),),
    commissions=(
        Commission(3, "p-lin", "autumn", 4, 22_500, 350, 6_000, 473),
        Commission(3, "p-wang", "autumn", 4, 22_500, 350, 4_000, 315),
    ),
)

REFUND = Refund(
    refund_id="0199c8a0-0000-7000-8000-000000000002",
    receipt_no="SH01-A1-0-000043",
    business_date="2025-10-10",
    at=AT,
    actor="p-chen",
    currency="CNY",
    total=11_250,
    member_ref="m-1",
    reference="EXT-10",
    reason="wrong_size",
    lines=(
        RefundLine(
            line_no=1,
            origin=Origin(SALE.sale_id, 3),
            sku_id="QY-101-BK-M",
            style_no="QY-101",
            name="黑色大衣",
            name_en="Black coat",
            colour="黑色",
            size="170/M",
            category="coat",
            kind=LineKind.SERVICE,
            quantity=2,
            unit_mills=12_500_500,
            net=11_250,
            rounded=True,
        ),
    ),
    tenders=(Tender("t-2", TenderKind.CASH, 11_250, 11_300, 50, "a-2", "till"),),
    movements=(StockMovement("QY-101-BK-M", 2, MovementKind.RETURN),),
    commissions=(Commission(1, "p-lin", "autumn", 4, -11_250, 350, 6_000, -237),),
    cash_reason="wish",
)

ADJUSTMENT = StockAdjustment(
    adjustment_id="0199c8a0-0000-7000-8000-000000000003",
    at=AT,
    business_date="2025-10-09",
    actor="p-chen",
    reason="damaged",
    movements=(StockMovement("QY-101-BK-M", -1, MovementKind.WRITE_OFF),),
    reference="EXT-11",
)

STEP = PaymentStep(
    step_id="0199c8a0-0000-7000-8000-000000000004",
    attempt_id="0199c8a0-0000-7000-8000-000000000005",
    sale_id=SALE.sale_id,
    step=3,
    event=Event.PAID_OVER.value,
    after=PaymentState(State.CONFIRMED, frozenset({Anomaly.OVER, Anomaly.LATE})),
    amount=22_500,
    received=45_000,
    currency="CNY",
    order_hash="00112233445566778899aabbccddeeff",
    provider="sandbox",
    provider_ref="sb-77",
    expires_ms=1_760_000_700_000,
    at=AT,
    actor="p-lin",
    evidence="GP1:6BF",
)

BACK = RefundStep(
    step_id="0199c8a0-0000-7000-8000-000000000006",
    number="0199c8a0-0000-7000-8000-000000000007",
    step=2,
    standing=Back.STUCK,
    attempt_id=STEP.attempt_id,
    sale_id=SALE.sale_id,
    refund_id=REFUND.refund_id,
    amount=11_000,
    currency="CNY",
    reason="return_size",
    business_date="2025-10-09",
    at=AT,
    actor="p-chen",
    cash=250,
    lines=((1, 2), (3, 1)),
    provider="wechat",
    ref="50-77",
    word="ABNORMAL",
)

FACTS: dict[str, Fact] = {
    "sale": SALE,
    "refund": REFUND,
    "stock_adjustment": ADJUSTMENT,
    "payment_step": STEP,
    "refund_step": BACK,
}


def header(kind: str, at: Moment, actor: str, *, rec_id: str = "r", seq: int = 1) -> Header:
    """Return the header a till would write for a fact."""
    return Header(
        v=VERSION,
        tenant="acme",
        store="SH01",
        device="SH01-A1",
        epoch="00000000000000aa",
        seq=seq,
        rec_id=rec_id,
        kind=kind,
        schema_ver=SCHEMA[kind],
        t_device=at.wall_ms,
        t_mono=at.mono_ms,
        boot_id=at.boot_id,
        t_est_server=at.server_ms,
        t_quality=at.quality.value,
        actor=actor,
    )


# --- any fact -------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
amounts = st.integers(-(10**12), 10**12)
counts = st.integers(-(10**6), 10**6)
kinds = st.sampled_from(LineKind)
moments = st.builds(
    Moment, st.integers(0, 2**45), st.integers(0, 2**45), texts, st.integers(0, 2**45),
    st.sampled_from(TimeQuality),
)  # fmt: skip
_movements = st.lists(
    st.builds(StockMovement, texts, counts, st.sampled_from(MovementKind)), max_size=2
).map(tuple)
_tenders = st.lists(
    st.builds(Tender, texts, st.sampled_from(TenderKind), amounts, amounts, amounts, texts, texts),
    max_size=2,
).map(tuple)
_commissions = st.lists(
    st.builds(Commission, counts, texts, texts, counts, amounts, counts, counts, amounts),
    max_size=2,
).map(tuple)
_reasons = st.builds(Reason, texts, amounts, counts, texts, st.booleans(), texts)
_sale_lines = st.builds(
    SaleLine,
    line_no=counts, sku_id=texts, style_no=texts, name=texts, name_en=texts, colour=texts,
    colour_en=texts, colour_hex=texts, size=texts, category=texts, drawing=texts, kind=kinds,
    quantity=counts, unit_mills=amounts, gross=amounts, net=amounts, rounded=st.booleans(),
    price_version=counts, reasons=st.lists(_reasons, max_size=2).map(tuple),
    guides=st.lists(st.builds(GuideShare, texts, counts), max_size=2).map(tuple),
)  # fmt: skip
_origins = st.none() | st.builds(Origin, texts.filter(bool), counts)
_refund_lines = st.builds(
    RefundLine,
    line_no=counts, origin=_origins, sku_id=texts, style_no=texts, name=texts, name_en=texts,
    colour=texts, size=texts, category=texts, kind=kinds, quantity=counts, unit_mills=amounts,
    net=amounts, rounded=st.booleans(),
)  # fmt: skip
_document: dict[str, Any] = {
    "receipt_no": texts, "business_date": texts, "at": moments, "actor": texts, "currency": texts,
    "total": amounts, "member_ref": texts, "reference": texts, "tenders": _tenders,
    "movements": _movements, "commissions": _commissions,
}  # fmt: skip
_states = st.builds(
    PaymentState, st.sampled_from(State), st.frozensets(st.sampled_from(Anomaly), max_size=4)
)
facts = st.one_of(
    st.builds(
        Sale, sale_id=texts, lines=st.lists(_sale_lines, max_size=2).map(tuple), **_document
    ),
    st.builds(
        Refund,
        refund_id=texts,
        reason=texts,
        lines=st.lists(_refund_lines, max_size=2).map(tuple),
        cash_reason=texts,
        **_document,
    ),
    st.builds(StockAdjustment, texts, moments, texts, texts, texts, _movements, texts),
    st.builds(
        PaymentStep,
        step_id=texts, attempt_id=texts, sale_id=texts, step=counts, event=texts, after=_states,
        amount=amounts, received=amounts, currency=texts, order_hash=texts, provider=texts,
        provider_ref=texts, expires_ms=st.integers(0, 2**45), at=moments, actor=texts,
        evidence=texts,
    ),
    st.builds(
        RefundStep,
        step_id=texts, number=texts, step=counts, standing=st.sampled_from(Back), attempt_id=texts,
        sale_id=texts, refund_id=texts, amount=amounts, currency=texts, reason=texts,
        business_date=texts, at=moments, actor=texts, cash=amounts,
        lines=st.lists(st.tuples(counts, counts), max_size=3).map(tuple), provider=texts, ref=texts,
        word=texts,
    ),
)  # fmt: skip
