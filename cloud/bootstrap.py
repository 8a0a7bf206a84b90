"""The composition root of the cloud: settings in, everything a request needs out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cloud.db.base import Database
from cloud.db.engine import open_database
from cloud.db.feed import begin_numbers
from cloud.db.schema import migrate
from cloud.db.state import ensure_tenant
from cloud.operation.metrics import Metrics
from cloud.services.admission import Admission
from cloud.services.keys import ServerKeys, load_keys
from cloud.services.known_devices import KnownDevices
from cloud.settings import Settings

Clock = Callable[[], int]
"""Returns Unix time in milliseconds."""


def wall_clock() -> int:
    """Return the server's time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Cloud:
    """What every request may use; hangs at `app.state.cloud`."""

    settings: Settings
    db: Database
    keys: ServerKeys
    clock: Clock
    metrics: Metrics
    admission: Admission
    devices: KnownDevices

    def close(self) -> None:
        """Let go of the database."""
        self.db.close()


def open_cloud(settings: Settings, *, clock: Clock = wall_clock) -> Cloud:
    """Open a cloud: its keys and database are made if absent, migrated, and given a tenant."""
    keys = load_keys(settings.keys_file)
    db = open_database(settings)
    migrate(db)
    db.write(lambda connection: ensure_tenant(connection, clock()))
    db.write(begin_numbers)
    metrics = Metrics()
    db.on_retry = metrics.retry
    admission = Admission(settings.limits, on_refusal=metrics.refusal)
    return Cloud(settings, db, keys, clock, metrics, admission, KnownDevices())
