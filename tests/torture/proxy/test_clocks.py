"""Tablets whose clock is two years behind, ten ahead, or set in the middle of a sale: the order stays, ids
stay unique, and every record says how far its time may be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app.devices.clock import SystemClock
from app.domain.times import TimeQuality
from app.sync.schedule import PULL_EVERY_S
from app.sync.worker import SyncWorker
from app.wire.journal import Header, read_header
from cloud.bootstrap import wall_clock
from cloud.db import tables
from offline_store import open_store
from tests.store.shop import adjustment_of, sale_of
from tests.torture.proxy.shop import PATIENT_S, SKU, Shop, Till, engine_of, open_shop
from tests.torture.tally import Tally

YEAR_MS = 365 * 86_400_000


@dataclass
class Hands:
    """The two clocks of a tablet: one that anybody sets, one that only runs."""

    wall_ms: int = field(default_factory=wall_clock)
    running_ms: int = 5_000

    def pass_by(self, ms: int) -> None:
        self.wall_ms += ms
        self.running_ms += ms

    def clock(self, boot: str) -> SystemClock:
        """Return the till's own clock on these hands."""
        return SystemClock(
            boot_id=boot,
            wall_ns=lambda: self.wall_ms * 1_000_000,
            running=lambda: self.running_ms * 1_000_000,
        )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("clocks"), read_s=PATIENT_S) as opened:
        yield opened


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def till(shop: Shop, hands: Hands) -> Till:
    return shop.till(clock=hands.clock("boot-1"))


def restarted(till: Till, hands: Hands, boot: str) -> None:
    """Switch the tablet off and on: another boot, and what the file knows of time."""
    till.store.close()
    hands.running_ms = 700
    clock = hands.clock(boot)
    till.clock, till.store = clock, open_store(till.file, till.key, clock)
    clock.resume(None, till.store.last_recorded_ms)
    till.engine = engine_of(till.store, till.line.url, clock)


def sell(till: Till) -> None:
    """Sell something now, as the till's clock says it."""
    till.record(replace(adjustment_of(SKU, 1), at=till.clock.now()))


def headers(shop: Shop, till: Till) -> list[Header]:
    journal = tables.journal.c
    query = (
        sa.select(journal.header)
        .where(journal.device_id == till.identity.device)
        .order_by(journal.seq)
    )
    return [read_header(row.header) for row in shop.cloud.db.read(lambda c: c.execute(query).all())]


@pytest.mark.fault(10, "nothing: sales keep their order; the time on a receipt may be the tablet's")
@pytest.mark.parametrize(("back", "ahead"), [(-2 * YEAR_MS, 10 * YEAR_MS), (10 * YEAR_MS, 0)])
def test_years_back_and_ahead_change_neither_order_nor_ids(
    shop: Shop, till: Till, hands: Hands, back: int, ahead: int
) -> None:
    true_ms = wall_clock()
    assert till.sync().trouble is None  # the cloud's time is known in this boot
    sell(till)
    hands.wall_ms = true_ms + back
    sell(till)
    hands.wall_ms = true_ms + ahead
    sell(till)
    hands.wall_ms = true_ms + back
    restarted(till, hands, "boot-2")
    sell(till)  # before the cloud is heard in this boot
    assert till.sync().trouble is None
    sell(till)
    assert till.drain().trouble is None
    found = headers(shop, till)
    assert [each.rec_id for each in found] == list(till.facts)
    assert [each.seq for each in found] == list(range(1, 6))
    assert len({each.rec_id for each in found}) == 5
    assert [each.t_quality for each in found] == ["A", "A", "A", "C", "A"]
    walls = [each.t_device for each in found]
    assert abs(walls[1] - (true_ms + back)) < 60_000, "what the tablet's clock said is kept too"
    sure = [each.t_est_server for each in found if each.t_quality == "A"]
    assert all(abs(each - true_ms) < 3_600_000 for each in sure)
    assert sure == sorted(sure)
    doubtful = found[3].t_est_server
    assert doubtful >= sure[2], "no record is dated before the one before it"
    judged(shop, till)


@pytest.mark.fault(10, "nothing: the cloud tells the tablet its time, and it goes on")
@pytest.mark.parametrize("off", [-2 * YEAR_MS, 10 * YEAR_MS])
def test_a_till_that_starts_with_a_wrong_clock_is_let_in_and_corrected(
    shop: Shop, till: Till, hands: Hands, off: int
) -> None:
    hands.wall_ms += off
    restarted(till, hands, "boot-2")
    assert till.clock.now().quality is TimeQuality.WALL
    till.work(3)
    assert till.drain().trouble is None
    now = till.clock.now()
    assert now.quality is TimeQuality.ANCHORED
    assert abs(now.server_ms - wall_clock()) < 60_000
    judged(shop, till)


@pytest.mark.fault(11, "nothing: the cart, its price and its payment stay as they are")
@pytest.mark.parametrize("jump", [-2 * YEAR_MS, -3_600_000, 3_600_000, 10 * YEAR_MS])
def test_a_jump_in_the_middle_of_a_cart_is_one_sale(
    shop: Shop, till: Till, hands: Hands, jump: int
) -> None:
    """An hour is summer time's; the years are a battery's."""
    assert till.sync().trouble is None
    before = till.clock.now()
    sale = sale_of(receipt_no=till.next_receipt())
    hands.wall_ms += jump
    hands.pass_by(1_000)
    after = till.clock.now()
    assert after.server_ms == before.server_ms + 1_000
    till.record(sale)
    assert till.drain().trouble is None
    assert [each.rec_id for each in headers(shop, till)] == [sale.sale_id]
    judged(shop, till)


@pytest.mark.fault(11, "nothing: what waits, waits as long as it should")
def test_a_jump_neither_hurries_nor_stalls_the_sync_thread(till: Till, hands: Hands) -> None:
    worker = SyncWorker(till.engine, till.clock, draw=lambda low, high: high)
    due = worker._timetable.after_success(till.clock.monotonic(), said_hello=True).due_at()
    hands.wall_ms += 10 * YEAR_MS
    assert due - till.clock.monotonic() == PULL_EVERY_S
    hands.wall_ms -= 12 * YEAR_MS
    assert due - till.clock.monotonic() == PULL_EVERY_S


def test_the_trading_day_is_the_clouds_where_its_time_is_known(till: Till, hands: Hands) -> None:
    assert till.sync().trouble is None
    today = datetime.fromtimestamp(wall_clock() / 1_000, UTC).year
    hands.wall_ms += 10 * YEAR_MS
    assert till.clock.now().utc().year == today


def judged(shop: Shop, till: Till) -> None:
    tally = Tally("proxy")
    shop.judge(till, tally)
    assert tally.is_clean, tally
    assert shop.bugs == []
