"""Bills are asked for when providers have them, and again at growing intervals."""

from __future__ import annotations

import itertools
from datetime import date, datetime

from cloud.gateways.base import not_offered, unresolved
from cloud.services.reconcile.reconciliation import Result
from cloud.services.reconcile.schedule import FIRST_WAIT_MS, LONGEST_WAIT_MS, Rounds, days_due


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def test_yesterdays_bill_is_due_once_providers_have_it():
    first = date(2026, 3, 1)
    assert days_due(at("2026-03-05T10:29:00+08:00"), first) == [
        date(2026, 3, 3),
        date(2026, 3, 2),
        date(2026, 3, 1),
    ]
    assert days_due(at("2026-03-05T10:30:00+08:00"), first)[0] == date(2026, 3, 4)
    assert days_due(at("2026-03-01T23:00:00+08:00"), first) == []
    assert len(days_due(at("2026-06-05T12:00:00+08:00"), first)) == 7


def test_a_bill_that_cannot_be_had_is_asked_for_again_at_growing_intervals():
    now, asked, there = [at("2026-03-02T11:00:00+08:00")], [], set()

    def fetch(account: str, day: date) -> Result:
        asked.append(now[0])
        if len(asked) < 9:
            raise unresolved(account, "no bill yet")
        there.add(day)
        return Result(account, day, 1, 0, True, 0, 0, 0, 0)

    rounds = Rounds(lambda: ["a"], lambda *_: there, fetch, lambda: now[0], date(2026, 3, 1))
    while not rounds.run():
        now[0] += 60_000
        assert now[0] < at("2026-03-03T10:30:00+08:00"), asked
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (FIRST_WAIT_MS, LONGEST_WAIT_MS)
    asked.clear()
    assert rounds.run() == []
    assert asked == []


def test_a_bill_nobody_could_be_asked_about_is_compared_again_at_growing_intervals():
    now, asked = [at("2026-03-02T11:00:00+08:00")], []

    def fetch(account: str, day: date) -> Result:
        asked.append(now[0])
        return Result(account, day, 1, 1, True, 1, 1, 0, 0, unanswered=1 if len(asked) < 4 else 0)

    def kept(*_: object) -> set[date]:
        return {date(2026, 3, 1)} if len(asked) >= 4 else set()

    rounds = Rounds(lambda: ["a"], kept, fetch, lambda: now[0], date(2026, 3, 1))
    for _ in range(120):
        rounds.run()
        now[0] += 60_000
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert gaps == [FIRST_WAIT_MS, 2 * FIRST_WAIT_MS, 4 * FIRST_WAIT_MS]


def test_a_bug_with_one_account_keeps_no_other_from_its_bill_and_is_left_alone_for_a_while():
    came, asked, now = [], [], [at("2026-03-02T11:00:00+08:00")]

    def fetch(account: str, day: date) -> Result:
        asked.append(account)
        if account == "a":
            raise ZeroDivisionError
        came.append(account)
        return Result(account, day, 1, 0, True, 0, 0, 0, 0)

    first = date(2026, 3, 1)
    rounds = Rounds(lambda: ["a", "b"], lambda *_: set(), fetch, lambda: now[0], first)
    assert [result.account for result in rounds.run()] == came == ["b"]
    rounds.run()
    now[0] += FIRST_WAIT_MS
    rounds.run()
    assert asked == ["a", "b", "b", "a", "b"]


def test_one_account_that_fails_keeps_no_other_from_its_bill():
    came = []

    def fetch(account: str, day: date) -> Result:
        if account == "a":
            raise not_offered(account)
        came.append(account)
        return Result(account, day, 1, 0, True, 0, 0, 0, 0)

    now = at("2026-03-02T11:00:00+08:00")
    rounds = Rounds(lambda: ["a", "b"], lambda *_: set(), fetch, lambda: now, date(2026, 3, 1))
    assert [result.account for result in rounds.run()] == came == ["b"]
