"""How a store file is opened, and what its errors mean. It knows no table.

The one place that picks the SQLite library of the project and tells sqlite-utils about it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import sqlcipher3.dbapi2 as sqlite

from app.errors import Code, Trouble, file_trouble
from offline_store.durable import flush_folder

if TYPE_CHECKING:
    from sqlite3 import Connection

# sqlite-utils takes `pysqlite3` where it finds it; without this it would load another SQLite, and
# two libraries on one WAL file corrupt it.
sys.modules.setdefault("pysqlite3", sqlite)
sys.modules.setdefault("pysqlite3.dbapi2", sqlite)

KEY_BYTES = 32
WRITER_BUSY_MS = 5_000
READER_BUSY_MS = 20
"""A look-up on the GUI thread never waits longer than a frame or so for a lock."""

LOG_PAGES = 4_000
"""The worker checkpoints when it is idle; this is only the backstop of a long busy spell."""
FILL_LOG_PAGES = 400
"""A fill writes without a pause: its log is moved little by little, each time within the length of a
short job, and none is left to a sale. Moving 4,000 pages at once took 60 to 150 ms."""

SqliteError: type[Exception] = sqlite.Error
IntegrityError: type[Exception] = sqlite.IntegrityError

_PRAGMAS = (
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "temp_store = MEMORY",
    "recursive_triggers = ON",  # or REPLACE would delete facts behind their triggers
    "secure_delete = FAST",
)

_BUSY, _PERM, _LOCKED, _READONLY, _IOERR, _CORRUPT = 5, 3, 6, 8, 10, 11
_FULL, _CANTOPEN, _NOTADB = 13, 14, 26
_TROUBLES = {
    _BUSY: (Code.STORE_BUSY, True),
    _LOCKED: (Code.STORE_BUSY, True),
    _FULL: (Code.STORE_FULL, True),
    _READONLY: (Code.STORE_READ_ONLY, False),
    _PERM: (Code.STORE_READ_ONLY, False),
    _CANTOPEN: (Code.STORE_READ_ONLY, False),
    _IOERR: (Code.STORE_DAMAGED, False),
    _CORRUPT: (Code.STORE_DAMAGED, False),
    _NOTADB: (Code.STORE_DAMAGED, False),
}
_BY_MESSAGE = {
    "database or disk is full": _FULL,
    "disk I/O error": _IOERR,
    "attempt to write a readonly database": _READONLY,
    "unable to open database file": _CANTOPEN,
    "database is locked": _BUSY,
    "database disk image is malformed": _CORRUPT,
}
"""The library's own words (sqlite3_errstr), for errors that come without a code."""


def is_fit(version: tuple[int, ...]) -> bool:
    """Tell whether a SQLite is past the WAL-reset race (https://sqlite.org/wal.html#walresetbug)."""
    if version >= (3, 51, 3):
        return True
    return (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def check_fitness() -> str:
    """Return the version of the library. Raises Trouble(SQLITE_UNFIT) if the race affects it."""
    version = tuple(sqlite.sqlite_version_info)
    if not is_fit(version):
        raise Trouble(Code.SQLITE_UNFIT, version=sqlite.sqlite_version)
    return str(sqlite.sqlite_version)


def sorted_error(error: Exception) -> Exception:
    """Return the Trouble a SQLite error stands for, or the error itself when it is a bug of ours."""
    known = _TROUBLES.get(_primary_code(error))
    if known is None:
        return error
    code, retryable = known
    return Trouble(code, retryable=retryable, detail=str(error))


def _primary_code(error: Exception) -> int:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:  # `Connection.backup` raises without one
        return _BY_MESSAGE.get(str(error), 0)
    return code & 0xFF


@contextmanager
def troubles_sorted() -> Iterator[None]:
    """Turn SQLite errors of the block into the Trouble they stand for."""
    try:
        yield
    except sqlite.Error as error:
        trouble = sorted_error(error)
        if trouble is error:
            raise
        raise trouble from error


def open_writer(file: Path, key: bytes) -> Connection:
    """Open the one write connection; it belongs to the calling thread.

    Raises Trouble: STORE_KEY_WRONG, STORE_DAMAGED, STORE_READ_ONLY, STORE_BUSY, SQLITE_UNFIT.
    """
    check_fitness()
    connection = _open(file, key, WRITER_BUSY_MS, check_same_thread=True)
    try:
        _setup_writer(connection)
        _make_log_durable(connection, file)
    except (sqlite.Error, Trouble) as error:
        connection.close()
        raise _opening_error(error) from error
    return connection


def open_reader(file: Path, key: bytes) -> Connection:
    """Open a read-only connection. It is used by one thread and closed by whichever closes the store."""
    connection = _open(file, key, READER_BUSY_MS, check_same_thread=False)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite.Error as error:
        connection.close()
        raise _opening_error(error) from error
    return connection


def _open(file: Path, key: bytes, busy_ms: int, *, check_same_thread: bool) -> Connection:
    if len(key) != KEY_BYTES:
        raise Trouble(Code.STORE_KEY_WRONG, length=len(key))
    try:
        connection = sqlite.connect(
            str(file),
            timeout=busy_ms / 1000,
            isolation_level=None,
            check_same_thread=check_same_thread,
            cached_statements=256,
        )
    except sqlite.Error as error:
        raise sorted_error(error) from error
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")  # a wrong key would flood stderr
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite.Error as error:
        connection.close()
        raise _opening_error(error) from error
    return cast("Connection", connection)


def _setup_writer(connection: Connection) -> None:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        # SQLite keeps the old mode silently, in which a commit is a file's removal that a power cut
        # may take back.
        raise Trouble(Code.STORE_DAMAGED, detail="no write-ahead log", mode=str(mode))
    keep_safe(connection)
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -16000")


def _make_log_durable(connection: Connection, file: Path) -> None:
    """Have the log's name on the disk before anything is promised that is only in the log.

    The library syncs the folder of a new log too, but does not look whether that failed
    (`unixSync` of https://sqlite.org/src/file/src/os_unix.c).
    """
    connection.execute(
        "SELECT count(*) FROM sqlite_master"
    ).fetchone()  # makes the log of a new file
    try:
        flush_folder(file.parent)
    except OSError as error:
        raise file_trouble(error) from error


def keep_safe(connection: Connection) -> None:
    """Sync every COMMIT from the next transaction on, and with it whatever lies unsynced before it.

    NORMAL loses acknowledged sales at a power cut; FULL costs about 0.3 ms a sale.
    """
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")


def keep_quick(connection: Connection) -> None:
    """Leave syncing to the next checkpoint or the next safe COMMIT, from the next transaction on.

    No COMMIT moves the WAL meanwhile: the library says nothing of a sync that fails there, and what is
    recorded afterwards would hang on the pages it lost. `move_log` does it where the error is seen.
    """
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def move_log(connection: Connection, least: int) -> None:
    """Move the WAL into the file, synced, if at least so many pages wait in it. Raises SqliteError."""
    _, pages, moved = connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
    if pages - moved >= least:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def settle(connection: Connection) -> None:
    """Bring all that a WAL holds into the file, synced, before anything is added to it.

    After a sync that failed the system takes the WAL's unwritten pages for written. Adding to them
    would make what follows hang on pages that a power cut takes away; written again they are safe.
    Raises Trouble(STORE_DAMAGED) for a disk that fails again; a full or busy one has no such pages.
    """
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite.Error as error:
        if _primary_code(error) not in (_FULL, _BUSY):
            raise sorted_error(error) from error


def _opening_error(error: Any) -> Exception:
    """While opening, a file that is no database is the wrong key until something else is known."""
    if isinstance(error, Trouble):
        return error
    if _primary_code(error) == _NOTADB:
        return Trouble(Code.STORE_KEY_WRONG)
    return sorted_error(error)
