"""The order a till made while it was offline, from the token alone: goods and names of our catalogue, the
till's prices where they were the shop's, the amounts by the one rule of pricing.

The device signed it, so nobody on the way can have changed it; what is looked at here is whether a till
that heard nothing for some time still asks what the shop asks. Knows no provider and no page.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from app.domain.cart import Cart, CartLine
from app.domain.catalog import LineKind, Sku
from app.domain.money import MILLS
from app.domain.pricing import price
from app.errors import Code, RuleBroken
from app.wire.messages import UNREADABLE, Order, PersonRow, SkuRow
from app.wire.orders import order_of
from app.wire.portable import PortableLine, PortableOrder, unpack
from app.wire.tokens import OrderToken
from cloud.db.tables import person
from cloud.services.prices import Goods, goods_marked
from cloud.services.tokens import DevicePrincipal

PRICES_STAND_MS = 72 * 3_600_000
"""So long after it was replaced a price stands, if a till that could not hear of it asks it: the tags in
its shop say it too."""

HEARD_TOLERANCE_MS = 3_600_000
"""A till hears of several things in a round; its prices may be older by this than it says."""

_PERSON = msgspec.json.Decoder(PersonRow)


def read_portable(
    connection: sa.Connection, till: DevicePrincipal, claims: OrderToken, now_ms: int
) -> Order:
    """Return the order behind a token that a till of ours signed.

    Raises RuleBroken: TOKEN_INVALID for content that is none or does not come to the signed amount,
    PRICES_OLD where a price is not the shop's, or was not any more when the till last heard of prices,
    or was replaced too long ago.
    """
    content = unpack(claims.content)
    goods = goods_marked(connection, till.tenant, {line.mark for line in content.lines})
    since_ms = content.as_of_s * 1_000 - HEARD_TOLERANCE_MS
    meant = [_meant(goods.get(line.mark, []), line, since_ms, now_ms) for line in content.lines]
    try:
        priced = price(_cart(content, meant))
    except RuleBroken as error:  # more than any document may carry
        raise RuleBroken(Code.TOKEN_INVALID) from error
    if priced.total != claims.amount:
        raise RuleBroken(Code.TOKEN_INVALID)
    guide = _guide(connection, till, content.guide_id)
    return order_of(
        priced,
        attempt_id=claims.attempt_id,
        store=till.store,
        guide=(guide.name, guide.name_en),
        created_ms=now_ms,
        expires_ms=claims.expires_s * 1_000,
    )


def _meant(goods: list[Goods], line: PortableLine, since_ms: int, now_ms: int) -> SkuRow:
    """Return the SKU a line means: the one that had its price late enough."""
    fitting = [
        each.row
        for each in goods
        if any(
            span.list_price == line.unit_price
            and span.until_ms > since_ms
            and span.until_ms + PRICES_STAND_MS > now_ms
            for span in each.spans
        )
    ]
    if len(fitting) != 1:
        raise RuleBroken(Code.PRICES_OLD)
    return fitting[0]


def _cart(content: PortableOrder, meant: list[SkuRow]) -> Cart:
    lines = tuple(
        CartLine(no, _sku(row), line.quantity, line.unit_price * MILLS, line.discounts)
        for no, (row, line) in enumerate(zip(meant, content.lines, strict=True), 1)
    )
    return Cart(content.sale_id, content.currency, lines, content.discounts)


def _sku(row: SkuRow) -> Sku:
    return Sku(
        sku_id=row.sku_id,
        style_no=row.style_no,
        name=row.name,
        name_en=row.name_en,
        category=row.category,
        colour_code=row.colour_code,
        colour=row.colour,
        colour_en=row.colour_en,
        colour_hex=row.colour_hex,
        size=row.size,
        list_price=row.list_price,
        drawing=row.drawing,
        kind=LineKind(row.kind),
    )


def _guide(connection: sa.Connection, till: DevicePrincipal, guide_id: str) -> PersonRow:
    """Return who served, or somebody without a name where we do not know them (any more)."""
    query = sa.select(person.c.body).where(
        person.c.tenant_id == till.tenant, person.c.person_id == guide_id, sa.not_(person.c.deleted)
    )
    body = connection.scalar(query)
    try:
        if body is not None:
            return _PERSON.decode(body)
    except UNREADABLE:
        pass
    return PersonRow(person_id=guide_id, name="", name_en="", role="", pin="")
