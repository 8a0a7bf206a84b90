"""What the cloud has on its books, as the tests of the journal ask it."""

from __future__ import annotations

import sqlalchemy as sa

from cloud.bootstrap import Cloud
from cloud.db import tables


def count(cloud: Cloud, table: sa.Table) -> int:
    found = cloud.db.read(
        lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(table))
    )
    assert isinstance(found, int)
    return found


def exceptions(cloud: Cloud) -> list[str]:
    query = sa.select(tables.exception.c.code).order_by(tables.exception.c.seq)
    return cloud.db.read(lambda connection: list(connection.scalars(query)))


def on_hand(cloud: Cloud, sku: str) -> int | None:
    query = sa.select(tables.stock.c.quantity).where(tables.stock.c.sku_id == sku)
    found: int | None = cloud.db.read(lambda connection: connection.scalar(query))
    return found
