"""Tasks of a store, records in quarantine, and stock that is known to be counted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "task",
        _text("tenant_id"),
        _text("store_id"),
        _text("task_id"),
        _text("kind"),
        _text("code"),
        _text("subject"),
        _text("device_id"),
        _text("device_code"),
        _text("epoch"),
        _whole("seq"),
        _text("receipt_no"),
        _text("other"),
        _text("detail"),
        _whole("amount"),
        _whole("created_ms"),
        _text("state"),
        _text("claimed_device"),
        _text("claimed_by"),
        _text("claim_id"),
        _whole("claim_until_ms"),
        _whole("settled_ms"),
        _text("resolution"),
        _whole("change"),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "task_id", name=op.f("pk_task")),
    )
    op.create_index("ix_task_feed", "task", ["tenant_id", "store_id", "change", "task_id"])
    op.create_table(
        "quarantine",
        _text("tenant_id"),
        _text("store_id"),
        _text("device_id"),
        _text("epoch"),
        _whole("seq"),
        _text("task_id"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "device_id", "epoch", "seq", name=op.f("pk_quarantine")
        ),
    )
    op.create_index("ix_quarantine_task", "quarantine", ["tenant_id", "store_id", "task_id"])
    # What was there before counts as known: a warning too many is better than one too few.
    op.add_column(
        "stock", sa.Column("known", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    below_zero = sa.text("quantity < 0 AND known")
    op.create_index(
        "ix_stock_below_zero",
        "stock",
        ["tenant_id", "store_id", "change"],
        sqlite_where=below_zero,
        postgresql_where=below_zero,
    )
