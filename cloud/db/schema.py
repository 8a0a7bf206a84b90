"""Brings a database to the newest form with Alembic, inside the caller's process."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from cloud.db.base import Database

_ONE_AT_A_TIME = 0x677031
"""Lock that keeps two servers from migrating at once."""
_MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(db: Database) -> None:
    """Run all migrations that are missing; each engine does them in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with db.begin() as connection:
        if not db.is_sqlite:  # whose write transactions exclude each other anyway
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
