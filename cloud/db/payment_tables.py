"""Tables of payments: attempts, their append-only history, the money heard, and who took an order.

Everything of an attempt lies with its store, so every key begins with tenant and store. `sandbox_*`
are the make-believe provider's own books, kept apart because a provider's truth is not ours. Triggers
(in the migration) refuse to change or remove history and money. Amounts are minor units, times Unix
milliseconds.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import ForeignKeyConstraint, Index, Table, UniqueConstraint

from app.domain.payment import OPEN
from cloud.db.base import metadata
from cloud.db.columns import blob, flag, key, small, text, whole
from cloud.db.distribution import BY_STORE

# One open attempt per sale is the database's own promise, whatever two tills do at once.
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))

attempt = Table(
    "payment_attempt",
    metadata,
    *key("tenant_id", "store_id", "attempt_id"),
    text("device_id"),
    text("sale_id"),
    text("token"),
    blob("order_bytes"),
    whole("amount"),
    text("currency"),
    whole("created_ms"),
    whole("expires_ms"),
    text("state"),
    text("anomalies"),  # sorted, joined by spaces
    whole("received"),
    text("provider"),  # "" until the customer taps Pay
    text("provider_ref"),
    whole("looked_ms"),  # 0: nobody has opened the page
    whole("paid_ms"),  # 0: not paid
    whole("changed_ms"),
    small("version"),
    text("way", server_default=""),  # page, code, qr; "" until a provider is asked
    text("vouched", server_default=""),  # awaited, denied, silent; "" unless confirmed by hand
    text("first_number", server_default=""),  # at providers, if older than the numbers of today
    whole("next_ms", server_default="0"),  # when its provider may be asked again; 0: at any time
    Index(
        "uq_payment_attempt_open_sale",
        "tenant_id",
        "store_id",
        "sale_id",
        unique=True,
        sqlite_where=sa.text(f"state IN ({_OPEN})"),
        postgresql_where=sa.text(f"state IN ({_OPEN})"),
    ),
    Index("ix_payment_attempt_due", "state", "expires_ms"),
    Index(
        "ix_payment_attempt_vouched",
        "expires_ms",
        sqlite_where=sa.text("vouched = 'awaited'"),
        postgresql_where=sa.text("vouched = 'awaited'"),
    ),
    Index("ix_payment_attempt_sale", "tenant_id", "store_id", "sale_id"),
    Index("ix_payment_attempt_id", "tenant_id", "attempt_id"),  # a bill names no store
    info=BY_STORE,
)


def _leads_to(table: Table, name: str) -> ForeignKeyConstraint:
    columns = ("tenant_id", "store_id", name)
    return ForeignKeyConstraint(columns, [table.c[column] for column in columns])


event = Table(
    "payment_event",
    metadata,
    *key("tenant_id", "store_id", "attempt_id"),
    small("version", primary_key=True),
    text("event"),
    text("source"),  # till, page, provider, clock
    text("state"),
    text("anomalies"),
    whole("received"),
    text("provider"),
    text("provider_ref"),
    whole("at_ms"),
    _leads_to(attempt, "attempt_id"),
    info=BY_STORE,
)

money = Table(
    "payment_money",
    metadata,
    *key("tenant_id", "store_id", "provider", "ref"),
    text("attempt_id"),
    whole("amount"),
    whole("at_ms"),
    _leads_to(attempt, "attempt_id"),
    Index("ix_payment_money_attempt_id", "tenant_id", "store_id", "attempt_id"),
    Index("ix_payment_money_at", "tenant_id", "provider", "at_ms"),
    info=BY_STORE,
)
"""`ref` is the provider's number. A payment is booked once per store, and only its own can hear of it."""

orphan = Table(
    "payment_orphan",
    metadata,
    *key("tenant_id", "store_id", "attempt_id", "provider", "ref"),
    whole("amount"),
    whole("at_ms"),
    info=BY_STORE,
)
"""Money a provider told of for an attempt that was not there: the cloud came back from an older backup."""

claim = Table(
    "order_claim",
    metadata,
    *key("tenant_id", "store_id", "attempt_id"),
    text("phone_hash"),
    whole("taken_ms"),
    _leads_to(attempt, "attempt_id"),
    Index("ix_order_claim_phone_hash", "tenant_id", "store_id", "phone_hash"),
    info=BY_STORE,
)

sandbox_order = Table(
    "sandbox_order",
    metadata,
    *key("tenant_id", "store_id", "payment_id"),
    text("attempt_id"),
    text("merchant"),
    whole("amount"),
    text("currency"),
    whole("expires_ms"),
    text("back"),
    text("standing"),
    flag("silent"),  # stalled: answers nobody
    UniqueConstraint("tenant_id", "store_id", "attempt_id"),
    info=BY_STORE,
)

sandbox_money = Table(
    "sandbox_money",
    metadata,
    *key("tenant_id", "store_id", "ref"),
    text("payment_id"),
    whole("amount"),
    whole("at_ms"),
    _leads_to(sandbox_order, "payment_id"),
    Index("ix_sandbox_money_payment_id", "tenant_id", "store_id", "payment_id"),
    info=BY_STORE,
)
