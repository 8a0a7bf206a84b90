"""Tables of what providers bill: their accounts of a day, what in them differs from our ledger, and fees.

A bill is of one merchant account and speaks of many stores, so bills, their lines and differences lie by
account; a fee lies with the payment it was taken of. Amounts are minor units, fees thousandths of one,
times Unix milliseconds, days ISO 8601. No personal data, except inside `bill_file` as the provider wrote it.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Index, Table

from cloud.db.base import metadata
from cloud.db.columns import blob, key, small, text, whole
from cloud.db.distribution import BY_ACCOUNT, BY_STORE

bill = Table(
    "bill",
    metadata,
    *key("tenant_id", "account", "day"),
    small("revision"),  # 1, and one more with every file of that day that says something else
    text("digest"),
    whole("begin_ms"),
    whole("end_ms"),
    whole("fetched_ms"),
    whole("lines"),
    whole("paid"),
    whole("given_back"),
    whole("fee_mills"),
    whole("foreign_lines"),  # orders of other systems
    whole("compared_ms"),  # 0: not yet
    info=BY_ACCOUNT,
)
"""The newest bill of each day."""

bill_file = Table(
    "bill_file",
    metadata,
    *key("tenant_id", "account", "day"),
    small("revision", primary_key=True),
    text("digest"),
    text("source"),  # fetched, or a file's name
    whole("fetched_ms"),
    blob("packed"),  # the file as it came, compressed by zlib
    info=BY_ACCOUNT,
)
"""Every bill as it came, also those that a corrected one took the place of. Inserts only."""

bill_line = Table(
    "bill_line",
    metadata,
    *key("tenant_id", "account", "day"),
    small("no", primary_key=True),
    text("kind"),
    text("attempt_id"),  # "": an order that is not ours
    text("order_number"),
    text("ref"),
    text("refund_number"),
    whole("amount"),
    text("currency"),
    whole("fee_mills"),
    whole("at_ms"),
    text("store"),
    text("way"),
    Index("ix_bill_line_ref", "tenant_id", "account", "ref", "refund_number"),
    Index(
        "ix_bill_line_refund",
        "tenant_id",
        "account",
        "refund_number",
        sqlite_where=sa.text("refund_number <> ''"),
        postgresql_where=sa.text("refund_number <> ''"),
    ),
    info=BY_ACCOUNT,
)
"""The lines of the newest bill of each day."""

bill_difference = Table(
    "bill_difference",
    metadata,
    *key("tenant_id", "account", "difference_id"),
    text("day"),
    text("reason"),
    text("subject"),  # the provider's number of a payment, or of ours of a refund
    text("act"),
    text("store_id"),  # "": nobody knows whose
    text("attempt_id"),
    whole("ours"),
    whole("theirs"),
    text("detail"),
    text("state"),
    whole("found_ms"),
    whole("settled_ms"),
    text("settled_by"),
    text("resolution"),
    Index("ix_bill_difference_day", "tenant_id", "account", "day"),
    Index("ix_bill_difference_state", "tenant_id", "state"),
    info=BY_ACCOUNT,
)

fee = Table(
    "payment_fee",
    metadata,
    *key("tenant_id", "store_id", "provider", "day"),
    small("no", primary_key=True),  # of the bill's line
    text("ref"),
    text("attempt_id"),
    text("kind"),
    text("way"),
    whole("amount"),
    text("currency"),
    whole("fee_mills"),
    Index("ix_payment_fee_day", "tenant_id", "provider", "day"),
    info=BY_STORE,
)
"""What a provider really kept of a payment, or returned with a refund."""
