"""What the provider's side says of a payment that was confirmed by hand"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_AWAITED = sa.text("vouched = 'awaited'")


def upgrade() -> None:
    column = sa.Column("vouched", sa.Text(), nullable=False, server_default="")
    op.add_column("payment_attempt", column)
    op.create_index(
        "ix_payment_attempt_vouched",
        "payment_attempt",
        ["expires_ms"],
        sqlite_where=_AWAITED,
        postgresql_where=_AWAITED,
    )


def downgrade() -> None:
    op.drop_index("ix_payment_attempt_vouched", "payment_attempt")
    op.drop_column("payment_attempt", "vouched")
