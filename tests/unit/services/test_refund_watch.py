"""A hint about a refund is never lost, however the answers to earlier questions are timed."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from app.domain.money_back import Back
from app.services.refund_watch import RefundWatch
from app.services.watch import PaymentWatch
from tests.fakes.gateway import FakeLiveFeed
from tests.unit.services.till import Till


class Desk:
    """Refunds whose answers come when the test says so."""

    def __init__(self) -> None:
        self.open = [SimpleNamespace(number="r1", standing=Back.PENDING)]
        self.questions: list[Future[Any]] = []

    def not_ended(self) -> list[Any]:
        return self.open

    def refresh(self, number: str) -> Future[Any]:
        self.questions.append(Future())
        return self.questions[-1]


def test_a_hint_that_comes_while_a_question_is_out_asks_once_more():
    desk = Desk()
    news: list[Any] = []
    watch = RefundWatch(desk, news.append)  # type: ignore[arg-type] # two methods of it are all that is asked
    watch.turn()
    watch.hinted("r1")
    watch.hinted("r1")
    assert len(desk.questions) == 1
    desk.questions[0].set_result("before the hint")
    assert len(desk.questions) == 2
    desk.questions[1].set_result("after it")
    assert (len(desk.questions), news) == (2, ["before the hint", "after it"])


def test_what_has_ended_meanwhile_is_not_asked_about_again():
    desk = Desk()
    watch = RefundWatch(desk, lambda news: None)  # type: ignore[arg-type] # as above
    watch.turn()
    watch.hinted("r1")
    desk.open = []
    desk.questions[0].set_result("done")
    assert len(desk.questions) == 1


def test_a_hint_is_remembered_although_whoever_hears_the_answer_fails(caplog):
    desk = Desk()
    told: list[Any] = []

    def fail_once(news: Any) -> None:
        told.append(news)
        if len(told) == 1:
            raise ZeroDivisionError

    watch = RefundWatch(desk, fail_once)  # type: ignore[arg-type] # as above
    watch.turn()
    watch.hinted("r1")
    desk.questions[0].set_result("before the hint")
    assert len(desk.questions) == 2
    desk.questions[1].set_result("after it")
    assert told == ["before the hint", "after it"]
    assert "ZeroDivisionError" in caplog.text


def test_a_watch_that_is_stopped_asks_about_no_refund_any_more(till: Till):
    desk = Desk()
    refunds = RefundWatch(desk, lambda news: None)  # type: ignore[arg-type] # as above
    watch = PaymentWatch(
        till.store, till.payments, FakeLiveFeed(), lambda news: None, refunds=refunds
    )
    refunds.turn()
    refunds.hinted("r1")
    watch.stop()
    desk.questions[0].set_result("while it stopped")
    refunds.turn()
    assert len(desk.questions) == 1
