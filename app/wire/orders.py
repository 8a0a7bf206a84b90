"""The order as a customer sees it, from a priced cart. The till makes it, and the cloud makes the same one
of a cart that came to it in a QR."""

from __future__ import annotations

from app.domain.pricing import PricedCart, PricedLine, Reason
from app.wire.messages import Order, OrderLine, OrderReason


def order_of(
    priced: PricedCart,
    *,
    attempt_id: str,
    store: str,
    guide: tuple[str, str],
    created_ms: int,
    expires_ms: int,
) -> Order:
    """Return the order of a payment attempt. Amounts in minor units, times Unix milliseconds; `guide` is
    a name and its English form."""
    return Order(
        attempt_id=attempt_id,
        sale_id=priced.cart.cart_id,
        store=store,
        guide_name=guide[0],
        guide_name_en=guide[1],
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
