"""A till whose shop is offline: the order travels in its QR, and a scanner reads the customer's page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import zxingcpp
from PIL import Image

from app.domain.cart import Cart, Discount, DiscountKind
from app.domain.catalog import Sku
from app.domain.ids import new_id
from app.domain.money import MILLS
from app.domain.pricing import PricedCart, price
from app.wire.messages import PersonRow, SkuRow
from app.wire.portable import pack, portable
from app.wire.tokens import OrderToken, new_nonce, order_hash, read_order_token
from cloud.gateways.base import AttemptKey
from cloud.services import feed
from tests.cloud.paying import FIVE_MINUTES, Phone, Shop, Till

COAT, SCARF = "MD1001-CAM-M", "MD2002-RED-F"
PRICES = {COAT: 189_900, SCARF: 39_900}
MEMBER = Discount(DiscountKind.PERCENT_OFF, 1_000, "member_tier")
ROUNDING = Discount(DiscountKind.AMOUNT_OFF, 710, "seasonal")


def sku_row(sku_id: str, list_price: int) -> SkuRow:
    return SkuRow(
        sku_id=sku_id,
        style_no=sku_id.split("-", maxsplit=1)[0],
        name="双面羊毛大衣" if sku_id == COAT else "羊绒围巾",
        name_en="Double-faced wool coat" if sku_id == COAT else "Cashmere scarf",
        category="coats",
        colour_code="CAM",
        colour="驼色",
        colour_en="Camel",
        colour_hex="#B98A5A",
        size="M",
        size_order=1,
        list_price=list_price,
        drawing="coat",
    )


def publish(shop: Shop, **changed: int) -> None:
    """Let headquarters publish the catalogue, with other prices for some SKUs, now."""
    prices = PRICES | {sku.replace("_", "-"): minor for sku, minor in changed.items()}
    rows = [sku_row(sku_id, minor) for sku_id, minor in prices.items()]
    mei = PersonRow(person_id="G01", name="陈美", name_en="Mei Chen", role="guide", pin="x")
    now_ms = shop.cloud.clock()
    tenant = shop.tenant
    shop.cloud.db.write(lambda conn: feed.put_skus(conn, tenant, rows, now_ms=now_ms))
    lei = PersonRow(person_id="M01", name="雷宁", name_en="Lei Ning", role="manager", pin="x")
    shop.cloud.db.write(lambda conn: feed.put_people(conn, tenant, [mei, lei]))


@dataclass
class OfflineTill:
    """A till that heard of prices at `as_of_ms` and signs orders by itself."""

    till: Till
    shop: Shop
    as_of_ms: int

    def cart(self, sale_id: str = "", **prices: int) -> PricedCart:
        """A coat with a member's discount and two scarves, at the prices this till knows."""
        known = PRICES | {sku.replace("_", "-"): minor for sku, minor in prices.items()}
        cart = Cart(sale_id or new_id(), "CNY")
        for sku_id, quantity in ((COAT, 1), (SCARF, 2)):
            cart = cart.add(_sku(sku_id), quantity, unit_mills=known[sku_id] * MILLS)
        return price(cart.with_line_discounts(1, (MEMBER,)).with_discounts((ROUNDING,)))

    def show(self, priced: PricedCart | None = None, **changed: Any) -> ShownOffline:
        """Sign an order and draw its QR, without asking anybody."""
        priced = priced or self.cart()
        content = changed.pop("content", None)
        if content is None:
            content = pack(portable(priced.cart, "G01", self.as_of_ms))
        claims = OrderToken(
            device=self.till.device.me.device,
            attempt_id=new_id(),
            nonce=new_nonce(),
            amount=priced.total,
            expires_s=(self.till.now_ms() + 3 * FIVE_MINUTES) // 1_000,
            order_hash=order_hash(content),
            content=content,
        )
        claims = replace(claims, **changed)
        return ShownOffline(self, claims, priced, claims.sign(self.till.device.key))


@dataclass
class ShownOffline:
    """An order behind a QR that the cloud has never heard of."""

    by: OfflineTill
    claims: OrderToken
    priced: PricedCart
    token: str

    @property
    def page(self) -> str:
        return f"/o/{self.token}"

    @property
    def key(self) -> AttemptKey:
        me = self.by.till.device.me
        return AttemptKey(me.tenant, me.store, self.claims.attempt_id)

    def paid_by(self, phone: Phone) -> Phone:
        """Let a customer take the order over and pay for it."""
        phone.open(self.page)
        phone.tap("/take")
        phone.tap("/pay")
        phone.tap("/approve")
        return phone.at(self.page)


def scanned(page: str) -> str:
    """Return what a scanner reads from the proof on a page."""
    found = re.search(r'viewBox="0 0 (\d+) \d+"[^>]*><rect[^>]*><path d="([^"]+)"', page)
    assert found is not None, "no proof on the page"
    side = int(found.group(1))
    picture = Image.new("L", (side, side), 255)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1", found.group(2)):
        for at in range(int(length)):
            picture.putpixel((int(x) + at, int(y)), 0)
    (code,) = zxingcpp.read_barcodes(picture.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    return str(code.text)


def spoken(page: str) -> str:
    """Return the digits a customer reads from a page."""
    found = re.search(r"<strong>(\d{4}) (\d{4})</strong>", page)
    assert found is not None
    return found.group(1) + found.group(2)


def claims_of(token: str) -> OrderToken:
    return read_order_token(token).claims


def _sku(sku_id: str) -> Sku:
    row = sku_row(sku_id, PRICES[sku_id])
    names = ("style_no", "name", "name_en", "category", "colour_code", "colour", "colour_en")
    return Sku(
        sku_id=sku_id,
        colour_hex=row.colour_hex,
        size=row.size,
        list_price=row.list_price,
        drawing=row.drawing,
        **{name: getattr(row, name) for name in names},
    )
