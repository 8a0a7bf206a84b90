"""Tables of what a person of a store must see and settle: tasks, and records set aside meanwhile.

A task is told to tills through the feed, so it has a `change`; it is never deleted. Amounts are minor
units, times Unix milliseconds, 0 and "" mean "not yet".
"""

from __future__ import annotations

from sqlalchemy import Index, Table

from cloud.db.base import metadata
from cloud.db.columns import key, text, whole
from cloud.db.distribution import BY_STORE

task = Table(
    "task",
    metadata,
    *key("tenant_id", "store_id", "task_id"),
    text("kind"),
    text("code"),
    text("subject"),
    text("device_id"),
    text("device_code"),
    text("epoch"),
    whole("seq"),
    text("receipt_no"),
    text("other"),
    text("detail"),
    whole("amount"),
    whole("created_ms"),
    text("state"),
    text("claimed_device"),
    text("claimed_by"),
    text("claim_id"),
    whole("claim_until_ms"),
    whole("settled_ms"),
    text("resolution"),
    text("words"),
    whole("change"),
    Index("ix_task_feed", "tenant_id", "store_id", "change", "task_id"),
    info=BY_STORE,
)
"""The columns are those of `app.wire.tasks.TaskRow`; `claim_id` is known to the claiming device only, and
`words` to the cloud: what people have said of an attempt's money (`services/answered`)."""

quarantine = Table(
    "quarantine",
    metadata,
    *key("tenant_id", "store_id", "device_id", "epoch"),
    whole("seq", primary_key=True),
    text("task_id"),
    Index("ix_quarantine_task", "tenant_id", "store_id", "task_id"),
    info=BY_STORE,
)
"""Journal records of a revoked device that are on no books; their task says what became of them."""
