"""Alembic's entry: runs on the connection `cloud.db.schema.migrate` opened, never on its own."""

from __future__ import annotations

import importlib.util

from alembic import context

import cloud.db.tables  # noqa: F401 - declares its tables on the metadata
from cloud.db.base import metadata

if importlib.util.find_spec("cloud.db.payment_tables") is not None:
    importlib.import_module("cloud.db.payment_tables")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
