"""The cloud's real services on a database in memory, and the door to them without a socket.

A request is a path and bytes, an answer a status and bytes; in between stands what cloud/api does
with them. Backups of the database are kept as many as a cloud keeps that has little room.
"""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import sqlalchemy as sa
import sqlcipher3.dbapi2 as sqlite

from app.wire.messages import (
    EnrolRequest,
    HelloRequest,
    MembersPush,
    PushRequest,
    SkuRow,
    StockRow,
)
from app.wire.upkeep import EpochRequest
from cloud.db.base import Database
from cloud.db.engine import begin_ourselves
from cloud.db.feed import begin_numbers
from cloud.db.member_tables import member_change
from cloud.db.schema import migrate
from cloud.db.state import begin_timeline, ensure_tenant
from cloud.db.tables import device as device_table
from cloud.errors import Refused
from cloud.services import backups, enrol, feed, ingest, members, standing
from cloud.services.envelope import verify
from cloud.services.keys import ServerKeys, load_keys
from cloud.services.tokens import DevicePrincipal, device_at_home
from tests.fakes.clock import NOON
from tests.store import shop
from tests.torture.sim import memory

if TYPE_CHECKING:
    from sqlite3 import Connection

STORE = "S001"
PUBLIC_URL = "http://shop.example"
BACKUPS = 2
ON_HAND = 5
SKUS = (shop.sku_row(), shop.sku_row(size="L"), shop.sku_row("S1", "红色", "S", name="围巾"))

D = TypeVar("D", bound=Database)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Request:
    """What a till sends. `device` stands for its access token."""

    device: str
    path: str
    body: bytes = b""
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back, proven to be the cloud's."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the database on a shelf."""

    backup_id: str
    data: Connection

    def knows(self, device: str) -> bool:
        """Tell whether a device was enrolled when it was taken."""
        query = "SELECT 1 FROM device WHERE device_id = ?"
        return self.data.execute(query, (device,)).fetchone() is not None


class SimCloud:
    """One cloud at a time per process. `now_ms` is its clock, which the world moves."""

    def __init__(self) -> None:
        self.now_ms = NOON
        self.keys = our_keys()
        # One engine for all runs: it keeps the compiled statements, which cost more than a run.
        self.memory, self.db = _machine()
        memory.overwrite(self.memory, _template())
        self.backups: list[Backup] = []
        self._taken = 0
        self._senders: dict[str, DevicePrincipal | None] = {}
        self.answers: Counter[str] = Counter()
        self.bugs: list[Exception] = []

    def close(self) -> None:
        """Let go of the backups; the database serves the next run."""
        for backup in self.backups:
            backup.data.close()

    # --- what an operator does --------------------------------------------------------------------

    def new_code(self) -> str:
        """Return a fresh enrolment code."""
        return self.db.write(
            lambda c: enrol.make_enrol_code(c, STORE, now_ms=self.now_ms, minutes=10**6)
        ).code

    def back_up(self) -> None:
        """Keep a copy of the database, registered and confirmed; the oldest beyond the limit goes."""
        self._taken += 1
        taken = f"backup-{self._taken}"
        self.db.write(lambda c: backups.register(c, taken, taken, now_ms=self.now_ms))
        self.backups.append(Backup(taken, memory.copy_of(self.memory)))
        self.db.write(lambda c: backups.confirm(c, taken, now_ms=self.now_ms))
        for old in self.backups[:-BACKUPS]:
            self._forget(old)
        del self.backups[:-BACKUPS]

    def restore(self, which: int, *, knowingly: bool) -> None:
        """Let the database be an older copy of itself; later ones belong to a history that is over.

        `knowingly`: with the cloud's own command; otherwise nobody tells the cloud. Either way the server
        was stopped for it, and starts.
        """
        memory.overwrite(self.memory, self.backups[which].data)
        self._senders.clear()
        if knowingly:
            self.db.write(_announce)
            self.db.write(lambda c: backups.trust_restored(c, now_ms=self.now_ms))
        self.db.write(begin_numbers)
        for later in self.backups[which + 1 :]:
            later.data.close()
        del self.backups[which + 1 :]

    def changes_that_lost(self) -> set[str]:
        """Return the ids of members' changes that were answered with "yours does not count"."""
        change = member_change.c
        query = sa.select(change.change_id).where(change.verdict == "kept")
        return self.db.read(lambda c: set(c.scalars(query)))

    def _forget(self, old: Backup) -> None:
        old.data.close()
        with suppress(Refused):  # a restored cloud may never have heard of it
            self.db.write(lambda c: backups.drop(c, old.backup_id))

    def revoke(self, device: str, *, revoked: bool) -> None:
        """Take a device's rights, or give them back."""
        self._senders.clear()
        self.db.write(
            lambda c: c.execute(
                sa.update(device_table)
                .where(device_table.c.device_id == device)
                .values(revoked_ms=self.now_ms if revoked else 0)
            )
        )

    def is_revoked(self, device: str) -> bool:
        """Tell whether a device has lost its rights."""
        query = sa.select(device_table.c.revoked_ms).where(device_table.c.device_id == device)
        return bool(self.db.read(lambda c: c.scalar(query)))

    # --- the door ---------------------------------------------------------------------------------

    def serve(self, request: Request) -> Answer:
        """Answer a request as cloud/api does: what is no refusal is a bug, kept and answered with 500."""
        try:
            message = self.db.write(functools.partial(self._answer, request))
        except Refused as refused:
            problem = refused.problem
            self.answers[f"{refused.status} {problem.code}"] += 1
            return Answer(refused.status, _encode(problem))
        except Exception as bug:
            self.bugs.append(bug)
            return Answer(500, b'{"code":"bug"}')
        self.answers["200"] += 1
        return Answer(200, _encode(message))

    def _answer(self, request: Request, connection: sa.Connection) -> msgspec.Struct:
        if request.path in _OPEN:
            self._senders.clear()
            return _OPEN[request.path](self, connection, request)
        sender = self._sender(connection, request.device)
        if sender is None:
            raise Refused(403, "device_not_enrolled")
        handler, for_revoked = _ROUTES[request.path]
        if sender.revoked and not for_revoked:
            raise Refused(403, "device_revoked")
        return handler(self, connection, sender, request)

    def _sender(self, connection: sa.Connection, device: str) -> DevicePrincipal | None:
        """Look a device up, again only when something may have changed about it."""
        if device not in self._senders:
            self._senders[device] = device_at_home(connection, device)
        return self._senders[device]


def _say_keys(cloud: SimCloud, connection: sa.Connection, request: Request) -> msgspec.Struct:
    return cloud.keys.published()


def _enrol(cloud: SimCloud, connection: sa.Connection, request: Request) -> msgspec.Struct:
    asked = msgspec.json.decode(request.body, type=EnrolRequest)
    return enrol.enrol(connection, cloud.keys, asked, now_ms=cloud.now_ms, public_url=PUBLIC_URL)


def _hello(
    cloud: SimCloud, connection: sa.Connection, sender: DevicePrincipal, request: Request
) -> msgspec.Struct:
    asked = msgspec.json.decode(request.body, type=HelloRequest)
    keys = cloud.keys.published().signing
    return standing.hello(connection, sender, asked, keys, now_ms=cloud.now_ms)


def _push(
    cloud: SimCloud, connection: sa.Connection, sender: DevicePrincipal, request: Request
) -> msgspec.Struct:
    asked = msgspec.json.decode(request.body, type=PushRequest)
    records = verify(asked, sender)
    return ingest.ingest(connection, sender, asked.epoch, records, now_ms=cloud.now_ms)


def _another_epoch(
    cloud: SimCloud, connection: sa.Connection, sender: DevicePrincipal, request: Request
) -> msgspec.Struct:
    asked = msgspec.json.decode(request.body, type=EpochRequest)
    return standing.open_epoch(connection, sender, asked, now_ms=cloud.now_ms)


def _books(
    cloud: SimCloud, connection: sa.Connection, sender: DevicePrincipal, request: Request
) -> msgspec.Struct:
    return standing.books(connection, sender, request.params["since"])


def _pull(
    cloud: SimCloud, connection: sa.Connection, sender: DevicePrincipal, request: Request
) -> msgspec.Struct:
    stream, cursor, limit = (request.params[name] for name in ("stream", "cursor", "limit"))
    epoch = request.params.get("epoch", "")
    return feed.pull(
        connection, sender, stream, cursor, int(limit), now_ms=cloud.now_ms, epoch=epoch
    )


def _push_members(
    cloud: SimCloud, connection: sa.Connection, sender: DevicePrincipal, request: Request
) -> msgspec.Struct:
    asked = msgspec.json.decode(request.body, type=MembersPush)
    return members.push(connection, sender, asked, now_ms=cloud.now_ms)


def _pull_members(
    cloud: SimCloud, connection: sa.Connection, sender: DevicePrincipal, request: Request
) -> msgspec.Struct:
    cursor, limit = request.params["cursor"], int(request.params["limit"])
    return members.pull(connection, sender, cursor, limit, now_ms=cloud.now_ms)


Handler = Callable[[SimCloud, sa.Connection, DevicePrincipal, Request], msgspec.Struct]

_OPEN: dict[str, Callable[[SimCloud, sa.Connection, Request], msgspec.Struct]] = {
    "/v1/keys": _say_keys,
    "/v1/enrol": _enrol,
}
_ROUTES: dict[str, tuple[Handler, bool]] = {
    "/v1/sync/hello": (_hello, True),
    "/v1/sync/push": (_push, True),
    "/v1/sync/epoch": (_another_epoch, True),
    "/v1/sync/books": (_books, False),
    "/v1/sync/pull": (_pull, False),
    "/v1/members/push": (_push_members, False),
    "/v1/members/pull": (_pull_members, False),
}
"""Path → (who answers, whether a revoked device is heard)."""


@cache
def our_keys() -> ServerKeys:
    """Return the keys of every cloud of this process."""
    with tempfile.TemporaryDirectory() as folder:
        return load_keys(Path(folder) / "keys.json")


@cache
def _template() -> Connection:
    """A migrated cloud with a store, its goods and its people."""
    source, db = opened(Database)
    migrate(db)

    def fill(connection: sa.Connection) -> None:
        tenant = ensure_tenant(connection, NOON)
        enrol.ensure_store(connection, tenant, STORE, now_ms=NOON)
        feed.put_config(connection, tenant, shop.config_row())
        feed.put_people(connection, tenant, [shop.person_row()])
        feed.put_skus(connection, tenant, SKUS)
        feed.put_stock(connection, tenant, map(_counted, SKUS))

    db.write(fill)
    template = memory.copy_of(source)
    db.close()
    return template


def _counted(sku: SkuRow) -> StockRow:
    return StockRow(store=STORE, sku_id=sku.sku_id, quantity=ON_HAND, as_of_ms=NOON)


@cache
def _machine() -> tuple[Connection, Database]:
    return opened(Database)


def opened(kind: type[D]) -> tuple[Connection, D]:
    """Open an empty database in memory through the cloud's own kind of engine."""
    connection = memory.empty()
    engine = sa.create_engine(
        "sqlite+pysqlite://",
        module=sqlite,
        creator=lambda: connection,
        poolclass=sa.StaticPool,
        hide_parameters=True,
    )
    begin_ourselves(engine)
    return connection, kind(engine)


def _announce(connection: sa.Connection) -> None:
    begin_timeline(connection)
