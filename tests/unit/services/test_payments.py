"""Paid, or not paid, or not known yet: told right whatever is lost, late, doubled or cut off."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from app.domain.cart import Discount, DiscountKind
from app.domain.payment import Anomaly, Event, State
from app.domain.sale import Sale, Tender, TenderKind
from app.errors import Code, RuleBroken, Trouble
from app.services.checkout import OPEN_SLOT, frozen_slot
from app.services.hearing import UNKNOWN_TO_CLOUD_GRACE_MS
from app.services.payments import KEEP_CLOSED_MS
from app.wire.tokens import read_order_token
from tests.unit.services.till import (
    COAT,
    GUIDE,
    MANAGER,
    SCARF,
    PowerCut,
    Till,
    code_of,
)


def shown(till: Till, priced=None) -> str:
    """Show a QR for a cart and return its attempt."""
    news = till.payments.start(priced or till.basket(), GUIDE).result()
    assert news.state.state is State.WAITING
    return news.attempt.attempt_id


def ask(till: Till, attempt_id: str):
    return till.payments.refresh(attempt_id).result()


def cancel(till: Till, attempt_id: str):
    return till.payments.cancel(attempt_id).result()


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


# --- late, over, partial --------------------------------------------------------------------------


def test_late_money_is_kept_for_a_person_and_can_be_delivered(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    cancel(till, attempt_id)
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert news.sale is None
    assert news.state.anomalies == {Anomaly.LATE}
    assert till.uneasy() == [attempt_id]
    assert till.sales() == []
    delivered = till.payments.deliver(attempt_id, MANAGER).result()
    assert delivered.sale is not None
    assert delivered.sale.total == priced.total
    assert delivered.sale.actor == MANAGER.person_id
    assert till.payments.deliver(attempt_id, GUIDE).result().sale == delivered.sale
    assert till.sales() == [priced.cart.cart_id]


def test_a_cart_with_late_money_is_not_sold_a_second_way(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    cancel(till, attempt_id)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    with pytest.raises(RuleBroken) as error:
        till.sell_for_cash(priced)
    assert code_of(error) is Code.PAYMENT_UNRESOLVED


def test_late_money_for_a_cart_sold_by_cash_is_nobodys_sale(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    cancel(till, attempt_id)
    cash = till.sell_for_cash(priced)
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert news.sale is None, "the cash sale is not what this money paid for"
    assert news.state.anomalies == {Anomaly.LATE}
    assert till.uneasy() == [attempt_id]
    with pytest.raises(RuleBroken) as error:
        till.payments.deliver(attempt_id, GUIDE).result()
    assert code_of(error) is Code.SALE_ALREADY_RECORDED
    assert till.sales() == [cash.sale_id]


def test_money_that_closed_and_came_while_the_till_slept_is_late(till: Till) -> None:
    attempt_id = shown(till)
    till.clock.advance(301)
    till.gateway.query(attempt_id)  # another till asks; ours does not hear that it expired
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert news.state.state is State.CONFIRMED
    assert news.state.anomalies == {Anomaly.LATE}
    assert news.sale is None


def test_late_money_of_one_qr_does_not_stop_the_sale_of_the_next(till: Till) -> None:
    priced = till.basket()
    first = shown(till, priced)
    cancel(till, first)
    second = shown(till, priced)
    till.gateway.pay(first)
    till.gateway.pay(second)
    assert ask(till, first).sale is None
    sale = ask(till, second).sale
    assert sale is not None
    assert sale.tenders[0].attempt_id == second
    assert till.uneasy() == [first]


def test_too_much_money_is_a_sale_and_a_task(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.gateway.pay(attempt_id, priced.total + 500)
    news = ask(till, attempt_id)
    assert news.sale is not None
    assert news.sale.total == priced.total
    assert news.attempt.last.received == priced.total + 500
    assert news.state.anomalies == {Anomaly.OVER}
    assert till.uneasy() == [attempt_id]


def test_a_second_payment_of_one_qr_is_counted(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    till.gateway.pay(attempt_id)
    assert ask(till, attempt_id).attempt.last.received == 2 * priced.total
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert news.attempt.last.received == 3 * priced.total
    assert news.state.anomalies == {Anomaly.OVER}
    assert len(till.sales()) == 1


def test_a_payment_in_two_parts_is_a_sale_once_it_is_whole(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.gateway.pay(attempt_id, 100)
    news = ask(till, attempt_id)
    assert news.sale is None
    assert (news.state.state, news.attempt.last.received) == (State.WAITING, 100)
    till.gateway.pay(attempt_id, priced.total - 100)
    assert ask(till, attempt_id).sale is not None


def test_a_part_payment_that_expires_frees_the_cart_and_stays_a_task(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.gateway.pay(attempt_id, 100)
    till.clock.advance(301)
    news = ask(till, attempt_id)
    assert news.state.state is State.EXPIRED
    assert news.state.anomalies == {Anomaly.PARTIAL}
    assert till.uneasy() == [attempt_id]
    till.sell_for_cash(priced)


def test_only_confirmed_money_can_be_delivered(till: Till) -> None:
    attempt_id = shown(till)
    with pytest.raises(RuleBroken) as error:
        till.payments.deliver(attempt_id, GUIDE).result()
    assert code_of(error) is Code.PAYMENT_NOT_CONFIRMED
    with pytest.raises(RuleBroken) as error:
        till.payments.deliver("nobody", GUIDE).result()
    assert code_of(error) is Code.PAYMENT_UNKNOWN


# --- by hand --------------------------------------------------------------------------------------


def test_a_manager_may_confirm_what_was_shown(till: Till) -> None:
    attempt_id = shown(till)
    with pytest.raises(RuleBroken) as error:
        till.payments.vouch(attempt_id, GUIDE).result()
    assert code_of(error) is Code.MANAGER_NEEDED
    till.gateway.lose_requests = 1
    ask(till, attempt_id)
    news = till.payments.vouch(attempt_id, MANAGER).result()
    assert news.sale is not None
    assert news.state.anomalies == {Anomaly.BY_HAND}
    assert news.attempt.last.actor == MANAGER.person_id
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert news.attempt.last.received == news.sale.total
    assert till.uneasy() == []


# --- an answer that cannot be believed ------------------------------------------------------------


@pytest.mark.parametrize(
    "twist",
    [
        {"attempt_id": "another"},
        {"amount": 1},
        {"state": "settled"},
        {"anomalies": ["odd"]},
        {"state": "confirmed", "received": 5},
        {"received": -1},
    ],
    ids=str,
)
def test_an_answer_that_does_not_fit_is_doubt(till: Till, twist: dict[str, object]) -> None:
    attempt_id = shown(till)
    original = till.gateway.query
    till.gateway.query = lambda attempt_id: msgspec.structs.replace(original(attempt_id), **twist)  # type: ignore[method-assign]
    news = ask(till, attempt_id)
    assert news.state.state is State.UNKNOWN
    assert news.view is None
    assert news.attempt.last.received == 0
    till.gateway.query = original  # type: ignore[method-assign]
    assert ask(till, attempt_id).state.state is State.WAITING


def test_an_old_answer_undoes_nothing(till: Till) -> None:
    attempt_id = shown(till)
    before = till.gateway.query(attempt_id)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    news = till.payments._note(attempt_id, before, "")
    assert news.state.state is State.CONFIRMED
    assert news.attempt.last.received == news.attempt.last.amount


def test_an_order_that_never_arrived_is_over_and_a_shown_one_is_in_doubt(till: Till) -> None:
    priced = till.basket()
    till.gateway.cut_before = "create"
    with pytest.raises(PowerCut):
        till.payments.start(priced, GUIDE).result()
    till.restart()
    (attempt,) = till.store.reader.open_attempts()
    assert ask(till, attempt.attempt_id).state.state is State.FAILED
    second = shown(till, priced)
    till.gateway._held.clear()  # the cloud came back from an old backup
    assert ask(till, second).state.state is State.UNKNOWN
    till.clock.advance(300 + UNKNOWN_TO_CLOUD_GRACE_MS / 1000 + 1)
    assert ask(till, second).state.state is State.FAILED
    till.sell_for_cash(priced)


def test_another_refusal_of_the_cloud_is_doubt(till: Till) -> None:
    attempt_id = shown(till)

    def refuse(attempt_id: str) -> None:
        raise RuleBroken(Code.TOKEN_FOREIGN)

    till.gateway.query = refuse  # type: ignore[method-assign]
    assert ask(till, attempt_id).state.state is State.UNKNOWN


def test_an_attempt_on_its_way_is_not_given_up_by_who_asks_meanwhile(till: Till) -> None:
    """The watch asks about every open attempt; that the cloud does not know one yet means nothing."""
    heard = []
    original = till.gateway.create

    def slow(intent):
        attempt_id = read_order_token(intent.token).claims.attempt_id
        heard.append(ask(till, attempt_id).state.state)
        return original(intent)

    till.gateway.create = slow  # type: ignore[method-assign]
    shown(till)
    assert heard == [State.CREATED]


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
        till.payments.deliver(attempt_id, GUIDE).result()
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


# --- no sale on somebody's word -------------------------------------------------------------------


def test_a_qr_tender_is_only_as_good_as_its_attempt(till: Till) -> None:
    priced, other = till.basket(), till.basket()
    attempt_id, foreign = shown(till, priced), shown(till, other)
    till.gateway.pay(foreign)
    tenders = [
        Tender("t", TenderKind.QR, priced.total, attempt_id=attempt_id),  # not paid
        Tender("t", TenderKind.QR, priced.total, attempt_id=foreign),  # of another cart
        Tender("t", TenderKind.QR, priced.total, attempt_id="invented"),
        Tender("t", TenderKind.QR, priced.total),
    ]
    for tender in tenders:
        with pytest.raises(RuleBroken) as error:
            till.checkout.complete(priced, [tender], "g").result()
        assert code_of(error) is Code.PAYMENT_NOT_CONFIRMED
    assert till.sales() == []


def test_a_refunded_payment_frees_its_cart(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    cancel(till, attempt_id)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    till.gateway._apply(attempt_id, Event.REFUND_ASKED)
    assert ask(till, attempt_id).state.state is State.REFUND_PENDING
    till.gateway._apply(attempt_id, Event.REFUND_DONE)
    news = ask(till, attempt_id)
    assert news.state.state is State.REFUNDED
    assert till.kept(frozen_slot(attempt_id)) is None
    assert till.uneasy() == []
    till.sell_for_cash(priced)


def test_money_whose_frozen_cart_was_lost_is_still_on_record(till: Till) -> None:
    attempt_id = shown(till)
    till.do(lambda uow: uow.drop_draft(frozen_slot(attempt_id)))
    till.gateway.pay(attempt_id)
    news = ask(till, attempt_id)
    assert news.state.state is State.CONFIRMED
    assert news.sale is None
    assert till.uneasy() == [attempt_id]


def test_what_a_manager_confirmed_at_the_cloud_is_confirmed_here(till: Till) -> None:
    attempt_id = shown(till)
    till.gateway._apply(attempt_id, Event.VOUCHED)
    news = ask(till, attempt_id)
    assert news.state.anomalies == {Anomaly.BY_HAND}
    assert news.sale is not None
