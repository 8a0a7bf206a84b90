"""A real cloud behind a bad line and real tills before it, on real files: what the torture of the line
plays with, and how it finds out afterwards whether anything was lost, doubled or altered.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from app.devices.clock import SystemClock
from app.domain.facts import fact_id
from app.domain.member import Member
from app.domain.sale import Sale
from app.domain.stock import StockAdjustment
from app.ports import Clock, Identity, Priority, Store, UnitOfWork
from app.remote import http
from app.remote.cloud import EnrolledCloud
from app.remote.enrolment import CloudEnrolment
from app.remote.sync import CloudSync
from app.services.members import Members
from app.sync.engine import SyncEngine
from app.sync.enrol import TillDescription, enrol
from app.sync.report import SyncReport
from app.wire.codec import encode
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import tables
from cloud.db.member_tables import member
from cloud.main import app_of
from cloud.services.enrol import make_enrol_code
from cloud.settings import Settings
from offline_store import OfflineStore, open_store
from tests.cloud.served import served
from tests.store.shop import adjustment_of, sale_of
from tests.torture.proxy.line import Line, line_to
from tests.torture.tally import Tally

READ_S = 1.5
"""How long these tills wait for an answer; ten seconds are for people with a mall's Wi-Fi."""
PATIENT_S = 60.0
"""Where the line is sound a busy machine is no fault."""
ROUNDS_TO_DRAIN = 10
"""Rounds within which a healed till must be done; each but the last may meet a leftover."""
SKU = "SKU-1"
HELP = TillDescription(platform="test", app_version="0.2.0", protection="file")


@dataclass
class Till:
    """One till: its file, its engine, and all that was ever recorded at it, as it was recorded."""

    name: str
    file: Path
    key: bytes
    clock: Clock
    store: OfflineStore
    line: Line
    engine: SyncEngine
    identity: Identity
    facts: dict[str, bytes] = field(default_factory=dict)
    pieces: int = 0
    joined: dict[str, str] = field(default_factory=dict)
    """The last name of each member who joined here, by the reference they got here."""
    reports: list[SyncReport] = field(default_factory=list)

    def record(self, *made: Sale | StockAdjustment) -> None:
        """Record facts and remember the bytes they must have at the cloud."""

        def keep(uow: UnitOfWork) -> None:
            for fact in made:
                uow.record(fact)

        self.store.run(keep).result()
        for fact in made:
            self.facts[fact_id(fact)] = encode(fact)[1]
            self.pieces += sum(each.delta for each in fact.movements if each.sku_id == SKU)

    def work(self, count: int) -> None:
        """Sell and receive; every third time somebody joins, every fifth somebody is renamed."""
        for number in range(count):
            self.record(adjustment_of(SKU, 2), sale_of(receipt_no=self.next_receipt()))
            if number % 3 == 0:
                self.join(f"客{len(self.joined)}")
            if number % 5 == 4 and self.joined:
                self.rename(next(iter(self.joined)), f"改{number}")

    def next_receipt(self) -> str:
        """Return the next receipt number."""
        return self.store.run(lambda uow: uow.next_receipt_no()).result()

    def join(self, name: str, phone: str = "") -> Member:
        """Let somebody join."""
        number = phone or f"139{int.from_bytes(os.urandom(4)) % 10**8:08d}"
        made = Members(self.store, self.clock).join(name, number).result()
        self.joined[made.member_ref] = name
        return made

    def rename(self, member_ref: str, name: str) -> None:
        """Change a name as the till knows the member now."""
        known = self.store.reader.member(member_ref)
        assert known is not None
        Members(self.store, self.clock).rename(known, name).result()
        self.joined[member_ref] = name

    def sync(self, **options: Any) -> SyncReport:
        """Run one round."""
        report = self.engine.run(**options)
        self.reports.append(report)
        return report

    def drain(self) -> SyncReport:
        """Run rounds until one meets no trouble and nothing is left, at most a few."""
        report = self.sync()
        for _ in range(ROUNDS_TO_DRAIN - 1):
            if report.trouble is None and self.waiting() == 0:
                break
            report = self.sync()
        return report

    def waiting(self) -> int:
        """Return how many records and changes the cloud has not confirmed."""
        status = self.store.reader.sync_status()
        return status.unsent + status.member_changes

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.store.close()

    def restart(self) -> None:
        """Close the file and open it again with a new engine, as after a kill between two requests."""
        self.store.close()
        self.store = open_store(self.file, self.key, self.clock)
        self.engine = engine_of(self.store, self.line.url, self.clock)


def engine_of(store: Store, url: str, clock: Clock) -> SyncEngine:
    """Return the engine of an enrolled store, as the program builds it."""
    return SyncEngine(store, CloudSync(connected(store, url, clock)), clock, app_version="0.2.0")


def connected(store: Store, url: str, clock: Clock) -> EnrolledCloud:
    """Return the cloud as an enrolled till sees it over a line."""
    who, key = store.run(lambda uow: (uow.identity(), uow.device_key())).result()

    def keys() -> dict[str, bytes]:
        return store.run(lambda uow: uow.cloud_keys(), priority=Priority.SYNC).result()

    return EnrolledCloud(url, keys, device=who.device, device_key=key, clock=clock)


@dataclass
class Shop:
    """One cloud, served; tills are enrolled at it one by one, each at a store and a line of its own."""

    cloud: Cloud
    port: int
    home: Path
    bugs: list[str]
    _open: ExitStack
    _tills: int = 0

    def till(
        self,
        store: str = "",
        *,
        seed: int = 0,
        clock: Clock | None = None,
        line: Line | None = None,
    ) -> Till:
        """Enrol a new till over a line that does no harm yet."""
        self._tills += 1
        name = store or f"P{self._tills}"
        line = line or self._open.enter_context(
            line_to(self.port, prove=self.cloud.keys.prove, seed=seed)
        )
        clock, key = clock or SystemClock(), os.urandom(32)
        file = self.home / f"till-{self._tills}.db"
        opened = open_store(file, key, clock)
        with waiting_for_answers(PATIENT_S):
            who = enrol(
                opened,
                CloudEnrolment(f"http://127.0.0.1:{self.port}"),
                code=self.code(name),
                store_key=key,
                cloud_url=line.url,
                till=HELP,
            )
        till = Till(name, file, key, clock, opened, line, engine_of(opened, line.url, clock), who)
        self._open.callback(till.close)
        return till

    def code(self, store: str) -> str:
        """Return a one-time code for a store."""
        return self.cloud.db.write(
            lambda connection: make_enrol_code(
                connection, store, now_ms=self.cloud.clock(), minutes=60
            )
        ).code

    def judge(self, till: Till, tally: Tally) -> None:
        """Compare what a till recorded with what the cloud holds of it, and count the harm."""
        tally.records += len(till.facts) + len(till.joined)
        held = self._held(till)
        bodies = dict(held)
        counts = Counter(rec_id for rec_id, _ in held)
        tally.lost += sum(rec_id not in bodies for rec_id in till.facts)
        tally.doubled += sum(times - 1 for times in counts.values())
        tally.altered += sum(
            bodies[rec_id] != body for rec_id, body in till.facts.items() if rec_id in bodies
        )
        tally.doubled += self._on_hand(till) != till.pieces
        self._judge_members(till, tally)
        tally.stuck += till.waiting()

    def _judge_members(self, till: Till, tally: Tally) -> None:
        query = sa.select(member.c.member_ref, member.c.name, member.c.phone)
        rows = self.cloud.db.read(lambda connection: connection.execute(query).all())
        at_cloud = {row.member_ref: (row.name, row.phone) for row in rows}
        for member_ref, name in till.joined.items():
            here = till.store.reader.member(member_ref)
            assert here is not None
            there = at_cloud.get(here.member_ref)
            tally.lost += there is None
            tally.altered += there is not None and there != (name, here.phone)

    def _held(self, till: Till) -> list[tuple[str, bytes]]:
        journal = tables.journal.c
        query = sa.select(journal.rec_id, journal.body).where(
            journal.device_id == till.identity.device, journal.rec_id.in_(list(till.facts))
        )
        return self.cloud.db.read(
            lambda connection: [(row.rec_id, row.body) for row in connection.execute(query)]
        )

    def _on_hand(self, till: Till) -> int:
        stock = tables.stock.c
        query = sa.select(stock.quantity).where(stock.store_id == till.name, stock.sku_id == SKU)
        return self.cloud.db.read(lambda connection: connection.scalar(query)) or 0


class _Bugs(logging.Handler):
    """Collects what the cloud and the till log as errors: nothing of a bad line is a bug."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self.found.append(f"{text}: {record.exc_info[1]!r}" if record.exc_info else text)


@contextmanager
def open_shop(home: Path, *, db_url: str = "", read_s: float = READ_S) -> Iterator[Shop]:
    """Serve a cloud for the length of a block; its tills wait `read_s` for answers, by default not long."""
    home.mkdir(parents=True, exist_ok=True)
    bugs, root = _Bugs(), logging.getLogger()
    root.addHandler(bugs)
    cloud = open_cloud(Settings(data=home / "cloud", db_url=db_url))
    try:
        with (
            served(app_of(cloud)) as url,
            waiting_for_answers(read_s),
            ExitStack() as stack,
        ):
            yield Shop(cloud, urlsplit(url).port or 0, home, bugs.found, stack)
    finally:
        cloud.close()
        root.removeHandler(bugs)


@contextmanager
def waiting_for_answers(seconds: float) -> Iterator[None]:
    """Let every till of this process wait so long for an answer, for the length of a block."""
    before = http.READ_S
    http.READ_S = seconds
    try:
        yield
    finally:
        http.READ_S = before
