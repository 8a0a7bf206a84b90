"""A till as these tests set it up: a store, a line to a cloud, a clock, an engine, and things to sell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app.domain.ids import new_id
from app.domain.stock import MovementKind, StockAdjustment, StockMovement
from app.ports import Clock, Enrolment, Store, SyncTransport, UnitOfWork
from app.sync.engine import SyncEngine
from app.sync.enrol import TillDescription, enrol
from app.wire.messages import Row, StockRow
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import GOOD_CODE, FakeCloud
from tests.fakes.store import FakeStore
from tests.fakes.transport import FakeTransport

STORE_KEY = os.urandom(32)
TILL = TillDescription(platform="test", app_version="0.1.0", protection="file")


def received(clock: Clock, pieces: int = 1, reference: str = "") -> StockAdjustment:
    """Return the smallest fact there is: some pieces came in."""
    return StockAdjustment(
        adjustment_id=new_id(),
        at=clock.now(),
        business_date="2025-10-09",
        actor="g01",
        reason="received",
        movements=(StockMovement("SKU-1", pieces, MovementKind.RECEIVED),),
        reference=reference,
    )


def record(store: Store, clock: Clock, count: int = 1) -> list[str]:
    """Record `count` facts and return their ids."""
    facts = [received(clock) for _ in range(count)]

    def keep(uow: UnitOfWork) -> None:
        for fact in facts:
            uow.record(fact)

    store.run(keep).result()
    return [fact.adjustment_id for fact in facts]


def become_device(store: Store, cloud: Enrolment, code: str = GOOD_CODE) -> None:
    """Enrol a store at a cloud."""
    enrol(store, cloud, code=code, store_key=STORE_KEY, cloud_url="http://cloud", till=TILL)


def stock(count: int, first: int = 0, store: str = "S1") -> list[StockRow]:
    """Return stock figures of `count` SKUs."""
    numbers = range(first, first + count)
    return [StockRow(store=store, sku_id=f"SKU-{n}", quantity=n, as_of_ms=1) for n in numbers]


def rows_of(figures: Sequence[StockRow]) -> list[Row]:
    """Return stock figures as rows of their stream."""
    return [
        Row(key=f"{each.store}/{each.sku_id}", body=msgspec.Raw(msgspec.json.encode(each)))
        for each in figures
    ]


def stock_rows(count: int, first: int = 0) -> list[Row]:
    """Return rows of the stock stream."""
    return rows_of(stock(count, first, "s1"))


@dataclass
class Till:
    """One enrolled till on the in-memory cloud."""

    cloud: FakeCloud
    store: FakeStore
    transport: FakeTransport
    clock: FakeClock
    engine: SyncEngine

    def record(self, count: int = 1) -> list[str]:
        return record(self.store, self.clock, count)

    @property
    def at_cloud(self) -> list[str]:
        """Ids of the records the cloud holds for this till, in its order."""
        return self.cloud.facts(self.transport.device)

    def restart(self) -> None:
        """Lose everything that is only in memory, as a killed process does."""
        self.engine = engine_of(self.store, self.transport, self.clock)


def engine_of(store: Store, transport: SyncTransport, clock: Clock) -> SyncEngine:
    """Return a new engine, as a newly started till has it."""
    return SyncEngine(store, transport, clock, app_version="0.1.0")


def new_till() -> Till:
    """Return a till just enrolled, with nothing to send."""
    cloud, store, clock = FakeCloud(), FakeStore(), FakeClock()
    become_device(store, cloud)
    transport = FakeTransport(cloud)
    return Till(cloud, store, transport, clock, engine_of(store, transport, clock))
