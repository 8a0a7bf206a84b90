"""A cloud on a private PostgreSQL that keeps what it is told: durable, on loopback, gone afterwards."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks import ROOT
from benchmarks.processor import parent_of
from cloud.bootstrap import Cloud, open_cloud
from cloud.services.enrol import make_enrol_code
from cloud.settings import Settings
from tests.cloud.postgres import binaries, private_server

POSTGRESQL = ("fsync=on", "shared_buffers=1GB", "max_wal_size=4GB", "wal_compression=on")
"""How the server is set: durable, and with the sizes every busy server is given."""
_END_S = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cloud may be served: settings of one, and a way to make databases beside it."""

    settings: Settings
    admin: sa.Engine

    def postmaster(self) -> int:
        """Return the process all of the server's others descend from."""
        with self.admin.connect() as connection:
            backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            return parent_of(int(backend))  # while it lives

    @contextlib.contextmanager
    def served(self, workers: int, pushes: int) -> Iterator[tuple[str, int]]:
        """Serve from workers; yield the address and the process they descend from."""
        command = [sys.executable, "-m", "cloud", "serve", "--quiet", "--port", "0"]
        command += ["--data", str(self.settings.data), "--db", self.settings.db_url]
        command += ["--workers", str(workers), "--pushes", str(pushes)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            said = server.stdout.readline().split()
            try:
                assert said[:2] == ["listening", "on"], said
                yield said[2], server.pid
            finally:
                server.terminate()
                server.wait(_END_S)


@contextlib.contextmanager
def private_place() -> Iterator[Place]:
    """Run a server for the length of a block. Raises LookupError where PostgreSQL is not installed."""
    bin_dir = binaries()
    if bin_dir is None:
        raise LookupError("PostgreSQL is not installed")
    with private_server(bin_dir, POSTGRESQL) as url, tempfile.TemporaryDirectory() as data:
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        yield Place(Settings(data=Path(data), db_url=url), admin)


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Cloud]:
    """Open a cloud for the length of a block."""
    cloud = open_cloud(settings)
    try:
        yield cloud
    finally:
        cloud.close()


def enrol_code(cloud: Cloud, store: str) -> str:
    """Return a one-time code for a till of a store."""
    return cloud.db.write(
        lambda connection: make_enrol_code(connection, store, now_ms=cloud.clock(), minutes=600)
    ).code
