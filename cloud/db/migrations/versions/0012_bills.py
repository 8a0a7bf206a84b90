"""Bills of providers, their differences from the ledger, and real fees"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud.db.migrations.append_only import allow_changes, refuse_changes

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bill",
        *_texts("tenant_id", "account", "day"),
        *_smalls("revision"),
        *_texts("digest"),
        *_wholes("begin_ms", "end_ms", "fetched_ms", "lines", "paid", "given_back"),
        *_wholes("fee_mills", "foreign_lines", "compared_ms"),
        sa.PrimaryKeyConstraint("tenant_id", "account", "day", name=op.f("pk_bill")),
    )
    op.create_table(
        "bill_file",
        *_texts("tenant_id", "account", "day"),
        *_smalls("revision"),
        *_texts("digest", "source"),
        *_wholes("fetched_ms"),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "account", "day", "revision", name=op.f("pk_bill_file")
        ),
    )
    refuse_changes("bill_file")
    op.create_table(
        "bill_line",
        *_texts("tenant_id", "account", "day"),
        *_smalls("no"),
        *_texts("kind", "attempt_id", "order_number", "ref", "refund_number"),
        *_wholes("amount"),
        *_texts("currency"),
        *_wholes("fee_mills", "at_ms"),
        *_texts("store", "way"),
        sa.PrimaryKeyConstraint("tenant_id", "account", "day", "no", name=op.f("pk_bill_line")),
    )
    op.create_index(
        "ix_bill_line_ref", "bill_line", ["tenant_id", "account", "ref", "refund_number"]
    )
    numbered = sa.text("refund_number <> ''")
    op.create_index(
        "ix_bill_line_refund",
        "bill_line",
        ["tenant_id", "account", "refund_number"],
        sqlite_where=numbered,
        postgresql_where=numbered,
    )
    op.create_table(
        "bill_difference",
        *_texts("tenant_id", "account", "difference_id", "day", "reason", "subject", "act"),
        *_texts("store_id", "attempt_id"),
        *_wholes("ours", "theirs"),
        *_texts("detail", "state"),
        *_wholes("found_ms", "settled_ms"),
        *_texts("settled_by", "resolution"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "account", "difference_id", name=op.f("pk_bill_difference")
        ),
    )
    for name, columns in (
        ("day", ["tenant_id", "account", "day"]),
        ("state", ["tenant_id", "state"]),
    ):
        op.create_index(f"ix_bill_difference_{name}", "bill_difference", columns)
    op.create_table(
        "payment_fee",
        *_texts("tenant_id", "store_id", "provider", "day"),
        *_smalls("no"),
        *_texts("ref", "attempt_id", "kind", "way"),
        *_wholes("amount"),
        *_texts("currency"),
        *_wholes("fee_mills"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "provider", "day", "no", name=op.f("pk_payment_fee")
        ),
    )
    op.create_index("ix_payment_fee_day", "payment_fee", ["tenant_id", "provider", "day"])
    op.create_index("ix_payment_money_at", "payment_money", ["tenant_id", "provider", "at_ms"])
    op.create_index("ix_payment_attempt_id", "payment_attempt", ["tenant_id", "attempt_id"])
    changed = ["tenant_id", "provider", "changed_ms"]
    op.create_index("ix_payment_refund_changed", "payment_refund", changed)


def downgrade() -> None:
    op.drop_index("ix_payment_refund_changed", "payment_refund")
    op.drop_index("ix_payment_attempt_id", "payment_attempt")
    op.drop_index("ix_payment_money_at", "payment_money")
    op.drop_table("payment_fee")
    op.drop_table("bill_difference")
    op.drop_table("bill_line")
    allow_changes("bill_file")
    op.drop_table("bill_file")
    op.drop_table("bill")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _smalls(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), autoincrement=False, nullable=False) for name in names]


def _wholes(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]
