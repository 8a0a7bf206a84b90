"""Every payment that is not settled is listed, with what it was for; what is settled is not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.domain.payment import Event
from app.services.late_money import WaitingMoney, untold, waiting_money
from app.wire.tasks import GOING_BACK, MONEY, OVER, PAYMENT, REFUNDED, SETTLED, TaskRow
from tests.unit.services.till import COAT, GUIDE, MANAGER, SCARF, Till, ask, cancel, shown


def waiting(till: Till) -> list[WaitingMoney]:
    return list(waiting_money(till.store.reader))


def closed_and_paid(till: Till) -> str:
    """A QR that was closed unpaid, and whose money came after that."""
    attempt_id = shown(till)
    cancel(till, attempt_id)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    return attempt_id


def test_a_qr_without_an_answer_waits_and_cannot_become_a_sale(till: Till) -> None:
    shown(till)
    (money,) = waiting(till)
    assert (money.is_open, money.can_become_sale, money.sale) == (True, False, None)
    assert money.cart is not None


def test_a_qr_paid_in_time_or_closed_unpaid_waits_for_nobody(till: Till) -> None:
    paid = shown(till)
    till.gateway.pay(paid)
    ask(till, paid)
    cancel(till, shown(till))
    assert waiting(till) == []


def test_late_money_waits_with_its_cart_until_it_is_delivered(till: Till) -> None:
    attempt_id = closed_and_paid(till)
    (money,) = waiting(till)
    assert money.can_become_sale
    assert money.missing == 0
    till.payments.deliver_now(attempt_id, GUIDE)
    assert waiting(till) == []
    assert till.uneasy() == [attempt_id], "the books go on calling it late"


def test_late_money_of_a_cart_sold_another_way_can_only_go_back(till: Till) -> None:
    priced = till.basket(COAT, SCARF)
    attempt_id = shown(till, priced)
    cancel(till, attempt_id)
    till.sell_for_cash(priced)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    (money,) = waiting(till)
    assert money.sale is not None
    assert not money.can_become_sale


def test_too_much_money_waits_although_there_is_a_sale(till: Till) -> None:
    attempt_id = shown(till)
    due = till.attempt(attempt_id).last.amount
    till.gateway.pay(attempt_id, due + 700)
    ask(till, attempt_id)
    (money,) = waiting(till)
    assert money.missing == -700
    assert not money.can_become_sale


def told_of(till: Till, attempt_id: str, code: str, amount: int, kind: str = MONEY) -> TaskRow:
    """What the store's inbox says of an attempt's money."""
    return TaskRow(
        task_id=attempt_id,
        kind=kind,
        code=code,
        subject=attempt_id,
        device=till.store.reader.identity().device,
        device_code="01",
        amount=amount,
        created_ms=1,
    )


def test_a_surplus_the_inbox_knows_and_the_till_does_not_is_asked_about(till: Till) -> None:
    attempt_id = shown(till)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    assert untold(till.store.reader) == ()
    task = told_of(till, attempt_id, OVER, 500)
    till.store.run(lambda uow: uow.put_task(task)).result()
    assert untold(till.store.reader) == (attempt_id,)
    till.gateway.pay(attempt_id, 500)
    ask(till, attempt_id)
    assert untold(till.store.reader) == ()


def test_late_money_of_a_cart_sold_for_cash_is_asked_about_when_its_hint_was_lost(
    till: Till,
) -> None:
    priced = till.basket(COAT, SCARF)
    attempt_id = shown(till, priced)
    cancel(till, attempt_id)
    till.sell_for_cash(priced)
    till.gateway.pay(attempt_id)
    assert attempt_id not in till.payments.frozen()
    task = told_of(till, attempt_id, "late", priced.total)
    till.store.run(lambda uow: uow.put_task(task)).result()
    assert untold(till.store.reader) == (attempt_id,)
    ask(till, attempt_id)
    assert untold(till.store.reader) == ()
    assert [money.attempt.attempt_id for money in waiting(till)] == [attempt_id]


def test_what_was_confirmed_by_hand_is_asked_about_until_its_money_came(till: Till) -> None:
    attempt_id = shown(till)
    due = till.attempt(attempt_id).last.amount
    till.payments.vouch(attempt_id, MANAGER).result()
    task = told_of(till, attempt_id, "confirmed", due, PAYMENT)
    till.store.run(lambda uow: uow.put_task(task)).result()
    assert untold(till.store.reader) == (attempt_id,)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    assert untold(till.store.reader) == ()
    assert till.attempt(attempt_id).last.received == due


@pytest.mark.parametrize("code", [GOING_BACK, REFUNDED])
def test_what_was_confirmed_by_hand_is_asked_about_though_its_money_went_back(
    till: Till, code: str
) -> None:
    attempt_id = shown(till)
    due = till.attempt(attempt_id).last.amount
    till.payments.vouch(attempt_id, MANAGER).result()
    task = told_of(till, attempt_id, code, due, MONEY)
    till.store.run(lambda uow: uow.put_task(task)).result()
    assert untold(till.store.reader) == (attempt_id,)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    assert untold(till.store.reader) == ()


@pytest.mark.parametrize("code", ["refund_pending", "refund_stuck", "refund_after_all", "refunded"])
def test_late_money_that_leaves_is_asked_about_until_the_till_knows(till: Till, code: str) -> None:
    """It was called refused, or begun at another tablet, and the hint of it was lost."""
    attempt_id = closed_and_paid(till)
    amount = till.attempt(attempt_id).last.received
    part = told_of(till, attempt_id, code, amount - 1)
    till.store.run(lambda uow: uow.put_task(part)).result()
    assert untold(till.store.reader) == (), "the rest of it stays, and so does its state"
    whole = told_of(till, attempt_id, code, amount)
    till.store.run(lambda uow: uow.put_task(whole)).result()
    assert untold(till.store.reader) == (attempt_id,)
    till.gateway.go_back(attempt_id, Event.REFUND_ASKED)
    ask(till, attempt_id)
    assert untold(till.store.reader) == ()
    assert not waiting(till)[0].can_become_sale


def test_late_money_that_another_tablet_settled_is_asked_about_once(till: Till) -> None:
    attempt_id = shown(till)
    cancel(till, attempt_id)
    due = till.attempt(attempt_id).last.amount
    task = replace(told_of(till, attempt_id, "late", due), state=SETTLED, resolution="delivered")
    till.store.run(lambda uow: uow.put_task(task)).result()
    assert untold(till.store.reader) == (attempt_id,)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    assert untold(till.store.reader) == ()


def test_of_a_payment_this_till_does_not_hold_nothing_is_asked(till: Till) -> None:
    task = told_of(till, "lost-with-the-tablet", "late", 500)
    till.store.run(lambda uow: uow.put_task(task)).result()
    assert untold(till.store.reader) == ()
