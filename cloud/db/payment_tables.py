"""Tables of payments: attempts, their append-only history, the money heard, and who took an order.

`sandbox_*` are the make-believe provider's own books, kept apart because a provider's truth is not
ours. Triggers (in the migration) refuse to change or remove history and money. Amounts are minor
units, times Unix milliseconds.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.domain.payment import OPEN
from cloud.db.base import metadata

# One open attempt per sale is the database's own promise, whatever two tills do at once.
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))

attempt = sa.Table(
    "payment_attempt",
    metadata,
    sa.Column("attempt_id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("store", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("sale_id", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("order_bytes", sa.LargeBinary, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("anomalies", sa.Text, nullable=False),  # sorted, joined by spaces
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),  # "" until the customer taps Pay
    sa.Column("provider_ref", sa.Text, nullable=False),
    sa.Column("looked_ms", sa.BigInteger, nullable=False),  # 0: nobody has opened the page
    sa.Column("paid_ms", sa.BigInteger, nullable=False),  # 0: not paid
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

sa.Index(
    "uq_payment_attempt_open_sale",
    attempt.c.tenant,
    attempt.c.store,
    attempt.c.sale_id,
    unique=True,
    sqlite_where=sa.text(f"state IN ({_OPEN})"),
    postgresql_where=sa.text(f"state IN ({_OPEN})"),
)
sa.Index("ix_payment_attempt_due", attempt.c.state, attempt.c.expires_ms)
sa.Index("ix_payment_attempt_sale", attempt.c.tenant, attempt.c.store, attempt.c.sale_id)

event = sa.Table(
    "payment_event",
    metadata,
    sa.Column("attempt_id", sa.ForeignKey(attempt.c.attempt_id), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),  # till, page, provider, clock
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("anomalies", sa.Text, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("provider_ref", sa.Text, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)

money = sa.Table(
    "payment_money",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("attempt_id", sa.ForeignKey(attempt.c.attempt_id), nullable=False, index=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)

claim = sa.Table(
    "order_claim",
    metadata,
    sa.Column("attempt_id", sa.ForeignKey(attempt.c.attempt_id), primary_key=True),
    sa.Column("phone_hash", sa.Text, nullable=False, index=True),
    sa.Column("taken_ms", sa.BigInteger, nullable=False),
)

sandbox_order = sa.Table(
    "sandbox_order",
    metadata,
    sa.Column("payment_id", sa.Text, primary_key=True),
    sa.Column("attempt_id", sa.Text, nullable=False, unique=True),
    sa.Column("merchant", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("back", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("silent", sa.Boolean, nullable=False),  # stalled: answers nobody
)

sandbox_money = sa.Table(
    "sandbox_money",
    metadata,
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("payment_id", sa.ForeignKey(sandbox_order.c.payment_id), nullable=False, index=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
