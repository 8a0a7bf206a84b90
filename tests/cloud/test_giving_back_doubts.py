"""Refunds of which somebody has forgotten something, or should not have asked for: a restored cloud, a person
who is no manager, a provider that raises where nobody expected it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.errors import Code, RuleBroken
from app.wire.bodies import RefundStepV1
from app.wire.messages import PersonRow
from cloud.errors import Refused
from cloud.gateways.base import Refund, RefundAnswer, RefundStanding, unresolved
from cloud.services.feed import put_people
from cloud.services.refund_answers import SELDOM_MS, SOON_MS
from cloud.services.streams import DAY_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import Shop, Shown, Till
from tests.cloud.tillside import receive, task_of, wish


def told(shown: Shown, standing: str, step: int, number: str, amount: int) -> RefundStepV1:
    """What a till has written down of money it gave back."""
    return RefundStepV1(
        id=new_id(),
        number=number,
        step=step,
        standing=standing,
        attempt=shown.order.attempt_id,
        amount=amount,
        currency="CNY",
        business_date="2026-11-26",
        reason="late_money",
    )


def test_late_money_that_only_its_till_remembers_as_given_back_is_no_task(
    shop: Shop, till: Till, late: Shown
):
    """The cloud was restored and has forgotten the refund; the till pushes its journal again."""
    number, total = new_id(), late.order.total
    till.device.write("refund_step", told(late, "unknown", 1, number, total))
    till.device.push()
    assert task_of(shop, late).state == "open"  # nobody is sure yet
    till.device.write("refund_step", told(late, "done", 2, number, total))
    till.device.push()
    task = task_of(shop, late)
    assert (task.code, task.state, task.amount) == ("refunded", "settled", total)


def test_what_a_till_remembers_is_counted_once_and_leaves_the_rest_waiting(
    shop: Shop, till: Till, paid: Shown
):
    receive(shop, paid, paid.order.total)
    assert (task_of(shop, paid).code, task_of(shop, paid).amount) == ("over", paid.order.total)
    number = new_id()
    for step in (1, 2):
        till.device.write("refund_step", told(paid, "done", step, number, 500))
        till.device.push()
    task = task_of(shop, paid)
    assert (task.code, task.state, task.amount) == ("over", "open", paid.order.total - 500)


@pytest.mark.parametrize("who", ["g1", "nobody", ""])
def test_only_a_manager_gives_the_money_of_a_sale_back(shop: Shop, paid: Shown, who: str):
    people = [
        PersonRow(person_id=each, name=each, name_en=each, role=role, pin="")
        for each, role in (("m1", "manager"), ("g1", "guide"))
    ]
    tenant = paid.till.device.me.tenant
    shop.cloud.db.write(lambda conn: put_people(conn, tenant, people))
    desk = shop.desk.giving_back
    with pytest.raises(Refused, match="not_a_manager"):
        desk.give_back(wish(paid, 100, person=who))
    assert desk.give_back(wish(paid, 100, person="m1")).standing is Back.DONE


def raising(asked: list[str], error: Exception) -> Callable[[Refund], RefundAnswer]:
    """A provider's call that ends in an error, and counts."""

    def answer(refund: Refund) -> RefundAnswer:
        asked.append(refund.number)
        raise error

    return answer


def test_a_number_that_turns_out_to_mean_something_else_is_stuck_when_it_is_asked_about(
    shop: Shop, paid: Shown, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    sandbox, desk, asked = shop.desk.sandbox, shop.desk.giving_back, wish(paid, 100)
    questions: list[str] = []
    taken = RuleBroken(Code.REFERENCE_ALREADY_USED)
    monkeypatch.setattr(sandbox, "refund", raising([], unresolved("sandbox", "line broke")))
    monkeypatch.setattr(sandbox, "refund_query", raising(questions, taken))
    assert desk.give_back(asked).standing is Back.UNKNOWN
    clock.ahead_ms += SOON_MS
    assert desk.sweep() == 1
    stuck = desk.current(asked.key)
    assert (stuck.standing, stuck.first.word) == (Back.STUCK, "reference_already_used")
    assert (task_of(shop, paid).code, desk.sweep(), len(questions)) == ("refund_stuck", 0, 1)
    clock.ahead_ms += SELDOM_MS
    monkeypatch.setattr(
        sandbox, "refund_query", lambda refund: RefundAnswer(RefundStanding.DONE, "r", 100)
    )
    assert desk.current(asked.key).standing is Back.DONE


@pytest.mark.parametrize("error", [RuleBroken(Code.ORDER_CLOSED), ZeroDivisionError()])
def test_what_a_provider_never_should_raise_leaves_a_refund_unknown_and_is_not_repeated_at_once(
    shop: Shop, paid: Shown, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    sandbox, desk, asked = shop.desk.sandbox, shop.desk.giving_back, wish(paid, 100)
    questions: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "refund", raising([], unresolved("sandbox", "line broke")))
        patch.setattr(sandbox, "refund_query", raising(questions, error))
        assert desk.give_back(asked).standing is Back.UNKNOWN
        clock.ahead_ms += SOON_MS
        for _ in range(3):
            desk.sweep()
        assert len(questions) == 1
    assert desk.current(asked.key).standing is Back.UNKNOWN
    clock.ahead_ms += SELDOM_MS
    assert desk.current(asked.key).standing is Back.DONE


def test_a_refund_is_asked_about_once_a_clock_that_was_ahead_is_put_right(
    shop: Shop, paid: Shown, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    shop.desk.stopping.set()  # the server's own sweep asks nobody
    sandbox, desk, asked = shop.desk.sandbox, shop.desk.giving_back, wish(paid, 100)
    clock.ahead_ms += DAY_MS
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "refund", raising([], unresolved("sandbox", "line broke")))
        assert desk.give_back(asked).standing is Back.UNKNOWN
    clock.ahead_ms -= DAY_MS
    assert desk.sweep() == 1
    assert desk.current(asked.key).standing is Back.DONE


def test_nobody_else_asks_while_a_question_is_out_whatever_the_clock_does_in_an_hour(
    shop: Shop, paid: Shown, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    shop.desk.stopping.set()  # the server's own sweep asks nobody
    sandbox, desk, asked = shop.desk.sandbox, shop.desk.giving_back, wish(paid, 100)
    questions: list[str] = []
    error = unresolved("sandbox", "line broke")
    monkeypatch.setattr(sandbox, "refund", raising(questions, error))
    monkeypatch.setattr(sandbox, "refund_query", raising(questions, error))
    assert desk.give_back(asked).standing is Back.UNKNOWN
    clock.ahead_ms -= SELDOM_MS - SOON_MS
    for _ in range(3):
        desk.sweep()
    assert len(questions) == 1


@pytest.mark.parametrize("reason", ["balance", ""])
def test_a_refusal_is_believed_without_an_answer_only_if_no_other_call_was_out(
    shop: Shop, paid: Shown, clock: Clock, monkeypatch: pytest.MonkeyPatch, reason: str
):
    shop.desk.stopping.set()  # the server's own sweep asks nobody
    sandbox, desk = shop.desk.sandbox, shop.desk.giving_back
    silence = unresolved("sandbox", "line broke")
    unheard, refused = RefundStanding.ABSENT, RefundStanding.REFUSED
    before, first = wish(paid, 100), wish(paid, 200)
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "refund", raising([], silence))
        assert desk.give_back(before).standing is Back.UNKNOWN
    monkeypatch.setattr(sandbox, "refund", lambda _: RefundAnswer(refused, reason=reason))
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "refund_query", raising([], silence))
        assert desk.give_back(first).standing is Back.REFUSED
    monkeypatch.setattr(sandbox, "refund_query", lambda _: RefundAnswer(unheard))
    clock.ahead_ms += SOON_MS
    assert desk.current(before.key).standing is Back.UNKNOWN
    clock.ahead_ms += SOON_MS
    ended = desk.current(before.key)
    assert (ended.standing, ended.first.word) == (Back.REFUSED, reason or "refused")
