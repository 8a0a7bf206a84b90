"""Tasks of money: how much of it a person has answered for by a word"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_SAID = (
    "UPDATE task SET answered = CASE"
    " WHEN code = 'over' THEN amount + CAST('0' || detail AS BIGINT)"
    " WHEN resolution = 'delivered' AND amount > CAST('0' || detail AS BIGINT)"
    " THEN CAST('0' || detail AS BIGINT)"
    " ELSE amount END"
    " WHERE kind = 'money' AND state = 'settled' AND code IN ('late', 'no_sale', 'partial', 'over')"
    " AND resolution IN ('seen', 'delivered', 'refunded')"
)


def upgrade() -> None:
    op.add_column(
        "task", sa.Column("answered", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute(_SAID)


def downgrade() -> None:
    op.drop_column("task", "answered")
