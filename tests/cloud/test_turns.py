"""A provider is asked about an attempt once per some seconds, whoever waits, and less in the long run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.payment import PaymentState, State
from cloud.bootstrap import open_cloud
from cloud.desk import open_desk
from cloud.fakes.faults import Fault
from cloud.services.attempts import Attempt
from cloud.services.turns import EVERY_MS, SELDOM_MS, is_due, take
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, Shown
from tests.cloud.worlds import World, open_world

QUERY = "alipay.trade.query"
AN_HOUR = 3_600_000


class Still(Clock):
    """A clock that a test alone moves."""

    def __init__(self) -> None:
        super().__init__()
        self._began_ms = super().__call__()

    def __call__(self) -> int:
        return self._began_ms + self.ahead_ms


@pytest.fixture
def clock() -> Clock:
    return Still()


@pytest.fixture
def world(settings: Settings, clock: Clock) -> Iterator[World]:
    with open_world(settings.data, clock, db_url=settings.db_url) as opened:
        opened.start("alipay")
        opened.providers.alipay.scan(opened.number)
        yield opened


def asked(world: World) -> int:
    return world.providers.alipay.calls.count(QUERY)


def poll(world: World, shown: Shown) -> str:
    """A page asks, as its script does every five seconds."""
    with world.shop.client.stream("GET", f"{shown.page}/state") as answer:
        answer.read()
        return str(answer.json()["face"])


def everybody(world: World) -> set[str]:
    """Two tills of the shop and six phones ask at the same time; return the states they hear."""
    shown = world.shown
    other = replace(shown, till=world.shop.till())
    with ThreadPoolExecutor(8) as crowd:
        tills = [crowd.submit(each.view) for each in (shown, other)]
        phones = [crowd.submit(poll, world, shown) for _ in range(6)]
    return {each.result().state for each in tills} | {
        each.result().split(":")[1] for each in phones
    }


def test_however_many_wait_a_provider_is_asked_once_in_a_while(world: World, clock: Clock):
    assert everybody(world) == {"waiting"}
    assert everybody(world) == {"waiting"}
    assert asked(world) == 1
    clock.ahead_ms += EVERY_MS
    everybody(world)
    assert asked(world) == 2


def test_other_processes_count_too(world: World, settings: Settings, clock: Clock):
    other = open_cloud(settings, clock=clock)
    desk = open_desk(other)
    try:
        payments = desk.payments
        payments.current(world.shown.key)
        everybody(world)
        assert asked(world) == 1
        clock.ahead_ms += EVERY_MS
        with ThreadPoolExecutor(4) as crowd:
            for each in (payments, world.shop.desk.payments) * 2:
                crowd.submit(each.current, world.shown.key)
        assert asked(world) == 2
    finally:
        desk.newsroom.close()
        other.close()


def test_what_one_hears_all_are_told(world: World, clock: Clock):
    everybody(world)
    world.providers.alipay.pay(world.number)  # its notification is lost
    assert everybody(world) == {"waiting"}
    clock.ahead_ms += EVERY_MS
    assert world.shown.view().state == "confirmed"
    assert everybody(world) == {"confirmed"}
    assert asked(world) == 2


def test_the_end_of_an_attempt_is_seen_at_once(world: World, clock: Clock):
    clock.ahead_ms += FIVE_MINUTES - 1_000
    assert world.shown.view().state == "waiting"
    clock.ahead_ms += 1_000
    assert world.shown.view().state == "expired"


def test_a_till_that_closes_asks_at_once(world: World):
    everybody(world)
    assert world.shown.cancel().state == "cancelled"
    assert asked(world) == 2


def test_a_silent_provider_is_asked_less_and_less_and_heard_within_a_minute(
    world: World, clock: Clock
):
    world.providers.alipay.faults.then(*[Fault.SYSTEM_ERROR] * 1_000)
    before = len(world.providers.alipay.calls)
    payments, key = world.shop.desk.payments, world.shown.key
    for _ in range(20 * 60 // 5):
        clock.ahead_ms += 5_000
        payments.sweep()
        payments.current(key)
    assert payments.find(key).payment.state is State.UNKNOWN
    assert 40 < len(world.providers.alipay.calls) - before < 100
    world.providers.alipay.faults.waiting.clear()
    clock.ahead_ms += SELDOM_MS
    assert payments.sweep() == 1
    assert payments.find(key).payment.state is State.EXPIRED


moments = st.integers(1, 10**13)
attempts = st.builds(
    lambda state, changed, life, next_ms: Attempt(
        *("a", "t", "s", "d", "sale", "token", b""),
        amount=1,
        currency="CNY",
        created_ms=changed,
        expires_ms=changed + life,
        payment=PaymentState(state),
        changed_ms=changed,
        next_ms=next_ms,
    ),
    st.sampled_from([State.WAITING, State.UNKNOWN, State.EXPIRED]),
    moments,
    st.integers(0, 2 * AN_HOUR),
    st.integers(0, 2 * 10**13),
)


class Books:
    """Stands for a connection: every update finds its row."""

    rowcount = 1

    def execute(self, statement: object) -> Books:
        self.next_ms: int = statement.compile().params["next_ms"]  # type: ignore[attr-defined]
        return self


@given(attempts, moments)
def test_after_a_question_there_is_a_rest_but_none_over_the_end_nor_for_ever(
    attempt: Attempt, now_ms: int
):
    books = Books()
    if not take(books, attempt, now_ms):  # type: ignore[arg-type]
        assert now_ms < attempt.next_ms <= now_ms + SELDOM_MS
        return
    after = replace(attempt, next_ms=books.next_ms)
    in_time = attempt.payment.is_open and now_ms < attempt.expires_ms
    assert now_ms < after.next_ms <= now_ms + SELDOM_MS
    assert after.next_ms >= min(
        now_ms + EVERY_MS, attempt.expires_ms if in_time else now_ms + EVERY_MS
    )
    assert not in_time or after.next_ms <= attempt.expires_ms
    assert not is_due(after, now_ms)
    assert is_due(after, after.next_ms)
    assert is_due(after, now_ms - AN_HOUR), "a clock that is put back stops no question"
