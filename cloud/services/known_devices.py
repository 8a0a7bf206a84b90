"""Devices as a worker last read them: enough to check a signature with before a transaction is open, never
to let one in. Whoever relies on it reads the device again inside the transaction."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

import sqlalchemy as sa

from app.errors import Code
from cloud.db.base import Database
from cloud.errors import Refused
from cloud.services.admission import BUSY
from cloud.services.tokens import DeviceName, DevicePrincipal, find_device

_MOST = 20_000


@dataclass(frozen=True, slots=True)
class KnownDevices:
    """The devices of one worker that spoke last; may be called from any thread."""

    _kept: OrderedDict[DeviceName, DevicePrincipal] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def device(self, database: Database, name: DeviceName) -> DevicePrincipal:
        """Return a device as it was when last read. Raises Refused 403 for one that does not exist."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        found = database.read(lambda connection: enrolled(connection, name))
        with self._lock:
            self._kept[name] = found
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return found

    def again(self, connection: sa.Connection, known: DevicePrincipal) -> DevicePrincipal:
        """Return the device as it is now: revoked or not counts at once.

        Raises Refused 403 when it exists no more, 503 when it has another key than the one its signature
        was checked with.
        """
        name = DeviceName(known.tenant, known.store, known.device)
        now = enrolled(connection, name)
        if now.key != known.key:
            with self._lock:
                self._kept.pop(name, None)
            raise Refused(503, BUSY, "the device was enrolled anew", retry_after_s=1)
        return now


def enrolled(connection: sa.Connection, name: DeviceName) -> DevicePrincipal:
    """Return an enrolled device as it stands in the books. Raises Refused 403."""
    device = find_device(connection, name)
    if device is None:
        raise Refused(403, Code.DEVICE_NOT_ENROLLED)
    return device
