"""Refunds that a till makes a return of, by when their money was back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_OF_A_RETURN = sa.text("document_id <> '' AND belied_ms = 0")


def upgrade() -> None:
    op.create_index(
        "ix_payment_refund_of_a_return",
        "payment_refund",
        ["standing", "changed_ms", "tenant_id", "store_id", "number"],
        sqlite_where=_OF_A_RETURN,
        postgresql_where=_OF_A_RETURN,
    )


def downgrade() -> None:
    op.drop_index("ix_payment_refund_of_a_return", "payment_refund")
