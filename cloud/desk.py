"""Puts the payment side of the cloud together: orders, payments, provider, newsroom and the sweep.

The one place that chooses a gateway. Knows the services, no pages and no messages.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from cloud.bootstrap import Cloud
from cloud.db.base import Database
from cloud.db.notices import Notices
from cloud.gateways.sandbox import SandboxGateway
from cloud.services.live import LocalNewsroom, Newsroom
from cloud.services.orders import Orders
from cloud.services.payments import Payments
from cloud.services.proofs import Proofs
from cloud.services.shared_live import SharedNewsroom

log = logging.getLogger(__name__)
_opening = threading.Lock()

SWEEP_S = 2.0
"""How often overdue attempts are closed. Asking about one closes it at once, so this only bounds how
long a till that merely listens waits for "expired"."""
_SWEEPING = 0x677073
"""The lock of the worker that sweeps."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What payment endpoints and pages may use; hangs at `app.state.desk`."""

    db: Database
    orders: Orders
    payments: Payments
    proofs: Proofs
    newsroom: Newsroom
    sandbox: SandboxGateway
    public_url: str

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep while the block runs; at its end every stream ends."""
        self.newsroom.open()
        sweep = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweep.cancel()
            await run_in_threadpool(self.newsroom.close)
            await asyncio.gather(sweep, return_exceptions=True)

    async def _sweep(self) -> None:
        while True:
            try:
                await run_in_threadpool(self._sweep_alone)
            except Exception:
                log.exception("the sweep failed; it tries again")
            await asyncio.sleep(SWEEP_S)

    def _sweep_alone(self) -> None:
        """Of several workers one sweeps. Two would do no harm, but ask the provider twice."""
        with self.db.alone(_SWEEPING) as alone:
            if alone:
                self.payments.sweep()


def open_newsroom(db: Database) -> Newsroom:
    """Return the newsroom that suits an engine: PostgreSQL may have several processes on it."""
    if db.is_sqlite:
        return LocalNewsroom()
    return SharedNewsroom(lambda heard, missed: Notices(db.engine, heard, missed))


def open_desk(cloud: Cloud) -> Desk:
    """Build the payment side on an open cloud, with the sandbox as its provider."""
    newsroom = open_newsroom(cloud.db)
    sandbox = SandboxGateway(cloud.db, cloud.clock)
    payments = Payments(cloud.db, sandbox, newsroom, cloud.clock)
    sandbox.notify = payments.heard
    return Desk(
        db=cloud.db,
        orders=Orders(cloud.db, cloud.clock),
        payments=payments,
        proofs=Proofs(cloud.db, cloud.keys),
        newsroom=newsroom,
        sandbox=sandbox,
        public_url=cloud.settings.public_url.rstrip("/"),
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
