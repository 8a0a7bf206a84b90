"""Opens the cloud's database: the embedded, encrypted SQLite file or PostgreSQL by URL.

The only module of the cloud that knows SQLCipher. A key is made once, with the file; a missing key
of an existing file is an error and never a new key.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import sqlcipher3.dbapi2

from app.errors import Code, Trouble
from cloud.db.base import READ_ONLY, Database
from cloud.settings import Settings

KEY_BYTES = 32
BUSY_MS = 10_000
CHECKPOINT_PAGES = 4_000
"""16 MB of log between checkpoints: a page changed by many batches is copied back once."""
POOL = {"pool_size": 16, "max_overflow": 32, "pool_timeout": 30}


def open_database(settings: Settings) -> Database:
    """Open the database the settings name; nothing is migrated.

    Raises Trouble(STORE_KEY_MISSING) when the embedded file is there without its key.
    """
    if settings.db_url:
        return Database(sa.create_engine(settings.db_url, pool_pre_ping=True, **POOL))
    return Database(_sqlite(settings.sqlite_file))


def _sqlite(file: Path) -> sa.Engine:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _key_of(file)
    engine = sa.create_engine(f"sqlite+pysqlite:///{file}", module=sqlcipher3.dbapi2, **POOL)

    @sa.event.listens_for(engine, "connect")
    def _unlock(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, by us alone
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        _keep_a_log(connection)
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "cache_size = -65536",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _keep_a_log(connection: Any) -> None:
    """Set WAL mode. A new file changes to it under a lock for which SQLite does not wait by itself."""
    deadline = time.monotonic() + BUSY_MS / 1_000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlcipher3.dbapi2.OperationalError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _key_of(file: Path) -> bytes:
    key_file = file.with_name(file.name + ".key")
    # Asked in this order: a server that starts beside us writes its key first and its file second.
    has_file = file.exists()
    if not key_file.exists():
        if has_file:
            raise Trouble(Code.STORE_KEY_MISSING, file=str(key_file))
        write_private(key_file, os.urandom(KEY_BYTES).hex().encode())
    return bytes.fromhex(key_file.read_text("ascii").strip())


def write_private(file: Path, data: bytes) -> None:
    """Write a file its owner alone may read, whole or not at all.

    An existing file stays as it is: of two processes that start at once the first one's counts, so
    read the file afterwards.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f"{file.name}.{os.urandom(4).hex()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
    finally:
        fresh.unlink()
