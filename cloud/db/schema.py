"""Brings a database to the newest form with Alembic, inside the caller's process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cloud.db.base import Database

_ONE_AT_A_TIME = 0x677031
"""Lock that keeps two servers from migrating at once."""
_MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(db: Database, to: str = "head") -> None:
    """Run all migrations that are missing, up to `to`; each engine does them in one transaction."""
    with db.begin() as connection:
        if not db.is_sqlite:  # whose write transactions exclude each other anyway
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        if to == "head" and current(connection) == newest():
            return  # Alembic would compile every migration to find out
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)


@lru_cache(maxsize=1)
def newest() -> str:
    """Return the name of the newest migration this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise LookupError("no migrations")
    return head


def current(connection: sa.Connection) -> str:
    """Return the name of the migration a database stands at, "" before the first."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
