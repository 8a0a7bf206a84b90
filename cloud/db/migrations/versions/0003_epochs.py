"""Epochs that follow one another, and what tells a cloned till"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("request_id", "reason"):
        op.add_column("device_epoch", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "device", sa.Column("retired_nonces", sa.Text(), nullable=False, server_default="")
    )
    op.add_column(
        "device",
        sa.Column(
            "odd_hellos", sa.Integer(), autoincrement=False, nullable=False, server_default="0"
        ),
    )


def downgrade() -> None:
    for name in ("odd_hellos", "retired_nonces"):
        op.drop_column("device", name)
    for name in ("reason", "request_id"):
        op.drop_column("device_epoch", name)
