"""The sweep goes round in a lane per provider: one who keeps silent holds up nobody else, and no shutdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.domain.payment import State
from cloud.bootstrap import Cloud
from cloud.db import payment_tables as tables
from cloud.fakes.faults import Fault
from cloud.gateways.base import Answer, AttemptKey, Standing
from cloud.gateways.registry import Gateways
from cloud.gateways.sandbox import SandboxGateway
from cloud.services import overdue
from cloud.services.afterwards import LAST_LOOK_MS, LOOKS_AT_ONCE, STRETCH_MS, LastLooks
from cloud.services.attempts import STARTED
from cloud.services.rounds import EVERYBODY, LONGEST_S, Lane, Round, lanes
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, Shown
from tests.cloud.worlds import World, open_world

QUERY = "alipay.trade.query"


class Dragging:
    """A clock by which one question is in time, and the next no more."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += LONGEST_S / 2
        return self._now


@pytest.fixture
def world(settings: Settings, clock: Clock) -> Iterator[World]:
    with open_world(settings.data, clock, db_url=settings.db_url) as opened:
        opened.shop.desk.stopping.set()  # the server's own rounds ask nobody
        opened.start("alipay")
        yield opened


def another(world: World, provider: str) -> Shown:
    """One more order, its customer sent to a wallet."""
    first, world.shown = world.shown, world.shop.till().show(world.shop.client)
    world.start(provider)
    second, world.shown = world.shown, first
    return second


# --- lanes ----------------------------------------------------------------------------------------


names = st.text("abcdef_", min_size=1, max_size=8)


@given(st.sets(names), st.one_of(st.just(""), names))
def test_every_row_is_in_one_lane_and_in_everybodys(connected: set[str], provider: str):
    engine = sa.create_engine("sqlite://")
    with engine.connect() as conn:
        row = sa.select(sa.literal(provider).label("provider")).subquery()

        def holds(lane: Lane) -> bool:
            return conn.scalar(sa.select(sa.func.count()).where(lane.has(row.c.provider))) == 1

        mine = [lane for lane in lanes(connected) if holds(lane)]
        assert [lane.provider for lane in mine] == [provider if provider in connected else ""]
        assert holds(EVERYBODY)
    engine.dispose()


def test_a_lane_asks_nobody_elses_provider(world: World, clock: Clock):
    at_wechat = another(world, "wechat")
    clock.ahead_ms += FIVE_MINUTES
    payments = world.shop.desk.payments
    assert payments.sweep(Lane("wechat")) == 1
    assert QUERY not in world.providers.alipay.calls
    assert payments.find(at_wechat.key).payment.state is State.EXPIRED
    assert payments.find(world.shown.key).payment.state is State.WAITING
    assert payments.sweep(Lane(others=frozenset({"alipay", "wechat"}))) == 0
    assert payments.sweep(Lane("alipay")) == 1


# --- rounds ---------------------------------------------------------------------------------------


def test_a_round_that_has_lasted_long_enough_leaves_the_rest_to_the_next(
    world: World, clock: Clock
):
    waiting = [world.shown, *(another(world, "alipay") for _ in range(2))]
    clock.ahead_ms += FIVE_MINUTES
    payments = world.shop.desk.payments
    for ended in range(1, 4):
        payments.sweep(rounds=partial(Round, clock=Dragging()))
        states = [payments.find(shown.key).payment.state for shown in waiting]
        assert states.count(State.EXPIRED) == ended


def test_who_has_waited_longest_comes_before_whom_nobody_answers_about(world: World, clock: Clock):
    clock.ahead_ms += FIVE_MINUTES
    world.providers.alipay.faults.then(Fault.LOSE_ANSWER)
    payments = world.shop.desk.payments
    payments.sweep()
    assert payments.find(world.shown.key).payment.state is State.UNKNOWN
    later = another(world, "alipay")
    clock.ahead_ms += FIVE_MINUTES
    payments.sweep(rounds=partial(Round, clock=Dragging()))
    assert payments.find(later.key).payment.state is State.EXPIRED


def test_a_long_round_of_attempts_leaves_time_for_refunds_and_last_looks(world: World):
    began: list[Round] = []

    def rounds() -> Round:
        began.append(Round(clock=Dragging()))
        return began[-1]

    world.shop.desk.payments.sweep(rounds=rounds)
    world.shop.desk.giving_back.sweep(rounds=rounds)
    assert len(began) == 4


def test_a_cloud_that_stops_asks_nobody_any_more(world: World, clock: Clock):
    for _ in range(2):
        another(world, "alipay")
    clock.ahead_ms += FIVE_MINUTES
    stops = iter([False, True])
    world.shop.desk.payments.sweep(rounds=partial(Round, lambda: next(stops, True)))
    assert world.providers.alipay.calls.count(QUERY) == 1


# --- the last looks -------------------------------------------------------------------------------


def put(cloud: Cloud, number: int, expires_ms: int, state: State, *wallets: str) -> AttemptKey:
    """Write an attempt that has ended as it may stand after months, without its story."""
    key = AttemptKey("t", f"S{number % 3}", f"a{number:05}")
    same = {"tenant_id": key.tenant, "store_id": key.store, "attempt_id": key.attempt_id}
    words = {
        column.name: ""
        for column in tables.attempt.c
        if isinstance(column.type, sa.Text | sa.String)
    }
    counts = {column.name: 0 for column in tables.attempt.c if column.name not in words}
    row = (
        counts
        | words
        | same
        | {"order_bytes": b"", "token": key.attempt_id, "sale_id": str(number)}
    )
    ended = {"expires_ms": expires_ms, "state": state.value, "provider": wallets[-1]}

    def write(conn: sa.Connection) -> None:
        conn.execute(tables.attempt.insert().values(row | ended))
        for place, wallet in enumerate(wallets):
            begun = {"event": STARTED, "provider": wallet, "version": place + 1}
            empty = {
                column.name: "" if isinstance(column.type, sa.Text | sa.String) else 0
                for column in tables.event.c
            }
            conn.execute(tables.event.insert().values(empty | same | begun))

    cloud.db.write(write)
    return key


class Heard:
    """Notes who was asked about what."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: Counter[tuple[AttemptKey, str]] = Counter()
        once, again = (SandboxGateway(cloud.db, cloud.clock) for _ in range(2))
        monkeypatch.setattr(once, "offers", frozenset())
        for each in (once, again):
            monkeypatch.setattr(each, "query", lambda key: Answer(Standing.CLOSED))
        self.gateways = Gateways({"one": once, "two": once, "again": again}, "one")

    def __call__(self, key: AttemptKey, answer: Answer, provider: str) -> None:
        assert answer.standing is Standing.CLOSED
        self.asked[key, provider] += 1


def test_every_wallet_is_asked_once_however_many_ended_together(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    heard, now = Heard(cloud, monkeypatch), clock() - LAST_LOOK_MS
    ended = [now - 5 * STRETCH_MS] * 50 + [now - 2 * STRETCH_MS, now - 1, now]
    due = [put(cloud, n, at, State.EXPIRED, "one", "two") for n, at in enumerate(ended)]
    put(cloud, 900, now - 7, State.CONFIRMED, "one")
    both = put(cloud, 901, now - 7, State.CONFIRMED, "one", "two")
    put(cloud, 902, now + FIVE_MINUTES, State.EXPIRED, "one")
    alone = put(cloud, 903, now - 7, State.CANCELLED, "two")
    twice = put(cloud, 904, now - 7, State.CONFIRMED, "again")
    expected = {(key, name) for key in (*due, both) for name in ("one", "two")}
    expected |= {(alone, "two"), (twice, "again")}
    looks = LastLooks(cloud.db, heard.gateways, heard, now - 60 * STRETCH_MS, EVERYBODY)
    for _ in range(len(expected) // LOOKS_AT_ONCE + 1):
        before = heard.asked.total()
        looks.go(clock(), Round())
        assert heard.asked.total() - before <= LOOKS_AT_ONCE
    assert set(heard.asked) == expected
    assert set(heard.asked.values()) == {1}
    looks.go(clock(), Round())
    assert heard.asked.total() == len(expected)


def test_a_clock_that_stood_at_nought_costs_no_look_at_years_without_payments(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    heard, now = Heard(cloud, monkeypatch), clock() - LAST_LOOK_MS
    keys = [put(cloud, n, at, State.EXPIRED, "one") for n, at in enumerate((5, now - 40, now))]
    counted = Mock(side_effect=cloud.db.read)
    monkeypatch.setattr(cloud.db, "read", counted)
    LastLooks(cloud.db, heard.gateways, heard, 0, EVERYBODY).go(clock(), Round())
    assert set(heard.asked) == {(key, "one") for key in keys}
    assert counted.call_count < 10


def test_a_bug_with_one_look_loses_neither_it_nor_the_others(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    heard, now = Heard(cloud, monkeypatch), clock() - LAST_LOOK_MS
    keys = [put(cloud, n, now - 9 + n, State.EXPIRED, "one") for n in range(3)]
    asked: Counter[AttemptKey] = Counter()

    def stumbling(key: AttemptKey) -> Answer:
        asked[key] += 1
        if key == keys[0] and asked[key] == 1:
            raise ZeroDivisionError
        return Answer(Standing.CLOSED)

    monkeypatch.setattr(heard.gateways.by_name["one"], "query", stumbling)
    looks = LastLooks(cloud.db, heard.gateways, heard, now - STRETCH_MS, EVERYBODY)
    looks.go(clock(), Round())
    assert set(heard.asked) == {(key, "one") for key in keys[1:]}
    looks.go(clock(), Round())
    assert set(heard.asked) == {(key, "one") for key in keys}


def test_a_lane_looks_for_its_own_wallet_and_reads_a_part_at_a_time(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    heard, now = Heard(cloud, monkeypatch), clock() - LAST_LOOK_MS
    keys = [put(cloud, n, now - n, State.EXPIRED, "one", "two") for n in range(30)]
    read: list[int] = []
    unheard = overdue.unheard

    def noted(conn: sa.Connection, **wanted: Any) -> list[overdue.Place]:
        read.append(len(found := unheard(conn, **wanted)))
        return found

    monkeypatch.setattr(overdue, "unheard", noted)
    looks = LastLooks(cloud.db, heard.gateways, heard, now - STRETCH_MS, Lane("two"))
    for _ in range(3):
        looks.go(clock(), Round())
    assert set(heard.asked) == {(key, "two") for key in keys}
    assert max(read) <= LOOKS_AT_ONCE
    assert sum(read) == len(keys)
