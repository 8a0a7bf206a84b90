"""What a cart costs, and why. The rules and worked tables are in PRICING.md beside this file.

Pricing is incremental: a `PricedCart` keeps the price of each line, and `reprice` prices only the
lines that are not the very same objects as before. Order discounts are kept as totals while the
cart is open and spread over the lines once, by `settle`, when the sale is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.cart import Cart, CartLine, Discount, DiscountKind
from app.domain.money import allocate, check_size, extend, share_of


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an amount was taken off: the code, the rule, the rate if there was one, and the amount.

    `amount` is in minor units and has the sign of the line (positive for ordinary goods).
    """

    code: str
    amount: int
    rate_bp: int = 0
    rule: str = ""
    on_order: bool = False
    allowed_by: str = ""
    """The manager who gave it, "" for a guide or a rule."""


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with its price before discount, its reasons and its net. gross - Σ reasons = net."""

    line: CartLine
    gross: int
    net: int
    reasons: tuple[Reason, ...]
    rounded: bool


@dataclass(frozen=True, slots=True)
class PricedCart:
    """A cart and its amounts in minor units. subtotal - Σ order_reasons = total."""

    cart: Cart
    lines: tuple[PricedLine, ...]
    gross: int
    subtotal: int
    discountable: int
    """Sum of the lines an order discount applies to (those above zero)."""
    units: int
    order_reasons: tuple[Reason, ...]
    total: int

    @property
    def savings(self) -> int:
        """All that was taken off, line by line and on the order."""
        return self.gross - self.total


def price_line(line: CartLine) -> PricedLine:
    """Price one line: extend, then apply its discounts in the order they were given."""
    gross, rounded = extend(line.quantity, line.unit_mills)
    net, reasons = _take_off(gross, line.discounts, on_order=False)
    return PricedLine(line, gross, net, reasons, rounded)


def price(cart: Cart) -> PricedCart:
    """Price a whole cart from nothing."""
    return reprice(_EMPTY, cart)


def reprice(before: PricedCart, cart: Cart) -> PricedCart:
    """Price `cart`, reusing every line of `before` that is unchanged (the same object).

    The work is proportional to the lines that changed, not to the cart. Raises
    RuleBroken(AMOUNT_TOO_LARGE) if a line or the whole is more than a document may carry.
    """
    old, new = before.lines, cart.lines
    start, stop = _changed_span(old, new)
    tail = len(new) - stop
    gone = old[start : len(old) - tail]
    come = tuple(price_line(line) for line in new[start:stop])
    lines = old[:start] + come + old[len(old) - tail :]
    subtotal = before.subtotal + _net(come) - _net(gone)
    discountable = before.discountable + _positive(come) - _positive(gone)
    left, order_reasons = _take_off(discountable, cart.discounts, on_order=True)
    return PricedCart(
        cart=cart,
        lines=lines,
        gross=check_size(before.gross + sum(x.gross for x in come) - sum(x.gross for x in gone)),
        subtotal=subtotal,
        discountable=discountable,
        units=before.units
        + sum(x.line.quantity for x in come)
        - sum(x.line.quantity for x in gone),
        order_reasons=order_reasons,
        total=check_size(subtotal - (discountable - left)),
    )


def settle(priced: PricedCart) -> tuple[PricedLine, ...]:
    """Spread the order discounts over the lines, each by largest remainder over the running nets.

    The returned lines' nets sum to exactly `priced.total`.
    """
    nets = [line.net for line in priced.lines]
    extra: list[list[Reason]] = [[] for _ in nets]
    for reason in priced.order_reasons:
        parts = allocate(reason.amount, [max(net, 0) for net in nets]) if nets else []
        for index, part in enumerate(parts):
            nets[index] -= part
            if part:
                extra[index].append(replace(reason, amount=part))
    return tuple(
        PricedLine(x.line, x.gross, net, x.reasons + tuple(more), x.rounded)
        for x, net, more in zip(priced.lines, nets, extra, strict=True)
    )


def _take_off(
    amount: int, discounts: Sequence[Discount], *, on_order: bool
) -> tuple[int, tuple[Reason, ...]]:
    """Apply discounts in order; none takes more than is left, and nothing is taken below zero."""
    reasons = []
    for discount in discounts:
        off = _amount_off(discount, amount)
        amount -= off
        rate = discount.value if discount.kind is DiscountKind.PERCENT_OFF else 0
        reasons.append(
            Reason(discount.reason, off, rate, discount.rule, on_order, discount.allowed_by)
        )
    return amount, tuple(reasons)


def _amount_off(discount: Discount, amount: int) -> int:
    if amount <= 0:
        return 0
    if discount.kind is DiscountKind.PERCENT_OFF:
        return share_of(amount, discount.value)
    if discount.kind is DiscountKind.PRICE:
        return max(amount - discount.value, 0)
    return min(discount.value, amount)


def _changed_span(old: Sequence[PricedLine], new: Sequence[CartLine]) -> tuple[int, int]:
    """Return [start, stop) of `new` outside the common head and tail shared with `old`."""
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and old[start].line is new[start]:
        start += 1
    tail = 0
    while tail < shorter - start and old[-1 - tail].line is new[-1 - tail]:
        tail += 1
    return start, len(new) - tail


def _net(lines: Sequence[PricedLine]) -> int:
    return sum(line.net for line in lines)


def _positive(lines: Sequence[PricedLine]) -> int:
    return sum(line.net for line in lines if line.net > 0)


_EMPTY = PricedCart(Cart("", ""), (), 0, 0, 0, 0, (), 0)
