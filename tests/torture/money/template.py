"""Where every run begins: a cloud with goods and people, and two tills of one store that know them.

Made once per process, over the wire like everything else, and copied for each run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.wire.messages import StockRow
from cloud.db.state import ensure_tenant
from cloud.services import enrol, feed
from tests.fakes.clock import NOON
from tests.store import shop
from tests.torture.money.cloud import MoneyCloud
from tests.torture.money.till import MoneyTill
from tests.torture.sim import memory

if TYPE_CHECKING:
    from sqlite3 import Connection

STORE = "S001"
TILLS = 2
ROWS = (shop.sku_row(), shop.sku_row("S1", "红色", "S", name="围巾", price_fen=9_990))
GOODS = [shop.sku_of(row) for row in ROWS]
_PUBLISHED_MS = NOON - 86_400_000
_MINUTE_MS = 60_000

NewTill = Callable[["Connection"], MoneyTill]


def fill(cloud: MoneyCloud, new_till: NewTill) -> list[MoneyTill]:
    """Let a cloud and its tills be where every run begins."""
    source, stores = template()
    cloud.now_ms = NOON
    memory.overwrite(cloud.memory, source)
    return [new_till(memory.copy_of(store)) for store in stores]


@cache
def template() -> tuple[Connection, list[Connection]]:
    """Return what the cloud and each till hold where every run begins. Has the process's one machine, so
    it is to be made before a run is."""
    cloud = MoneyCloud(NOON)
    cloud.db.write(_furnish)
    from tests.fakes.clock import FakeClock
    from tests.torture.money.till import Line

    tills = []
    for _ in range(TILLS):
        code = cloud.db.write(
            lambda c: enrol.make_enrol_code(c, STORE, now_ms=cloud.now_ms, minutes=60)
        )
        till = MoneyTill(memory.new_store(), Line(cloud), FakeClock(cloud.now_ms))
        till.enrol(code.code)
        assert till.sync(whole=True)
        tills.append(till)
    return memory.copy_of(cloud.memory), [till.data for till in tills]


def _furnish(connection: sa.Connection) -> None:
    tenant = ensure_tenant(connection, NOON)
    enrol.ensure_store(connection, tenant, STORE, now_ms=NOON)
    people = [shop.person_row(), shop.person_row(shop.WANG, role="manager")]
    feed.put_config(connection, tenant, shop.config_row())
    feed.put_people(connection, tenant, people)
    feed.put_skus(connection, tenant, ROWS, now_ms=_PUBLISHED_MS)
    stock = (StockRow(store=STORE, sku_id=row.sku_id, quantity=99, as_of_ms=NOON) for row in ROWS)
    feed.put_stock(connection, tenant, stock)
