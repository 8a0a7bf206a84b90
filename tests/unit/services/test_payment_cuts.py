"""Power cuts and kept carts: whatever stops, the money finds what it was for."""

from __future__ import annotations

import pytest

from app.domain.payment import State
from app.errors import Code, RuleBroken
from app.services.checkout import OPEN_SLOT, frozen_slot
from app.services.payments import KEEP_CLOSED_MS
from tests.unit.services.till import (
    GUIDE,
    SCARF,
    PowerCut,
    Till,
    ask,
    cancel,
    code_of,
    shown,
)

# --- power cuts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "call"),
    [
        ("cut_before", "create"),
        ("cut_after", "create"),
        ("cut_before", "query"),
        ("cut_after", "query"),
    ],
)
@pytest.mark.fault(1, "the cart as it was, or the sale its customer paid for")
def test_a_cut_anywhere_loses_neither_cart_nor_money(till: Till, where: str, call: str) -> None:
    priced = till.basket()
    till.checkout.keep_draft(priced).result()
    setattr(till.gateway, where, call)
    paid = False
    try:
        attempt_id = shown(till, priced)
        till.gateway.pay(attempt_id)
        paid = True
        ask(till, attempt_id)
    except PowerCut:
        till.restart()
    for attempt in till.store.reader.open_attempts():
        ask(till, attempt.attempt_id)
    if paid:
        assert till.sales() == [priced.cart.cart_id]
        assert till.checkout.recall(OPEN_SLOT) is None
    else:
        assert till.checkout.recall(OPEN_SLOT) == priced
        for attempt in till.store.reader.open_attempts():
            cancel(till, attempt.attempt_id)
        till.sell_for_cash(priced)
    assert len(till.sales()) == 1
    assert till.uneasy() == []
    assert till.store.verify_journal() is None


def test_a_qr_can_be_shown_again_after_a_restart(till: Till) -> None:
    news = till.payments.start(till.basket(), GUIDE).result()
    till.restart()
    (attempt,) = till.store.reader.open_attempts()
    assert till.payments.qr_text(attempt) == till.payments.qr_text(news.attempt)


# --- drafts ---------------------------------------------------------------------------------------


def test_the_next_customers_cart_stays_when_the_last_ones_money_comes(till: Till) -> None:
    attempt_id = shown(till)
    following = till.basket(SCARF)
    till.checkout.keep_draft(following).result()
    till.gateway.pay(attempt_id)
    assert ask(till, attempt_id).sale is not None
    assert till.checkout.recall(OPEN_SLOT) == following


def test_a_closed_cart_is_kept_as_long_as_late_money_may_come(till: Till) -> None:
    old, late = shown(till), shown(till)
    for attempt_id in (old, late):
        cancel(till, attempt_id)
    till.gateway.pay(late)
    ask(till, late)
    assert set(till.payments.frozen()) == {old, late}
    till.clock.advance(KEEP_CLOSED_MS / 1000 + 1)
    fresh = shown(till)
    till.do(lambda uow: None)  # the sweep runs behind sales
    assert set(till.payments.frozen()) == {late, fresh}


def test_money_whose_cart_is_gone_waits_for_a_person(till: Till) -> None:
    attempt_id = shown(till)
    cancel(till, attempt_id)
    till.do(lambda uow: uow.drop_draft(frozen_slot(attempt_id)))
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    with pytest.raises(RuleBroken) as error:
        till.payments.deliver_now(attempt_id, GUIDE)
    assert code_of(error) is Code.SALE_UNKNOWN
    assert till.uneasy() == [attempt_id]


def test_money_is_recorded_even_when_its_sale_cannot_be(till: Till) -> None:
    attempt_id = shown(till, till.basket(reference="EXT-1"))
    till.sell_for_cash(till.basket(reference="EXT-1"))
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert news.sale is None
    assert news.state.state is State.CONFIRMED
    assert news.attempt.last.received == news.attempt.last.amount
    assert till.uneasy() == [attempt_id]
    assert ask(till, attempt_id).attempt.last.step == news.attempt.last.step
