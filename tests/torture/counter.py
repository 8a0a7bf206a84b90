"""A counter with a real till on it: the core as the front door opens it, in a folder of its own.

Its cloud and gateway live in the parent process, so that they survive what happens to the till.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.domain.ids import new_id
from app.domain.pricing import PricedCart
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.ports import UnitOfWork
from app.services.payments import Payments
from app.sync.engine import SyncEngine
from app.wire.messages import PersonRow
from guidepos.bootstrap import open_till
from guidepos.till import Till
from offline_store.worker import _checkpoint
from tests.fakes.cloud import FakeCloud
from tests.fakes.gateway import FakeGateway
from tests.fakes.transport import FakeTransport
from tests.sync.till import become_device
from tests.torture.processes import Ended, Line, run_child
from tests.unit.services.till import CONFIG, GUIDE, MANAGER, PIN_HASH, sku_row

GOODS = tuple(f"SKU-{n:02}" for n in range(12))
DEVICE = "d1"


class Gateway(FakeGateway):
    """The gateway in memory, which can be asked what it has seen."""

    def seen(self) -> list[tuple[str, str]]:
        """Return every call so far: its name and the attempt."""
        return self.calls


class World:
    """Everything outside the till: the cloud and what it knows of payments."""

    def __init__(self) -> None:
        self.cloud = FakeCloud()
        self.cloud.now_ms = _now_ms
        self.gateway = Gateway(now_ms=_now_ms)

    @property
    def targets(self) -> dict[str, Any]:
        """What a till's calls reach, by name."""
        line = FakeTransport(self.cloud, DEVICE)
        return {"enrolment": self.cloud, "cloud": line, "gateway": self.gateway}

    @property
    def held(self) -> list[tuple[str, bytes]]:
        """Id and body of every record the cloud took from the till, in its order."""
        return [(r.rec_id, r.body) for r in self.cloud.devices[DEVICE].records]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class SteppedFar:
    """Something of the parent's, called with a named step before, on the way and behind each call."""

    def __init__(self, line: Line, whom: str, step: Callable[[str], None]) -> None:
        self._line, self._whom, self._step = line, whom, step

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            name = f"{self._whom}.{method}"
            self._step(f"{name}: before it leaves")
            answer = self._line.ask(
                self._whom,
                method,
                *arguments,
                sent=lambda: self._step(f"{name}: arrived, not answered"),
                **keywords,
            )
            self._step(f"{name}: answered")
            return answer

        return call


Program = Callable[[], None]
"""Changes the till's program in the process that calls it, before a till is opened."""


def as_it_is() -> None:
    """Leave the till's program as it is."""


@dataclass
class Stand:
    """Where a scene is played: a till's folder, a line to the world, and what is armed on the way."""

    home: Path
    line: Line
    arm: Callable[[], None] = lambda: None
    """Called by a scene when what it is about begins."""
    step: Callable[[str], None] = lambda name: None
    """Called with the name of every step that is not seen in the database."""
    program: Program = as_it_is
    _open: list[Till] = field(default_factory=list)

    def open(self) -> Till:
        """Open the till of this stand."""
        self.program()
        self.program = as_it_is
        till = open_till(self.home)
        gateway = SteppedFar(self.line, "gateway", self.step)
        till.payments = Payments(till.store, gateway, till.clock, till.network)
        self._open.append(till)
        return till

    @property
    def till(self) -> Till | None:
        """The till that is open, if one is."""
        return self._open[-1] if self._open else None

    def engine(self, till: Till) -> SyncEngine:
        """Return the till's sync engine on the line to the cloud."""
        line = SteppedFar(self.line, "cloud", self.step)
        return SyncEngine(till.store, line, till.clock, app_version="0.0.0")

    def want(self, priced: PricedCart) -> None:
        """Say which cart is about to be sold."""
        self.line.tell("wanted", priced)

    def promise(self, document: Sale | Refund) -> None:
        """Say that the till told its guide that this document is recorded."""
        self.line.tell("promised", document)
        self.step("promised")

    def close(self) -> None:
        """Close what was opened."""
        while self._open:
            self._open.pop().close()


def basket(till: Till, lines: int = 5, first: int = 0) -> PricedCart:
    """Return a cart with so many different goods."""
    priced = till.checkout.open(GUIDE.person_id)
    for n in range(lines):
        priced = till.checkout.add_sku(priced, GOODS[(first + n) % len(GOODS)], n % 2 + 1)
    return priced


def sell_for_cash(till: Till, priced: PricedCart) -> Sale:
    """Sell a cart for cash and wait until the till says that it is recorded."""
    tender = till.checkout.cash_tender(priced, priced.total)
    return till.checkout.complete(priced, [tender], GUIDE.person_id).result(60)


def settle_payments(till: Till) -> None:
    """Ask how open payments stand, and close those nobody paid, as a guide does after a restart."""
    for attempt in till.store.reader.open_attempts():
        till.payments.refresh(attempt.attempt_id).result(60)
    for attempt in till.store.reader.open_attempts():
        till.payments.cancel(attempt.attempt_id).result(60)


def move_wal(till: Till) -> None:
    """Move the WAL on the store thread, between two transactions, and wait for it."""

    def between(uow: Any) -> None:
        connection = uow._connection
        connection.execute("COMMIT")
        _checkpoint(connection, "PASSIVE")
        connection.execute("BEGIN IMMEDIATE")

    till.store.run(between).result(60)


def furnish(home: Path, world: World, *, sales: int = 2) -> None:
    """Make a till's folder: goods, people, enrolled, some sales of which the cloud holds all but one."""

    def job(line: Line) -> None:
        stand = Stand(home, line)
        till = stand.open()
        till.store.run(stock_shelves).result()
        become_device(till.store, SteppedFar(line, "enrolment", lambda name: None))
        for n in range(sales):
            if n == sales - 1:
                stand.engine(till).run()
            sell_for_cash(till, basket(till, 2, n))
        stand.close()
        line.tell("ready")

    run_child(job, **world.targets).last("ready")


def stock_shelves(uow: UnitOfWork) -> None:
    """Put goods, people and the shop's document into a store."""
    uow.put_config(CONFIG)
    people = [
        PersonRow(
            person_id=person.person_id,
            name=person.name,
            name_en=person.name_en,
            role=person.role.value,
            pin=PIN_HASH,
        )
        for person in (GUIDE, MANAGER)
    ]
    uow.put_people(people)
    uow.put_skus([sku_row(sku, 9_900 + 1_111 * n) for n, sku in enumerate(GOODS)])


def copy_of(home: Path, folder: Path) -> Path:
    """Return a copy of a till's folder that may be broken."""
    target = folder / new_id()
    shutil.copytree(home, target)
    return target


def play(scene: Callable[[Stand], None], stand: Callable[[Line], Stand], world: World) -> Ended:
    """Play a scene in a child and return what it said until it ended."""

    def job(line: Line) -> None:
        here = stand(line)
        try:
            scene(here)
            line.tell("played")
        finally:
            here.close()

    return run_child(job, **world.targets)
