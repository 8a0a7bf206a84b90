"""A sale that happened: one document with its lines, tenders, stock movements and commission.

`make_sale` is the only way to build one, and what it returns always holds the invariants that
`check_sale` names. A sale is never changed; corrections are documents of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.catalog import LineKind
from app.domain.commission import Commission, CommissionPlan, earn
from app.domain.money import share_of
from app.domain.people import GuideShare
from app.domain.pricing import PricedCart, PricedLine, Reason, settle
from app.domain.stock import MovementKind, StockMovement
from app.domain.text import check_reference
from app.domain.times import Moment
from app.errors import Code, RuleBroken


class TenderKind(StrEnum):
    """How money changed hands."""

    CASH = "cash"
    QR = "qr"
    EXTERNAL = "external"
    """Taken outside the till: another system's record, a bank terminal with its own slip."""


@dataclass(frozen=True, slots=True)
class Tender:
    """Money that settled a document, in minor units.

    `amount` is what counted towards it; for cash, `given` - `change` = `amount`. `attempt_id` names
    the payment attempt of a QR tender, `provider` who confirmed it.
    """

    tender_id: str
    kind: TenderKind
    amount: int
    given: int = 0
    change: int = 0
    attempt_id: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class SaleLine:
    """A line as it was sold: names and price are frozen here and never looked up again."""

    line_no: int
    sku_id: str
    style_no: str
    name: str
    name_en: str
    colour: str
    colour_en: str
    colour_hex: str
    size: str
    category: str
    drawing: str
    kind: LineKind
    quantity: int
    unit_mills: int
    gross: int
    net: int
    rounded: bool
    price_version: int
    reasons: tuple[Reason, ...]
    guides: tuple[GuideShare, ...]


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale. `total` = Σ line nets = Σ tender amounts; `business_date` is ISO 8601."""

    sale_id: str
    receipt_no: str
    business_date: str
    at: Moment
    actor: str
    currency: str
    total: int
    member_ref: str
    reference: str
    lines: tuple[SaleLine, ...]
    tenders: tuple[Tender, ...]
    movements: tuple[StockMovement, ...]
    commissions: tuple[Commission, ...]


def make_sale(
    priced: PricedCart,
    tenders: Sequence[Tender],
    plan: CommissionPlan,
    *,
    receipt_no: str,
    business_date: str,
    at: Moment,
    actor: str,
) -> Sale:
    """Freeze a priced cart into a sale.

    Raises RuleBroken: CART_EMPTY, SALE_UNBALANCED when the tenders do not add up, TEXT_* for a
    reference that cannot be kept.
    """
    cart = priced.cart
    if not cart.lines:
        raise RuleBroken(Code.CART_EMPTY)
    check_reference(cart.reference)
    lines = tuple(_sale_line(line) for line in settle(priced))
    sale = Sale(
        sale_id=cart.cart_id,
        receipt_no=receipt_no,
        business_date=business_date,
        at=at,
        actor=actor,
        currency=cart.currency,
        total=priced.total,
        member_ref=cart.member_ref,
        reference=cart.reference,
        lines=lines,
        tenders=tuple(tenders),
        movements=tuple(
            StockMovement(line.sku_id, -line.quantity, MovementKind.SALE)
            for line in lines
            if line.kind is LineKind.GOODS
        ),
        commissions=tuple(
            entry
            for line in lines
            for entry in earn(line.line_no, line.category, line.net, line.guides, plan)
        ),
    )
    check_sale(sale)
    return sale


def check_sale(sale: Sale) -> None:
    """Raise RuleBroken(SALE_UNBALANCED) unless lines, reasons, tenders and commission add up."""
    lines = sum(line.net for line in sale.lines)
    tendered = sum(tender.amount for tender in sale.tenders)
    if not lines == tendered == sale.total:
        raise RuleBroken(Code.SALE_UNBALANCED, lines=lines, tendered=tendered, total=sale.total)
    for line in sale.lines:
        if line.gross - sum(reason.amount for reason in line.reasons) != line.net:
            raise RuleBroken(Code.SALE_UNBALANCED, line_no=line.line_no)
    earned = commissions_by_line(sale.commissions)
    for line in sale.lines:
        entries = earned.pop(line.line_no, ())
        if entries and not _shares_the_line(entries, line):
            raise RuleBroken(Code.SALE_UNBALANCED, line_no=line.line_no)
    if earned:
        raise RuleBroken(Code.SALE_UNBALANCED, line_no=min(earned))
    if len({tender.tender_id for tender in sale.tenders}) != len(sale.tenders):
        raise RuleBroken(Code.SALE_UNBALANCED)
    for tender in sale.tenders:
        check_tender(tender, sale.total)


def check_tender(tender: Tender, total: int) -> None:
    """Raise RuleBroken(SALE_UNBALANCED) unless a tender fits a document over `total`.

    Its amount has the sign of the total (money is not given out and taken in by one document), and
    cash given less change is what counted.
    """
    against = (tender.amount < 0 <= total) or (tender.amount > 0 >= total)
    cash = tender.kind is TenderKind.CASH
    uneven = cash and tender.given - tender.change != tender.amount
    if against or uneven or tender.given < 0 or tender.change < 0:
        raise RuleBroken(Code.SALE_UNBALANCED, tender=tender.tender_id)


def commissions_by_line(entries: Sequence[Commission]) -> dict[int, tuple[Commission, ...]]:
    """Return a document's commission entries under their lines' numbers."""
    found: dict[int, tuple[Commission, ...]] = {}
    for entry in entries:
        found[entry.line_no] = (*found.get(entry.line_no, ()), entry)
    return found


def _shares_the_line(entries: Sequence[Commission], line: SaleLine) -> bool:
    """The guides' parts make up rate × net of the line, rounded once."""
    rate = entries[0].rate_bp
    same = all(entry.base == line.net and entry.rate_bp == rate for entry in entries)
    credited = [(entry.guide_id, entry.weight_bp) for entry in entries]
    named = [(share.guide_id, share.weight_bp) for share in line.guides]
    return (
        same
        and credited == named
        and sum(entry.amount for entry in entries) == share_of(line.net, rate)
    )


def _sale_line(priced: PricedLine) -> SaleLine:
    line, sku = priced.line, priced.line.sku
    return SaleLine(
        line_no=line.line_no,
        sku_id=sku.sku_id,
        style_no=sku.style_no,
        name=sku.name,
        name_en=sku.name_en,
        colour=sku.colour,
        colour_en=sku.colour_en,
        colour_hex=sku.colour_hex,
        size=sku.size,
        category=sku.category,
        drawing=sku.drawing,
        kind=sku.kind,
        quantity=line.quantity,
        unit_mills=line.unit_mills,
        gross=priced.gross,
        net=priced.net,
        rounded=priced.rounded,
        price_version=sku.price_version,
        reasons=priced.reasons,
        guides=line.guides,
    )
