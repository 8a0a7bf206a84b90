"""The core tables: who may talk to us, what happened (facts), what tills are told (reference).

Facts are keyed by (tenant, store, ...) so that they can be spread by store; nothing is unique
across stores, ids come from devices, and reference and members are keyed by tenant. Payment tables
are next door in `payment_tables`.

Amounts are minor units, unit prices mills, times Unix milliseconds. `change` is the number of the
transaction that last wrote a row of a feed (see `feed`).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from cloud.db.base import metadata


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


def _key(*names: str) -> list[Column[str]]:
    return [_text(name, primary_key=True) for name in names]


def _whole(name: str, **options: Any) -> Column[int]:
    """A whole number of 64 bits: amounts, counts of pieces, times."""
    return Column(name, BigInteger, nullable=False, autoincrement=False, **options)


def _small(name: str, **options: Any) -> Column[int]:
    return Column(name, Integer, nullable=False, autoincrement=False, **options)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean(create_constraint=False), nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


_BY_KEY: dict[str, Any] = {"sqlite_with_rowid": False}
"""Rows lie in the order of their key: half the pages for the many small rows of a document."""

# --- the server itself ----------------------------------------------------------------------------

server_state = Table("server_state", metadata, *_key("name"), _text("value"))
"""timeline, feed_generation, and the change counter of the embedded engine."""

# --- who may talk to us ---------------------------------------------------------------------------

tenant = Table("tenant", metadata, *_key("tenant_id"), _text("name"), _whole("created_ms"))

store = Table(
    "store",
    metadata,
    *_key("tenant_id", "store_id"),
    _text("name"),
    _text("name_en"),
    _whole("created_ms"),
    _small("devices"),  # counts device codes handed out; never goes down
)

device = Table(
    "device",
    metadata,
    *_key("tenant_id", "store_id", "device_id"),
    _text("device_code"),
    _bytes("public_key"),
    _bytes("secret"),
    _bytes("escrow"),
    _text("platform"),
    _text("app_version"),
    _text("protection"),
    _text("db_id"),
    _text("boot_nonce"),
    _whole("enrolled_ms"),
    _whole("seen_ms"),
    _whole("revoked_ms"),
    Index("ix_device_device_id", "device_id"),
)
"""`revoked_ms` 0: not revoked. `escrow` is the till's store key sealed to our escrow key."""

device_epoch = Table(
    "device_epoch",
    metadata,
    *_key("tenant_id", "store_id", "device_id", "epoch"),
    _small("ordinal"),
    _whole("hwm"),
    _bytes("hwm_hash"),
    _whole("opened_ms"),
)
"""One incarnation of a device's journal with its contiguous high-water mark (genesis hash at 0)."""

enrol_code = Table(
    "enrol_code",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    _text("tenant_id"),
    _text("store_id"),
    _whole("expires_ms"),
    _whole("used_ms"),
    _text("device_id"),
)

# --- what happened --------------------------------------------------------------------------------

journal = Table(
    "journal",
    metadata,
    *_key("tenant_id", "store_id", "device_id", "epoch"),
    _whole("seq", primary_key=True),
    _text("rec_id"),
    _text("kind"),
    _small("schema_ver"),
    _bytes("header"),
    _bytes("body"),
    _bytes("hash"),
    _bytes("prev_hash"),
    _text("verdict"),
    _flag("original"),
    _whole("received_ms"),
    _whole("change"),
    Index(
        "uq_journal_rec_id",
        "tenant_id",
        "store_id",
        "rec_id",
        unique=True,
        sqlite_where=sa.text("original"),
        postgresql_where=sa.text("original"),
    ),
)
"""Every record ever received, byte for byte. `original`: the first with its `rec_id`; a record that
came again under another epoch is kept too, so that every chain can be verified from here."""

exception = Table(
    "exception",
    metadata,
    *_key("tenant_id", "store_id", "exception_id"),
    _text("code"),
    _text("device_id"),
    _text("epoch"),
    _whole("seq"),
    _text("rec_id"),
    _text("detail"),
    _whole("created_ms"),
    _whole("resolved_ms"),
)
"""Something a person should look at. It never stopped a record from being kept."""


def _document(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        *_key("tenant_id", "store_id", f"{name}_id"),
        _text("device_id"),
        _text("receipt_no"),
        _text("business_date"),
        _text("currency"),
        _whole("total"),
        _text("member_ref"),
        _text("reference"),
        _text("actor"),
        _whole("at_ms"),
        _text("t_quality"),
        _whole("received_ms"),
        *columns,
        Index(f"ix_{name}_business_date", "tenant_id", "business_date"),
    )


sale = _document("sale", _whole("gross"))
refund = _document("refund", _text("reason"))


def _goods() -> list[Column[Any]]:
    return [
        _text("sku_id"),
        _text("style_no"),
        _text("name"),
        _text("colour"),
        _text("size"),
        _text("category"),
        _text("kind"),
        _whole("quantity"),
        _whole("unit_mills"),
        _whole("net"),
        _flag("rounded"),
    ]


sale_line = Table(
    "sale_line",
    metadata,
    *_key("tenant_id", "store_id", "sale_id"),
    _small("line_no", primary_key=True),
    *_goods(),
    _whole("gross"),
    **_BY_KEY,
)

refund_line = Table(
    "refund_line",
    metadata,
    *_key("tenant_id", "store_id", "refund_id"),
    _small("line_no", primary_key=True),
    *_goods(),
    _text("origin_sale"),
    _small("origin_line"),
    Index("ix_refund_line_origin", "tenant_id", "store_id", "origin_sale", "origin_line"),
    **_BY_KEY,
)

tender = Table(
    "tender",
    metadata,
    *_key("tenant_id", "store_id", "document_id"),
    _small("no", primary_key=True),
    _text("document"),
    _text("tender_id"),
    _text("kind"),
    _whole("amount"),
    _whole("given"),
    _whole("change"),
    _text("attempt_id"),
    _text("provider"),
    **_BY_KEY,
)
"""Money that settled a document; `document` is "sale" or "refund", amounts positive in both."""

stock_movement = Table(
    "stock_movement",
    metadata,
    *_key("tenant_id", "store_id", "document_id"),
    _small("no", primary_key=True),
    _text("sku_id"),
    _whole("delta"),
    _text("kind"),
    _text("business_date"),
    **_BY_KEY,
)

commission = Table(
    "commission",
    metadata,
    *_key("tenant_id", "store_id", "document_id"),
    _small("no", primary_key=True),
    _text("document"),
    _text("business_date"),
    _text("receipt_no"),
    _small("line_no"),
    _text("guide_id"),
    _text("plan_id"),
    _small("plan_version"),
    _whole("base"),
    _small("rate_bp"),
    _small("weight_bp"),
    _whole("amount"),
    Index("ix_commission_business_date", "tenant_id", "business_date", "guide_id"),
    **_BY_KEY,
)

stock_adjustment = Table(
    "stock_adjustment",
    metadata,
    *_key("tenant_id", "store_id", "adjustment_id"),
    _text("device_id"),
    _text("business_date"),
    _text("reason"),
    _text("reference"),
    _text("actor"),
    _whole("at_ms"),
    _whole("received_ms"),
)

payment_step = Table(
    "payment_step",
    metadata,
    *_key("tenant_id", "store_id", "step_id"),
    _text("device_id"),
    _text("attempt_id"),
    _text("sale_id"),
    _small("step"),
    _text("event"),
    _text("state"),
    _text("anomalies"),
    _whole("amount"),
    _whole("received"),
    _text("currency"),
    _text("provider"),
    _text("provider_ref"),
    _text("order_hash"),
    _whole("expires_ms"),
    _text("actor"),
    _whole("at_ms"),
    Index("ix_payment_step_attempt", "tenant_id", "store_id", "attempt_id"),
)
"""What the till recorded of an attempt; the cloud's own knowledge is in the payment tables."""

# --- what tills are told --------------------------------------------------------------------------

sku = Table(
    "sku",
    metadata,
    *_key("tenant_id", "sku_id"),
    _text("style_no"),
    _text("gtin"),
    _bytes("body"),
    _flag("deleted"),
    _whole("change"),
    Index("ix_sku_feed", "tenant_id", "change", "sku_id"),
)
"""`body` is the `SkuRow` as it travels; the columns beside it are for our own look-ups."""

person = Table(
    "person",
    metadata,
    *_key("tenant_id", "person_id"),
    _text("store_id"),
    _bytes("body"),
    _flag("deleted"),
    _whole("change"),
    Index("ix_person_feed", "tenant_id", "change", "person_id"),
)
"""`store_id` "": known to every store of the tenant."""

config = Table(
    "config",
    metadata,
    *_key("tenant_id", "name"),
    _bytes("body"),
    _flag("deleted"),
    _whole("change"),
)

stock = Table(
    "stock",
    metadata,
    *_key("tenant_id", "store_id", "sku_id"),
    _whole("quantity"),
    _whole("as_of_ms"),
    _whole("change"),
    Index("ix_stock_feed", "tenant_id", "change", "store_id", "sku_id"),
    **_BY_KEY,
)
"""On-hand: what was counted plus every movement received since. May be negative."""

# --- members: personal data, never in a fact ------------------------------------------------------

member = Table(
    "member",
    metadata,
    *_key("tenant_id", "member_ref"),
    _text("name"),
    _text("phone"),
    _text("tier"),
    _whole("points"),
    _text("note"),
    _text("search"),
    _text("pinyin"),
    _text("initials"),
    _small("revision"),
    _small("name_revision"),
    _small("phone_revision"),
    _small("tier_revision"),
    _small("note_revision"),
    _flag("erased"),
    _whole("change"),
    Index("ix_member_feed", "tenant_id", "change", "member_ref"),
)

member_phone = Table("member_phone", metadata, *_key("tenant_id", "phone"), _text("member_ref"))
"""Who owns a number. A table of its own keeps the number unique wherever members are spread."""

member_alias = Table("member_alias", metadata, *_key("tenant_id", "alias_ref"), _text("member_ref"))
"""A member who joined twice: the later reference leads to the earlier."""

member_change = Table(
    "member_change",
    metadata,
    *_key("tenant_id", "change_id"),
    _text("member_ref"),
    _text("field"),
    _text("before"),
    _text("value"),
    _small("base_revision"),
    _small("revision"),
    _text("verdict"),
    _text("store_id"),
    _text("device_id"),
    _whole("t_ms"),
    _whole("received_ms"),
    Index("ix_member_change_member_ref", "tenant_id", "member_ref"),
)
"""Every change a till asked for, applied or not: the history, and how a second push is known."""
