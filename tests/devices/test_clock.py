"""The device's clocks: what a moment says about itself, across boots, sleeps and wrong wall clocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.devices import clock as module
from app.devices.clock import Anchor, SystemClock
from app.domain.times import TimeQuality

MS = 1_000_000


class Hands:
    """The hands a test moves."""

    def __init__(self, wall_ms: int = 5_000_000, running_ms: int = 70_000) -> None:
        self.wall_ms, self.running_ms = wall_ms, running_ms

    def clock(self, restored: Anchor | None = None, not_before_ms: int = 0) -> SystemClock:
        clock = SystemClock(
            boot_id="boot-1",
            wall_ns=lambda: self.wall_ms * MS,
            running=lambda: self.running_ms * MS,
        )
        clock.resume(restored, not_before_ms)
        return clock


def test_without_the_server_the_wall_clock_is_all_there_is():
    moment = Hands().clock().now()
    assert (moment.wall_ms, moment.server_ms, moment.quality) == (
        5_000_000,
        5_000_000,
        TimeQuality.WALL,
    )
    assert (moment.mono_ms, moment.boot_id) == (70_000, "boot-1")


@pytest.mark.fault(11, "nothing: the server's time goes on by the running clock")
def test_an_anchored_clock_follows_the_server_whatever_the_wall_says():
    hands = Hands()
    clock = hands.clock()
    clock.anchor(9_000_000)
    hands.running_ms += 1_500
    hands.wall_ms = 3
    moment = clock.now()
    assert (moment.server_ms, moment.quality) == (9_001_500, TimeQuality.ANCHORED)
    assert moment.wall_ms == 3


def test_an_anchor_from_this_boot_is_good_but_second_best():
    hands = Hands()
    clock = hands.clock(restored=Anchor(9_000_000, 60_000, "boot-1"))
    moment = clock.now()
    assert (moment.server_ms, moment.quality) == (9_010_000, TimeQuality.RECENT)
    clock.anchor(9_500_000)
    assert clock.now().quality is TimeQuality.ANCHORED


def test_an_anchor_from_another_boot_is_worth_nothing():
    clock = Hands().clock(restored=Anchor(9_000_000, 60_000, "boot-0"))
    assert clock.now().quality is TimeQuality.WALL
    assert clock.kept is None


def test_the_anchor_can_be_kept_for_the_next_process():
    hands = Hands()
    clock = hands.clock()
    clock.anchor(9_000_000)
    assert clock.kept == Anchor(9_000_000, 70_000, "boot-1")
    assert hands.clock(restored=clock.kept).now().server_ms == 9_000_000


@pytest.mark.fault(10, "no sale is dated before the last one")
def test_a_wall_clock_that_was_set_back_does_not_date_new_records_before_old_ones():
    moment = Hands().clock(not_before_ms=6_000_000).now()
    assert (moment.wall_ms, moment.server_ms) == (5_000_000, 6_000_000)


@given(st.lists(st.integers(0, 10_000), max_size=20))
def test_an_anchored_clock_never_runs_backwards(steps):
    hands = Hands()
    clock = hands.clock()
    clock.anchor(9_000_000)
    seen = [clock.now().server_ms]
    for step in steps:
        hands.running_ms += step
        seen.append(clock.now().server_ms)
    assert seen == sorted(seen)


def test_the_real_clocks_tell_one_boot_and_run_forwards():
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.boot_id == second.boot_id != ""
    assert second.mono_ms >= first.mono_ms
    assert clock.monotonic() >= first.mono_ms / 1_000


def test_where_the_system_names_no_boot_the_process_is_one(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(module, "_BOOT_ID", tmp_path / "absent")
    assert module.this_boot() != module.this_boot()


@pytest.mark.parametrize("seconds", [0, 12])
def test_durations_are_seconds(seconds):
    hands = Hands()
    clock = hands.clock()
    before = clock.monotonic()
    hands.running_ms += seconds * 1_000
    assert clock.monotonic() - before == seconds
