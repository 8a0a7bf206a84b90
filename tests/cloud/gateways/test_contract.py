"""What every gateway promises, whoever is behind it: sandbox, Alipay, WeChat Pay, an EMVCo scheme."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from app.domain.times import SHOP_ZONE
from app.errors import Code, RuleBroken, Trouble
from cloud.bootstrap import Cloud
from cloud.fakes.faults import Fault, Letter
from cloud.gateways.base import (
    PENDING,
    BillKind,
    Gateway,
    NoticeRefused,
    Offer,
    Refund,
    RefundStanding,
    Standing,
)
from cloud.settings import Settings
from tests.cloud.gateways.benches import DOUBTFUL, NAMES, NOW_MS, ONLINE, Bench, benches, charge

TODAY = datetime.fromtimestamp(NOW_MS / 1000, SHOP_ZONE).date()


@pytest.fixture
def settings(tmp_path) -> Settings:
    """The sandbox keeps its books on the small engine here; its own tests use both."""
    return Settings(data=tmp_path / "cloud")


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, cloud: Cloud) -> Bench:
    return benches(cloud)[request.param]()


@pytest.fixture(params=ONLINE)
def online(request: pytest.FixtureRequest, cloud: Cloud) -> Bench:
    return benches(cloud)[request.param]()


def needs(bench: Bench, offer: Offer) -> None:
    if offer not in bench.gateway.offers:
        pytest.skip(f"{bench.gateway.name} does not offer {offer}")


def fits(gateway: Gateway) -> Gateway:
    """Let the type checker see that a gateway fits the one Protocol."""
    return gateway


# --- showing and asking ---------------------------------------------------------------------------


def test_an_order_that_was_shown_is_pending(bench: Bench):
    asked = charge()
    started = fits(bench.gateway).create(asked)
    assert started.url
    answer = bench.gateway.query(asked.attempt)
    assert answer.standing in PENDING
    assert answer.money == ()


def test_the_same_attempt_is_one_order_however_often_it_is_asked_for(bench: Bench):
    asked = charge()
    assert len({bench.gateway.create(asked).ref for _ in range(3)}) == 1
    bench.pays(asked)
    assert len(bench.gateway.query(asked.attempt).money) == 1


def test_an_order_nobody_has_heard_of_is_not_paid_and_not_failed(bench: Bench):
    assert bench.gateway.query(charge().attempt).standing in PENDING


def test_a_payment_is_told_to_the_fen_and_always_under_one_number(bench: Bench):
    for amount in (1, 10, 99, 100, 12_345, 170_910, 9_999_999_99):
        asked = charge(amount)
        bench.gateway.create(asked)
        bench.pays(asked)
        answers = [bench.gateway.query(asked.attempt) for _ in range(2)]
        assert answers[0] == answers[1]
        assert answers[0].standing is Standing.PAID
        (piece,) = answers[0].money
        assert piece.amount == amount
        assert piece.ref
        assert abs(piece.at_ms - NOW_MS) < 1_000


def test_another_amount_is_told_as_it_is(online: Bench):
    asked = charge(170_910)
    online.gateway.create(asked)
    online.pays(asked, 170_909)
    (piece,) = online.gateway.query(asked.attempt).money
    assert piece.amount == 170_909


def test_another_currency_is_refused_before_anybody_is_asked(online: Bench):
    with pytest.raises(RuleBroken) as refused:
        online.gateway.create(charge(currency="EUR"))
    assert refused.value.code is Code.PAYMENT_NOT_OFFERED


# --- closing --------------------------------------------------------------------------------------


def test_closing_an_unpaid_order_promises_no_more_than_it_can(bench: Bench):
    asked = charge()
    bench.gateway.create(asked)
    answer = bench.gateway.close(asked.attempt)
    assert answer.standing in (Standing.CLOSED, Standing.ABSENT)
    assert answer.money == ()


def test_closing_is_not_quicker_than_the_customer(bench: Bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    answer = bench.gateway.close(asked.attempt)
    assert answer.standing is Standing.PAID
    assert [piece.amount for piece in answer.money] == [asked.amount]


def test_money_after_the_close_is_heard_all_the_same(online: Bench):
    asked = charge()
    online.gateway.create(asked)
    online.gateway.close(asked.attempt)
    online.pays(asked)
    assert online.gateway.query(asked.attempt).standing is Standing.PAID


def test_cancelling_leaves_no_money_behind_or_says_so(bench: Bench):
    needs(bench, Offer.CODE)
    asked = charge()
    bench.gateway.pay(asked, bench.code("0"))
    assert bench.gateway.cancel(asked.attempt).standing is Standing.REVERSED
    unpaid = charge()
    bench.gateway.create(unpaid)
    ended = bench.gateway.cancel(unpaid.attempt).standing
    assert ended in (Standing.CLOSED, Standing.ABSENT)


# --- a customer's code ----------------------------------------------------------------------------


def test_a_code_pays_declines_or_asks_for_a_password(bench: Bench):
    needs(bench, Offer.CODE)
    paid, declined, typing = charge(), charge(), charge()
    assert bench.gateway.pay(paid, bench.code("0")).standing is Standing.PAID
    assert bench.gateway.query(paid.attempt).standing is Standing.PAID
    assert bench.gateway.pay(declined, bench.code("1")).standing is Standing.DECLINED
    assert bench.gateway.pay(typing, bench.code("2")).standing is Standing.PAYING
    assert bench.gateway.query(typing.attempt).standing in PENDING
    bench.pays(typing)
    assert bench.gateway.query(typing.attempt).standing is Standing.PAID


def test_a_code_that_is_none_is_declined(online: Bench):
    for code in ("620000000000000000", "1", "9" * 30):
        assert online.gateway.pay(charge(), code).standing is Standing.DECLINED


def test_what_is_not_offered_is_said_and_not_tried(bench: Bench):
    asked = charge()
    back = Refund(asked.attempt, "r1", "ref", 1, 1, "CNY")
    tries = {
        Offer.CODE: lambda: bench.gateway.pay(asked, "1"),
        Offer.REFUND: lambda: bench.gateway.refund(back),
        Offer.BILL: lambda: bench.gateway.bill(TODAY),
    }
    for offer, attempt in tries.items():
        if offer in bench.gateway.offers:
            continue
        with pytest.raises(RuleBroken) as refused:
            attempt()
        assert refused.value.code is Code.PAYMENT_NOT_OFFERED


# --- doubt ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", DOUBTFUL)
def test_whatever_is_not_proven_is_unknown_and_the_truth_comes_by_asking(online: Bench, fault):
    asked = charge()
    online.gateway.query(charge().attempt)  # certificates are fetched before the storm
    online.faults.then(fault)
    with pytest.raises(Trouble) as unknown:
        online.gateway.pay(asked, online.code("0"))
    assert unknown.value.code is Code.PAYMENT_UNRESOLVED
    assert unknown.value.retryable
    answer = online.gateway.query(asked.attempt)
    done = fault not in (Fault.LOSE_REQUEST, Fault.SYSTEM_ERROR)
    assert answer.standing is (Standing.PAID if done else Standing.ABSENT)


@pytest.mark.parametrize("fault", DOUBTFUL)
def test_every_question_takes_a_storm_for_unknown(online: Bench, fault):
    asked = charge()
    online.gateway.create(asked)
    online.pays(asked)
    back = Refund(asked.attempt, "r1", "ref", 1, asked.amount, "CNY")
    questions = [
        lambda: online.gateway.create(charge()),
        lambda: online.gateway.query(asked.attempt),
        lambda: online.gateway.close(charge().attempt),
        lambda: online.gateway.cancel(charge().attempt),
        lambda: online.gateway.refund(back),
        lambda: online.gateway.refund_query(back),
        lambda: online.gateway.bill(TODAY),
    ]
    for question in questions:
        online.faults.then(fault)
        with pytest.raises(Trouble):
            question()
        online.faults.waiting.clear()
    assert online.gateway.query(asked.attempt).standing is Standing.PAID


def test_a_genuine_answer_about_another_order_is_none(online: Bench):
    asked = charge()
    online.gateway.create(asked)
    online.pays(asked)
    online.faults.then(Fault.OTHER_ORDER)
    with pytest.raises(Trouble):
        online.gateway.query(asked.attempt)


# --- notifications --------------------------------------------------------------------------------


def test_a_notification_says_what_a_question_would(bench: Bench):
    needs(bench, Offer.NOTIFY)
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    letter = bench.letters()[-1]
    first, again = (bench.gateway.hear(letter.headers, letter.body) for _ in range(2))
    assert first == again
    assert first.attempt == asked.attempt
    assert first.answer is not None
    assert first.answer.standing is Standing.PAID
    assert first.answer.money == bench.gateway.query(asked.attempt).money
    assert first.reply.status in (200, 204)


def test_no_altered_notification_is_believed(bench: Bench):
    needs(bench, Offer.NOTIFY)
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    letter, chance = bench.letters()[-1], random.Random(11)
    for _ in range(250):
        body = bytearray(letter.body)
        at = chance.randrange(len(body))
        other = chance.choice([each for each in b"0123456789AZaz" if each != body[at]])
        body[at] = other
        # Some of Alipay's form is outside of what is signed: the case of an escape's digits.
        assert reply(bench, letter, bytes(body)) in ("refused", "the same")


def reply(bench: Bench, letter: Letter, body: bytes) -> str:
    try:
        heard = bench.gateway.hear(letter.headers, body)
    except NoticeRefused as refused:
        taken = refused.reply.body == b"success" or refused.reply.status == 204
        return "taken" if taken else "refused"
    return "the same" if heard == bench.gateway.hear(letter.headers, letter.body) else "believed"


# --- giving back ----------------------------------------------------------------------------------


def paid(bench: Bench, amount: int = 10_000):
    asked = charge(amount)
    bench.gateway.create(asked)
    bench.pays(asked)
    (piece,) = bench.gateway.query(asked.attempt).money
    return asked, piece.ref


def test_a_refund_moves_money_once_however_often_it_is_sent(bench: Bench):
    needs(bench, Offer.REFUND)
    asked, ref = paid(bench)
    back = Refund(asked.attempt, "r1", ref, 3_000, asked.amount, "CNY", "尺码不合")
    for _ in range(3):
        answer = bench.gateway.refund(back)
        assert (answer.standing, answer.amount) == (RefundStanding.DONE, 3_000)
    assert bench.gateway.refund_query(back).standing is RefundStanding.DONE
    rest = Refund(asked.attempt, "r2", ref, 7_000, asked.amount, "CNY")
    assert bench.gateway.refund(rest).standing is RefundStanding.DONE
    more = Refund(asked.attempt, "r3", ref, 1, asked.amount, "CNY")
    refused = bench.gateway.refund(more)
    assert refused.standing is RefundStanding.REFUSED
    assert refused.reason
    assert bench.gateway.refund_query(more).standing is RefundStanding.ABSENT


def test_a_refunds_number_stands_for_one_amount(bench: Bench):
    needs(bench, Offer.REFUND)
    asked, ref = paid(bench)
    bench.gateway.refund(Refund(asked.attempt, "r1", ref, 3_000, asked.amount, "CNY"))
    with pytest.raises(RuleBroken) as refused:
        bench.gateway.refund(Refund(asked.attempt, "r1", ref, 3_001, asked.amount, "CNY"))
    assert refused.value.code is Code.REFERENCE_ALREADY_USED


def test_a_payment_partly_given_back_was_still_paid(bench: Bench):
    needs(bench, Offer.REFUND)
    asked, ref = paid(bench)
    bench.gateway.refund(Refund(asked.attempt, "r1", ref, 3_000, asked.amount, "CNY"))
    answer = bench.gateway.query(asked.attempt)
    assert answer.standing is Standing.PAID
    assert [piece.amount for piece in answer.money] == [asked.amount]


@pytest.mark.parametrize("fault", DOUBTFUL)
def test_a_refund_in_doubt_is_sent_again_and_moves_money_once(online: Bench, fault):
    asked, ref = paid(online)
    back = Refund(asked.attempt, "r1", ref, 10_000, asked.amount, "CNY")
    online.faults.then(fault)
    with pytest.raises(Trouble):
        online.gateway.refund(back)
    assert online.gateway.refund(back).standing is RefundStanding.DONE
    assert online.gateway.refund_query(back).amount == 10_000


# --- the bill -------------------------------------------------------------------------------------


def test_the_bill_has_every_payment_and_every_refund(bench: Bench):
    needs(bench, Offer.BILL)
    assert bench.gateway.bill(TODAY).lines == ()
    asked, ref = paid(bench)
    bench.gateway.refund(Refund(asked.attempt, "r1", ref, 3_000, asked.amount, "CNY"))
    other, _ = paid(bench, 1)
    bill = bench.gateway.bill(TODAY)
    found = {
        (line.kind, line.attempt_id, line.amount, line.refund_number): line for line in bill.lines
    }
    assert set(found) == {
        (BillKind.PAYMENT, asked.attempt.attempt_id, 10_000, ""),
        (BillKind.REFUND, asked.attempt.attempt_id, 3_000, "r1"),
        (BillKind.PAYMENT, other.attempt.attempt_id, 1, ""),
    }
    line = found[BillKind.PAYMENT, asked.attempt.attempt_id, 10_000, ""]
    assert line.ref == ref
    assert abs(line.at_ms - NOW_MS) < 1_000
    assert line.fee_mills == (0 if bench.gateway.name == "sandbox" else 60_000)
    assert bill.day == TODAY


def test_a_day_has_its_own_bill_in_chinas_time(cloud: Cloud):
    bench = benches(cloud)["sandbox"]()
    paid(bench)
    assert len(bench.gateway.bill(TODAY).lines) == 1
    for other in (TODAY - timedelta(1), TODAY + timedelta(1)):
        assert bench.gateway.bill(other).lines == ()
