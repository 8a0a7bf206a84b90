"""Proof: which price a SKU had since when"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from alembic import op

from app.wire.messages import SkuRow
from app.wire.portable import sku_mark

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PAGE = 5_000


def upgrade() -> None:
    price = op.create_table(
        "price",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("mark", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("list_price", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "mark", "sku_id", "since_ms", name=op.f("pk_price")),
    )
    _fill(price)


def _fill(price: sa.Table) -> None:
    """Take the prices of today for those since ever: what they were before, nobody wrote down."""
    connection = op.get_bind()
    sku = sa.Table("sku", sa.MetaData(), autoload_with=connection)
    order, after = (sku.c.tenant_id, sku.c.sku_id), ("", "")
    decoder = msgspec.json.Decoder(SkuRow)
    query = sa.select(*order, sku.c.body).where(sa.not_(sku.c.deleted)).order_by(*order)
    while True:
        page = connection.execute(query.where(sa.tuple_(*order) > after).limit(_PAGE)).all()
        if not page:
            return
        rows = [
            {
                "tenant_id": row.tenant_id,
                "mark": sku_mark(row.sku_id),
                "sku_id": row.sku_id,
                "since_ms": 0,
                "list_price": decoder.decode(bytes(row.body)).list_price,
            }
            for row in page
        ]
        connection.execute(sa.insert(price), rows)
        after = (page[-1].tenant_id, page[-1].sku_id)


def downgrade() -> None:
    op.drop_table("price")
