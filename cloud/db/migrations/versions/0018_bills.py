"""Money a provider told of for an attempt that a restored cloud does not know"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud.db.migrations.append_only import allow_changes, refuse_changes

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_KEY = ("tenant_id", "store_id", "attempt_id", "provider", "ref")


def upgrade() -> None:
    op.create_table(
        "payment_orphan",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _KEY),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_payment_orphan")),
    )
    refuse_changes("payment_orphan")


def downgrade() -> None:
    allow_changes("payment_orphan")
    op.drop_table("payment_orphan")
