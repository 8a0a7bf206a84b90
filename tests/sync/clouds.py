"""Clouds for the contract tests: the one in memory and the real one, a subprocess on loopback,
behind the same few handles."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import sqlalchemy as sa

from app.ports import Clock, Enrolment, Store, SyncTransport
from app.remote.cloud import EnrolledCloud
from app.remote.enrolment import CloudEnrolment
from app.remote.sync import CloudSync
from app.wire.messages import MemberRow, Row, SkuRow, StockRow
from app.wire.tasks import TaskRow
from cloud.bootstrap import open_cloud
from cloud.db.feed import next_change
from cloud.db.rows import upsert
from cloud.db.state import ensure_tenant, feed_generation
from cloud.db.tables import journal, server_state
from cloud.services import devices, feed
from cloud.services.enrol import make_enrol_code
from cloud.services.members import put_members
from cloud.services.tasks import open_tasks
from cloud.settings import Settings
from tests.fakes.cloud import FakeCloud
from tests.fakes.transport import DirectLine
from tests.sync.till import rows_of

ROOT = Path(__file__).resolve().parents[2]
START_S = 60


class Side(Protocol):
    """A cloud as these tests use it."""

    def code(self) -> str:
        """Return a fresh one-time code."""

    def enrolment(self) -> Enrolment: ...

    def line(self, store: Store, clock: Clock) -> SyncTransport:
        """Return the line of an enrolled till."""

    def held(self, store: Store) -> list[str]:
        """Return the ids of the facts held for a till, once each, in the order of its journal."""

    def put_stock(self, rows: Sequence[StockRow]) -> None: ...

    def put_skus(self, rows: Sequence[SkuRow]) -> None: ...

    def drop_skus(self, sku_ids: Sequence[str]) -> None: ...

    def put_members(self, rows: Sequence[MemberRow]) -> None: ...

    def void_cursors(self) -> None:
        """Begin all feeds anew, as a restored cloud does."""

    def revoke(self, store: Store, *, revoked: bool = True) -> None:
        """Let a till do nothing but send, or let it work again."""


class InMemory:
    """The stand-in."""

    def __init__(self) -> None:
        self.cloud = FakeCloud()
        self._codes = 0

    def code(self) -> str:
        self._codes += 1
        code = f"CODE{self._codes}"
        self.cloud.codes.add(code)
        return code

    def enrolment(self) -> Enrolment:
        return self.cloud

    def line(self, store: Store, clock: Clock) -> SyncTransport:
        return DirectLine(self.cloud, store.run(lambda uow: uow.identity()).result().device)

    def held(self, store: Store) -> list[str]:
        device = store.run(lambda uow: uow.identity()).result().device
        return self.cloud.facts(device)

    def put_stock(self, rows: Sequence[StockRow]) -> None:
        self.cloud.put("stock", *rows_of(rows))

    def put_skus(self, rows: Sequence[SkuRow]) -> None:
        bodies = [(row.sku_id, msgspec.Raw(msgspec.json.encode(row))) for row in rows]
        self.cloud.put("catalog", *(Row(key=key, body=body) for key, body in bodies))

    def drop_skus(self, sku_ids: Sequence[str]) -> None:
        self.cloud.put("catalog", *(Row(key=key, deleted=True) for key in sku_ids))

    def put_members(self, rows: Sequence[MemberRow]) -> None:
        self.cloud.members.extend(rows)

    def void_cursors(self) -> None:
        self.cloud.feed_generation += 1

    def revoke(self, store: Store, *, revoked: bool = True) -> None:
        device = store.run(lambda uow: uow.identity()).result().device
        (self.cloud.revoked.add if revoked else self.cloud.revoked.discard)(device)


class RealServer:
    """`guidepos-cloud serve` in a process of its own; stopped and started again at the same port."""

    def __init__(self, data: Path) -> None:
        self._settings = Settings(data=data)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        data.mkdir(parents=True)
        self._cloud = open_cloud(self._settings)
        self.store_id = "S1"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Serve; returns when requests are accepted."""
        port_file = self._settings.data / "port"
        port_file.unlink(missing_ok=True)
        with (self._settings.data / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "cloud", "serve"),
                    *("--data", str(self._settings.data)),
                    *("--port", str(self._port), "--port-file", str(port_file)),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_S
        while not port_file.exists():
            assert self._process.poll() is None, (self._settings.data / "serve.log").read_text()
            assert time.monotonic() < deadline
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
        self._port = int(port_file.read_text())

    def stop(self) -> None:
        """Stop serving."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def close(self) -> None:
        self.stop()
        self._cloud.close()

    def code(self) -> str:
        made = self._cloud.db.write(
            lambda connection: make_enrol_code(
                connection, self.store_id, now_ms=self._cloud.clock(), minutes=5
            )
        )
        return made.code

    def enrolment(self) -> Enrolment:
        return CloudEnrolment(self.url)

    def connect(self, store: Store, clock: Clock) -> EnrolledCloud:
        """Return the cloud as an enrolled till sees it."""
        return connect(self.url, store, clock)

    def line(self, store: Store, clock: Clock) -> SyncTransport:
        return line_to(self.url, store, clock)

    def held(self, store: Store) -> list[str]:
        device = store.run(lambda uow: uow.identity()).result().device
        query = (
            sa.select(journal.c.rec_id)
            .where(journal.c.device_id == device, journal.c.original)
            .where(journal.c.kind.not_in(("epoch_opened", "sealed")))
            .order_by(journal.c.change, journal.c.seq)
        )
        return list(self._cloud.db.read(lambda connection: connection.scalars(query).all()))

    def put_stock(self, rows: Sequence[StockRow]) -> None:
        self._publish(lambda connection, tenant: feed.put_stock(connection, tenant, rows))

    def put_skus(self, rows: Sequence[SkuRow]) -> None:
        self._publish(lambda connection, tenant: feed.put_skus(connection, tenant, rows))

    def drop_skus(self, sku_ids: Sequence[str]) -> None:
        now_ms = self._cloud.clock()
        self._publish(
            lambda connection, tenant: feed.drop_skus(connection, tenant, sku_ids, now_ms=now_ms)
        )

    def put_members(self, rows: Sequence[MemberRow]) -> None:
        self._publish(lambda connection, tenant: put_members(connection, tenant, rows))

    def void_cursors(self) -> None:
        def raise_it(connection: sa.Connection, _tenant: str) -> None:
            upsert(
                connection,
                server_state,
                [{"name": "feed_generation", "value": str(feed_generation(connection) + 1)}],
            )

        self._publish(raise_it)

    def _publish(self, put: Callable[[sa.Connection, str], object]) -> None:
        self._cloud.db.write(
            lambda connection: put(connection, ensure_tenant(connection, self._cloud.clock()))
        )

    def put_task(self, row: TaskRow) -> None:
        """Let something wait for a person of the store."""

        def put(connection: sa.Connection) -> None:
            names = ("task_id", "kind", "code", "subject", "device_code", "epoch", "seq", "detail")
            values = {name: getattr(row, name) for name in (*names, "amount")} | {
                "tenant_id": ensure_tenant(connection, self._cloud.clock()),
                "store_id": self.store_id,
                "device_id": row.device,
                "created_ms": self._cloud.clock(),
                "change": next_change(connection),
            }
            open_tasks(connection, [values])

        self._cloud.db.write(put)

    def revoke(self, store: Store, *, revoked: bool = True) -> None:
        """Let a till do nothing but send, or let it work again."""
        who = store.run(lambda uow: uow.identity()).result()

        def change(connection: sa.Connection) -> None:
            if revoked:
                devices.revoke(connection, who.tenant, who.device, now_ms=self._cloud.clock())
            else:
                devices.reinstate(connection, who.tenant, who.device)

        self._cloud.db.write(change)


def connect(url: str, store: Store, clock: Clock) -> EnrolledCloud:
    """Return the cloud at an address as an enrolled till sees it."""
    who, key, keys = store.run(
        lambda uow: (uow.identity(), uow.device_key(), uow.cloud_keys())
    ).result()
    return EnrolledCloud(url, lambda: keys, device=who.device, device_key=key, clock=clock)


def line_to(url: str, store: Store, clock: Clock) -> SyncTransport:
    """Return the line of an enrolled till to the cloud at an address."""
    return CloudSync(connect(url, store, clock))
