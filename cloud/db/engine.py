"""Opens the cloud's database: the embedded, encrypted SQLite file or PostgreSQL by URL.

The only module of the cloud that knows SQLCipher. A key is made once, with the file; a missing key
of an existing file is an error and never a new key.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import sqlcipher3.dbapi2

from app.errors import Code, Trouble
from cloud.db.base import READ_ONLY, Database
from cloud.settings import Settings

_log = logging.getLogger(__name__)

FIT_SQLITE = (3, 51, 3)
"""The first release past the race in resetting a log (https://sqlite.org/wal.html#walresetbug), which
several connections that write and checkpoint, as ours do, can run into."""
KEY_BYTES = 32
BUSY_MS = 10_000
CHECKPOINT_PAGES = 4_000
"""16 MB of log between checkpoints: a page changed by many batches is copied back once."""
LOG_BYTES = 64 * 1024 * 1024
"""What the log is cut back to after a busy spell."""
POOL: dict[str, Any] = {
    "pool_size": 16,
    "max_overflow": 32,
    "pool_timeout": 30,
    # The connection used last is taken first, so that one page cache stays warm instead of sixteen.
    "pool_use_lifo": True,
    # What a statement was about (a phone, a name) never stands in an error and so in no log.
    "hide_parameters": True,
}


POSTGRESQL_POOL: dict[str, Any] = {"pool_size": 12, "max_overflow": 12, "pool_timeout": 10}
"""Per worker, and so that four workers fit a server with its usual hundred connections."""
RESTED_S = 1.0
"""A connection that was used so lately is taken to be alive."""
_RESTING_SINCE = "guidepos_resting_since"
THREADS = 16
"""Requests of a worker that may be inside PostgreSQL besides pushes and health: with those fewer than
the pool holds, so that nobody waits for a connection while holding one."""


def open_database(settings: Settings) -> Database:
    """Open the database the settings name; nothing is migrated.

    Raises Trouble: STORE_KEY_MISSING when the embedded file is there without its key, SQLITE_UNFIT.
    """
    if settings.db_url:
        return Database(_postgresql(settings))
    return Database(_sqlite(settings.sqlite_file))


def open_embedded(file: Path, key: bytes) -> Database:
    """Open an embedded file that has another name than the settings say, with a key it was made with."""
    return Database(_sqlite(file, key))


_CHEAPER_BODIES = """
    SELECT set_config(name, 'lz4', false) FROM pg_settings
    WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"""
"""Journal bodies are compressed by the fastest way the server was built with."""


def _postgresql(settings: Settings) -> sa.Engine:
    milliseconds = {
        "statement_timeout": settings.statement_s * 1_000,
        "idle_in_transaction_session_timeout": settings.idle_transaction_s * 1_000,
    }
    engine = sa.create_engine(
        settings.db_url,
        connect_args={"application_name": "guidepos-cloud", "connect_timeout": 10},
        **POOL | POSTGRESQL_POOL,
    )

    @sa.event.listens_for(engine, "connect")
    def _limit(connection: Any, _record: object) -> None:
        # Not as options of the connection: poolers between us and the server refuse those.
        for name, value in milliseconds.items():
            connection.execute(f"SET {name} = {value}")
        connection.execute(_CHEAPER_BODIES)
        connection.commit()

    _ping_the_rested(engine)
    return engine


def _ping_the_rested(engine: sa.Engine) -> None:
    """Ask a connection that rested whether it still lives, and open all anew if it does not. In a busy
    spell nobody asks: that cost each push two round trips, and a server that went away since a moment
    is found out by the statement itself."""

    @sa.event.listens_for(engine, "checkin")
    def _rest(_connection: Any, record: Any) -> None:
        record.info[_RESTING_SINCE] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: Any, _proxy: object) -> None:
        since = record.info.pop(_RESTING_SINCE, None)
        if since is None or time.monotonic() - since < RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error


def _sqlite(file: Path, key: bytes = b"") -> sa.Engine:
    if sqlcipher3.dbapi2.sqlite_version_info < FIT_SQLITE:
        raise Trouble(Code.SQLITE_UNFIT, version=sqlcipher3.dbapi2.sqlite_version)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = key or key_of(file)
    engine = sa.create_engine(f"sqlite+pysqlite:///{file}", module=sqlcipher3.dbapi2, **POOL)

    @sa.event.listens_for(engine, "connect")
    def _unlock(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # see `begin_ourselves`
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        _keep_a_log(connection)
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            f"journal_size_limit = {LOG_BYTES}",
            "cache_size = -65536",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    begin_ourselves(engine)
    return engine


def begin_ourselves(engine: sa.Engine) -> None:
    """Begin the transactions of a SQLite engine here alone; its connections must not begin any.

    A write takes the file's lock at once, because one that reads first and then wants to write is
    turned away without waiting.
    """

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


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


def key_of(file: Path) -> bytes:
    """Return the key of an embedded file, made with it the first time. Raises Trouble(STORE_KEY_MISSING)."""
    key_file = file.with_name(file.name + ".key")
    # Asked in this order: a server that starts beside us writes its key first and its file second.
    has_file = file.exists()
    if not key_file.exists():
        if has_file:
            raise Trouble(Code.STORE_KEY_MISSING, file=str(key_file))
        write_private(key_file, os.urandom(KEY_BYTES).hex().encode())
    return bytes.fromhex(read_private(key_file).decode("ascii").strip())


def read_private(file: Path) -> bytes:
    """Read a file its owner alone may read; one that came back from a backup open to others is closed."""
    if os.name == "posix" and file.stat().st_mode & 0o077:
        file.chmod(0o600)
        _log.warning("%s was open to others; it no longer is", file.name)
    return file.read_bytes()


def write_private(file: Path, data: bytes) -> None:
    """Write a file its owner alone may read, whole or not at all, durable before this returns.

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
    _flush_folder(file.parent)


def _flush_folder(folder: Path) -> None:
    """Make the names in a folder durable: a database must never outlive the name of its key."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
