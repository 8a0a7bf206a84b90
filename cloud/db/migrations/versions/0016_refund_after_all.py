"""Refunds: money that moved although it had been called refused, and an index nobody read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payment_refund",
        sa.Column("belied_ms", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.drop_index("ix_refund_step_number", "refund_step")


def downgrade() -> None:
    op.create_index("ix_refund_step_number", "refund_step", ["tenant_id", "store_id", "number"])
    op.drop_column("payment_refund", "belied_ms")
