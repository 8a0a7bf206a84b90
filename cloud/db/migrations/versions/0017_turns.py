"""When a provider may be asked about an attempt again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("next_ms", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("payment_attempt", column)


def downgrade() -> None:
    op.drop_column("payment_attempt", "next_ms")
