"""Writes a whole database into one file and brings it back: SQLite's online backup, encrypted with the
same key, or PostgreSQL's own programs. Knows no table but the server's own state."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
import sqlcipher3.dbapi2 as sqlite

from app.errors import Code, Trouble
from cloud.db.engine import key_of, open_database, open_embedded
from cloud.db.state import begin_timeline
from cloud.settings import Settings

_STEP_PAGES = 2_000


def suffix_of(settings: Settings) -> str:
    """Return how the name of a backup ends."""
    return ".dump" if settings.db_url else ".db"


def dump(settings: Settings, target: Path) -> None:
    """Write the database to `target`, sound and durable before it has that name.

    Tills may go on sending. Raises Trouble: STORE_DAMAGED, STORE_FULL; OSError.
    """
    half = target.with_name(target.name + ".part")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        if settings.db_url:
            _run(settings, "pg_dump", "--format=custom", "--no-owner", f"--file={half}")
            # Reads the archive to its end; what it would do is thrown away.
            _run(settings, "pg_restore", f"--file={os.devnull}", str(half), connect=False)
        else:
            _copy_embedded(settings, half)
        _make_durable(half)
        half.replace(target)
        _make_durable(target.parent)
    finally:
        half.unlink(missing_ok=True)


def load(settings: Settings, file: Path) -> str:
    """Bring a backup into an empty database and begin another timeline there; returns its id.

    Raises FileExistsError if the database is not empty, Trouble: STORE_DAMAGED, STORE_KEY_MISSING.
    """
    if not file.exists():
        raise FileNotFoundError(f"{file} is not there")
    if settings.db_url:
        return _load_postgres(settings, file)
    target = settings.sqlite_file
    if target.exists():
        raise FileExistsError(f"{target} is in the way: a backup is never restored over a database")
    key_file = target.with_name(target.name + ".key")
    if not key_file.exists():
        raise Trouble(Code.STORE_KEY_MISSING, file=str(key_file))
    key = bytes.fromhex(key_file.read_text("ascii").strip())
    fresh = target.with_name(target.name + ".restoring")
    for suffix in ("", "-wal", "-shm"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(file, fresh)
    fresh.chmod(0o600)
    _check_embedded(fresh, key)
    db = open_embedded(fresh, key)
    begun = db.write(begin_timeline)
    db.close()
    _make_durable(fresh)
    fresh.replace(target)
    _make_durable(target.parent)
    return begun


def _load_postgres(settings: Settings, file: Path) -> str:
    db = open_database(settings)
    try:
        if db.read(lambda connection: sa.inspect(connection).get_table_names()):
            raise FileExistsError("the database is not empty; a backup needs an empty one")
        _run(
            settings,
            "pg_restore",
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            str(file),
        )
        return db.write(begin_timeline)
    finally:
        db.close()


def _copy_embedded(settings: Settings, half: Path) -> None:
    key = key_of(settings.sqlite_file)
    source, copy = _opened(settings.sqlite_file, key), _opened(half, key)
    try:
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        source.execute("BEGIN")  # one snapshot, so that a push in between begins nothing anew
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=_STEP_PAGES)
        source.execute("COMMIT")
    except sqlite.Error as error:
        raise Trouble(Code.STORE_DAMAGED, detail=str(error)) from error
    finally:
        source.close()
        copy.close()
    _check_embedded(half, key)


def _check_embedded(file: Path, key: bytes) -> None:
    """Read every page of a file. Raises Trouble(STORE_DAMAGED)."""
    connection = _opened(file, key)
    try:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        bad = connection.execute("PRAGMA cipher_integrity_check").fetchall()
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite.Error as error:
        raise Trouble(Code.STORE_DAMAGED, detail=str(error)) from error
    finally:
        connection.close()
    if verdict != "ok" or bad:
        raise Trouble(Code.STORE_DAMAGED, detail=str(verdict))


def _opened(file: Path, key: bytes) -> sqlite.Connection:
    connection = sqlite.connect(str(file), isolation_level=None)
    connection.execute("PRAGMA cipher_log_level = NONE")  # a wrong key would flood stderr
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("PRAGMA busy_timeout = 10000")
    return connection


def _run(settings: Settings, program: str, *arguments: str, connect: bool = True) -> None:
    """Run one of PostgreSQL's programs; the password never stands on a command line."""
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed; it comes with PostgreSQL's client")
    command: Sequence[str] = [found, *arguments]
    environment = dict(os.environ)
    if connect:
        url = sa.make_url(settings.db_url)
        if url.password:
            environment["PGPASSWORD"] = str(url.password)
        plain = url.set(drivername="postgresql", password=None)
        command = [found, f"--dbname={plain.render_as_string()}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(Code.STORE_DAMAGED, program=program, detail=done.stderr.strip()[-300:])


def _make_durable(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
