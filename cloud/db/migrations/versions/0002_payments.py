"""Payments: attempts with their history, money heard, orders taken over, the sandbox's books"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud.db.migrations.append_only import allow_changes, refuse_changes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = "state IN ('created', 'unknown', 'waiting')"
_APPEND_ONLY = ("payment_event", "payment_money", "sandbox_money")


def upgrade() -> None:
    _attempts()
    _history()
    _claims()
    _sandbox()
    for table in _APPEND_ONLY:
        refuse_changes(table)


def _attempts() -> None:
    op.create_table(
        "payment_attempt",
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("sale_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("order_bytes", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("anomalies", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column("looked_ms", sa.BigInteger(), nullable=False),
        sa.Column("paid_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_payment_attempt")),
    )
    op.create_index(
        "uq_payment_attempt_open_sale",
        "payment_attempt",
        ["tenant", "store", "sale_id"],
        unique=True,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
    op.create_index("ix_payment_attempt_due", "payment_attempt", ["state", "expires_ms"])
    op.create_index("ix_payment_attempt_sale", "payment_attempt", ["tenant", "store", "sale_id"])


def _history() -> None:
    op.create_table(
        "payment_event",
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("anomalies", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", "version", name=op.f("pk_payment_event")),
        _of_attempt("payment_event"),
    )
    op.create_table(
        "payment_money",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "ref", name=op.f("pk_payment_money")),
        _of_attempt("payment_money"),
    )
    op.create_index("ix_payment_money_attempt_id", "payment_money", ["attempt_id"])


def _claims() -> None:
    op.create_table(
        "order_claim",
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("phone_hash", sa.Text(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_order_claim")),
        _of_attempt("order_claim"),
    )
    op.create_index("ix_order_claim_phone_hash", "order_claim", ["phone_hash"])


def _sandbox() -> None:
    op.create_table(
        "sandbox_order",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("back", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_sandbox_order")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_sandbox_order_attempt_id")),
    )
    op.create_table(
        "sandbox_money",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_sandbox_money")),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["sandbox_order.payment_id"],
            name=op.f("fk_sandbox_money_payment_id_sandbox_order"),
        ),
    )
    op.create_index("ix_sandbox_money_payment_id", "sandbox_money", ["payment_id"])


def downgrade() -> None:
    for table in _APPEND_ONLY:
        allow_changes(table)
    for table in (
        "sandbox_money",
        "sandbox_order",
        "order_claim",
        "payment_money",
        "payment_event",
        "payment_attempt",
    ):
        op.drop_table(table)


def _of_attempt(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["attempt_id"],
        ["payment_attempt.attempt_id"],
        name=op.f(f"fk_{table}_attempt_id_payment_attempt"),
    )
