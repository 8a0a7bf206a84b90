"""Tables of money going back: each refund as it stands, its append-only history, and what tills record.

Everything of a refund lies with its store. `number` is ours and what the provider knows it by; a request
whose money came in several payments has a row for each, the first under the request's own number.
Amounts are minor units, times Unix milliseconds.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import ForeignKeyConstraint, Index, Table

from cloud.db.base import metadata
from cloud.db.columns import key, small, text, whole
from cloud.db.distribution import BY_STORE
from cloud.db.payment_tables import attempt

OF_A_RETURN = sa.text("document_id <> '' AND belied_ms = 0")
"""Of refunds: a till makes a return of it. Word for word what the partial index says; by parameters SQLite
would not know it."""

refund = Table(
    "payment_refund",
    metadata,
    *key("tenant_id", "store_id", "number"),
    text("request"),
    text("attempt_id"),
    text("device_id"),
    text("document_id"),  # "": of money no sale was made of
    text("provider"),
    text("payment_ref"),
    whole("total"),  # of that payment
    text("ref"),
    whole("amount"),
    text("currency"),
    text("reason"),
    text("actor"),
    text("standing"),
    text("word"),
    whole("accepted_ms"),  # 0: the provider has never taken it on
    whole("next_ms"),  # when to ask again, not before; 0: at its end, or never asked about yet
    whole("belied_ms"),  # when money moved that had been called refused; 0: it was not
    whole("created_ms"),
    whole("changed_ms"),
    small("version"),
    ForeignKeyConstraint(
        ["tenant_id", "store_id", "attempt_id"],
        [attempt.c.tenant_id, attempt.c.store_id, attempt.c.attempt_id],
        name="fk_payment_refund_attempt",
    ),
    Index("ix_payment_refund_attempt", "tenant_id", "store_id", "attempt_id"),
    Index("ix_payment_refund_request", "tenant_id", "store_id", "request"),
    Index("ix_payment_refund_due", "standing", "next_ms"),
    Index("ix_payment_refund_changed", "tenant_id", "provider", "changed_ms"),  # a bill's day
    Index(
        "ix_payment_refund_of_a_return",
        *("standing", "changed_ms", "tenant_id", "store_id", "number"),
        sqlite_where=OF_A_RETURN,
        postgresql_where=OF_A_RETURN,
    ),
    info=BY_STORE,
)

event = Table(
    "payment_refund_event",
    metadata,
    *key("tenant_id", "store_id", "number"),
    small("version", primary_key=True),
    text("standing"),
    text("ref"),
    text("word"),
    whole("at_ms"),
    ForeignKeyConstraint(
        ["tenant_id", "store_id", "number"],
        [refund.c.tenant_id, refund.c.store_id, refund.c.number],
        name="fk_payment_refund_event_refund",
    ),
    info=BY_STORE,
)

step = Table(
    "refund_step",
    metadata,
    *key("tenant_id", "store_id", "step_id"),
    text("device_id"),
    text("number"),
    small("step"),
    text("standing"),
    text("attempt_id"),
    text("sale_id"),
    text("document_id"),
    whole("amount"),
    whole("cash"),
    text("currency"),
    text("business_date"),
    text("reason"),
    text("provider"),
    text("ref"),
    text("word"),
    text("actor"),
    whole("at_ms"),
    Index("ix_refund_step_attempt", "tenant_id", "store_id", "attempt_id"),
    info=BY_STORE,
)
"""What a till recorded of a refund. The cloud's own knowledge is in `payment_refund`; what only a
till remembers counts, too."""
