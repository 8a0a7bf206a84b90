"""Goods for tests of the core."""

from __future__ import annotations

from app.domain.cart import Cart
from app.domain.catalog import LineKind, Sku
from app.domain.times import Moment, TimeQuality

NOON = Moment(1_760_000_000_000, 1_000, "boot", 1_760_000_000_000, TimeQuality.ANCHORED)


def sku(
    sku_id: str = "QY-1",
    price: int = 12_900,
    *,
    kind: LineKind = LineKind.GOODS,
    category: str = "coat",
) -> Sku:
    """Return a SKU with a price in minor units."""
    return Sku(
        sku_id=sku_id,
        style_no=sku_id.split("-")[0],
        name="大衣",
        name_en="Coat",
        category=category,
        colour_code="BK",
        colour="黑色",
        colour_en="Black",
        colour_hex="#111111",
        size="M",
        list_price=price,
        kind=kind,
    )


def cart(cart_id: str = "sale-1", guide: str = "g1") -> Cart:
    """Return an empty cart."""
    return Cart(cart_id, "CNY", guide_id=guide)
