"""Money that is late, too much, too little, vouched for, or told of by an answer not to be believed."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.payment import Anomaly, Event, State
from app.domain.sale import Tender, TenderKind
from app.errors import Code, RuleBroken
from app.services.checkout import frozen_slot
from app.services.hearing import UNKNOWN_TO_CLOUD_GRACE_MS
from app.wire.tokens import read_order_token
from tests.unit.services.till import (
    GUIDE,
    MANAGER,
    PowerCut,
    Till,
    ask,
    cancel,
    code_of,
    shown,
)

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
    delivered = till.payments.deliver_now(attempt_id, MANAGER)
    assert delivered.sale is not None
    assert delivered.sale.total == priced.total
    assert delivered.sale.actor == MANAGER.person_id
    assert till.payments.deliver_now(attempt_id, GUIDE).sale == delivered.sale
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
        till.payments.deliver_now(attempt_id, GUIDE)
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
        till.payments.deliver_now(attempt_id, GUIDE)
    assert code_of(error) is Code.PAYMENT_NOT_CONFIRMED
    with pytest.raises(RuleBroken) as error:
        till.payments.deliver_now("nobody", GUIDE)
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
    assert news.attempt.last.received == news.attempt.last.amount
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
@pytest.mark.fault(37, "in doubt: such an answer is not believed")
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
    news = till.payments.note(attempt_id, before, "")
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
