"""Watching payments: asked at the start, on every hint, about late money too, whatever breaks."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from app.domain.payment import Anomaly, State
from app.errors import Code, Trouble
from app.ports import Attempt
from app.services import watch as watch_module
from app.services.payments import PaymentNews, Payments
from app.services.watch import PaymentWatch
from app.wire.messages import News
from tests.fakes.gateway import FakeLiveFeed
from tests.unit.services.till import GUIDE, InlinePool, Till

PATIENCE_S = 20


class Desk:
    """A watch, its feed, and all it said."""

    def __init__(self, till: Till, pool: Executor | None = None) -> None:
        self.feed = FakeLiveFeed()
        self.news: queue.Queue[PaymentNews] = queue.Queue()
        self.changed: queue.Queue[str] = queue.Queue()
        self.payments = Payments(till.store, till.gateway, till.clock, pool or InlinePool())
        self.silences: queue.Queue[None] = queue.Queue()
        self.watch = PaymentWatch(
            till.store,
            self.payments,
            self.feed,
            self.news.put,
            self._on_reference,
            on_turn=lambda: self.silences.put(None),
        )
        self.fails = 0

    def _on_reference(self, stream: str) -> None:
        if self.fails:
            self.fails -= 1
            raise LookupError(stream)
        self.changed.put(stream)

    def hint(self, kind: str, subject: str = "") -> None:
        self.feed.tell(News(kind=kind, subject=subject))

    def heard(self, like: Callable[[PaymentNews], bool] = lambda news: True) -> PaymentNews:
        """Wait for news of a kind."""
        while True:
            news = self.news.get(timeout=PATIENCE_S)
            if like(news):
                return news


@pytest.fixture
def desk(till: Till, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(watch_module, "ASK_EVERY_S", 3_600)
    monkeypatch.setattr(watch_module, "CALM_EVERY_S", 3_600)
    monkeypatch.setattr(watch_module, "FEED_RETRY_S", 0)
    desk = Desk(till)
    yield desk
    desk.watch.stop()


def shown(till: Till) -> str:
    return till.payments.start(till.basket(), GUIDE).result().attempt.attempt_id


def test_what_an_earlier_run_left_open_is_asked_about_at_once(till: Till, desk: Desk) -> None:
    attempt_id = shown(till)
    till.gateway.pay(attempt_id)
    desk.watch.start()
    assert desk.heard().sale is not None


def test_a_hint_leads_to_a_question_and_only_the_answer_counts(till: Till, desk: Desk) -> None:
    desk.watch.start()
    attempt_id = shown(till)
    desk.hint("payment", attempt_id)
    assert desk.heard().state.state is State.WAITING
    till.gateway.pay(attempt_id)
    desk.hint("payment", attempt_id)
    assert desk.heard(lambda news: news.state.state is State.CONFIRMED).sale is not None
    assert desk.watch.is_live


def test_what_another_till_shows_is_not_asked_about(
    till: Till, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    query = till.gateway.query

    def noted(attempt_id: str) -> Any:
        asked.append(attempt_id)
        return query(attempt_id)

    monkeypatch.setattr(till.gateway, "query", noted)
    attempt_id = shown(till)
    desk.watch.start()
    desk.heard()
    asked.clear()
    desk.hint("payment", "of-another-till")
    desk.hint("payment", attempt_id)
    desk.heard()
    assert asked == [attempt_id]


def test_a_new_line_to_the_cloud_means_asking_again(till: Till, desk: Desk) -> None:
    desk.watch.start()
    attempt_id = shown(till)
    till.gateway.pay(attempt_id)
    desk.hint("hello")
    assert desk.heard(lambda news: news.sale is not None).attempt.attempt_id == attempt_id


def test_late_money_is_heard_of_although_no_hint_came(till: Till, desk: Desk) -> None:
    attempt_id = shown(till)
    till.payments.cancel(attempt_id).result()
    till.gateway.pay(attempt_id)  # while this till was off
    desk.watch.start()
    assert desk.heard().state.anomalies == {Anomaly.LATE}
    assert till.uneasy() == [attempt_id]


def test_old_attempts_do_not_crowd_out_the_customer_at_the_counter(till: Till) -> None:
    closed = [shown(till) for _ in range(5)]
    for attempt_id in closed:
        till.payments.cancel(attempt_id).result()
    waiting = shown(till)
    desk = Desk(till)
    rounds = [desk.watch._worth_asking() for _ in range(4)]
    assert [len(asked) for asked in rounds] == [3, 3, 2, 1]
    assert all(asked[0] == waiting for asked in rounds)
    assert {attempt for asked in rounds for attempt in asked[1:]} == set(closed)


def test_hints_that_stop_are_told_but_not_when_the_till_stops_them(till: Till, desk: Desk) -> None:
    desk.watch.start()
    desk.hint("reference", "stock")
    desk.changed.get(timeout=PATIENCE_S)
    desk.feed.fail()
    desk.silences.get(timeout=PATIENCE_S)
    desk.hint("reference", "stock")
    desk.changed.get(timeout=PATIENCE_S)
    desk.watch.stop()
    assert desk.silences.empty()


def test_news_of_reference_are_passed_on_and_strange_ones_ignored(desk: Desk) -> None:
    desk.watch.start()
    desk.hint("weather", "rain")
    desk.hint("reference", "stock")
    assert desk.changed.get(timeout=PATIENCE_S) == "stock"


def test_a_broken_line_or_a_bug_in_who_listens_does_not_end_the_watch(desk: Desk) -> None:
    desk.fails = 1
    desk.watch.start()
    desk.hint("reference", "people")
    desk.feed.fail()
    desk.hint("reference", "config")
    assert desk.changed.get(timeout=PATIENCE_S) == "config"
    assert desk.feed.listening >= 3


@pytest.mark.parametrize(
    "error", [Trouble(Code.STORE_BUSY, retryable=True), LookupError("a bug")], ids=repr
)
def test_a_store_that_is_busy_for_a_moment_does_not_end_the_watch(
    till: Till, desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    attempt_id = shown(till)
    till.gateway.pay(attempt_id)
    original = type(till.store.reader).open_attempts
    failed: list[Exception] = []

    def busy_once(reader: Any) -> tuple[Attempt, ...]:
        if not failed:
            failed.append(error)
            desk.watch.wake()
            raise error
        return original(reader)

    monkeypatch.setattr(type(till.store.reader), "open_attempts", busy_once)
    desk.watch.start()
    assert desk.heard().sale is not None
    assert failed == [error]


class HeldPool(InlinePool):
    """Keeps what it is given until it is let go."""

    def __init__(self) -> None:
        self.held: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.held.append((future, fn, args))
        return future


def test_one_question_at_a_time_about_one_attempt(till: Till) -> None:
    attempt_id = shown(till)
    pool = HeldPool()
    desk = Desk(till, pool)
    for _ in range(3):
        desk.watch._questions.ask(attempt_id)
    assert len(pool.held) == 1
    future, ask, args = pool.held.pop()
    future.set_result(ask(*args))
    assert desk.heard().attempt.attempt_id == attempt_id
    desk.watch._questions.ask(attempt_id)
    pool.held.pop()[0].set_exception(LookupError("a bug"))
    desk.watch._questions.ask(attempt_id)
    future = pool.held.pop()[0]
    future.cancel()
    desk.watch._questions.ask(attempt_id)
    assert len(pool.held) == 1
    assert desk.news.empty()


def test_a_hint_that_comes_while_the_cloud_is_asked_is_followed_by_one_more_question(
    till: Till,
) -> None:
    attempt_id = shown(till)
    pool = HeldPool()
    desk = Desk(till, pool)
    desk.watch._questions.hinted(attempt_id)
    future, ask, args = pool.held.pop()
    answer = ask(*args)
    till.gateway.pay(attempt_id)
    for _ in range(2):
        desk.watch._questions.hinted(attempt_id)
    assert pool.held == []
    future.set_result(answer)
    assert desk.heard().sale is None
    ((future, ask, args),) = pool.held
    future.set_result(ask(*args))
    assert desk.heard().sale is not None
    assert len(pool.held) == 1, "nothing more was hinted at, nothing more is asked"


def test_a_closing_till_asks_nothing_more(till: Till) -> None:
    attempt_id = shown(till)
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    desk = Desk(till, pool)
    desk.watch._questions.ask(attempt_id)
    desk.watch.stop()
    desk.watch._questions.ask(attempt_id)
    assert desk.news.empty()
