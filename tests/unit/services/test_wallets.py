"""We scan the customer: collected once, written down before, doubted without an answer, and never kept."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.payment import Anomaly, Event, State, Way
from app.domain.payment_code import PaymentCode, payment_code
from app.domain.sale import Sale
from app.errors import Code, RuleBroken, Trouble
from app.services.payments import PaymentNews
from app.services.wallets import CustomerCode, Wallets
from app.wire.journal import Record
from app.wire.messages import OwnCode
from app.wire.messages import PaymentCode as CodeSent
from tests.unit.services.till import (
    GUIDE,
    PowerCut,
    Till,
    ask,
    cancel,
    code_of,
    shown,
)

ALIPAY, WECHAT, UNIONPAY = "2898210511579623", "1300610988280094", "621234567890123456"
"""Codes without their last digit, which says what comes of them."""
PAYS, DECLINES, PASSWORD, SILENT = "0", "1", "2", "4"


def code(ending: str, begins: str = ALIPAY) -> CustomerCode:
    text = begins + ("0" if begins is WECHAT else "") + ending
    wallet = payment_code(text)
    assert wallet is not PaymentCode.UNKNOWN
    return CustomerCode(wallet, text)


def collect(till: Till, attempt_id: str, ending: str = PAYS, begins: str = ALIPAY) -> PaymentNews:
    return till.wallets.collect(attempt_id, code(ending, begins), GUIDE.person_id).result()


def written(till: Till) -> bytes:
    """All that the journal holds."""
    unsent = till.do(lambda uow: uow.unsent(max_records=10_000, max_bytes=10**9))
    return b"".join(record.body for record in unsent.records if isinstance(record, Record))


def test_a_code_becomes_one_sale(till: Till) -> None:
    attempt_id = shown(till)
    news = collect(till, attempt_id)
    assert isinstance(news.sale, Sale)
    assert news.sale.total == news.attempt.last.received
    assert till.gateway.collected == [attempt_id]
    assert till.sales() == [news.sale.sale_id]
    assert till.store.verify_journal() is None


def test_that_a_code_is_on_its_way_is_a_step_before_it_leaves(till: Till) -> None:
    seen: list[tuple[str, str, State]] = []
    original = till.gateway._arrive

    def watched(call: str, attempt_id: str) -> None:
        if attempt_id:
            last = till.attempt(attempt_id).last
            seen.append((call, last.event, last.after.state))
        original(call, attempt_id)

    till.gateway._arrive = watched  # type: ignore[method-assign]
    collect(till, shown(till))
    assert seen == [
        ("create", "", State.CREATED),
        ("query", "shown", State.WAITING),
        ("collect", "collecting", State.UNKNOWN),
    ]


@pytest.mark.parametrize("ending", [PAYS, DECLINES, PASSWORD, SILENT])
def test_the_code_is_written_nowhere(
    till: Till, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scanned = code(ending)
    attempt_id = shown(till)
    collect(till, attempt_id, ending)
    assert attempt_id.encode() in written(till)
    assert scanned.text.encode() not in written(till)
    assert scanned.text not in caplog.text
    assert scanned.text not in repr(scanned)


def test_a_declined_code_frees_the_cart_and_another_code_needs_another_attempt(till: Till) -> None:
    priced = till.basket()
    first = shown(till, priced)
    assert collect(till, first, DECLINES).state.state is State.FAILED
    assert collect(till, first).state.state is State.FAILED
    second = shown(till, priced)
    assert collect(till, second).sale is not None
    assert till.gateway.collected == [first, second]


def test_a_password_is_waited_for_and_ends_as_the_customer_does(till: Till) -> None:
    attempt_id = shown(till)
    news = collect(till, attempt_id, PASSWORD)
    assert (news.state.state, news.view and news.view.way) == (State.WAITING, Way.CODE)
    till.gateway.pay(attempt_id)
    assert ask(till, attempt_id).sale is not None


def test_a_password_nobody_types_is_given_up_by_closing(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    collect(till, attempt_id, PASSWORD)
    assert cancel(till, attempt_id).state.state is State.CANCELLED
    assert till.sell_for_cash(priced) is not None


@pytest.mark.parametrize("begins", [ALIPAY, WECHAT])
def test_a_second_scan_of_any_code_collects_nothing_more(till: Till, begins: str) -> None:
    attempt_id = shown(till)
    collect(till, attempt_id, PASSWORD)
    again = collect(till, attempt_id, PAYS, begins)
    assert again.state.state is State.WAITING
    assert till.gateway.collected == [attempt_id]
    till.gateway.pay(attempt_id)
    assert ask(till, attempt_id).sale is not None
    assert collect(till, attempt_id).attempt.last.received == again.attempt.last.amount


def test_two_scans_at_once_are_one(till: Till) -> None:
    attempt_id = shown(till)
    begun, go_on = threading.Event(), threading.Event()
    original = till.gateway.collect

    def slow(asked: str, sent: CodeSent) -> object:
        begun.set()
        assert go_on.wait(30)
        return original(asked, sent)

    till.gateway.collect = slow  # type: ignore[method-assign,assignment]
    with ThreadPoolExecutor(2) as pool:
        wallets = Wallets(till.payments, till.gateway, till.clock, pool)
        first = wallets.collect(attempt_id, code(PAYS), GUIDE.person_id)
        assert begun.wait(30)
        second = wallets.collect(attempt_id, code(PAYS, WECHAT), GUIDE.person_id)
        with pytest.raises(RuleBroken) as error:
            second.result(30)
        go_on.set()
        assert first.result(30).sale is not None
    assert code_of(error) is Code.PAYMENT_UNDER_WAY
    assert till.gateway.collected == [attempt_id]


# --- doubt ----------------------------------------------------------------------------------------


@pytest.mark.fault(12, "not known yet; asked again, and collected once")
def test_without_an_answer_it_is_unknown_and_never_failed(till: Till) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    original = till.gateway.collect

    def lost(asked: str, sent: CodeSent) -> object:
        original(asked, sent)
        raise Trouble(Code.CLOUD_NOT_OURS, retryable=True)

    till.gateway.collect = lost  # type: ignore[method-assign,assignment]
    news = collect(till, attempt_id)
    assert (news.state.state, news.sale) == (State.UNKNOWN, None)
    with pytest.raises(RuleBroken) as error:
        till.sell_for_cash(priced)
    assert code_of(error) is Code.PAYMENT_UNRESOLVED
    assert ask(till, attempt_id).sale is not None
    assert till.gateway.collected == [attempt_id]


def test_a_provider_that_says_nothing_is_doubt_that_closing_ends(till: Till) -> None:
    attempt_id = shown(till)
    assert collect(till, attempt_id, SILENT).state.state is State.UNKNOWN
    assert cancel(till, attempt_id).state.state is State.CANCELLED


@pytest.mark.parametrize("where", ["cut_before", "cut_after"])
@pytest.mark.fault(1, "the cart as it was, or the sale its customer paid for")
def test_a_cut_while_collecting_leaves_doubt_and_one_sale_at_most(till: Till, where: str) -> None:
    priced = till.basket()
    attempt_id = shown(till, priced)
    setattr(till.gateway, where, "collect")
    with pytest.raises(PowerCut):
        collect(till, attempt_id)
    till.restart()
    last = till.attempt(attempt_id).last
    assert (last.event, last.after.state) == (Event.COLLECTING, State.UNKNOWN)
    news = ask(till, attempt_id)
    if where == "cut_after":
        assert news.sale is not None
        assert till.sales() == [priced.cart.cart_id]
    else:
        assert news.state.state is State.WAITING
        assert collect(till, attempt_id).sale is not None
    assert till.gateway.collected == [attempt_id]


def test_a_shop_without_a_line_collects_nothing_and_doubts_nothing(till: Till) -> None:
    attempt_id = shown(till)
    till.wallets.ways().result()
    till.gateway.lose_requests = 1
    with pytest.raises(Trouble) as error:
        collect(till, attempt_id)
    assert code_of(error) is Code.CLOUD_UNREACHABLE
    assert till.attempt(attempt_id).last.after.state is State.WAITING
    assert till.gateway.collected == []


# --- what is not collected ------------------------------------------------------------------------


def test_a_wallet_without_an_account_is_said_and_nothing_is_sent(till: Till) -> None:
    till.gateway.collects = ["alipay", "wechat"]
    attempt_id = shown(till)
    with pytest.raises(RuleBroken) as error:
        collect(till, attempt_id, PAYS, UNIONPAY)
    assert (code_of(error), error.value.facts["wallet"]) == (Code.PAYMENT_NOT_OFFERED, "unionpay")
    assert ("collect", attempt_id) not in till.gateway.calls
    assert till.attempt(attempt_id).last.after.state is State.WAITING


def test_an_account_that_was_closed_meanwhile_leaves_the_order_as_it_was(till: Till) -> None:
    attempt_id = shown(till)
    till.wallets.ways().result()
    till.gateway.collects = []
    with pytest.raises(RuleBroken) as error:
        collect(till, attempt_id)
    assert code_of(error) is Code.PAYMENT_NOT_OFFERED
    assert till.attempt(attempt_id).last.after.state is State.WAITING


def test_who_has_begun_on_the_phone_at_the_same_wallet_is_told_so(till: Till) -> None:
    till.gateway.collects = ["alipay"]
    attempt_id = shown(till)
    till.gateway.begin(attempt_id, "alipay")
    with pytest.raises(RuleBroken) as error:
        collect(till, attempt_id)
    assert code_of(error) is Code.PAYMENT_BEGUN
    assert till.gateway.collected == []
    assert till.attempt(attempt_id).last.after.state is State.WAITING


def test_what_is_paid_partly_is_not_collected(till: Till) -> None:
    attempt_id = shown(till)
    till.gateway.pay(attempt_id, 100)
    assert Anomaly.PARTIAL in collect(till, attempt_id).state.anomalies
    assert till.gateway.collected == []


# --- a provider's own code ------------------------------------------------------------------------

BANK = OwnCode(provider="bank", by_hand=True)


def test_a_providers_own_code_is_paid_like_any_other(till: Till) -> None:
    till.gateway.shows = [BANK]
    attempt_id = shown(till)
    (offer,) = till.wallets.ways().result().shows
    own = till.wallets.own_qr(attempt_id, offer, GUIDE.person_id).result()
    assert own.text.startswith("bank://")
    assert (own.news.state.state, own.news.view and own.news.view.way) == (State.WAITING, Way.QR)
    till.gateway.pay(attempt_id)
    assert ask(till, attempt_id).sale is not None


def test_a_code_that_cannot_be_had_changes_nothing(till: Till) -> None:
    attempt_id = shown(till)
    with pytest.raises(RuleBroken) as error:
        till.wallets.own_qr(attempt_id, BANK, GUIDE.person_id).result()
    assert code_of(error) is Code.PAYMENT_NOT_OFFERED
    assert till.attempt(attempt_id).last.after.state is State.WAITING


def test_the_ways_to_pay_are_asked_for_once_in_a_while(till: Till) -> None:
    for _ in range(3):
        till.wallets.ways().result()
    assert till.gateway.calls.count(("ways", "")) == 1
    till.clock.advance(301)
    till.gateway.collects = []
    assert till.wallets.ways().result().collects == []
