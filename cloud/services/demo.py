"""Loads the invented demo shop, so that a till enrolled here has something to sell.

Knows the demo's rows and the feeds. Loading the same shop again changes nothing, so stock stays as
it was sold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa

from app.domain.times import SHOP_ZONE
from cloud.db.base import Database
from cloud.db.bill_tables import fee
from cloud.db.rows import upsert
from cloud.db.state import ensure_tenant
from cloud.db.tables import server_state, tenant
from cloud.gateways.base import BillKind, Tariff
from cloud.gateways.sandbox import SandboxGateway
from cloud.services import feed
from cloud.services import members as member_desk
from cloud.services.enrol import ensure_store
from resources.demo.rows import config_row, member_row, person_row, sku_row, stock_row
from resources.demo.shapes import DemoShop
from resources.demo.shop import demo_shop, styles_for

PAGE = 10_000
"""Rows of one transaction: a serving cloud may write in between."""
_LOADED = "demo"
_DEMO_RATES = {Tariff.QR: 38, Tariff.CODE: 60}
"""Hundredths of a percent, as providers' price lists have them."""

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
        people = [person_row(person) for person in shop.people if person.store == store.store]
        db.write(partial(feed.put_people, tenant_id=tenant_id, rows=people, store_id=store.store))
    for skus in _pages(shop.skus):
        rows = [sku_row(sku) for sku in skus]
        db.write(partial(feed.put_skus, tenant_id=tenant_id, rows=rows, now_ms=now_ms))
    for page in _pages(shop.stock):
        counted = [stock_row(row, now_ms) for row in page]
        db.write(partial(feed.put_stock, tenant_id=tenant_id, rows=counted))
    for some in _pages(shop.members):
        known = [member_row(member) for member in some]
        db.write(partial(member_desk.put_members, tenant_id=tenant_id, rows=known))
    db.write(lambda connection: feed.put_config(connection, tenant_id, config_row(shop)))
    billed = list(_billed(shop, tenant_id, now_ms))
    db.write(lambda connection: upsert(connection, fee, billed))


def _billed(shop: DemoShop, tenant_id: str, now_ms: int) -> Iterator[dict[str, object]]:
    """Invent what the sandbox, which costs nothing, would have kept of yesterday: so that the demo shows
    which way of paying costs the shop least."""
    yesterday = datetime.fromtimestamp(now_ms / 1000, SHOP_ZONE).date() - timedelta(1)
    for store in shop.stores:
        for no, (way, rate_bp) in enumerate(_DEMO_RATES.items()):
            yield {
                "tenant_id": tenant_id,
                "store_id": store.store,
                "provider": SandboxGateway.name,
                "day": yesterday.isoformat(),
                "no": no,
                "ref": f"demo-{no}",
                "attempt_id": "",
                "kind": BillKind.PAYMENT.value,
                "way": way.value,
                "amount": 1_000_000,
                "currency": shop.currency,
                "fee_mills": 1_000_000 * 1_000 * rate_bp // 10_000,
            }


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
