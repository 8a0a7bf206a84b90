"""What was ordered, small enough to travel in a QR: for a shop that is offline (see tokens, form 2).

    sale id, currency, guide id (names) | u32be as-of | number of reasons, each a name | number of bundles,
    each: number of discounts, each u8 kind << 6 | reason, and its value |
    bundle on the order | number of lines, each: 5 bytes SKU mark | quantity << 3 | bundle (7: it follows) |
    unit price, as digits << 2 | how many zeros follow them (3 at most), in minor units
Numbers and names are those of `packing`. A bundle is some discounts in their order, as a line or the order
has them; 0 is none, and as many lines have the same one, it is said once. As-of is the Unix second at which
the till last heard of all prices: the version of its price list.

The cloud has the catalogue, so a line says only which SKU, how many and at what price; it knows a SKU by a
mark, the head of a hash. Of 100,000 SKUs any one shares its mark with a chance of one in ten million, and
then its price tells which was meant, or the order is refused. All amounts follow by PRICING.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.domain.cart import Cart, CartLine, Discount, DiscountKind
from app.domain.money import MILLS
from app.errors import Code, RuleBroken
from app.wire.packing import Packer, Unpacker

MARK_BYTES = 5
_KINDS = (DiscountKind.PERCENT_OFF, DiscountKind.AMOUNT_OFF, DiscountKind.PRICE)
_FOLLOWS = 7
_MOST_ZEROS = 3
_ZEROS = (1, 10, 100, 1_000)
_MOST_REASONS = 64

Bundle = tuple[Discount, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PortableLine:
    """One line: which SKU by its mark, how many, its price each in minor units, its discounts."""

    mark: int
    quantity: int
    unit_price: int
    discounts: Bundle = ()


@dataclass(frozen=True, slots=True)
class PortableOrder:
    """A cart as it travels. `as_of_s`: when the till last heard of all prices, Unix seconds, 0 never."""

    sale_id: str
    currency: str
    guide_id: str
    as_of_s: int
    lines: tuple[PortableLine, ...]
    discounts: Bundle = ()


def sku_mark(sku_id: str) -> int:
    """Return the mark by which an order that travels names a SKU."""
    return int.from_bytes(hashlib.sha256(b"gp1-sku" + sku_id.encode()).digest()[:MARK_BYTES])


def portable(cart: Cart, guide_id: str, as_of_ms: int) -> PortableOrder:
    """Return a cart as it travels.

    Raises RuleBroken(ORDER_NOT_OFFLINE) for a line whose price no price list has: below zero, or finer
    than can be paid.
    """
    return PortableOrder(
        sale_id=cart.cart_id,
        currency=cart.currency,
        guide_id=guide_id,
        as_of_s=max(as_of_ms, 0) // 1_000,
        lines=tuple(_portable_line(line) for line in cart.lines),
        discounts=tuple(_bare(each) for each in cart.discounts),
    )


def _portable_line(line: CartLine) -> PortableLine:
    price, rest = divmod(line.unit_mills, MILLS)
    if rest or price < 0 or line.quantity < 1:
        raise RuleBroken(Code.ORDER_NOT_OFFLINE)
    bundle = tuple(_bare(each) for each in line.discounts)
    return PortableLine(sku_mark(line.sku.sku_id), line.quantity, price, bundle)


def _bare(discount: Discount) -> Discount:
    """Leave out what is for our own books: which rule gave it, and who allowed it."""
    return Discount(discount.kind, discount.value, discount.reason)


def pack(order: PortableOrder) -> bytes:
    """Return the bytes of an order. Raises RuleBroken(ORDER_NOT_OFFLINE) for one that has no such form."""
    bundles = list(dict.fromkeys(b for b in (order.discounts, *_bundles(order)) if b))
    reasons = list(dict.fromkeys(each.reason for bundle in bundles for each in bundle))
    if len(reasons) > _MOST_REASONS or order.as_of_s >= 2**32:
        raise RuleBroken(Code.ORDER_NOT_OFFLINE)
    place = {bundle: number for number, bundle in enumerate(bundles, 1)} | {(): 0}
    packer = Packer()
    try:
        _pack_head(packer, order, reasons, bundles)
        packer.number(place[order.discounts])
        packer.number(len(order.lines))
        for line in order.lines:
            _pack_line(packer, line, place[line.discounts])
    except ValueError as error:
        raise RuleBroken(Code.ORDER_NOT_OFFLINE) from error
    return packer.data


def _bundles(order: PortableOrder) -> tuple[Bundle, ...]:
    return tuple(line.discounts for line in order.lines)


def _pack_head(
    packer: Packer, order: PortableOrder, reasons: list[str], bundles: list[Bundle]
) -> None:
    for name in (order.sale_id, order.currency, order.guide_id):
        packer.name(name)
    packer.raw(order.as_of_s.to_bytes(4))
    packer.number(len(reasons))
    for reason in reasons:
        packer.name(reason)
    packer.number(len(bundles))
    for bundle in bundles:
        packer.number(len(bundle))
        for discount in bundle:
            kind = _KINDS.index(discount.kind) << 6
            packer.raw(bytes([kind | reasons.index(discount.reason)]))
            packer.number(discount.value)


def _pack_line(packer: Packer, line: PortableLine, bundle: int) -> None:
    packer.raw(line.mark.to_bytes(MARK_BYTES))
    packer.number(line.quantity << 3 | min(bundle, _FOLLOWS))
    if bundle >= _FOLLOWS:
        packer.number(bundle)
    packer.number(_short_price(line.unit_price))


def unpack(data: bytes) -> PortableOrder:
    """Read an order's bytes. Raises RuleBroken(TOKEN_INVALID) for anything `pack` does not write."""
    try:
        order = _read(Unpacker(data))
        if pack(order) != data:
            raise ValueError("not the one form of this order")
    except (ValueError, RuleBroken) as error:
        raise RuleBroken(Code.TOKEN_INVALID) from error
    return order


def _read(unpacker: Unpacker) -> PortableOrder:
    sale_id, currency, guide_id = (unpacker.name() for _ in range(3))
    as_of_s = int.from_bytes(unpacker.raw(4))
    reasons = [unpacker.name() for _ in range(_few(unpacker))]
    bundles: list[Bundle] = [()]
    for _ in range(_few(unpacker)):
        bundles.append(tuple(_discount(unpacker, reasons) for _ in range(_few(unpacker))))
    on_order = _at(bundles, unpacker.number())
    lines = tuple(_line(unpacker, bundles) for _ in range(_few(unpacker)))
    if unpacker.left or not lines:
        raise ValueError("too much or nothing")
    return PortableOrder(sale_id, currency, guide_id, as_of_s, lines, on_order)


def _few(unpacker: Unpacker) -> int:
    """Each of them takes a byte at least, so none can ask for more than there are."""
    count = unpacker.number()
    if count > unpacker.left:
        raise ValueError("cut off")
    return count


def _discount(unpacker: Unpacker, reasons: list[str]) -> Discount:
    head = unpacker.raw(1)[0]
    return Discount(_at(_KINDS, head >> 6), unpacker.number(), _at(reasons, head & 63))


def _line(unpacker: Unpacker, bundles: list[Bundle]) -> PortableLine:
    mark = int.from_bytes(unpacker.raw(MARK_BYTES))
    head = unpacker.number()
    bundle = head & _FOLLOWS
    if bundle == _FOLLOWS:
        bundle = unpacker.number()
    return PortableLine(mark, head >> 3, _price(unpacker.number()), _at(bundles, bundle))


def _short_price(price: int) -> int:
    """Most prices are whole yuan: without their zeros they take a byte less."""
    zeros = 0
    while price and price % 10 == 0 and zeros < _MOST_ZEROS:
        price, zeros = price // 10, zeros + 1
    return price << 2 | zeros


def _price(short: int) -> int:
    return (short >> 2) * _ZEROS[short & _MOST_ZEROS]


def _at(values: Sequence[T], place: int) -> T:
    if place >= len(values):
        raise ValueError("refers to nothing")
    return values[place]
