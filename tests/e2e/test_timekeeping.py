"""A till that is opened again knows what time it was, whatever the wall says; and closes in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.ids import new_id
from app.domain.stock import MovementKind, StockAdjustment, StockMovement
from app.domain.times import Moment, TimeQuality
from guidepos.bootstrap import open_till
from guidepos.till import Online, Till
from guidepos.timekeeping import keep_anchor

TOMORROW_MS = 24 * 3_600_000


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    opened = open_till(tmp_path)
    yield opened
    opened.close()


def record(till: Till, at: Moment) -> None:
    fact = StockAdjustment(
        adjustment_id=new_id(),
        at=at,
        business_date="2025-10-09",
        actor="g1",
        reason="received",
        movements=(StockMovement("SKU-1", 1, MovementKind.RECEIVED),),
    )
    till.store.run(lambda uow: uow.record(fact)).result()


def reopened(till: Till) -> Till:
    till.close()
    return open_till(till.settings.home)


def test_an_anchor_is_good_for_the_next_process_of_the_boot(till: Till):
    server_ms = till.clock.now().wall_ms + TOMORROW_MS
    till.clock.anchor(server_ms)
    keep_anchor(till.clock, till.store)
    again = reopened(till)
    now = again.clock.now()
    again.close()
    assert now.quality is TimeQuality.RECENT
    assert now.server_ms >= server_ms


def test_without_an_anchor_no_record_is_dated_before_the_last_one(till: Till):
    keep_anchor(till.clock, till.store)  # there is none to keep
    now = till.clock.now()
    later = Moment(now.wall_ms, now.mono_ms, now.boot_id, now.wall_ms + TOMORROW_MS, now.quality)
    record(till, later)
    again = reopened(till)
    now = again.clock.now()
    again.close()
    assert (now.server_ms, now.quality) == (later.server_ms, TimeQuality.WALL)


def test_a_connection_made_while_the_till_closes_is_ended_before_the_store(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    class Threads:
        """Stands for the threads to the cloud; they may ask the store until they are stopped."""

        stopped = 0

        def stop(self, timeout_s: float = 0) -> None:
            till.store.reader.identity()
            self.stopped += 1

    threads = Threads()

    def connect() -> None:
        till.online = Online(threads, threads)  # type: ignore[arg-type]

    go_offline = Till.go_offline

    def first_too_early(self: Till) -> None:
        go_offline(self)
        if not threads.stopped and self.online is None:
            self.network.submit(connect).result()

    monkeypatch.setattr(Till, "go_offline", first_too_early)
    till.close()
    assert threads.stopped
    assert till.online is None
