"""A new till is filled exactly, whatever the cloud and whatever happens between: the stand-in and the
served application, each against the encrypted file."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from app.devices.clock import SystemClock
from app.domain.ids import new_id
from app.domain.stock import MovementKind, StockAdjustment, StockMovement
from app.ports import Store
from app.sync.engine import SyncEngine
from app.sync.report import SyncReport
from app.wire.messages import MEMBERS
from offline_store import OfflineStore, open_store
from tests.fakes.transport import BadLine
from tests.sync.clouds import InMemory, RealServer, Side
from tests.sync.shop import figures, member_rows, sku_rows
from tests.sync.till import become_device


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    made = RealServer(tmp_path_factory.mktemp("cloud") / "data")
    made.start()
    yield made
    made.close()


@pytest.fixture(params=["memory", "server"])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Side]:
    if request.param == "memory":
        yield InMemory()
        return
    made = RealServer(tmp_path / "cloud")
    made.start()
    yield made
    made.close()


@dataclass
class NewTill:
    """A till on a real file, just enrolled."""

    side: Side
    store: OfflineStore
    line: BadLine
    engine: SyncEngine

    def run(self) -> SyncReport:
        report = self.engine.run()
        assert report.mismatched == (), report
        return report

    def prices(self) -> dict[str, int]:
        query = "SELECT sku_id, list_price FROM sku"
        return dict(self.store.reader._connection.execute(query).fetchall())


@pytest.fixture
def new(side: Side, tmp_path: Path) -> Iterator[NewTill]:
    clock, key = SystemClock(), os.urandom(32)
    with open_store(tmp_path / "till.db", key, clock) as store:
        become_device(store, side.enrolment(), side.code())
        line = BadLine(side.line(store, clock))
        engine = SyncEngine(store, line, clock, app_version="0.2.0", snapshots=True)
        yield NewTill(side, store, line, engine)


def test_a_new_till_holds_the_whole_shop_and_its_sums_agree(new: NewTill):
    new.side.put_skus(sku_rows(900))
    new.side.put_stock(figures(900))
    new.side.put_members(member_rows(450))
    report = new.run()
    assert report.trouble is None
    assert (report.snapshots["catalog"], report.snapshots["stock"]) == (900, 900)
    assert report.snapshots[MEMBERS] == 450
    assert all(feed.is_whole for feed in new.store.reader.feeds())
    assert len(new.prices()) == 900
    assert new.store.reader.find_members("13800000449")
    assert not new.run().changed


def test_what_changes_after_the_snapshot_comes_by_feed(new: NewTill):
    new.side.put_skus(sku_rows(30))
    new.run()
    new.side.put_skus(sku_rows(2, price_fen=999))
    new.side.drop_skus(["SKU-00005"])
    report = new.run()
    assert (report.pulled["catalog"], "catalog" in report.snapshots) == (3, False)
    prices = new.prices()
    assert (prices["SKU-00000"], prices["SKU-00002"], "SKU-00005" in prices) == (999, 100, False)


def test_a_restored_cloud_is_taken_over_row_by_row(new: NewTill):
    new.side.put_skus(sku_rows(60))
    new.side.put_members(member_rows(5))
    new.run()
    new.side.drop_skus([row.sku_id for row in sku_rows(20)])
    new.side.put_skus(sku_rows(5, first=60, price_fen=7))
    new.side.void_cursors()
    assert new.run().trouble is None
    expected = {row.sku_id: row.list_price for row in sku_rows(40, first=20)}
    expected |= {row.sku_id: 7 for row in sku_rows(5, first=60)}
    assert new.prices() == expected
    assert all(feed.is_whole for feed in new.store.reader.feeds())


def test_a_row_lost_at_the_till_is_found_by_the_sum_and_comes_again(new: NewTill):
    new.side.put_skus(sku_rows(30))
    new.run()

    def lose(uow) -> None:
        uow._connection.execute("DELETE FROM sku WHERE sku_id = 'SKU-00007'")
        uow._connection.execute("DELETE FROM feed_row WHERE key = 'SKU-00007'")
        uow._connection.execute(
            "UPDATE feed_state SET checked_ms = 0, total = (SELECT sum(sum) FROM feed_row r"
            " WHERE r.feed_no = feed_state.feed_no) WHERE stream = 'catalog'"
        )

    new.store.run(lose).result()
    report = new.engine.run()
    assert report.mismatched == ("catalog",)
    assert len(new.prices()) == 30
    assert new.run().trouble is None


def sell_one(store: Store, clock: SystemClock, sku_id: str) -> None:
    fact = StockAdjustment(
        adjustment_id=new_id(),
        at=clock.now(),
        business_date="2025-10-09",
        actor="g01",
        reason="sold",
        movements=(StockMovement(sku_id, -1, MovementKind.SALE),),
    )
    store.run(lambda uow: uow.record(fact)).result()


PACE_S = 0.005
"""Between the first sales: without a rest the seller would keep the interpreter from whoever fills the store.
Each sale is work for that one, too, so the rests grow, or a slow machine would never come to an end."""


def test_selling_goes_on_during_a_second_snapshot_and_nothing_is_missing_meanwhile(
    server: RealServer, tmp_path: Path
):
    clock = SystemClock()
    goods, pieces = 800, 10
    server.put_skus(sku_rows(goods))
    server.put_stock(figures(goods, pieces=pieces))
    with open_store(tmp_path / "till.db", os.urandom(32), clock) as store:
        become_device(store, server.enrolment(), server.code())
        engine = SyncEngine(
            store, server.line(store, clock), clock, app_version="0.2.0", snapshots=True
        )
        assert engine.run().trouble is None
        sold: dict[str, int] = {}
        missing: list[str] = []
        done = threading.Event()

        def sell() -> None:
            chance = random.Random(4)
            while not done.wait(PACE_S * (1 + len(sold) / 50)):
                sku_id = f"SKU-{chance.randrange(goods):05d}"
                if store.reader.find_code(sku_id) is None:
                    missing.append(sku_id)
                sell_one(store, clock, sku_id)
                sold[sku_id] = sold.get(sku_id, 0) + 1

        server.void_cursors()
        seller = threading.Thread(target=sell)
        seller.start()
        try:
            report = engine.run()
        finally:
            done.set()
            seller.join()
        assert (report.trouble, missing) == (None, [])
        assert sold
        assert report.snapshots["stock"] == goods
        assert engine.run().trouble is None
        assert store.reader.sync_status().unsent == 0
        assert stock_of(store) == {
            f"SKU-{n:05d}": pieces - sold.get(f"SKU-{n:05d}", 0) for n in range(goods)
        }


def stock_of(store: OfflineStore) -> dict[str, int]:
    query = "SELECT sku_id, quantity FROM stock WHERE store_id = 'S1'"
    return dict(store.reader._connection.execute(query).fetchall())


def test_rows_travel_as_they_lie_in_the_cloud(new: NewTill):
    new.side.put_skus(sku_rows(3))
    chunk = new.line.snapshot_chunk("catalog", "", 2)
    assert (chunk.rows, chunk.more, chunk.next) == (2, True, "SKU-00001")
    rest = new.line.snapshot_chunk("catalog", chunk.next, 2)
    assert (rest.rows, rest.more) == (1, False)
    assert msgspec.json.encode(rest)
