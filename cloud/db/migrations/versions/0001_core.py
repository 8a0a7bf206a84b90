"""Core: devices, journal, projections, reference, members"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commission",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("receipt_no", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("guide_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("plan_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("base", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rate_bp", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weight_bp", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "document_id", "no", name=op.f("pk_commission")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_commission_business_date",
        "commission",
        ["tenant_id", "business_date", "guide_id"],
        unique=False,
    )
    op.create_table(
        "config",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_config")),
    )
    op.create_table(
        "device",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("device_code", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("escrow", sa.LargeBinary(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("app_version", sa.Text(), nullable=False),
        sa.Column("protection", sa.Text(), nullable=False),
        sa.Column("db_id", sa.Text(), nullable=False),
        sa.Column("boot_nonce", sa.Text(), nullable=False),
        sa.Column("enrolled_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "device_id", name=op.f("pk_device")),
    )
    op.create_index("ix_device_device_id", "device", ["device_id"], unique=False)
    op.create_table(
        "device_epoch",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hwm", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hwm_hash", sa.LargeBinary(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "device_id", "epoch", name=op.f("pk_device_epoch")
        ),
    )
    op.create_table(
        "enrol_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrol_code")),
    )
    op.create_table(
        "exception",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("exception_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rec_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("resolved_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "exception_id", name=op.f("pk_exception")),
    )
    op.create_table(
        "journal",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rec_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("schema_ver", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("original", sa.Boolean(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "device_id", "epoch", "seq", name=op.f("pk_journal")
        ),
    )
    op.create_index(
        "uq_journal_rec_id",
        "journal",
        ["tenant_id", "store_id", "rec_id"],
        unique=True,
        sqlite_where=sa.text("original"),
        postgresql_where=sa.text("original"),
    )
    op.create_table(
        "member",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("pinyin", sa.Text(), nullable=False),
        sa.Column("initials", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name_revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("phone_revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tier_revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("note_revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "member_ref", name=op.f("pk_member")),
    )
    op.create_index("ix_member_feed", "member", ["tenant_id", "change", "member_ref"], unique=False)
    op.create_table(
        "member_alias",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("alias_ref", sa.Text(), nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "alias_ref", name=op.f("pk_member_alias")),
    )
    op.create_table(
        "member_change",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("base_revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("t_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "change_id", name=op.f("pk_member_change")),
    )
    op.create_index(
        "ix_member_change_member_ref", "member_change", ["tenant_id", "member_ref"], unique=False
    )
    op.create_table(
        "member_phone",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "phone", name=op.f("pk_member_phone")),
    )
    op.create_table(
        "payment_step",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("sale_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("anomalies", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column("order_hash", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "step_id", name=op.f("pk_payment_step")),
    )
    op.create_index(
        "ix_payment_step_attempt",
        "payment_step",
        ["tenant_id", "store_id", "attempt_id"],
        unique=False,
    )
    op.create_table(
        "person",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", name=op.f("pk_person")),
    )
    op.create_index("ix_person_feed", "person", ["tenant_id", "change", "person_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("receipt_no", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("t_quality", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "refund_id", name=op.f("pk_refund")),
    )
    op.create_index(
        "ix_refund_business_date", "refund", ["tenant_id", "business_date"], unique=False
    )
    op.create_table(
        "refund_line",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("style_no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unit_mills", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("net", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rounded", sa.Boolean(), nullable=False),
        sa.Column("origin_sale", sa.Text(), nullable=False),
        sa.Column("origin_line", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "refund_id", "line_no", name=op.f("pk_refund_line")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_refund_line_origin",
        "refund_line",
        ["tenant_id", "store_id", "origin_sale", "origin_line"],
        unique=False,
    )
    op.create_table(
        "sale",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("sale_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("receipt_no", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_ref", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("t_quality", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gross", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "sale_id", name=op.f("pk_sale")),
    )
    op.create_index("ix_sale_business_date", "sale", ["tenant_id", "business_date"], unique=False)
    op.create_table(
        "sale_line",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("sale_id", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("style_no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unit_mills", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("net", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rounded", sa.Boolean(), nullable=False),
        sa.Column("gross", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "sale_id", "line_no", name=op.f("pk_sale_line")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "server_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_state")),
    )
    op.create_table(
        "sku",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("style_no", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sku_id", name=op.f("pk_sku")),
    )
    op.create_index("ix_sku_feed", "sku", ["tenant_id", "change", "sku_id"], unique=False)
    op.create_table(
        "stock",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("as_of_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", "sku_id", name=op.f("pk_stock")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_stock_feed", "stock", ["tenant_id", "change", "store_id", "sku_id"], unique=False
    )
    op.create_table(
        "stock_adjustment",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("adjustment_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "adjustment_id", name=op.f("pk_stock_adjustment")
        ),
    )
    op.create_table(
        "stock_movement",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("delta", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "document_id", "no", name=op.f("pk_stock_movement")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "store",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("devices", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "store_id", name=op.f("pk_store")),
    )
    op.create_table(
        "tenant",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant")),
    )
    op.create_table(
        "tender",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("tender_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("given", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "store_id", "document_id", "no", name=op.f("pk_tender")
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("tender")
    op.drop_table("tenant")
    op.drop_table("store")
    op.drop_table("stock_movement")
    op.drop_table("stock_adjustment")
    op.drop_index("ix_stock_feed", table_name="stock")
    op.drop_table("stock")
    op.drop_index("ix_sku_feed", table_name="sku")
    op.drop_table("sku")
    op.drop_table("server_state")
    op.drop_table("sale_line")
    op.drop_index("ix_sale_business_date", table_name="sale")
    op.drop_table("sale")
    op.drop_index("ix_refund_line_origin", table_name="refund_line")
    op.drop_table("refund_line")
    op.drop_index("ix_refund_business_date", table_name="refund")
    op.drop_table("refund")
    op.drop_index("ix_person_feed", table_name="person")
    op.drop_table("person")
    op.drop_index("ix_payment_step_attempt", table_name="payment_step")
    op.drop_table("payment_step")
    op.drop_table("member_phone")
    op.drop_index("ix_member_change_member_ref", table_name="member_change")
    op.drop_table("member_change")
    op.drop_table("member_alias")
    op.drop_index("ix_member_feed", table_name="member")
    op.drop_table("member")
    op.drop_index(
        "uq_journal_rec_id",
        table_name="journal",
        sqlite_where=sa.text("original"),
        postgresql_where=sa.text("original"),
    )
    op.drop_table("journal")
    op.drop_table("exception")
    op.drop_table("enrol_code")
    op.drop_table("device_epoch")
    op.drop_index("ix_device_device_id", table_name="device")
    op.drop_table("device")
    op.drop_table("config")
    op.drop_index("ix_commission_business_date", table_name="commission")
    op.drop_table("commission")
