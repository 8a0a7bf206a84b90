"""What is Alipay's alone: codes without a trade, cancelling that kills nothing, encrypted contents."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest

from app.errors import Code, RuleBroken, Trouble
from cloud.fakes.arithmetic import signed
from cloud.gateways.alipay import outcomes
from cloud.gateways.alipay.client import china_time, moment
from cloud.gateways.base import NoticeRefused, Refund, RefundStanding, Standing
from cloud.gateways.numbers import order_number
from tests.cloud.gateways.benches import (
    NOW_MS,
    AlipayBench,
    alipay_bench,
    charge,
    private_numbers,
)
from tests.cloud.gateways.records import made_key


@pytest.fixture
def bench() -> AlipayBench:
    return alipay_bench()


def test_before_the_scan_there_is_no_trade_and_cancelling_kills_nothing(bench):
    asked = charge()
    bench.gateway.create(asked)
    assert bench.gateway.query(asked.attempt).standing is Standing.ABSENT
    assert bench.gateway.close(asked.attempt).standing is Standing.ABSENT
    assert bench.gateway.cancel(asked.attempt).standing is Standing.ABSENT
    bench.pays(asked)  # the photographed code lived on
    assert bench.gateway.query(asked.attempt).standing is Standing.PAID


def test_after_the_scan_the_trade_is_closed(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.provider.scan(order_number(asked.attempt))
    assert bench.gateway.query(asked.attempt).standing is Standing.OPEN
    assert bench.gateway.close(asked.attempt).standing is Standing.CLOSED
    assert bench.gateway.query(asked.attempt).standing is Standing.CLOSED


def test_a_paid_or_closed_order_gets_no_new_code(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    with pytest.raises(RuleBroken) as refused:
        bench.gateway.create(asked)
    assert refused.value.code is Code.ORDER_CLOSED


def test_a_payment_given_back_in_full_is_told_from_one_that_ran_out(bench):
    given, late = charge(), charge()
    bench.gateway.pay(given, bench.code("0"))
    bench.gateway.cancel(given.attempt)
    bench.gateway.create(late)
    bench.provider.give_up(order_number(late.attempt))
    assert bench.gateway.query(given.attempt).standing is Standing.REVERSED
    assert bench.gateway.query(late.attempt).standing is Standing.CLOSED


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("40006", "isv.insufficient-isv-permissions"),
        ("40001", "isv.missing-method"),
        ("40002", "isv.invalid-app-id"),
        ("20001", "aop.invalid-auth-token"),
    ],
)
def test_a_refund_that_is_turned_away_at_the_door_is_refused_and_a_question_stays_a_question(
    bench, code: str, sub_code: str
):
    asked = charge()
    bench.gateway.pay(asked, bench.code("0"))
    back = Refund(asked.attempt, "r1", "1", 100, asked.amount, "CNY")
    bench.provider.turns_away["alipay.trade.refund"] = (code, sub_code)
    answer = bench.gateway.refund(back)
    assert (answer.standing, answer.reason) == (RefundStanding.REFUSED, sub_code)
    bench.provider.turns_away["alipay.trade.fastpay.refund.query"] = (code, sub_code)
    with pytest.raises(Trouble):
        bench.gateway.refund_query(back)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [(170_911, "ACQ.REASON_TRADE_REFUND_FEE_ERR"), (0, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")],
)
def test_an_amount_that_does_not_fit_is_refused_and_says_nothing_of_its_number(
    bench, amount: int, reason: str
):
    asked = charge()
    assert asked.amount == 170_910
    bench.gateway.pay(asked, bench.code("0"))
    back = Refund(asked.attempt, "r1", "1", amount, asked.amount, "CNY")
    answer = bench.gateway.refund(back)
    assert (answer.standing, answer.reason) == (RefundStanding.REFUSED, reason)
    assert bench.gateway.refund_query(back).standing is RefundStanding.ABSENT


def test_contents_may_be_encrypted_besides():
    key = "aa4BtZ4tspm2wnXLb1ThQA=="
    bench = alipay_bench(content_key=key)
    seen = []

    def line(ask):
        seen.append(dict(parse_qsl(ask.body.decode())))
        raise AssertionError

    bench.gateway.client.line = line
    with pytest.raises(AssertionError):
        bench.gateway.query(charge().attempt)
    assert seen[0]["encrypt_type"] == "AES"
    assert "out_trade_no" not in seen[0]["biz_content"]


def test_only_the_certificate_we_know_is_believed():
    bench = alipay_bench(certificates=True)
    bench.provider.cert_sn = "0" * 32
    asked = charge()
    with pytest.raises(Trouble) as unknown:
        bench.gateway.create(asked)
    assert "not known here" in str(unknown.value.facts["detail"])


def test_an_error_nobody_signed_names_its_code_for_the_log_and_proves_nothing(bench):
    object.__setattr__(bench.account, "key", made_key("a wrong one"))
    with pytest.raises(Trouble) as unknown:
        bench.gateway.query(charge().attempt)
    assert "isv.invalid-signature" in str(unknown.value.facts["detail"])


def forged(bench: AlipayBench, **changed: str) -> bytes:
    """Return the last notification with fields changed, signed anew with Alipay's own key."""
    told = dict(parse_qsl(bench.letters()[-1].body.decode(), keep_blank_values=True)) | changed
    del told["sign"], told["sign_type"]
    text = "&".join(f"{name}={told[name]}" for name in sorted(told))
    told |= {
        "sign_type": "RSA2",
        "sign": signed(private_numbers(made_key("alipay")), text.encode()),
    }
    return urlencode(told).encode()


def test_a_genuine_notification_about_somebody_else_is_taken_and_left_alone(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    assert bench.gateway.hear({}, forged(bench)).attempt == asked.attempt
    for changed in (
        {"app_id": "another"},
        {"seller_id": "2088"},
        {"passback_params": "x"},
        {"out_trade_no": "W-2026-1"},
    ):
        heard = bench.gateway.hear({}, forged(bench, **changed))
        assert (heard.attempt, heard.answer, heard.reply.body) == (None, None, b"success")


def test_a_notification_that_makes_no_sense_comes_again(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    good = bench.letters()[-1].body
    for body in (
        forged(bench, trade_status="TRADE_ODD"),
        forged(bench, total_amount="12.345"),
        forged(bench, total_amount="-1.00"),
        good + b"&total_amount=0.01",
        b"",
        b"\xff\xfe",
        good.replace(b"RSA2", b"RSA"),
    ):
        with pytest.raises(NoticeRefused) as refused:
            bench.gateway.hear({}, body)
        assert refused.value.reply.body != b"success"


def test_the_code_dies_with_the_order_and_never_later_than_two_hours(bench):
    lives = []
    for left_ms in (-5, 1, 60_000, 60_001, 10 * 3_600_000):
        asked = charge(expires_ms=NOW_MS + left_ms)
        call = bench.gateway.client.call

        def spy(method, contents, call=call, **more):
            lives.append(contents["qr_code_timeout_express"])
            return call(method, contents, **more)

        bench.gateway.client.call = spy
        bench.gateway.create(asked)
        bench.gateway.client.call = call
    assert lives == ["1m", "1m", "1m", "2m", "120m"]


def test_times_are_chinas_whatever_the_machine_says():
    assert china_time(0) == "1970-01-01 08:00:00"
    assert moment("2019-08-29 20:14:05") == 1_567_080_845_000
    assert moment("2019-08-29 20:14:05.123") == 1_567_080_845_000
    assert moment("never") == 0


@pytest.mark.parametrize("text", ["", "x", "1.234", "-1", "1e3", "１.00", None])
def test_an_amount_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        outcomes.fen(text)
