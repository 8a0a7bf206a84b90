"""Showing a QR: for what, when not, and how doubt and refusal end."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.cart import Discount, DiscountKind
from app.domain.payment import State
from app.domain.sale import Sale, TenderKind
from app.errors import Code, RuleBroken, Trouble
from app.services.checkout import frozen_slot
from app.wire.tokens import read_order_token
from tests.unit.services.till import (
    COAT,
    GUIDE,
    MANAGER,
    SCARF,
    Till,
    ask,
    cancel,
    code_of,
    shown,
)


def test_a_paid_qr_becomes_one_sale(till: Till) -> None:
    priced = till.basket(COAT, SCARF)
    attempt_id = shown(till, priced)
    assert ask(till, attempt_id).sale is None
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert isinstance(news.sale, Sale)
    assert news.sale.sale_id == priced.cart.cart_id
    assert news.sale.total == priced.total == news.attempt.last.received
    (tender,) = news.sale.tenders
    assert (tender.kind, tender.amount, tender.attempt_id, tender.provider) == (
        TenderKind.QR,
        priced.total,
        attempt_id,
        "sandbox",
    )
    assert [entry.amount for entry in news.sale.commissions] == [4_547, 200]
    assert ask(till, attempt_id).sale == news.sale
    assert till.sales() == [priced.cart.cart_id]
    assert till.kept(frozen_slot(attempt_id)) is None
    assert till.uneasy() == []
    assert till.store.verify_journal() is None


def test_the_qr_asks_for_exactly_this_order(till: Till) -> None:
    priced = till.basket(COAT, SCARF)
    news = till.payments.start(priced, GUIDE).result()
    text = till.payments.qr_text(news.attempt)
    assert text.startswith("https://shop.example/o/")
    claims = read_order_token(text.rpartition("/")[2]).claims
    assert (claims.amount, claims.device) == (priced.total, "SH01-A1")
    assert claims.order_hash.hex() == news.attempt.last.order_hash
    order = till.gateway.order(news.attempt.attempt_id)
    assert [line.sku for line in order.lines] == [COAT, SCARF]
    assert sum(line.net for line in order.lines) - sum(r.amount for r in order.reasons) == (
        priced.total
    )


def test_each_step_is_written_before_the_next_call(till: Till) -> None:
    seen: list[tuple[str, State]] = []
    original = till.gateway._arrive

    def watched(call: str, attempt_id: str) -> None:
        seen.append((call, till.attempt(attempt_id).last.after.state))
        original(call, attempt_id)

    till.gateway._arrive = watched  # type: ignore[method-assign]
    attempt_id = shown(till)
    cancel(till, attempt_id)
    assert seen == [("create", State.CREATED), ("cancel", State.WAITING)]


# --- what may not be shown ------------------------------------------------------------------------


def test_nothing_due_is_not_shown(till: Till) -> None:
    with pytest.raises(RuleBroken) as error:
        till.payments.start(till.checkout.open(), GUIDE).result()
    assert code_of(error) is Code.CART_EMPTY
    free = till.checkout.discount_order(
        till.basket(), (Discount(DiscountKind.PERCENT_OFF, 10_000, "manual"),), MANAGER
    )
    with pytest.raises(RuleBroken) as error:
        till.payments.start(free, GUIDE).result()
    assert code_of(error) is Code.AMOUNT_INVALID
    assert till.store.reader.open_attempts() == ()


def test_a_till_without_a_cloud_shows_none(tmp_path: Path) -> None:
    till = Till(tmp_path / "new.db", enrolled=False)
    with pytest.raises(Trouble) as error:
        till.payments.start(till.basket(), GUIDE).result()
    assert code_of(error) is Code.DEVICE_NOT_ENROLLED
    till.close()


def test_a_discount_a_guide_may_not_give_is_not_shown(till: Till) -> None:
    """The amount was a tenth of two coats; of the scarf that is left it is nearly everything."""
    priced = till.basket(COAT, COAT, SCARF)
    off = (Discount(DiscountKind.AMOUNT_OFF, 9_000, "manual"),)
    priced = till.checkout.discount_order(priced, off, GUIDE)
    priced = till.checkout.remove(priced, 1)
    with pytest.raises(RuleBroken) as error:
        till.payments.start(priced, GUIDE).result()
    assert code_of(error) is Code.MANAGER_NEEDED


def test_a_cart_has_one_open_qr_at_most(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    with pytest.raises(RuleBroken) as error:
        till.payments.start(priced, GUIDE).result()
    assert code_of(error) is Code.PAYMENT_ALREADY_OPEN
    assert error.value.facts == {"attempt_id": attempt_id}


def test_a_sold_cart_is_not_shown_again(till: Till) -> None:
    priced = till.basket()
    till.sell_for_cash(priced)
    with pytest.raises(RuleBroken) as error:
        till.payments.start(priced, GUIDE).result()
    assert code_of(error) is Code.SALE_ALREADY_RECORDED
    assert till.gateway.calls == []


def test_a_cart_with_late_money_is_not_shown_again(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    cancel(till, attempt_id)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    with pytest.raises(RuleBroken) as error:
        till.payments.start(priced, GUIDE).result()
    assert code_of(error) is Code.ORDER_PAID


# --- ends without money ---------------------------------------------------------------------------


def test_a_declined_payment_frees_the_cart(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.gateway.decline(attempt_id)
    assert ask(till, attempt_id).state.state is State.FAILED
    second = shown(till, priced)
    till.gateway.pay(second)
    assert ask(till, second).sale is not None
    assert till.sales() == [priced.cart.cart_id]


def test_an_expired_payment_frees_the_cart(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.clock.advance(301)
    assert ask(till, attempt_id).state.state is State.EXPIRED
    assert till.sell_for_cash(priced).total == priced.total


def test_a_cancelled_payment_frees_the_cart(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    assert cancel(till, attempt_id).state.state is State.CANCELLED
    assert till.sell_for_cash(priced).total == priced.total


# --- lost answers ---------------------------------------------------------------------------------


def test_doubt_is_a_state_that_keeps_the_cart_until_it_ends(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.gateway.lose_requests = 1
    news = ask(till, attempt_id)
    assert news.state.state is State.UNKNOWN
    assert news.view is None
    with pytest.raises(RuleBroken) as error:
        till.sell_for_cash(priced)
    assert code_of(error) is Code.PAYMENT_UNRESOLVED
    assert ask(till, attempt_id).state.state is State.WAITING


def test_doubt_said_twice_is_recorded_once(till: Till) -> None:
    attempt_id = shown(till)
    till.gateway.lose_requests = 5
    steps = {ask(till, attempt_id).attempt.last.step for _ in range(5)}
    assert steps == {3}


@pytest.mark.parametrize("lost", ["lose_requests", "lose_answers"])
def test_a_payment_behind_a_lost_answer_is_found(till: Till, lost: str) -> None:
    attempt_id = shown(till)
    till.gateway.pay(attempt_id)
    setattr(till.gateway, lost, 1)
    assert ask(till, attempt_id).sale is None
    assert ask(till, attempt_id).sale is not None
    assert len(till.sales()) == 1


def test_an_order_that_could_not_be_registered_frees_the_cart(till: Till) -> None:
    priced = till.basket()
    till.gateway.lose_requests = 1
    with pytest.raises(Trouble) as error:
        till.payments.start(priced, GUIDE).result()
    assert code_of(error) is Code.CLOUD_UNREACHABLE
    assert till.store.reader.open_attempts() == ()
    assert till.sell_for_cash(priced).total == priced.total


def test_an_order_whose_registration_was_not_confirmed_does_not_block_the_next_qr(
    till: Till,
) -> None:
    """The order arrived and only the answer was lost: the cloud holds an attempt nobody has seen."""
    priced = till.basket()
    till.gateway.lose_answers = 1
    with pytest.raises(Trouble):
        till.payments.start(priced, GUIDE).result()
    (unseen,) = till.gateway.attempt_ids
    second = shown(till, priced)
    assert till.gateway.calls[-3:] == [("create", second), ("cancel", unseen), ("create", second)]
    till.gateway.pay(second)
    assert ask(till, second).sale is not None


def test_money_on_an_unseen_order_is_found_before_a_second_qr_is_shown(till: Till) -> None:
    """It cannot happen by the book; if it does, the customer is not asked to pay twice."""
    priced = till.basket()
    till.gateway.lose_answers = 1
    with pytest.raises(Trouble):
        till.payments.start(priced, GUIDE).result()
    (unseen,) = till.gateway.attempt_ids
    till.gateway.pay(unseen)
    with pytest.raises(RuleBroken) as error:
        till.payments.start(priced, GUIDE).result()
    assert code_of(error) is Code.ORDER_PAID
    assert till.uneasy() == [unseen]
    assert till.store.reader.open_attempts() == ()


def test_an_order_the_cloud_refuses_is_over(till: Till) -> None:
    priced = till.basket()
    till.clock.anchor(till.clock.now().wall_ms)
    original = till.gateway.now_ms
    till.gateway.now_ms = lambda: original() + 3_600_000
    with pytest.raises(RuleBroken) as error:
        till.payments.start(priced, GUIDE).result()
    assert code_of(error) is Code.TOKEN_EXPIRED
    assert till.store.reader.open_attempts() == ()


# --- cancelling and paying at once ----------------------------------------------------------------


def test_a_customer_who_is_quicker_than_cancel_has_paid(till: Till) -> None:
    attempt_id = shown(till)
    till.gateway.pay(attempt_id)
    news = cancel(till, attempt_id)
    assert news.sale is not None
    assert news.state == news.state.__class__(State.CONFIRMED)


def test_a_cancel_without_an_answer_leaves_doubt_not_hope(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.gateway.lose_answers = 1
    assert cancel(till, attempt_id).state.state is State.UNKNOWN
    with pytest.raises(RuleBroken):
        till.sell_for_cash(priced)
    assert ask(till, attempt_id).state.state is State.CANCELLED
    till.sell_for_cash(priced)
