"""Puts the payment side of the cloud together: orders, payments, providers, bills, newsroom and the sweep.

The one place that opens gateways. Knows the services, no pages and no messages.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from app.errors import Trouble
from cloud.bootstrap import Cloud
from cloud.db.base import Database
from cloud.db.notices import Notices
from cloud.db.state import ensure_tenant
from cloud.gateways.accounts import AccountUnfit, written
from cloud.gateways.base import Answer, AttemptKey, Charge, Gateway, Listener, Money
from cloud.gateways.connect import Tools, connect
from cloud.gateways.line import open_line
from cloud.gateways.registry import Gateways, only
from cloud.gateways.sandbox import SandboxGateway
from cloud.services.attempts import Attempt, heard_of, number_of
from cloud.services.giving_back import GivingBack
from cloud.services.live import LocalNewsroom, Newsroom
from cloud.services.orders import Orders
from cloud.services.payments import Payments
from cloud.services.proofs import Proofs
from cloud.services.reconcile.opening import Bills, open_bills
from cloud.services.rounds import Lane, Round, lanes
from cloud.services.shared_live import SharedNewsroom

log = logging.getLogger(__name__)
_opening = threading.Lock()

SWEEP_S = 2.0
"""How often overdue attempts are closed. Asking about one closes it at once, so this only bounds how
long a till that merely listens waits for "expired"."""
BILLS_S = 60.0
"""How often it is looked whether a provider's bill is due."""
_BILLING = 0x677074
"""The lock of the worker that fetches bills."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What payment endpoints and pages may use; hangs at `app.state.desk`."""

    db: Database
    orders: Orders
    payments: Payments
    giving_back: GivingBack
    gateways: Gateways
    proofs: Proofs
    newsroom: Newsroom
    sandbox: SandboxGateway
    bills: Bills
    public_url: str
    stopping: threading.Event = field(default_factory=threading.Event)

    def charge(self, attempt: Attempt) -> Charge:
        """Return what a provider is asked to collect for an attempt."""
        shop = self.orders.shop(attempt.tenant, attempt.store)
        return Charge(
            attempt=attempt.key,
            merchant=shop.store.name or shop.store.name_en,
            amount=attempt.amount,
            currency=attempt.currency,
            expires_ms=attempt.expires_ms,
            back=f"/o/{attempt.token}",
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep and fetch bills while the block runs; at its end every stream ends, and a round, of bills
        too, after the question it is asking."""
        self.newsroom.open()
        self.stopping.clear()
        errands = [asyncio.create_task(self._sweep(lane)) for lane in lanes(self.gateways.by_name)]
        errands.append(asyncio.create_task(self._fetch_bills()))
        try:
            yield
        finally:
            self.stopping.set()
            for errand in errands:
                errand.cancel()
            await run_in_threadpool(self.newsroom.close)
            await asyncio.gather(*errands, return_exceptions=True)

    async def _sweep(self, lane: Lane) -> None:
        while True:
            try:
                await run_in_threadpool(self._sweep_alone, lane)
            except Exception:
                log.exception("the sweep failed; it tries again")
            await asyncio.sleep(SWEEP_S)

    async def _fetch_bills(self) -> None:
        while True:
            await asyncio.sleep(BILLS_S)  # first of all: a start has better things to do
            try:
                await run_in_threadpool(self._fetch_bills_alone)
            except Exception:
                log.exception("fetching bills failed; it tries again")

    def _fetch_bills_alone(self) -> None:
        with self.db.alone(_BILLING) as alone:
            if alone:
                self.bills.rounds.run()

    def _sweep_alone(self, lane: Lane) -> None:
        """Of several workers one sweeps a lane. Two would do no harm, but ask the provider twice."""
        with self.db.alone(_sweeping(lane)) as alone:
            if alone:
                rounds = partial(Round, self.stopping.is_set)
                self.payments.sweep(lane, rounds)
                self.giving_back.sweep(lane, rounds)


def _sweeping(lane: Lane) -> int:
    """Return the lock of the worker that sweeps a lane."""
    return zlib.crc32(f"sweep {lane.provider}".encode())


def open_newsroom(db: Database) -> Newsroom:
    """Return the newsroom that suits an engine: PostgreSQL may have several processes on it."""
    if db.is_sqlite:
        return LocalNewsroom()
    return SharedNewsroom(lambda heard, missed: Notices(db.engine, heard, missed))


def open_gateways(cloud: Cloud, sandbox: SandboxGateway) -> Gateways:
    """Open every account that is written down; without one the sandbox is all there is.

    An account that cannot be used is logged and left out: the others must go on taking money. Even if
    none is left, no customer is led to the sandbox, where nothing is paid.
    """
    accounts = cloud.settings.accounts
    names = written(accounts)
    if not names:
        return only(sandbox)
    tools = account_tools(cloud)
    found: dict[str, Gateway] = {}
    for name in names:
        try:
            found[name] = connect(accounts, name, tools)
        except AccountUnfit as error:
            log.error("account %s cannot be used: %s", name, error)
    first = next(iter(found), sandbox.name)
    return Gateways(found | {sandbox.name: sandbox}, first, frozenset({sandbox.name}))


def account_tools(cloud: Cloud) -> Tools:
    """Return what gateways of this cloud are handed."""

    def booked(provider: str, key: AttemptKey) -> tuple[Money, ...]:
        return cloud.db.read(lambda conn: heard_of(conn, provider, key))

    def number(key: AttemptKey) -> str:
        return cloud.db.read(lambda conn: number_of(conn, key))

    return Tools(
        line=open_line(),
        now_ms=cloud.clock,
        booked=booked,
        tenant=cloud.db.write(lambda conn: ensure_tenant(conn, cloud.clock())),
        public_url=cloud.settings.public_url.rstrip("/"),
        number=number,
    )


def _listener(payments: Payments, name: str) -> Listener:
    """Return what hears a provider inside the house. It says nothing twice: what cannot be believed yet is
    heard when it is asked."""

    def hear(attempt: AttemptKey, answer: Answer) -> None:
        try:
            payments.heard(attempt, answer, name)
        except Trouble as trouble:
            log.warning("%s is asked again about %s: %s", name, attempt.attempt_id, trouble.code)

    return hear


def open_desk(cloud: Cloud) -> Desk:
    """Build the payment side on an open cloud, with the providers it has accounts at."""
    newsroom, stopping = open_newsroom(cloud.db), threading.Event()
    sandbox = SandboxGateway(cloud.db, cloud.clock)
    gateways = open_gateways(cloud, sandbox)
    payments = Payments(cloud.db, gateways, newsroom, cloud.clock)
    giving_back = GivingBack(cloud.db, gateways, newsroom, payments)
    sandbox.notify = _listener(payments, sandbox.name)
    return Desk(
        db=cloud.db,
        orders=Orders(cloud.db, cloud.clock),
        payments=payments,
        giving_back=giving_back,
        gateways=gateways,
        proofs=Proofs(cloud.db, cloud.keys),
        newsroom=newsroom,
        sandbox=sandbox,
        bills=open_bills(cloud, gateways, payments, giving_back, newsroom, stopping.is_set),
        public_url=cloud.settings.public_url.rstrip("/"),
        stopping=stopping,
    )


def desk_at(app: FastAPI) -> Desk:
    """Return the desk of an app, opened on its cloud at the first use."""
    with _opening:
        desk = getattr(app.state, "desk", None)
        if desk is None:
            desk = app.state.desk = open_desk(app.state.cloud)
    return cast(Desk, desk)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the desk while the server runs; belongs to the router of the payment endpoints."""
    async with desk_at(app).running():
        yield


async def desk_of(request: Request) -> Desk:
    """Return the desk of the app that serves a request."""
    return desk_at(request.app)


DeskDep = Annotated[Desk, Depends(desk_of)]
