"""How an attempt was begun at its provider"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_attempt", sa.Column("way", sa.Text(), nullable=False, server_default=""))
    # Until now our page was what led to a provider.
    op.execute("UPDATE payment_attempt SET way = 'page' WHERE provider <> ''")


def downgrade() -> None:
    op.drop_column("payment_attempt", "way")
