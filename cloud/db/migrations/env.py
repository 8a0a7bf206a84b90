"""Alembic's entry: runs on the connection `cloud.db.schema.migrate` opened, never on its own."""

from __future__ import annotations

from alembic import context

from cloud.db import (
    backup_tables,
    member_tables,
    payment_tables,
    price_tables,
    refund_tables,
    tables,
    task_tables,
)
from cloud.db.base import metadata

DECLARED = (
    tables,
    member_tables,
    payment_tables,
    refund_tables,
    price_tables,
    backup_tables,
    task_tables,
)
"""Importing them hangs their tables on the metadata."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
