"""The whole cloud in this process: its own application, asked without a socket, on a database in memory.

A process of it may end at any call to a provider or at any transaction, and another begins on what was
committed.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from unittest.mock import patch

import anyio.to_thread
import sqlalchemy as sa
from fastapi import FastAPI

from app.errors import Trouble
from app.wire.messages import News
from cloud.bootstrap import Cloud
from cloud.db.base import Database
from cloud.db.schema import migrate
from cloud.desk import Desk
from cloud.gateways.alipay.gateway import AlipayGateway
from cloud.gateways.base import Answer, AttemptKey
from cloud.gateways.registry import Gateways
from cloud.gateways.sandbox import SandboxGateway
from cloud.gateways.wechat.gateway import WechatGateway
from cloud.main import app_of
from cloud.operation.metrics import Metrics
from cloud.services.admission import Admission
from cloud.services.giving_back import GivingBack
from cloud.services.known_devices import KnownDevices
from cloud.services.live import LocalNewsroom
from cloud.services.orders import Orders
from cloud.services.payments import Payments
from cloud.services.proofs import Proofs
from cloud.services.reconcile.opening import open_bills
from cloud.settings import Settings
from tests.torture.money.providers import (
    ALIPAY,
    SANDBOX,
    SHOP_URL,
    WECHAT,
    CloudDied,
    ProviderLine,
    alipay_account,
    open_providers,
    wechat_account,
)
from tests.torture.sim.cloud import opened, our_keys

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
Headers = Mapping[str, str]

_SETTINGS = Settings(data=Path("nowhere"), public_url=SHOP_URL)


@dataclass(frozen=True, slots=True)
class Got:
    """An answer of the cloud; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class MortalDatabase(Database):
    """A database whose process may end before or right after a COMMIT."""

    writes_to_live = -1
    dies_after_commit = False

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a write transaction. Raises CloudDied."""
        last, self.writes_to_live = self.writes_to_live == 0, self.writes_to_live - 1
        if last and not self.dies_after_commit:
            raise CloudDied
        done = super().write(work)
        if last:
            raise CloudDied
        return done


class Newsdesk(LocalNewsroom):
    """A newsroom that keeps what it tells the tills, so that a run may bring it late or never."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        """Attempts whose change was told, oldest first."""

    def publish(self, topics: Any, news: News, *, but: str = "") -> None:
        """Keep what payments tell."""
        if news.kind == "payment":
            self.told.append(news.subject)


@dataclass
class MoneyCloud:
    """One cloud at a time per process. `now_ms` is its clock and its providers', which the world moves."""

    now_ms: int
    spoken: list[tuple[AttemptKey, Answer]] = field(default_factory=list)
    """What the sandbox said and nobody has heard yet."""
    starts: int = 0
    bugs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory, self.db = _machine()
        self.app = _app()
        self.providers = open_providers(self.clock)
        self.line = ProviderLine(self.providers)
        self.desk = self.restart()

    def clock(self) -> int:
        """Return the time at the cloud and at its providers."""
        return self.now_ms

    def restart(self) -> Desk:
        """Begin another process on what the database holds."""
        self.starts += 1
        self.db.writes_to_live = self.line.dies_in = -1
        limits = Admission(_SETTINGS.limits, monotonic=itertools.count(0.0, 10.0).__next__)
        self.app.state.cloud = Cloud(
            _SETTINGS, self.db, our_keys(), self.clock, Metrics(), limits, KnownDevices()
        )
        self.desk = self.app.state.desk = self._open_desk()
        return self.desk

    def _open_desk(self) -> Desk:
        sandbox = SandboxGateway(self.db, self.clock)
        sandbox.notify = lambda attempt, answer: self.spoken.append((attempt, answer))
        gateways = Gateways(
            {
                ALIPAY: AlipayGateway(alipay_account, self.line, self.clock),
                WECHAT: WechatGateway(wechat_account, self.line, self.clock),
                SANDBOX: sandbox,
            },
            SANDBOX,
        )
        self.newsdesk = Newsdesk()
        payments = Payments(self.db, gateways, self.newsdesk, self.clock)
        giving_back = GivingBack(self.db, gateways, self.newsdesk, payments)
        return Desk(
            db=self.db,
            orders=Orders(self.db, self.clock),
            payments=payments,
            giving_back=giving_back,
            gateways=gateways,
            bills=open_bills(self.app.state.cloud, gateways, payments, giving_back, self.newsdesk),
            proofs=Proofs(self.db, our_keys()),
            newsroom=self.newsdesk,
            sandbox=sandbox,
            public_url=SHOP_URL,
        )

    def serve(self, method: str, path: str, headers: Headers, body: bytes = b"") -> Got:
        """Answer a request. Raises CloudDied."""
        got = asyncio_loop().run_until_complete(_exchange(self.app, method, path, headers, body))
        if got.status == 500 and b'"bug"' in got.body:
            self.bugs.append(f"{method} {path}")
        return got

    def sweep(self) -> None:
        """Do what the cloud does every two seconds. Raises CloudDied."""
        self.desk.payments.sweep()
        self.desk.giving_back.sweep()

    def heard(self, letter: tuple[AttemptKey, Answer]) -> None:
        """Let the sandbox's word arrive; what is in doubt is asked about later. Raises CloudDied."""
        with suppress(Trouble):
            self.desk.payments.heard(*letter, SANDBOX)

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        """Return what the database holds."""
        return list(self.db.read(lambda connection: connection.execute(query).all()))


@contextmanager
def without_threads() -> Iterator[None]:
    """Let the application do its work where it is asked: one request at a time, as ours are."""

    async def here(work: Callable[..., T], *arguments: Any, **_options: Any) -> T:
        return work(*arguments)

    with patch.object(anyio.to_thread, "run_sync", here):
        yield


async def _exchange(app: FastAPI, method: str, path: str, headers: Headers, body: bytes) -> Got:
    where, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"shop.example"), (b"content-length", str(len(body)).encode())]
        + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("shop.example", 80),
        "state": {},
    }
    status, named, parts = 0, {}, []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, named
        if message["type"] == "http.response.start":
            status = message["status"]
            named = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Got(status, named, b"".join(parts))


@cache
def asyncio_loop() -> asyncio.AbstractEventLoop:
    """Return the loop all requests of this process run on."""
    return asyncio.new_event_loop()


@cache
def _machine() -> tuple[Connection, MortalDatabase]:
    """One engine for all runs: it keeps the compiled statements, which cost more than a run."""
    connection, database = opened(MortalDatabase)
    migrate(database)
    return connection, database


@cache
def _app() -> FastAPI:
    nobody = cast(Cloud, _Settings())
    return app_of(nobody)


class _Settings:
    """What the application reads when it is built; the rest comes with each start."""

    settings = _SETTINGS
    keys = property(lambda self: our_keys())
    metrics = Metrics()
