"""The frozen order behind a QR: what the customer's phone will show, taken from a priced cart."""

from __future__ import annotations

from app.domain.ids import new_id
from app.domain.people import Person
from app.domain.pricing import PricedCart, PricedLine, Reason
from app.ports import Identity
from app.wire.messages import Order, OrderLine, OrderReason


def make_order(
    priced: PricedCart, identity: Identity, guide: Person, created_ms: int, expires_ms: int
) -> Order:
    """Return the order of a new payment attempt. Amounts in minor units, times Unix milliseconds."""
    return Order(
        attempt_id=new_id(),
        sale_id=priced.cart.cart_id,
        store=identity.store,
        guide_name=guide.name,
        guide_name_en=guide.name_en,
        currency=priced.cart.currency,
        total=priced.total,
        lines=[_order_line(line) for line in priced.lines],
        reasons=_order_reasons(priced.order_reasons),
        created_ms=created_ms,
        expires_ms=expires_ms,
    )


def _order_line(priced: PricedLine) -> OrderLine:
    sku = priced.line.sku
    return OrderLine(
        sku=sku.sku_id,
        name=sku.name,
        name_en=sku.name_en,
        colour=sku.colour,
        colour_en=sku.colour_en,
        colour_hex=sku.colour_hex,
        size=sku.size,
        drawing=sku.drawing,
        quantity=priced.line.quantity,
        gross=priced.gross,
        net=priced.net,
        reasons=_order_reasons(priced.reasons),
    )


def _order_reasons(reasons: tuple[Reason, ...]) -> list[OrderReason]:
    return [OrderReason(code=r.code, amount=r.amount, rate_bp=r.rate_bp) for r in reasons]
