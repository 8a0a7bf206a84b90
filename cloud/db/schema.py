"""Brings a database to the newest form with Alembic, inside the caller's process."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from cloud.db.base import Database

_MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(db: Database) -> None:
    """Run all migrations that are missing; each engine does them in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with db.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
