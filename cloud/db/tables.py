"""The core tables: who may talk to us, what happened (facts), what tills are told (reference).

Facts are keyed by (tenant, store, ...) and spread by store; nothing is unique across stores, ids
come from devices, and reference is keyed by tenant. Every table's `info` says where its rows lie (see
`distribution`). Members are next door in `member_tables`, payments in `payment_tables`.

Amounts are minor units, unit prices mills, times Unix milliseconds. `change` is the number of the
transaction that last wrote a row of a feed (see `feed`).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Index, LargeBinary, Table

from cloud.db.base import metadata
from cloud.db.columns import blob, flag, key, small, text, whole
from cloud.db.distribution import BY_STORE, REFERENCE

_BY_KEY: dict[str, Any] = {"sqlite_with_rowid": False}
"""Rows lie in the order of their key: half the pages for the many small rows of a document."""

_SUMMED_UP = {"autosummarize": "on"}
_BY_ARRIVAL: dict[str, Any] = {"postgresql_using": "brin", "postgresql_with": _SUMMED_UP}
"""An index that knows which days lie in which part of a table: documents come in about the order of their
days, so a report reads its own days alone, and a push pays next to nothing for it."""

# --- the server itself ----------------------------------------------------------------------------

server_state = Table("server_state", metadata, *key("name"), text("value"), info=REFERENCE)
"""timeline, feed_generation, the embedded engine's change counter and its gaps, and tombstones' ends."""

# --- who may talk to us ---------------------------------------------------------------------------

tenant = Table(
    "tenant", metadata, *key("tenant_id"), text("name"), whole("created_ms"), info=REFERENCE
)

store = Table(
    "store",
    metadata,
    *key("tenant_id", "store_id"),
    text("name"),
    text("name_en"),
    whole("created_ms"),
    small("devices"),  # counts device codes handed out; never goes down
    info=REFERENCE,
)

device = Table(
    "device",
    metadata,
    *key("tenant_id", "store_id", "device_id"),
    text("device_code"),
    blob("public_key"),
    blob("secret"),
    blob("escrow"),
    text("platform"),
    text("app_version"),
    text("protection"),
    text("db_id"),
    text("boot_nonce"),
    whole("enrolled_ms"),
    whole("seen_ms"),
    whole("revoked_ms"),
    text("retired_nonces", server_default=""),
    small("odd_hellos", server_default="0"),
    info=BY_STORE,
)
"""`revoked_ms` 0: not revoked. `escrow` is the till's store key sealed to our escrow key.

`retired_nonces` are those of earlier starts of its program, spaced; `odd_hellos` counts hellos that came
with one of them after a later start had spoken: two programs are alive under one name."""

device_home = Table(
    "device_home",
    metadata,
    *key("device_id"),
    text("tenant_id"),
    text("store_id"),
    info=REFERENCE,
)
"""Whose a device is, for those who know its id alone: a token request and the token behind a QR. It is
on every node, written when a till enrols and never again, so that nobody asks all shards."""

device_epoch = Table(
    "device_epoch",
    metadata,
    *key("tenant_id", "store_id", "device_id", "epoch"),
    small("ordinal"),
    whole("hwm"),
    blob("hwm_hash"),
    whole("opened_ms"),
    text("request_id", server_default=""),
    text("reason", server_default=""),
    info=BY_STORE,
)
"""One incarnation of a device's journal with its contiguous high-water mark (genesis hash at 0).

`request_id` and `reason` say which request opened it and why; "" for the one of enrolment."""

enrol_code = Table(
    "enrol_code",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    text("tenant_id"),
    text("store_id"),
    whole("expires_ms"),
    whole("used_ms"),
    text("device_id"),
    info=REFERENCE,
)

# --- what happened --------------------------------------------------------------------------------

journal = Table(
    "journal",
    metadata,
    *key("tenant_id", "store_id", "device_id", "epoch"),
    whole("seq", primary_key=True),
    text("rec_id"),
    text("kind"),
    small("schema_ver"),
    blob("header"),
    blob("body"),
    blob("hash"),
    blob("prev_hash"),
    text("verdict"),
    flag("original"),
    whole("received_ms"),
    whole("change"),
    Index(
        "uq_journal_rec_id",
        "tenant_id",
        "store_id",
        "rec_id",
        unique=True,
        sqlite_where=sa.text("original"),
        postgresql_where=sa.text("original"),
    ),
    Index(
        "ix_journal_kept",
        "tenant_id",
        "store_id",
        "kind",
        sqlite_where=sa.text("verdict = 'accepted_unprojected'"),
        postgresql_where=sa.text("verdict = 'accepted_unprojected'"),
    ),
    info=BY_STORE,
)
"""Every record ever received, byte for byte. `original`: the first with its `rec_id`; a record that
came again under another epoch is kept too, so that every chain can be verified from here."""

exception = Table(
    "exception",
    metadata,
    *key("tenant_id", "store_id", "exception_id"),
    text("code"),
    text("device_id"),
    text("epoch"),
    whole("seq"),
    text("rec_id"),
    text("detail"),
    whole("created_ms"),
    whole("resolved_ms"),
    info=BY_STORE,
)
"""Something a person should look at. It never stopped a record from being kept."""


def _document(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        *key("tenant_id", "store_id", f"{name}_id"),
        text("device_id"),
        text("receipt_no"),
        text("business_date"),
        text("currency"),
        whole("total"),
        text("member_ref"),
        text("reference"),
        text("actor"),
        whole("at_ms"),
        text("t_quality"),
        whole("received_ms"),
        *columns,
        Index(f"ix_{name}_business_date", "tenant_id", "business_date", **_BY_ARRIVAL),
        info=BY_STORE,
    )


sale = _document("sale", whole("gross"))
refund = _document("refund", text("reason"))


def _goods() -> list[Column[Any]]:
    return [
        text("sku_id"),
        text("style_no"),
        text("name"),
        text("colour"),
        text("size"),
        text("category"),
        text("kind"),
        whole("quantity"),
        whole("unit_mills"),
        whole("net"),
        flag("rounded"),
    ]


sale_line = Table(
    "sale_line",
    metadata,
    *key("tenant_id", "store_id", "sale_id"),
    small("line_no", primary_key=True),
    *_goods(),
    whole("gross"),
    info=BY_STORE,
    **_BY_KEY,
)

refund_line = Table(
    "refund_line",
    metadata,
    *key("tenant_id", "store_id", "refund_id"),
    small("line_no", primary_key=True),
    *_goods(),
    text("origin_sale"),
    small("origin_line"),
    Index("ix_refund_line_origin", "tenant_id", "store_id", "origin_sale", "origin_line"),
    info=BY_STORE,
    **_BY_KEY,
)

tender = Table(
    "tender",
    metadata,
    *key("tenant_id", "store_id", "document_id"),
    small("no", primary_key=True),
    text("document"),
    text("tender_id"),
    text("kind"),
    whole("amount"),
    whole("given"),
    whole("change"),
    text("attempt_id"),
    text("provider"),
    info=BY_STORE,
    **_BY_KEY,
)
"""Money that settled a document; `document` is "sale" or "refund", amounts positive in both."""

stock_movement = Table(
    "stock_movement",
    metadata,
    *key("tenant_id", "store_id", "document_id"),
    small("no", primary_key=True),
    text("sku_id"),
    whole("delta"),
    text("kind"),
    text("business_date"),
    info=BY_STORE,
    **_BY_KEY,
)

commission = Table(
    "commission",
    metadata,
    *key("tenant_id", "store_id", "document_id"),
    small("no", primary_key=True),
    text("document"),
    text("business_date"),
    text("receipt_no"),
    small("line_no"),
    text("guide_id"),
    text("plan_id"),
    small("plan_version"),
    whole("base"),
    small("rate_bp"),
    small("weight_bp"),
    whole("amount"),
    Index("ix_commission_business_date", "tenant_id", "business_date", "guide_id", **_BY_ARRIVAL),
    info=BY_STORE,
    **_BY_KEY,
)

stock_adjustment = Table(
    "stock_adjustment",
    metadata,
    *key("tenant_id", "store_id", "adjustment_id"),
    text("device_id"),
    text("business_date"),
    text("reason"),
    text("reference"),
    text("actor"),
    whole("at_ms"),
    whole("received_ms"),
    info=BY_STORE,
)

payment_step = Table(
    "payment_step",
    metadata,
    *key("tenant_id", "store_id", "step_id"),
    text("device_id"),
    text("attempt_id"),
    text("sale_id"),
    small("step"),
    text("event"),
    text("state"),
    text("anomalies"),
    whole("amount"),
    whole("received"),
    text("currency"),
    text("provider"),
    text("provider_ref"),
    text("order_hash"),
    whole("expires_ms"),
    text("actor"),
    whole("at_ms"),
    Index("ix_payment_step_attempt", "tenant_id", "store_id", "attempt_id"),
    info=BY_STORE,
)
"""What the till recorded of an attempt; the cloud's own knowledge is in the payment tables."""

# --- what tills are told --------------------------------------------------------------------------


def _told() -> list[Column[Any]]:
    """What a row is told by: `row_sum` is its part of the stream's checksum, `deleted_ms` 0 for a row
    that is there."""
    return [
        blob("body"),
        whole("row_sum", server_default="0"),
        flag("deleted"),
        whole("deleted_ms", server_default="0"),
        whole("change"),
    ]


sku = Table(
    "sku",
    metadata,
    *key("tenant_id", "sku_id"),
    text("style_no"),
    text("gtin"),
    *_told(),
    Index("ix_sku_feed", "tenant_id", "change", "sku_id"),
    info=REFERENCE,
)
"""`body` is the `SkuRow` as it travels; the columns beside it are for our own look-ups."""

person = Table(
    "person",
    metadata,
    *key("tenant_id", "person_id"),
    text("store_id"),
    *_told(),
    Index("ix_person_feed", "tenant_id", "change", "person_id"),
    info=REFERENCE,
)
"""`store_id` "": known to every store of the tenant."""

config = Table(
    "config",
    metadata,
    *key("tenant_id", "name"),
    *_told(),
    info=REFERENCE,
)

stock = Table(
    "stock",
    metadata,
    *key("tenant_id", "store_id", "sku_id"),
    whole("quantity"),
    whole("as_of_ms"),
    whole("mark", server_default="0"),
    Column("known", Boolean(create_constraint=False), nullable=False, server_default=sa.true()),
    whole("change"),
    Index("ix_stock_feed", "tenant_id", "change", "store_id", "sku_id"),
    Index(
        "ix_stock_below_zero",
        "tenant_id",
        "store_id",
        "change",
        sqlite_where=sa.text("quantity < 0 AND known"),
        postgresql_where=sa.text("quantity < 0 AND known"),
    ),
    info=BY_STORE,
    **_BY_KEY,
)
"""On-hand: what was counted plus every movement received since. May be negative. `known` is false
where all began with a sale: nobody ever counted it, and what is below zero there says nothing. `mark` is
the figure's weight in the stream's checksum (see `app.wire.checksum`)."""
