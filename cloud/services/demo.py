"""Loads the invented demo shop, so that a till enrolled here has something to sell.

Knows the demo's shapes and the feeds; search keys and PIN hashes are made here, where goods and
people are written. Loading the same shop again changes nothing, so stock stays as it was sold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa

from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    MemberRow,
    PersonRow,
    PlanRow,
    ReasonRow,
    SkuRow,
    StockRow,
    StoreRow,
    TierRow,
)
from app.wire.pins import hash_pin
from app.wire.searchkeys import SearchKeys, search_keys
from cloud.db.base import Database
from cloud.db.rows import upsert
from cloud.db.state import ensure_tenant
from cloud.db.tables import server_state, tenant
from cloud.services import feed
from cloud.services import members as member_desk
from cloud.services.enrol import ensure_store
from resources.demo.shapes import DemoShop, Member, Person, Sku, Stock
from resources.demo.shop import demo_shop, styles_for

PAGE = 10_000
"""Rows of one transaction: a serving cloud may write in between."""
_LOADED = "demo"

T = TypeVar("T")


def load_demo(
    db: Database, now_ms: int, *, skus: int | None = None, styles: int | None = None, members: int
) -> dict[str, int]:
    """Load the demo shop and return how many of each there are.

    `skus` asks for at least so many SKUs, `styles` for so many styles; neither is the usual shop.
    """
    wanted = styles_for(skus) if skus is not None else styles
    form = f"{wanted} {members}"
    shop = demo_shop(styles=wanted, members=members)
    query = sa.select(server_state.c.value).where(server_state.c.name == _LOADED)
    if db.read(lambda connection: connection.scalar(query)) != form:
        _load(db, shop, now_ms)
        done = [{"name": _LOADED, "value": form}]
        db.write(lambda connection: upsert(connection, server_state, done))
    return {
        "stores": len(shop.stores),
        "people": len(shop.people),
        "skus": len(shop.skus),
        "stock": len(shop.stock),
        "members": len(shop.members),
    }


def _load(db: Database, shop: DemoShop, now_ms: int) -> None:
    tenant_id = db.write(lambda connection: _put_stores(connection, shop, now_ms))
    for store in shop.stores:
        people = [_person(person) for person in shop.people if person.store == store.store]
        db.write(partial(feed.put_people, tenant_id=tenant_id, rows=people, store_id=store.store))
    for skus in _pages(shop.skus):
        db.write(partial(feed.put_skus, tenant_id=tenant_id, rows=[_sku(sku) for sku in skus]))
    for page in _pages(shop.stock):
        counted = [_stock(row, now_ms) for row in page]
        db.write(partial(feed.put_stock, tenant_id=tenant_id, rows=counted))
    for some in _pages(shop.members):
        known = [_member(member) for member in some]
        db.write(partial(member_desk.put_members, tenant_id=tenant_id, rows=known))
    db.write(lambda connection: feed.put_config(connection, tenant_id, _config(shop)))


def _pages(rows: Sequence[T]) -> Iterator[list[T]]:
    source = iter(rows)
    while page := list(islice(source, PAGE)):
        yield page


def _put_stores(connection: sa.Connection, shop: DemoShop, now_ms: int) -> str:
    tenant_id = ensure_tenant(connection, now_ms)
    connection.execute(
        sa.update(tenant).where(tenant.c.tenant_id == tenant_id).values(name=shop.brand)
    )
    for store in shop.stores:
        ensure_store(
            connection,
            tenant_id,
            store.store,
            now_ms=now_ms,
            name=store.name,
            name_en=store.name_en,
        )
    return tenant_id


@lru_cache(maxsize=50_000)
def _keys(*texts: str) -> SearchKeys:
    """All sizes of a colour are found by the same words."""
    return search_keys(*texts)


def _sku(sku: Sku) -> SkuRow:
    keys = _keys(sku.name, sku.name_en, sku.style_no, sku.colour, sku.colour_en)
    return SkuRow(
        sku_id=sku.sku_id,
        style_no=sku.style_no,
        name=sku.name,
        name_en=sku.name_en,
        category=sku.category,
        colour_code=sku.colour_code,
        colour=sku.colour,
        colour_en=sku.colour_en,
        colour_hex=sku.colour_hex,
        size=sku.size,
        size_order=sku.size_order,
        list_price=sku.list_price,
        gtin=sku.gtin,
        drawing=sku.drawing,
        season=sku.season,
        search=keys.tokens,
        pinyin=keys.pinyin,
        initials=keys.initials,
    )


def _person(person: Person) -> PersonRow:
    return PersonRow(
        person_id=person.person_id,
        name=person.name,
        name_en=person.name_en,
        role=person.role,
        pin=hash_pin(person.pin),
    )


def _stock(row: Stock, now_ms: int) -> StockRow:
    return StockRow(
        store=row.store,
        sku_id=row.sku_id,
        quantity=row.quantity,
        as_of_ms=now_ms - row.age_s * 1_000,
    )


def _member(member: Member) -> MemberRow:
    keys = search_keys(member.name)
    return MemberRow(
        member_ref=member.member_ref,
        revision=1,
        name=member.name,
        phone=member.phone,
        tier=member.tier,
        points=member.points,
        note=member.note,
        search=keys.tokens,
        pinyin=keys.pinyin,
        initials=keys.initials,
    )


def _config(shop: DemoShop) -> ConfigRow:
    plan = shop.plan
    return ConfigRow(
        currency=shop.currency,
        stores=[
            StoreRow(
                store=s.store,
                name=s.name,
                name_en=s.name_en,
                city=s.city,
                address=s.address,
                phone=s.phone,
            )
            for s in shop.stores
        ],
        categories=[
            CategoryRow(code=c.code, name=c.name, name_en=c.name_en, icon=c.icon)
            for c in shop.categories
        ],
        tiers=[
            TierRow(code=t.code, name=t.name, name_en=t.name_en, pays_bp=t.pays_bp)
            for t in shop.tiers
        ],
        discount_reasons=[
            ReasonRow(code=r.code, name=r.name, name_en=r.name_en, max_bp=r.max_bp)
            for r in shop.discount_reasons
        ],
        plan=PlanRow(
            plan_id=plan.plan_id,
            version=plan.version,
            default_bp=plan.default_bp,
            rates_bp=dict(plan.rates_bp),
        ),
    )
