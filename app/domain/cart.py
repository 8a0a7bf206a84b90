"""The cart: an immutable value. Every change returns a new cart, so undo is keeping the old one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.catalog import LineKind, Sku
from app.domain.money import FULL_BP, MAX_MINOR, MILLS
from app.domain.people import GuideShare, check_shares, sole_guide
from app.domain.text import is_code
from app.errors import Code, RuleBroken

MAX_QUANTITY = 1_000_000

MAX_LINES = 5_000
"""More is a wholesale file, not a cart; keeps every document a bounded piece of work."""


class DiscountKind(StrEnum):
    """How a discount is stated: basis points off, an amount off, or a new price for the line."""

    PERCENT_OFF = "percent_off"
    AMOUNT_OFF = "amount_off"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Discount:
    """One discount as it was given. `value` is basis points or minor units, by `kind`.

    `reason` is a code from the shop's list (never free text, which would enter the journal);
    `rule` names the rule that gave it, "" when a person did; `allowed_by` the manager who did.
    """

    kind: DiscountKind
    value: int
    reason: str
    rule: str = ""
    allowed_by: str = ""

    def __post_init__(self) -> None:
        most = FULL_BP if self.kind is DiscountKind.PERCENT_OFF else MAX_MINOR
        if not 0 <= self.value <= most or not is_code(self.reason):
            raise RuleBroken(Code.DISCOUNT_INVALID)


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line: a SKU, how many, at what unit price (mills), with which discounts and guides."""

    line_no: int
    sku: Sku
    quantity: int
    unit_mills: int
    discounts: tuple[Discount, ...] = ()
    guides: tuple[GuideShare, ...] = ()

    def takes(self, sku: Sku, unit_mills: int, guides: tuple[GuideShare, ...]) -> bool:
        """Tell whether another scan of `sku` belongs on this line rather than on a new one."""
        return (
            self.sku.sku_id == sku.sku_id
            and self.unit_mills == unit_mills
            and not self.discounts
            and self.guides == guides
        )


@dataclass(frozen=True, slots=True)
class Cart:
    """What the customer is about to buy. `cart_id` becomes the sale's id, so a double tap or a lost
    answer can never make a second sale."""

    cart_id: str
    currency: str
    lines: tuple[CartLine, ...] = ()
    discounts: tuple[Discount, ...] = ()
    member_ref: str = ""
    member_tier: str = ""
    guide_id: str = ""
    reference: str = ""
    """Number of the same document in another system; unique in the store."""
    next_line_no: int = 1

    @property
    def units(self) -> int:
        """Pieces in the cart."""
        return sum(line.quantity for line in self.lines)

    def line(self, line_no: int) -> CartLine:
        """Return a line. Raises RuleBroken(LINE_UNKNOWN)."""
        for line in self.lines:
            if line.line_no == line_no:
                return line
        raise RuleBroken(Code.LINE_UNKNOWN, line_no=line_no)

    def add(
        self,
        sku: Sku,
        quantity: int = 1,
        *,
        unit_mills: int | None = None,
        merge: bool = True,
    ) -> Cart:
        """Add pieces of a SKU: onto a line that takes them, else as a new last line.

        Raises RuleBroken: QUANTITY_INVALID, AMOUNT_INVALID for a price below zero on anything but an
        adjustment.
        """
        price = sku.list_price * MILLS if unit_mills is None else unit_mills
        guides = sole_guide(self.guide_id) if self.guide_id else ()
        _check_quantity(quantity, sku.kind)
        _check_price(price, sku.kind)
        if merge:
            for line in self.lines:
                if line.takes(sku, price, guides):
                    return self.with_quantity(line.line_no, line.quantity + quantity)
        if len(self.lines) >= MAX_LINES:
            raise RuleBroken(Code.QUANTITY_INVALID, lines=MAX_LINES)
        line = CartLine(self.next_line_no, sku, quantity, price, (), guides)
        return replace(self, lines=(*self.lines, line), next_line_no=self.next_line_no + 1)

    def with_quantity(self, line_no: int, quantity: int) -> Cart:
        """Set a line's quantity; 0 removes the line."""
        line = self.line(line_no)
        if quantity == 0:
            return self.without(line_no)
        _check_quantity(quantity, line.sku.kind)
        return self._with_line(replace(line, quantity=quantity))

    def with_unit_price(self, line_no: int, unit_mills: int) -> Cart:
        """Set a line's unit price, in mills. Only adjustments may be negative."""
        line = self.line(line_no)
        _check_price(unit_mills, line.sku.kind)
        return self._with_line(replace(line, unit_mills=unit_mills))

    def with_line_discounts(self, line_no: int, discounts: tuple[Discount, ...]) -> Cart:
        """Replace the discounts of a line."""
        return self._with_line(replace(self.line(line_no), discounts=discounts))

    def with_line_guides(self, line_no: int, guides: tuple[GuideShare, ...]) -> Cart:
        """Replace who is credited for a line."""
        check_shares(guides)
        return self._with_line(replace(self.line(line_no), guides=guides))

    def with_discounts(self, discounts: tuple[Discount, ...]) -> Cart:
        """Replace the discounts on the whole order. A new price for an order is not a discount."""
        if any(d.kind is DiscountKind.PRICE for d in discounts):
            raise RuleBroken(Code.DISCOUNT_INVALID)
        return replace(self, discounts=discounts)

    def with_member(self, member_ref: str, tier: str) -> Cart:
        """Attach a member by reference ("" detaches)."""
        return replace(self, member_ref=member_ref, member_tier=tier)

    def with_guide(self, guide_id: str) -> Cart:
        """Set who is credited for lines added from now on."""
        return replace(self, guide_id=guide_id)

    def without(self, line_no: int) -> Cart:
        """Remove a line."""
        self.line(line_no)
        return replace(self, lines=tuple(x for x in self.lines if x.line_no != line_no))

    def _with_line(self, changed: CartLine) -> Cart:
        lines = tuple(changed if x.line_no == changed.line_no else x for x in self.lines)
        return replace(self, lines=lines)


def _check_quantity(quantity: int, kind: LineKind) -> None:
    pieces = abs(quantity) if kind is LineKind.ADJUSTMENT else quantity
    if not 1 <= pieces <= MAX_QUANTITY:
        raise RuleBroken(Code.QUANTITY_INVALID, quantity=quantity)


def _check_price(unit_mills: int, kind: LineKind) -> None:
    if unit_mills < 0 and kind is not LineKind.ADJUSTMENT:
        raise RuleBroken(Code.AMOUNT_INVALID)
