"""A refund that is being asked for while others want to ask about it too, on both engines: threads, other
processes, and a provider that is at work on the first call while the second comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from app.domain.money_back import Back
from app.domain.payment import State
from cloud.gateways.base import (
    Answer,
    Money,
    Refund,
    RefundAnswer,
    RefundStanding,
    Standing,
    unresolved,
)
from cloud.services.giving_back import GivingBack, Wish
from cloud.services.refund_answers import SOON_MS, TURN_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import Shop, Shown
from tests.cloud.tillside import task_of, wish


@dataclass
class SlowProvider:
    """A provider that takes the first call of a number on and works at it until `finish`.

    Until then it knows nothing of it to whoever asks, and refuses the same number: the worst one can meet.
    """

    left: int
    given: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    finish: threading.Event = field(default_factory=threading.Event)
    loses_the_answer: bool = False
    _at_work: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refund(self, asked: Refund) -> RefundAnswer:
        with self._lock:
            self.calls.append("refund")
            if asked.number in self.given:
                return RefundAnswer(RefundStanding.DONE, "r", asked.amount)
            if asked.number in self._at_work:
                return RefundAnswer(RefundStanding.REFUSED, reason="in_progress")
            self._at_work.add(asked.number)
        self.arrived.set()
        assert self.finish.wait(60)
        with self._lock:
            self._at_work.discard(asked.number)
            self.left -= asked.amount
            self.given[asked.number] = asked.amount
        if self.loses_the_answer:
            raise unresolved("sandbox", "the line broke")
        return RefundAnswer(RefundStanding.DONE, "r", asked.amount)

    def refund_query(self, asked: Refund) -> RefundAnswer:
        with self._lock:
            self.calls.append("query")
            if asked.number in self.given:
                return RefundAnswer(RefundStanding.DONE, "r", asked.amount)
            return RefundAnswer(RefundStanding.ABSENT)


@pytest.fixture
def slow(shop: Shop, paid: Shown, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowProvider]:
    provider = SlowProvider(paid.order.total)
    for name in ("refund", "refund_query"):
        monkeypatch.setattr(shop.desk.sandbox, name, getattr(provider, name))
    yield provider
    provider.finish.set()


@dataclass
class Sending:
    """The first call, which waits for the provider in a thread of its own."""

    asked: Wish
    heard: list[Back] = field(default_factory=list)

    def begin(self, desk: GivingBack, slow: SlowProvider) -> threading.Thread:
        thread = threading.Thread(
            target=lambda: self.heard.append(desk.give_back(self.asked).standing)
        )
        thread.start()
        assert slow.arrived.wait(60)
        return thread


def another_process(shop: Shop) -> GivingBack:
    """The desk of a cloud that was started anew on the same database."""
    desk = shop.desk
    return GivingBack(shop.cloud.db, desk.gateways, desk.newsroom, desk.payments)


def test_what_is_being_asked_for_is_not_asked_about_by_anybody_else(
    shop: Shop, paid: Shown, slow: SlowProvider, clock: Clock
):
    """The till sends again after ten seconds of silence, the sweep comes by, and other processes do."""
    desk, first = shop.desk.giving_back, Sending(wish(paid, 2_500))
    thread = first.begin(desk, slow)
    clock.ahead_ms += SOON_MS + 3_000
    with ThreadPoolExecutor(6) as pool:
        again = list(pool.map(lambda _: desk.give_back(first.asked).standing, range(4)))
        asked = list(pool.map(lambda _: desk.current(first.asked.key).standing, range(4)))
        swept = list(pool.map(lambda each: each.sweep(), (desk, another_process(shop))))
    assert (set(again), set(asked), swept) == ({Back.UNKNOWN}, {Back.UNKNOWN}, [0, 0])
    assert slow.calls == ["refund"]
    slow.finish.set()
    thread.join()
    assert first.heard == [Back.DONE]
    assert desk.give_back(first.asked).standing is Back.DONE
    assert (slow.left, slow.calls) == (paid.order.total - 2_500, ["refund"])


def test_twins_that_begin_at_the_same_moment_send_once(shop: Shop, paid: Shown, slow: SlowProvider):
    asked, desks = wish(paid, 2_500), [shop.desk.giving_back, another_process(shop)]
    together = threading.Barrier(6)

    def send(at: int) -> Back:
        together.wait()
        return desks[at % 2].give_back(asked).standing

    slow.finish.set()
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(send, range(6)))
    assert found <= {Back.DONE, Back.UNKNOWN}
    assert (slow.calls, slow.given) == (["refund"], {asked.number: 2_500})
    assert desks[1].current(asked.key).standing is Back.DONE


def test_a_cloud_that_died_over_a_refund_does_not_believe_that_it_is_refused(
    shop: Shop, paid: Shown, slow: SlowProvider, clock: Clock
):
    """Its provider is still at work when the next process asks, and refuses the same number."""
    slow.loses_the_answer = True
    asked = wish(paid, 2_500)
    thread = Sending(asked).begin(shop.desk.giving_back, slow)
    after = another_process(shop)
    assert after.give_back(asked).standing is Back.UNKNOWN
    clock.ahead_ms += TURN_MS
    assert after.give_back(asked).standing is Back.UNKNOWN
    assert slow.calls == ["refund", "query", "refund", "query"]
    slow.finish.set()
    thread.join()
    clock.ahead_ms += SOON_MS
    assert after.sweep() == 1
    assert after.current(asked.key).standing is Back.DONE
    assert slow.given == {asked.number: 2_500}


def test_a_refusal_of_what_was_sent_before_is_believed_only_after_a_second_look(
    shop: Shop, paid: Shown, slow: SlowProvider, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """Nothing arrived the first time, and the account is empty since."""
    desk, asked = shop.desk.giving_back, wish(paid, 2_500)
    sent = []

    def refund(asked: Refund) -> RefundAnswer:
        sent.append(asked.number)
        if len(sent) == 1:
            raise unresolved("sandbox", "the line broke")
        return RefundAnswer(RefundStanding.REFUSED, reason="balance")

    monkeypatch.setattr(shop.desk.sandbox, "refund", refund)
    assert desk.give_back(asked).standing is Back.UNKNOWN
    clock.ahead_ms += SOON_MS
    doubted = desk.current(asked.key)
    assert (doubted.standing, doubted.first.word) == (Back.UNKNOWN, "balance")
    clock.ahead_ms += SOON_MS
    refused = desk.current(asked.key)
    assert (refused.standing, refused.first.word) == (Back.REFUSED, "balance")
    assert len(sent) == 2


def test_a_refund_that_goes_through_after_it_was_called_refused_is_on_the_books_and_a_task(
    shop: Shop,
    paid: Shown,
    slow: SlowProvider,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
):
    """A process that slept over its question: everybody else has given up on it meanwhile."""
    first = Sending(wish(paid, 2_500))
    thread = first.begin(shop.desk.giving_back, slow)
    clock.ahead_ms += TURN_MS
    for _ in range(2):
        shop.desk.giving_back.sweep()
        clock.ahead_ms += SOON_MS
    assert shop.desk.giving_back.current(first.asked.key).standing is Back.REFUSED
    with caplog.at_level(logging.ERROR, "cloud.services.giving_back"):
        slow.finish.set()
        thread.join()
    assert "was called refused" in caplog.text
    assert first.heard == [Back.DONE]
    task = task_of(shop, paid)
    assert (task.code, task.state, task.amount) == ("refund_after_all", "open", 2_500)
    assert shop.desk.giving_back.current(first.asked.key).first.belied_ms


def test_notices_of_the_payment_change_nothing_about_a_refund_that_is_under_way(
    shop: Shop, paid: Shown, slow: SlowProvider
):
    total = paid.order.total
    first = Sending(wish(paid, total))
    thread = first.begin(shop.desk.giving_back, slow)
    (money,) = shop.desk.sandbox.query(paid.key).money
    with ThreadPoolExecutor(4) as pool:
        for standing in (Standing.PAID, Standing.CLOSED, Standing.REVERSED):
            answer = Answer(standing, (Money(money.ref, money.amount, money.at_ms),))
            pool.submit(shop.desk.payments.heard, paid.key, answer)
    assert paid.view().state == State.REFUND_PENDING
    slow.finish.set()
    thread.join()
    assert (paid.view().state, paid.view().received) == (State.REFUNDED, total)
    assert slow.given == {first.asked.number: total}
