"""The timetable: prompt when all is well, patient in trouble, obedient to a busy cloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.schedule import (
    HELLO_EVERY_S,
    LONGEST_BACKOFF_S,
    LONGEST_RETRY_AFTER_S,
    NEWS_EVERY_S,
    PULL_EVERY_S,
    Timetable,
    backoff_s,
)


def least(low: float, high: float) -> float:
    return low


def most(low: float, high: float) -> float:
    return high


def test_everything_is_due_at_the_start():
    start = Timetable()
    assert start.due_at() == 0
    assert start.hello_due(0)
    assert start.pull_due(0)


@pytest.mark.fault(16, "the chip counts what waits; it is sent by itself when the cloud is well")
def test_the_wait_doubles_up_to_five_minutes():
    assert [backoff_s(n, most) for n in range(1, 12)] == [
        *(2.0**n for n in range(9)),
        LONGEST_BACKOFF_S,
        LONGEST_BACKOFF_S,
    ]


@given(st.integers(1, 5_000), st.floats(0, 1))
def test_the_wait_is_drawn_between_nothing_and_the_limit(failures, share):
    wait = backoff_s(failures, lambda low, high: low + (high - low) * share)
    assert 0 <= wait <= LONGEST_BACKOFF_S


def test_success_forgets_all_back_off():
    table = Timetable()
    for _ in range(7):
        table = table.after_trouble(100.0, most)
    assert table.failures == 7
    healed = table.after_success(200.0, said_hello=True)
    assert healed == Timetable(
        0, 200.0 + PULL_EVERY_S, 200.0 + HELLO_EVERY_S, news_at=200.0 + NEWS_EVERY_S
    )


def test_news_are_followed_soon_by_a_till_that_is_well_and_never_later_than_all_else():
    well = Timetable().after_success(10.0, said_hello=True)
    assert well.due_at(told=True) == 10.0 + NEWS_EVERY_S
    assert not well.news_due(10.0)
    assert well.news_due(10.0 + NEWS_EVERY_S)
    sent = well.after_success(11.0, said_hello=False, pulled=False)
    assert sent.due_at(told=True) == 10.0 + NEWS_EVERY_S
    followed = sent.after_success(12.0, said_hello=False, pulled=False, followed=True)
    assert followed.due_at(told=True) == 12.0 + NEWS_EVERY_S
    assert followed.due_at() == 10.0 + PULL_EVERY_S
    troubled = well.after_trouble(10.0, most)
    assert troubled.due_at(told=True) == troubled.next_at


def test_a_sale_wakes_a_well_till_at_once_but_not_one_in_trouble():
    well = Timetable().after_success(10.0, said_hello=True)
    assert well.due_at() == 10.0 + PULL_EVERY_S
    assert well.due_at(woken=True) <= 10.0
    troubled = well.after_trouble(10.0, most)
    assert troubled.due_at(woken=True) == 11.0


def test_a_person_ends_a_back_off_but_not_what_the_cloud_asked_for():
    troubled = Timetable().after_trouble(10.0, most)
    assert troubled.due_at(hurried=True) <= 10.0
    asked = troubled.after_trouble(10.0, least, retry_after_s=120)
    assert asked.due_at(hurried=True) == 130.0
    assert asked.due_at(woken=True) == 130.0


@pytest.mark.fault(16, "the chip counts what waits; it is sent by itself when the cloud is well")
def test_a_busy_cloud_is_obeyed_with_jitter_on_top():
    table = Timetable().after_trouble(0.0, most, retry_after_s=60)
    assert table.due_at() == 61.0


def test_a_later_failure_without_a_wish_keeps_the_promise_made_before():
    table = Timetable().after_trouble(0.0, least, retry_after_s=60).after_trouble(1.0, least)
    assert table.due_at(hurried=True) == 60.0


def test_an_absurd_wish_is_cut_and_a_negative_one_ignored():
    assert Timetable().after_trouble(0.0, least, retry_after_s=10**9).due_at() == (
        LONGEST_RETRY_AFTER_S
    )
    assert Timetable().after_trouble(0.0, least, retry_after_s=-5).due_at() == 0.0


def test_trouble_only_a_person_can_end_is_looked_at_at_the_slowest_pace():
    table = Timetable().after_trouble(0.0, most, retryable=False)
    assert table.due_at() == LONGEST_BACKOFF_S
    assert table.failures == 1


def test_hello_is_said_hourly_and_after_trouble():
    table = Timetable().after_success(0.0, said_hello=True)
    assert not table.hello_due(HELLO_EVERY_S - 1)
    assert table.hello_due(HELLO_EVERY_S)
    assert table.after_trouble(1.0, least).hello_due(1.0)
    kept = table.after_success(50.0, said_hello=False)
    assert kept.hello_at == HELLO_EVERY_S


def test_a_round_that_only_sent_leaves_the_next_pull_where_it_was():
    table = Timetable().after_success(0.0, said_hello=True)
    sent = table.after_success(5.0, said_hello=False, pulled=False)
    assert sent.next_at == PULL_EVERY_S
    assert not sent.pull_due(5.0)
    assert sent.pull_due(5.0, hurried=True)
    assert sent.pull_due(PULL_EVERY_S)
