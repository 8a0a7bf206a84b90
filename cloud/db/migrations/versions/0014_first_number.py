"""The order numbers of attempts that were begun before numbers named the store"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("first_number", sa.Text(), nullable=False, server_default="")
    op.add_column("payment_attempt", column)
    op.execute(
        "UPDATE payment_attempt SET first_number = replace(attempt_id, '-', '') WHERE provider <> ''"
    )


def downgrade() -> None:
    op.drop_column("payment_attempt", "first_number")
