"""Money given back: against lines of earlier sales, or without a receipt as its own, marked case.

A line with an origin can never give back more pieces or more money than that line still holds, in
any order of part returns. A line without one is taken at the price the shop agreed to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.cart import MAX_QUANTITY
from app.domain.catalog import LineKind, Sku
from app.domain.commission import Commission, take_back
from app.domain.money import check_size, extend, half_away
from app.domain.sale import (
    Sale,
    SaleLine,
    Tender,
    TenderKind,
    check_tender,
    commissions_by_line,
)
from app.domain.stock import MovementKind, StockMovement
from app.domain.text import check_reason, check_reference
from app.domain.times import Moment
from app.errors import Code, RuleBroken


@dataclass(frozen=True, slots=True)
class Origin:
    """The sold line a returned line comes from."""

    sale_id: str
    line_no: int


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A sold line and what has already come back of it, read under the write lock.

    `taken_back` lists, per commission entry of the line, what was taken back so far (positive).
    """

    sale_id: str
    line: SaleLine
    commissions: tuple[Commission, ...]
    quantity_returned: int = 0
    net_returned: int = 0
    taken_back: tuple[int, ...] = ()

    def value_of(self, quantity: int) -> int:
        """Return what giving `quantity` more pieces back is worth; the last piece takes all that is
        left, so a full return ends at exactly the net that was paid."""
        self._check(quantity)
        target = half_away(self.line.net * (self.quantity_returned + quantity), self.line.quantity)
        return target - self.net_returned

    def _check(self, quantity: int) -> None:
        if quantity < 1:
            raise RuleBroken(Code.QUANTITY_INVALID, quantity=quantity)
        left = max(self.line.quantity - self.quantity_returned, 0)
        if quantity > left:
            raise RuleBroken(
                Code.REFUND_EXCEEDS_SALE,
                sale_id=self.sale_id,
                line_no=self.line.line_no,
                asked=quantity,
                left=left,
            )


@dataclass(frozen=True, slots=True)
class RefundLine:
    """One returned line. `net` is what is given back, below zero only for a line that was below zero
    in its sale; `origin` None is a return without receipt."""

    line_no: int
    origin: Origin | None
    sku_id: str
    style_no: str
    name: str
    name_en: str
    colour: str
    size: str
    category: str
    kind: LineKind
    quantity: int
    unit_mills: int
    net: int
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Refund:
    """One document of money given back. `total` = Σ line nets = Σ tender amounts, never below zero.

    `cash_reason` is a code for why cash was given although the money could have gone back by the way it
    came, "" where it could not or did."""

    refund_id: str
    receipt_no: str
    business_date: str
    at: Moment
    actor: str
    currency: str
    total: int
    member_ref: str
    reference: str
    reason: str
    lines: tuple[RefundLine, ...]
    tenders: tuple[Tender, ...]
    movements: tuple[StockMovement, ...]
    commissions: tuple[Commission, ...]
    cash_reason: str = ""


@dataclass(frozen=True, slots=True)
class WayBack:
    """How the money of a refund goes back: `wallet` by the attempt it came by, `cash` by hand."""

    cash: int
    wallet: int = 0
    attempt_id: str = ""
    provider: str = ""


def way_back(total: int, sale: Sale, gone: Mapping[str, int]) -> WayBack:
    """Return the way back of `total` of a sale: the original tender first, as far as it has anything
    left, and the rest in cash. `gone` is what has gone back by each attempt so far; minor units."""
    for tender in sale.tenders:
        if tender.kind is TenderKind.QR and tender.attempt_id:
            left = max(tender.amount - gone.get(tender.attempt_id, 0), 0)
            wallet = min(left, total)
            if wallet > 0:
                return WayBack(total - wallet, wallet, tender.attempt_id, tender.provider)
    return WayBack(total)


@dataclass(frozen=True, slots=True)
class ReturnedPart:
    """What is to come back of one sold line."""

    sold: SoldLine
    quantity: int


@dataclass(frozen=True, slots=True)
class BlindReturn:
    """What is to come back without a receipt: a SKU, pieces, and the agreed unit price in mills.

    `restock` is False for money-only cases and goods that cannot be sold again.
    """

    sku: Sku
    quantity: int
    unit_mills: int
    restock: bool = True

    @property
    def value(self) -> int:
        """What is given back for it, in minor units."""
        return extend(self.quantity, self.unit_mills)[0]


def make_refund(
    refund_id: str,
    parts: Sequence[ReturnedPart | BlindReturn],
    tenders: Sequence[Tender],
    *,
    receipt_no: str,
    business_date: str,
    at: Moment,
    actor: str,
    currency: str,
    reason: str,
    member_ref: str = "",
    reference: str = "",
    cash_reason: str = "",
) -> Refund:
    """Build a refund that holds its invariants.

    Raises RuleBroken: REFUND_EMPTY, REFUND_EXCEEDS_SALE, QUANTITY_INVALID, AMOUNT_INVALID for what
    would take money from the customer, AMOUNT_TOO_LARGE, TEXT_* for a reason that is no code or a
    reference that cannot be kept, SALE_UNBALANCED when the tenders do not add up.
    """
    if not parts:
        raise RuleBroken(Code.REFUND_EMPTY)
    check_reason(reason)
    check_reference(reference)
    if cash_reason:
        check_reason(cash_reason)
    lines: list[RefundLine] = []
    movements: list[StockMovement] = []
    commissions: list[Commission] = []
    for line_no, part in enumerate(parts, 1):
        line = _line_of(line_no, part)
        lines.append(line)
        if isinstance(part, ReturnedPart):
            commissions.extend(_taken_back(line, part))
        if line.kind is LineKind.GOODS and (isinstance(part, ReturnedPart) or part.restock):
            movements.append(StockMovement(line.sku_id, line.quantity, MovementKind.RETURN))
    _check_each_origin_once(lines)
    refund = Refund(
        refund_id=refund_id,
        receipt_no=receipt_no,
        business_date=business_date,
        at=at,
        actor=actor,
        currency=currency,
        total=check_size(sum(line.net for line in lines)),
        member_ref=member_ref,
        reference=reference,
        reason=reason,
        lines=tuple(lines),
        tenders=tuple(tenders),
        movements=tuple(movements),
        commissions=tuple(commissions),
        cash_reason=cash_reason,
    )
    check_refund(refund)
    return refund


def check_refund(refund: Refund) -> None:
    """Raise RuleBroken unless lines and tenders add up to a total that is given to the customer.

    AMOUNT_INVALID for a total below zero, else SALE_UNBALANCED.
    """
    lines = sum(line.net for line in refund.lines)
    tendered = sum(tender.amount for tender in refund.tenders)
    if not lines == tendered == refund.total:
        raise RuleBroken(Code.SALE_UNBALANCED, lines=lines, tendered=tendered, total=refund.total)
    if refund.total < 0:
        raise RuleBroken(Code.AMOUNT_INVALID, amount=refund.total)
    for tender in refund.tenders:
        check_tender(tender, refund.total)


def sold_lines(sale: Sale) -> tuple[SoldLine, ...]:
    """Return a fresh sale's lines with nothing returned yet."""
    earned = commissions_by_line(sale.commissions)
    return tuple(SoldLine(sale.sale_id, line, earned.get(line.line_no, ())) for line in sale.lines)


def _line_of(line_no: int, part: ReturnedPart | BlindReturn) -> RefundLine:
    if isinstance(part, ReturnedPart):
        sold = part.sold.line
        return RefundLine(
            line_no=line_no,
            origin=Origin(part.sold.sale_id, sold.line_no),
            sku_id=sold.sku_id,
            style_no=sold.style_no,
            name=sold.name,
            name_en=sold.name_en,
            colour=sold.colour,
            size=sold.size,
            category=sold.category,
            kind=sold.kind,
            quantity=part.quantity,
            unit_mills=sold.unit_mills,
            net=part.sold.value_of(part.quantity),
        )
    sku = part.sku
    if not 1 <= part.quantity <= MAX_QUANTITY:
        raise RuleBroken(Code.QUANTITY_INVALID, quantity=part.quantity)
    if part.unit_mills < 0:
        raise RuleBroken(Code.AMOUNT_INVALID)
    net, rounded = extend(part.quantity, part.unit_mills)
    return RefundLine(
        line_no=line_no,
        origin=None,
        sku_id=sku.sku_id,
        style_no=sku.style_no,
        name=sku.name,
        name_en=sku.name_en,
        colour=sku.colour,
        size=sku.size,
        category=sku.category,
        kind=sku.kind,
        quantity=part.quantity,
        unit_mills=part.unit_mills,
        net=net,
        rounded=rounded,
    )


def _taken_back(line: RefundLine, part: ReturnedPart) -> tuple[Commission, ...]:
    sold = part.sold
    return take_back(
        line.line_no,
        sold.commissions,
        sold.taken_back or (0,) * len(sold.commissions),
        sold_net=sold.line.net,
        returned_before=sold.net_returned,
        returning=line.net,
    )


def _check_each_origin_once(lines: Sequence[RefundLine]) -> None:
    """One document names a sold line once: its remainder was read once."""
    origins = [line.origin for line in lines if line.origin is not None]
    if len(set(origins)) != len(origins):
        raise RuleBroken(Code.REFUND_EXCEEDS_SALE, left=0)
