"""What the screen is told of a download, whatever state the feeds are in."""

from __future__ import annotations

from app.ports import FeedState
from app.sync.progress import Filling, filling
from app.wire.messages import MEMBERS
from app.wire.snapshot import SNAPSHOTS

ALL = SNAPSHOTS


def feeds(whole: int, *now: FeedState) -> list[FeedState]:
    """Return feeds of which the first `whole` are whole and the next stand as told."""
    made = [*(FeedState(stream, complete=1) for stream in ALL[:whole]), *now]
    return made + [FeedState(stream) for stream in ALL[len(made) :]]


def test_nothing_is_shown_before_the_first_snapshot_and_after_the_last():
    assert filling(feeds(0), paused=False) is None
    assert filling(feeds(5), paused=False) is None


def test_the_part_that_comes_in_is_told_with_its_rows():
    now = filling(feeds(2, FeedState("catalog", filling=1, taken=30, expected=120)), paused=False)
    assert now == Filling("catalog", 3, 5, 30, 120, sells=False, paused=False)
    assert now.share == 0.25


def test_between_two_parts_the_next_one_is_told():
    now = filling(feeds(3), paused=True)
    assert now == Filling("stock", 4, 5, 0, 0, sells=False, paused=True)
    assert now.share == 0.0


def test_selling_is_possible_before_the_members_are_here():
    now = filling(feeds(4, FeedState(MEMBERS, filling=1, taken=9, expected=5)), paused=False)
    assert now is not None
    assert (now.stream, now.sells, now.share) == (MEMBERS, True, 1.0)


def test_a_second_snapshot_does_not_stop_selling():
    made = [FeedState(stream, complete=1) for stream in ALL]
    made[2] = FeedState("catalog", complete=1, filling=2, taken=1, expected=2)
    now = filling(made, paused=False)
    assert now is not None
    assert (now.stream, now.sells) == ("catalog", True)
