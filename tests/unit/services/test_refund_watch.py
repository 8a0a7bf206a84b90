"""A hint about a refund is never lost, however the answers to earlier questions are timed."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from app.domain.money_back import Back
from app.services.refund_watch import RefundWatch


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
