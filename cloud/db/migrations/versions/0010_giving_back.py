"""Giving back: refunds that go through a payment provider, and their history"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud.db.migrations.append_only import allow_changes, refuse_changes

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TEXTS = (
    "request",
    "attempt_id",
    "device_id",
    "document_id",
    "provider",
    "payment_ref",
    "ref",
    "currency",
    "reason",
    "actor",
    "standing",
    "word",
)
_NUMBERS = ("total", "amount", "accepted_ms", "next_ms", "created_ms", "changed_ms")


def upgrade() -> None:
    op.create_table(
        "payment_refund",
        *_keys(),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _NUMBERS),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "number", name=op.f("pk_payment_refund")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "store_id", "attempt_id"],
            [
                "payment_attempt.tenant_id",
                "payment_attempt.store_id",
                "payment_attempt.attempt_id",
            ],
            name="fk_payment_refund_attempt",
        ),
    )
    own = ["tenant_id", "store_id"]
    op.create_index("ix_payment_refund_attempt", "payment_refund", [*own, "attempt_id"])
    op.create_index("ix_payment_refund_request", "payment_refund", [*own, "request"])
    op.create_index("ix_payment_refund_due", "payment_refund", ["standing", "next_ms"])
    op.create_table(
        "payment_refund_event",
        *_keys(),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "number", "version", name=op.f("pk_payment_refund_event")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "store_id", "number"],
            ["payment_refund.tenant_id", "payment_refund.store_id", "payment_refund.number"],
            name="fk_payment_refund_event_refund",
        ),
    )
    refuse_changes("payment_refund_event")
    _steps()


def _steps() -> None:
    """What tills record of refunds."""
    texts = (
        "device_id",
        "number",
        "standing",
        "attempt_id",
        "sale_id",
        "document_id",
        "currency",
        "business_date",
        "reason",
        "provider",
        "ref",
        "word",
        "actor",
    )
    op.create_table(
        "refund_step",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("tenant_id", "store_id", "step_id", *texts)
        ),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("amount", "cash", "at_ms")),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "step_id", name=op.f("pk_refund_step")),
    )
    own = ["tenant_id", "store_id"]
    op.create_index("ix_refund_step_number", "refund_step", [*own, "number"])
    op.create_index("ix_refund_step_attempt", "refund_step", [*own, "attempt_id"])


def _keys() -> list[sa.Column[str]]:
    names = ("tenant_id", "store_id", "number")
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def downgrade() -> None:
    op.drop_table("refund_step")
    allow_changes("payment_refund_event")
    op.drop_table("payment_refund_event")
    op.drop_table("payment_refund")
