"""A private PostgreSQL server for tests: its own cluster on loopback, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_MEMORY = Path("/dev/shm")
_ROOM = 2 * 1024**3
_FORGETFUL = ("fsync=off",)


def binaries() -> Path | None:
    """Return where the server's programs are, None if PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next(iter(_PLACES), None)


@contextmanager
def private_server(bin_dir: Path, settings: Sequence[str] = _FORGETFUL) -> Iterator[str]:
    """Run a server and yield the URL of its database for SQLAlchemy.

    Tests keep nothing and so need no fsync and no disk; whoever measures passes other settings.
    """
    # A directory of our own making: pytest's is closed to the user the server has to run as.
    home = Path(
        tempfile.mkdtemp(prefix="gp-pg-", dir=_in_memory() if settings is _FORGETFUL else None)
    )
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(home, user)
    data, port = home / "data", _free_port()

    def run(*command: str) -> None:
        subprocess.run(
            [str(bin_dir / command[0]), *command[1:]],
            user=user,
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    chosen = " ".join(f"-c {setting}" for setting in ("listen_addresses=127.0.0.1", *settings))
    options = f"-p {port} -k {home} {chosen}"
    log = str(home / "log")
    try:
        run(
            "initdb",
            "-D",
            str(data),
            "-U",
            "guidepos",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )
        run("pg_ctl", "-D", str(data), "-w", "-l", log, "-o", options, "start")
        try:
            yield f"postgresql+psycopg://guidepos@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _in_memory() -> Path | None:
    """Return where files cost no disk, None where there is no room. A database is some 600 files, and
    a disk that discards what is removed needs milliseconds for each: minutes for a whole run."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if roomy else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
