"""What is WeChat Pay's alone: certificates that change, probes, JSAPI with OAuth, notifications."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from app.errors import Code, RuleBroken, Trouble
from cloud.fakes.faults import Fault
from cloud.gateways.base import NoticeRefused, Standing
from cloud.gateways.numbers import order_number
from cloud.gateways.signing import rsa
from cloud.gateways.signing.certificates import wechat_serial
from cloud.gateways.wechat import oauth
from tests.cloud.gateways import benches
from tests.cloud.gateways.benches import NOW_MS, WechatBench, charge, wechat_bench
from tests.cloud.gateways.records import made_key


@pytest.fixture
def bench() -> WechatBench:
    return wechat_bench()


@pytest.mark.parametrize("fault", [Fault.PROBE, Fault.STALE, Fault.WRONG_SIGNATURE])
def test_a_signature_we_cannot_believe_is_unknown_and_never_failed(bench, fault):
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    bench.faults.then(fault)
    with pytest.raises(Trouble) as unknown:
        bench.gateway.query(asked.attempt)
    assert unknown.value.code is Code.PAYMENT_UNRESOLVED
    assert bench.gateway.query(asked.attempt).standing is Standing.PAID


@pytest.mark.parametrize("fault", [Fault.PROBE, Fault.STALE, Fault.WRONG_SIGNATURE, Fault.UNSIGNED])
def test_a_probing_notification_is_refused_with_an_error_and_the_next_one_is_taken(bench, fault):
    asked = charge()
    bench.gateway.create(asked)
    bench.provider.letters.then(fault)
    bench.pays(asked)
    bench.pays(asked)
    probe, genuine = bench.letters()
    with pytest.raises(NoticeRefused) as refused:
        bench.gateway.hear(probe.headers, probe.body)
    assert refused.value.reply.status >= 400
    assert json.loads(refused.value.reply.body)["code"] == "FAIL"
    assert bench.gateway.hear(genuine.headers, genuine.body).attempt == asked.attempt


def test_platform_certificates_are_fetched_once_and_again_when_they_change():
    bench = wechat_bench(certificates=True)
    for _ in range(3):
        bench.gateway.query(charge().attempt)
    assert bench.provider.calls.count("GET /v3/certificates") == 1
    bench.provider.serial = wechat_serial(benches.certificate("wechat's next"))
    bench.provider.certificate = benches.pem(benches.certificate("wechat's next"))
    bench.provider.key = benches.private_numbers(made_key("wechat's next"))
    bench.gateway.client.now_ms = lambda: NOW_MS + 61_000
    assert bench.gateway.query(charge().attempt).standing is Standing.ABSENT
    assert bench.provider.calls.count("GET /v3/certificates") == 2


def test_a_notice_under_a_certificate_is_believed_while_the_merchant_changes_to_the_public_key():
    """Answers are signed by the public key already, notifications still by the platform certificate."""
    bench = wechat_bench()
    asked = charge()
    bench.gateway.create(asked)
    wechat = bench.provider
    of_answers = (wechat.key, wechat.serial)
    wechat.serial = wechat_serial(benches.certificate("wechat's old"))
    wechat.certificate = benches.pem(benches.certificate("wechat's old"))
    wechat.key = benches.private_numbers(made_key("wechat's old"))
    bench.pays(asked)
    notice = bench.gateway.hear(wechat.outbox[-1].headers, wechat.outbox[-1].body)
    assert (notice.attempt, notice.answer and notice.answer.standing) == (
        asked.attempt,
        Standing.PAID,
    )
    wechat.key, wechat.serial = of_answers
    assert bench.gateway.query(asked.attempt).standing is Standing.PAID
    assert wechat.calls.count("GET /v3/certificates") == 1


def test_a_forged_serial_costs_a_merchant_with_the_public_key_one_question():
    bench = wechat_bench()
    bench.provider.serial = "FFFF"
    for _ in range(20):
        with pytest.raises(Trouble):
            bench.gateway.query(charge().attempt)
    assert bench.provider.calls.count("GET /v3/certificates") == 1


def test_forged_serials_do_not_make_us_fetch_without_end():
    bench = wechat_bench(certificates=True)
    bench.gateway.query(charge().attempt)
    bench.provider.serial = "FFFF"
    for _ in range(20):
        with pytest.raises(Trouble):
            bench.gateway.query(charge().attempt)
    assert bench.provider.calls.count("GET /v3/certificates") <= 2


def test_certificates_sealed_with_another_key_are_not_believed():
    bench = wechat_bench(certificates=True)
    bench.provider.api_key = bytes(32)
    with pytest.raises(Trouble):
        bench.gateway.query(charge().attempt)


def test_our_page_in_wechat_gets_a_signed_call_for_this_payer(bench):
    bench.provider.openids["c1"] = "o-anna"
    payer = oauth.openid(bench.gateway.client, "c1")
    started = bench.gateway.create(charge(payer=payer))
    call = started.call
    assert started.url == ""
    text = f"{call['appId']}\n{call['timeStamp']}\n{call['nonceStr']}\n{call['package']}\n"
    rsa.verify(made_key("shop at wechat").public_key(), text.encode(), call["paySign"])
    assert re.fullmatch(r"prepay_id=wx[0-9A-Za-z]{32}", call["package"])
    with pytest.raises(Trouble):
        oauth.openid(bench.gateway.client, "c1")  # a code works once


def test_the_way_to_the_openid_leads_back_to_us(bench):
    address = oauth.authorize_url(bench.gateway.client, "https://pay.example/o/x/wechat", "s1")
    assert address.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx888")
    assert "redirect_uri=https%3A%2F%2Fpay.example%2Fo%2Fx%2Fwechat" in address
    assert address.endswith("&scope=snsapi_base&state=s1#wechat_redirect")


def test_a_paid_or_closed_order_is_not_opened_again(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.gateway.close(asked.attempt)
    with pytest.raises(RuleBroken) as refused:
        bench.gateway.create(asked)
    assert refused.value.code is Code.ORDER_CLOSED


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_what_a_customers_code_began_is_reversed_and_not_closed(bench, end):
    asked = charge()
    bench.gateway.pay(asked, bench.code("2"))
    assert getattr(bench.gateway, end)(asked.attempt).standing is Standing.REVERSED
    assert bench.gateway.query(asked.attempt).standing is Standing.REVERSED


def test_a_code_payment_that_gave_up_is_declined(bench):
    asked = charge()
    bench.gateway.pay(asked, bench.code("2"))
    bench.provider.give_up(order_number(asked.attempt))
    assert bench.gateway.query(asked.attempt).standing is Standing.DECLINED


def test_a_genuine_notification_about_somebody_else_is_taken_and_left_alone(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.provider.appid = "wx-another"
    bench.pays(asked)
    letter = bench.letters()[-1]
    heard = bench.gateway.hear(letter.headers, letter.body)
    assert (heard.attempt, heard.answer, heard.reply.status) == (None, None, 204)


def test_a_notification_sealed_with_another_key_comes_again(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.provider.api_key = bytes(32)
    bench.pays(asked)
    letter = bench.letters()[-1]
    with pytest.raises(NoticeRefused):
        bench.gateway.hear(letter.headers, letter.body)


def test_a_bill_that_is_another_file_is_refused(bench):
    asked = charge()
    bench.gateway.create(asked)
    bench.pays(asked)
    line = bench.gateway.client.line

    def tampered(ask):
        got = line(ask)
        return got if "/file" not in ask.url else type(got)(200, got.headers, got.body + b" ")

    bench.gateway.client.line = tampered
    with pytest.raises(Trouble):
        bench.gateway.bill(date(2026, 11, 25))
