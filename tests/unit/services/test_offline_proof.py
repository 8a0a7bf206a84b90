"""Paid by phone while the shop is offline: only the very proof of this order makes the sale, and once."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.money import CNY
from app.domain.payment import Anomaly, Event, State
from app.domain.sale import Sale
from app.errors import Code, RuleBroken
from app.services.proofs import TRIES, tries_of
from app.wire.base45 import ALPHABET
from app.wire.messages import PaymentView
from app.wire.portable import sku_mark, unpack
from app.wire.tokens import is_portable, read_order_token
from tests.unit.services.offline import (
    CLOUD,
    KID,
    STRANGER,
    code_for,
    pin,
    proof_for,
    proof_of,
    prove,
    shown_offline,
)
from tests.unit.services.till import COAT, GUIDE, SCARF, Till, ask, cancel, refusal, shown


@pytest.fixture
def offline(till: Till) -> Till:
    """A till that knows our cloud's key and cannot reach it."""
    pin(till)
    till.gateway.lose_requests = 10**6
    return till


# --- the QR ---------------------------------------------------------------------------------------


def test_the_order_travels_in_the_qr_and_every_step_is_recorded_before_it_is_shown(
    offline: Till,
) -> None:
    priced = offline.basket(COAT, SCARF, SCARF)
    attempt = offline.attempt(shown_offline(offline, priced))
    claims = read_order_token(attempt.token).claims
    order = unpack(claims.content)
    assert is_portable(attempt.token)
    assert (claims.amount, order.sale_id) == (priced.total, priced.cart.cart_id)
    assert [line.mark for line in order.lines] == [sku_mark(COAT), sku_mark(SCARF)]
    assert [line.quantity for line in order.lines] == [1, 2]
    assert attempt.last.order_hash == claims.order_hash.hex()
    assert (attempt.last.step, attempt.last.event) == (2, Event.SHOWN.value)
    assert offline.gateway.calls == []
    assert claims.expires_s * 1_000 - offline.clock.now().server_ms == 15 * 60_000


def test_a_cart_has_one_open_code_offline_too(offline: Till) -> None:
    priced = offline.basket()
    first = shown_offline(offline, priced)
    with pytest.raises(RuleBroken) as second:
        offline.payments.start(priced, GUIDE, offline=True).result()
    assert second.value.code is Code.PAYMENT_ALREADY_OPEN
    assert second.value.facts["attempt_id"] == first


def test_an_order_too_long_for_a_code_is_refused_and_leaves_nothing_open(offline: Till) -> None:
    priced = offline.checkout.open(GUIDE.person_id)
    coat = offline.store.reader.find_code(COAT)
    assert coat is not None
    for _ in range(90):
        priced = offline.checkout.add(priced, coat, merge=False)
    job = offline.payments.start(priced, GUIDE, offline=True).result
    assert refusal(job) is Code.ORDER_NOT_OFFLINE
    assert offline.store.reader.open_attempts() == ()


# --- the proof ------------------------------------------------------------------------------------


def test_the_proof_makes_the_sale_and_stays_on_it(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    text = proof_for(offline, attempt_id)
    news = prove(offline, attempt_id, text)
    assert news.state.state is State.CONFIRMED
    assert news.state.anomalies == {Anomaly.PROVED}
    assert not news.state.needs_a_person
    last = news.attempt.last
    assert (last.event, last.evidence) == ("proved", text)
    assert (last.received, last.provider, last.provider_ref) == (
        last.amount,
        "sandbox",
        "sb-2026-0007",
    )
    assert isinstance(news.sale, Sale)
    assert news.sale.tenders[0].attempt_id == attempt_id
    assert offline.sales() == [last.sale_id]
    assert offline.uneasy() == []


REFUSALS: dict[Code, Callable[[Till, str], str]] = {
    Code.PROOF_OTHER_ORDER: lambda till, here: proof_for(
        till, here, attempt_id="0199c8a0-0000-7000-8000-00000000000f"
    ),
    Code.PROOF_OTHER_DEVICE: lambda till, here: proof_for(till, here, device="00112233aabbccdd"),
    Code.PROOF_OTHER_NONCE: lambda till, here: proof_for(till, here, nonce=bytes(8)),
    Code.PROOF_OTHER_AMOUNT: lambda till, here: proof_for(till, here, amount=1),
    Code.PROOF_EXPIRED: lambda till, here: proof_for(
        till, here, expires_s=till.clock.now().server_ms // 1_000
    ),
    Code.PROOF_KEY_UNKNOWN: lambda till, here: proof_of(till.attempt(here)).sign(
        "sffffffff", CLOUD
    ),
    Code.PROOF_INVALID: lambda till, here: proof_of(till.attempt(here)).sign(KID, STRANGER),
}


@pytest.mark.parametrize("code", REFUSALS, ids=lambda code: code.value)
def test_a_proof_that_is_not_this_orders_is_refused_by_name_and_logged(
    offline: Till, code: Code, caplog: pytest.LogCaptureFixture
) -> None:
    attempt_id = shown_offline(offline)
    text = REFUSALS[code](offline, attempt_id)
    assert refusal(lambda: prove(offline, attempt_id, text)) is code
    assert offline.attempt(attempt_id).last.after.state is State.WAITING
    assert offline.sales() == []
    assert code.value in caplog.text
    assert prove(offline, attempt_id).sale is not None


def test_another_currency_is_another_amount(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    text = proof_for(offline, attempt_id, currency="USD")
    assert CNY.code != "USD"
    assert refusal(lambda: prove(offline, attempt_id, text)) is Code.PROOF_OTHER_AMOUNT


def test_a_proof_counts_once(offline: Till, caplog: pytest.LogCaptureFixture) -> None:
    attempt_id = shown_offline(offline)
    text = proof_for(offline, attempt_id)
    prove(offline, attempt_id, text)
    assert refusal(lambda: prove(offline, attempt_id, text)) is Code.PROOF_USED
    assert refusal(lambda: offline.payments.prove(text).result()) is Code.PROOF_USED
    assert refusal(lambda: spoken(offline, attempt_id)) is Code.PROOF_USED
    assert len(offline.sales()) == 1
    assert "proof_used" in caplog.text


def test_a_key_that_has_run_out_is_not_believed(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    pin(offline, expires_ms=offline.clock.now().server_ms)
    assert refusal(lambda: prove(offline, attempt_id)) is Code.PROOF_KEY_UNKNOWN


def test_mutations_of_a_proof_are_all_refused_and_logged(
    offline: Till, caplog: pytest.LogCaptureFixture
) -> None:
    attempt_id = shown_offline(offline)
    text, chance = proof_for(offline, attempt_id), random.Random(3)
    forged: set[str] = set()
    while len(forged) < 220:
        place = chance.randrange(4, len(text))
        match chance.randrange(3):
            case 0:
                forged.add(text[:place] + chance.choice(ALPHABET) + text[place + 1 :])
            case 1:
                forged.add(text[:place] + text[place + 1 :])
            case _:
                forged.add(text[:place] + chance.choice(ALPHABET) + text[place:])
        forged.discard(text)
    for each in forged:
        refused = refusal(lambda each=each: prove(offline, attempt_id, each))  # type: ignore[misc]
        assert refused in (Code.PROOF_INVALID, Code.PROOF_KEY_UNKNOWN)
    assert caplog.text.count("was refused") == len(forged)
    assert offline.sales() == []


def test_a_proof_finds_its_order_when_another_customer_is_served(offline: Till) -> None:
    parked, other = shown_offline(offline), shown_offline(offline, offline.basket(SCARF))
    news = offline.payments.prove(proof_for(offline, parked)).result()
    assert news.attempt.attempt_id == parked
    assert offline.attempt(other).last.after.is_open
    unknown = proof_for(offline, parked, attempt_id="0199c8a0-0000-7000-8000-00000000000f")
    assert refusal(lambda: offline.payments.prove(unknown).result()) is Code.PROOF_OTHER_ORDER
    foreign = proof_for(
        offline, parked, attempt_id="0199c8a0-0000-7000-8000-00000000000f", device="another"
    )
    assert refusal(lambda: offline.payments.prove(foreign).result()) is Code.PROOF_OTHER_DEVICE
    assert refusal(lambda: offline.payments.prove("GP1:").result()) is Code.PROOF_INVALID


def test_a_proof_helps_where_the_line_broke_after_an_ordinary_code_was_shown(till: Till) -> None:
    pin(till)
    attempt_id = shown(till)
    till.gateway.lose_requests = 10**6
    assert ask(till, attempt_id).state.state is State.UNKNOWN
    assert prove(till, attempt_id).sale is not None


def test_after_a_restart_the_proof_still_finds_its_cart(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    text = proof_for(offline, attempt_id)
    offline.restart()
    assert prove(offline, attempt_id, text).sale is not None


# --- the spoken code ------------------------------------------------------------------------------


def spoken(till: Till, attempt_id: str, code: str = ""):
    return till.payments.speak(attempt_id, code or code_for(till, attempt_id), "g").result()


def test_the_spoken_code_makes_the_sale_and_is_marked_as_less_sure(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    code = code_for(offline, attempt_id)
    news = spoken(offline, attempt_id, f"{code[:4]} {code[4:]}")
    assert news.sale is not None
    assert news.state.anomalies == {Anomaly.SPOKEN}
    assert (news.attempt.last.event, news.attempt.last.evidence) == ("spoken", "")
    assert news.attempt.last.received == news.attempt.last.amount


def test_three_wrong_codes_are_the_last_and_a_restart_gives_no_more(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    wrong = f"{(int(code_for(offline, attempt_id)) + 1) % 10**8:08d}"
    lefts = []
    for _ in range(2):
        with pytest.raises(RuleBroken) as refused:
            spoken(offline, attempt_id, wrong)
        assert refused.value.code is Code.SPOKEN_CODE_WRONG
        lefts.append(refused.value.facts["tries_left"])
    assert lefts == [2, 1]
    offline.restart()
    assert refusal(lambda: spoken(offline, attempt_id, wrong)) is Code.SPOKEN_CODE_LOCKED
    assert refusal(lambda: spoken(offline, attempt_id)) is Code.SPOKEN_CODE_LOCKED
    assert offline.sales() == []
    assert prove(offline, attempt_id).sale is not None


def test_tries_are_counted_for_each_order_and_forgotten_with_it(offline: Till) -> None:
    first = shown_offline(offline)
    assert refusal(lambda: spoken(offline, first, "00000000")) is Code.SPOKEN_CODE_WRONG
    prove(offline, first)
    second = shown_offline(offline, offline.basket(SCARF))
    assert refusal(lambda: spoken(offline, second, "00000000")) is Code.SPOKEN_CODE_WRONG
    assert tries_of(offline.store.reader.state(TRIES)) == {second: 1}


def test_trying_another_orders_code_gives_no_tries_back_for_one_that_is_closed(
    offline: Till,
) -> None:
    closed = shown_offline(offline)
    for _ in range(3):
        assert refusal(lambda: spoken(offline, closed, "00000000"))
    offline.gateway.lose_requests = 0
    assert cancel(offline, closed).state.state is State.CANCELLED
    offline.gateway.lose_requests = 10**6
    other = shown_offline(offline, offline.basket(SCARF))
    assert refusal(lambda: spoken(offline, other, "00000000")) is Code.SPOKEN_CODE_WRONG
    right = code_for(offline, closed)
    assert refusal(lambda: spoken(offline, closed, right)) is Code.SPOKEN_CODE_LOCKED


def test_a_code_of_another_order_does_not_do(offline: Till) -> None:
    first, second = shown_offline(offline), shown_offline(offline, offline.basket(SCARF))
    code = code_for(offline, first)
    assert refusal(lambda: spoken(offline, second, code)) is Code.SPOKEN_CODE_WRONG


# --- and then the network comes back --------------------------------------------------------------


def test_the_first_contact_registers_an_order_nobody_scanned(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    assert ask(offline, attempt_id).state.state is State.UNKNOWN
    offline.gateway.lose_requests = 0
    assert ask(offline, attempt_id).state.state is State.WAITING
    assert offline.gateway.attempt_ids == (attempt_id,)
    offline.gateway.pay(attempt_id)
    assert ask(offline, attempt_id).sale is not None


def test_an_order_nobody_scanned_can_be_closed_as_soon_as_the_line_is_back(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    assert cancel(offline, attempt_id).state.state is State.UNKNOWN
    offline.gateway.lose_requests = 0
    assert cancel(offline, attempt_id).state.state is State.CANCELLED


def test_an_order_that_came_too_late_stays_in_doubt_for_ten_minutes(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    offline.gateway.lose_requests = 0
    offline.clock.advance(15 * 60 + 1)
    assert ask(offline, attempt_id).state.state is State.UNKNOWN
    offline.clock.advance(10 * 60)
    assert ask(offline, attempt_id).state.state is State.FAILED


def test_an_order_the_cloud_will_never_take_can_be_paid_by_nobody(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    offline.gateway.lose_requests = 0
    offline.gateway.refuses = Code.PRICES_OLD
    assert ask(offline, attempt_id).state.state is State.FAILED


@pytest.mark.parametrize("state", [State.WAITING, State.EXPIRED, State.CANCELLED, State.CONFIRMED])
def test_whatever_the_cloud_says_afterwards_the_proved_sale_stands(
    offline: Till, state: State
) -> None:
    attempt_id = shown_offline(offline)
    sold = prove(offline, attempt_id).sale
    assert sold is not None
    amount = sold.total
    view = PaymentView(
        attempt_id=attempt_id,
        state=state.value,
        anomalies=[],
        amount=amount,
        received=amount if state is State.CONFIRMED else 0,
        provider="sandbox",
        provider_ref="sb-2026-0007",
        expires_ms=0,
        changed_ms=0,
        server_ms=0,
        version=9,
    )
    news = offline.payments.note(attempt_id, view, "")
    assert news.state.state is State.CONFIRMED
    assert news.state.anomalies == {Anomaly.PROVED}
    assert news.sale == sold
    assert offline.uneasy() == []


def test_late_money_with_a_proof_waits_for_a_person_like_any_late_money(offline: Till) -> None:
    """The till had heard that the code ended unpaid, and let the cart go."""
    attempt_id = shown_offline(offline)
    text = proof_for(offline, attempt_id)
    offline.payments.note(attempt_id, Event.TIMED_OUT, "")
    news = prove(offline, attempt_id, text)
    assert news.state.anomalies == {Anomaly.LATE, Anomaly.PROVED}
    assert news.sale is None
    assert offline.uneasy() == [attempt_id]
    assert offline.payments.deliver_now(attempt_id, GUIDE).sale is not None


def test_what_was_believed_is_not_repeated_on_later_steps(offline: Till) -> None:
    attempt_id = shown_offline(offline)
    prove(offline, attempt_id)
    refunded = offline.payments.note(attempt_id, Event.REFUND_ASKED, "")
    assert refunded.attempt.last.evidence == ""
    again = replace(refunded.attempt.last, evidence="")
    assert again == refunded.attempt.last
