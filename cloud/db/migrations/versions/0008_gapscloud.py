"""Records that wait for a newer version are found without reading the journal"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEPT = sa.text("verdict = 'accepted_unprojected'")


def upgrade() -> None:
    op.create_index(
        "ix_journal_kept",
        "journal",
        ["tenant_id", "store_id", "kind"],
        sqlite_where=_KEPT,
        postgresql_where=_KEPT,
    )


def downgrade() -> None:
    op.drop_index("ix_journal_kept", table_name="journal")
