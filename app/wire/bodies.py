"""Frozen shapes of journal bodies. They never follow the domain: the cloud reads sales made by every
till ever shipped. Add fields with defaults; a changed meaning is a new kind.

Amounts are minor units, unit prices mills, times Unix milliseconds. No names of customers, no notes.
"""

from __future__ import annotations

import msgspec


class Body(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of all bodies: fields at their default are left out."""


class ReasonV1(Body, frozen=True, kw_only=True):
    code: str
    amount: int
    rate_bp: int = 0
    rule: str = ""
    on_order: bool = False
    allowed_by: str = ""


class GuideV1(Body, frozen=True, kw_only=True):
    guide: str
    weight_bp: int = 10_000


class SaleLineV1(Body, frozen=True, kw_only=True):
    no: int
    sku: str
    style: str = ""
    name: str = ""
    name_en: str = ""
    colour: str = ""
    colour_en: str = ""
    colour_hex: str = ""
    size: str = ""
    category: str = ""
    drawing: str = ""
    kind: str = "goods"
    quantity: int = 1
    unit_mills: int = 0
    gross: int = 0
    net: int = 0
    rounded: bool = False
    price_version: int = 1
    reasons: tuple[ReasonV1, ...] = ()
    guides: tuple[GuideV1, ...] = ()


class TenderV1(Body, frozen=True, kw_only=True):
    id: str
    kind: str
    amount: int
    given: int = 0
    change: int = 0
    attempt: str = ""
    provider: str = ""


class MovementV1(Body, frozen=True, kw_only=True):
    sku: str
    delta: int
    kind: str


class CommissionV1(Body, frozen=True, kw_only=True):
    line: int
    guide: str
    plan: str
    plan_version: int
    base: int
    rate_bp: int
    amount: int
    weight_bp: int = 10_000


class SaleV1(Body, frozen=True, kw_only=True):
    id: str
    receipt_no: str
    business_date: str
    currency: str
    total: int
    member_ref: str = ""
    reference: str = ""
    lines: tuple[SaleLineV1, ...] = ()
    tenders: tuple[TenderV1, ...] = ()
    movements: tuple[MovementV1, ...] = ()
    commissions: tuple[CommissionV1, ...] = ()


class RefundLineV1(Body, frozen=True, kw_only=True):
    no: int
    sku: str
    style: str = ""
    name: str = ""
    name_en: str = ""
    colour: str = ""
    size: str = ""
    category: str = ""
    kind: str = "goods"
    quantity: int = 1
    unit_mills: int = 0
    net: int = 0
    rounded: bool = False
    origin_sale: str = ""
    origin_line: int = 0


class RefundV1(Body, frozen=True, kw_only=True):
    id: str
    receipt_no: str
    business_date: str
    currency: str
    total: int
    reason: str
    member_ref: str = ""
    reference: str = ""
    cash_reason: str = ""
    lines: tuple[RefundLineV1, ...] = ()
    tenders: tuple[TenderV1, ...] = ()
    movements: tuple[MovementV1, ...] = ()
    commissions: tuple[CommissionV1, ...] = ()


class StockAdjustmentV1(Body, frozen=True, kw_only=True):
    id: str
    business_date: str
    reason: str
    reference: str = ""
    movements: tuple[MovementV1, ...] = ()


class PaymentStepV1(Body, frozen=True, kw_only=True):
    id: str
    attempt: str
    sale: str
    step: int
    state: str
    amount: int
    currency: str
    event: str = ""
    anomalies: tuple[str, ...] = ()
    received: int = 0
    order_hash: str = ""
    provider: str = ""
    provider_ref: str = ""
    expires_ms: int = 0
    evidence: str = ""


class PiecesV1(Body, frozen=True, kw_only=True):
    no: int
    quantity: int


class RefundStepV1(Body, frozen=True, kw_only=True):
    """`lines` are pieces of sold lines, by their numbers there."""

    id: str
    number: str
    step: int
    standing: str
    attempt: str
    amount: int
    currency: str
    business_date: str
    sale: str = ""
    refund: str = ""
    reason: str = ""
    cash: int = 0
    lines: tuple[PiecesV1, ...] = ()
    provider: str = ""
    ref: str = ""
    word: str = ""


class EpochOpenedV1(Body, frozen=True, kw_only=True):
    """First record of an epoch that follows another: where the old one ended, and why it did.

    `again` counts the records that follow it here because nobody could prove that the cloud held them.
    """

    id: str
    reason: str
    old_epoch: str
    old_seq: int
    old_hash: str
    again: int = 0


EPOCH_OPENED = "epoch_opened"

BODIES: dict[str, type[Body]] = {
    "sale": SaleV1,
    "refund": RefundV1,
    "stock_adjustment": StockAdjustmentV1,
    "payment_step": PaymentStepV1,
    "refund_step": RefundStepV1,
    EPOCH_OPENED: EpochOpenedV1,
}
"""Journal kind → shape of its body."""
