"""Bootstrap: a sum per row for the checksums of streams, and since when a row is gone"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.wire.checksum import member_sum, row_sum, stock_mark
from app.wire.messages import MemberRow

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TOLD = ("sku", "person", "config")
_SUMS = {
    "sku": "row_sum",
    "person": "row_sum",
    "config": "row_sum",
    "stock": "mark",
    "member": "row_sum",
}
_PAGE = 5_000


def upgrade() -> None:
    for table, name in _SUMS.items():
        op.add_column(table, _whole(name))
    for table in _TOLD:
        op.add_column(table, _whole("deleted_ms"))
        op.execute(
            sa.text(f"UPDATE {table} SET deleted_ms = :now WHERE deleted").bindparams(  # noqa: S608
                now=time.time_ns() // 1_000_000
            )
        )
    for table, key in (("sku", "sku_id"), ("person", "person_id"), ("config", "name")):
        _fill(table, [key], lambda row, key=key: _told(row[key], row))  # type: ignore[misc]
    _fill("stock", ["store_id", "sku_id"], lambda row: stock_mark(row["store_id"], row["sku_id"]))
    _fill("member", ["member_ref"], _member)


def downgrade() -> None:
    for table in _TOLD:
        op.drop_column(table, "deleted_ms")
    for table, name in _SUMS.items():
        op.drop_column(table, name)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False, server_default="0")


def _told(key: str, row: Any) -> int:
    return 0 if row["deleted"] else row_sum(key, bytes(row["body"]))


def _member(row: Any) -> int:
    values = {name: row[name] for name in MemberRow.__struct_fields__}
    return member_sum(MemberRow(**{**values, "erased": bool(values["erased"])}))


def _fill(name: str, keys: list[str], sum_of: Callable[[Any], int]) -> None:
    """Set the sums of all rows of a table, page by page in the order of its key."""
    connection = op.get_bind()
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    order = [table.c.tenant_id, *(table.c[key] for key in keys)]
    target = _SUMS[name]
    change = (
        sa.update(table)
        .where(*(column == sa.bindparam(f"at_{column.name}") for column in order))
        .values({target: sa.bindparam("sum")})
    )
    after: tuple[str, ...] = ()
    while True:
        query = sa.select(table).order_by(*order).limit(_PAGE)
        if after:
            query = query.where(sa.tuple_(*order) > sa.tuple_(*after))
        page = connection.execute(query).mappings().all()
        if not page:
            return
        connection.execute(
            change,
            [{"sum": sum_of(row), **{f"at_{c.name}": row[c.name] for c in order}} for row in page],
        )
        after = tuple(page[-1][column.name] for column in order)
