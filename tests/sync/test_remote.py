"""The HTTP side: nothing is believed without proof, refusals are told apart, tokens renew once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import msgspec
import pytest
import requests
import zstandard

from app.errors import Code, RuleBroken, Trouble
from app.remote import http
from app.remote.cloud import EnrolledCloud
from app.remote.enrolment import CloudEnrolment
from app.remote.http import CloudHttp, Question
from app.remote.payments import CloudPayments
from app.remote.sync import CloudSync
from app.wire.messages import (
    MembersPage,
    MembersPushAnswer,
    PaymentIntent,
    PaymentView,
    Problem,
    PullAnswer,
    PushAnswer,
    PushRequest,
)
from app.wire.tokens import prove_answer
from tests.fakes.clock import NOON, FakeClock
from tests.sync.wire import KID, Reply, ScriptedCloud, scripted_cloud

KEYS = Question("GET", "/v1/keys")
PULLED = PullAnswer(
    stream="stock", rows=[], cursor="c1", more=False, feed_generation=1, server_ms=1
)
PUSHED = PushAnswer(hwm=0, hwm_hash="", durable_seq=0, results=[])
VIEW = PaymentView(
    attempt_id="a1",
    state="waiting",
    anomalies=[],
    amount=1,
    received=0,
    provider="",
    provider_ref="",
    expires_ms=1,
    changed_ms=1,
    server_ms=1,
    version=1,
)


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with scripted_cloud() as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def enrolled(cloud: ScriptedCloud, clock: FakeClock) -> EnrolledCloud:
    return EnrolledCloud(
        cloud.url, lambda: cloud.keys, device="d1", device_key=os.urandom(32), clock=clock
    )


def trouble_of(act) -> Trouble:
    with pytest.raises(Trouble) as caught:
        act()
    return caught.value


# --- proof ----------------------------------------------------------------------------------------


def test_an_answer_with_proof_is_believed(cloud: ScriptedCloud):
    cloud.say(PULLED)
    answer = CloudHttp(cloud.url + "/", lambda: cloud.keys).ask(KEYS)
    assert answer.read(PullAnswer) == PULLED


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>Welcome to the mall</html>", "text/html", honest=False),
        Reply(200, b"{}", honest=False),
        Reply(302, b"", "text/html", honest=False, headers={"Location": "http://portal.example/"}),
        Reply(403, b'{"code":"device_revoked"}', honest=False),
        Reply(401, b'{"code":"token_expired"}', honest=False),
        Reply(503, b"", "text/html", honest=False, headers={"Retry-After": "86400"}),
        Reply(200, b"{}", "text/html"),
        Reply(200, b"{}", proof="s1.AAAA"),
        Reply(200, b"{}", proof="s9." + "A" * 86),
        Reply(200, b"{}", proof="nonsense"),
    ],
)
@pytest.mark.fault(18, "offline; nothing is signed off, nothing is wiped")
def test_without_proof_no_status_and_no_body_means_anything(cloud: ScriptedCloud, enrolled, reply):
    cloud.script = [reply]
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert (trouble.code, trouble.retryable) == (Code.CLOUD_NOT_OURS, True)
    assert "retry_after_s" not in trouble.facts
    assert cloud.tokens == 1


def test_an_old_answer_proves_nothing_about_a_new_question(cloud: ScriptedCloud):
    stale = prove_answer(KID, cloud.key, "another nonce", 200, b"{}")
    cloud.script = [Reply(proof=stale)]
    trouble = trouble_of(lambda: CloudHttp(cloud.url, lambda: cloud.keys).ask(KEYS))
    assert trouble.code is Code.CLOUD_NOT_OURS


def test_a_proven_answer_of_another_shape_is_a_message_we_do_not_understand(
    cloud: ScriptedCloud, enrolled
):
    cloud.script = [Reply(body=b'{"rows":3}')]
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert trouble.code is Code.CLOUD_MESSAGE_INVALID


# --- the line -------------------------------------------------------------------------------------


@pytest.mark.fault(20, "offline; the tablet sells on at once")
def test_no_server_is_no_network():
    with scripted_cloud() as gone:
        url = gone.url
    trouble = trouble_of(lambda: CloudHttp(url, dict).ask(KEYS))
    assert (trouble.code, trouble.retryable) == (Code.CLOUD_UNREACHABLE, True)


def test_a_slow_answer_says_that_it_was_too_slow(cloud: ScriptedCloud, monkeypatch):
    monkeypatch.setattr(http, "READ_S", 0.05)
    hold = threading.Event()
    cloud.script = [Reply(hold=hold)]
    trouble = trouble_of(lambda: CloudHttp(cloud.url, lambda: cloud.keys).ask(KEYS))
    hold.set()
    assert (trouble.code, trouble.facts["timeout"]) == (Code.CLOUD_UNREACHABLE, True)


@pytest.mark.fault(17, "offline, after a few seconds")
def test_an_answer_that_drips_in_is_given_up(cloud: ScriptedCloud, monkeypatch):
    monkeypatch.setattr(http, "WHOLE_ANSWER_S", -1.0)
    cloud.say(PULLED)
    trouble = trouble_of(lambda: CloudHttp(cloud.url, lambda: cloud.keys).ask(KEYS))
    assert trouble.facts["timeout"] is True


def test_an_endless_answer_is_cut_off(cloud: ScriptedCloud, monkeypatch):
    monkeypatch.setattr(http, "MOST_ANSWER_BYTES", 10)
    cloud.say(PULLED)
    trouble = trouble_of(lambda: CloudHttp(cloud.url, lambda: cloud.keys).ask(KEYS))
    assert trouble.code is Code.CLOUD_MESSAGE_INVALID


def test_a_kept_connection_that_was_closed_is_opened_again_once(cloud: ScriptedCloud, enrolled):
    cloud.script = [Reply(cut=True)]
    cloud.say(PULLED)
    assert CloudSync(enrolled).pull("stock", "", 10) == PULLED
    cloud.script = [Reply(cut=True), Reply(cut=True)]
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert trouble.code is Code.CLOUD_UNREACHABLE
    assert cloud.script == []


@pytest.mark.fault(19, "the cloud is not the one this till knows; what waits stays")
def test_a_wrong_certificate_is_somebody_else(monkeypatch, cloud: ScriptedCloud):
    def refuse(*_: object, **__: object) -> None:
        raise requests.exceptions.SSLError("self-signed")

    monkeypatch.setattr(requests.Session, "request", refuse)
    trouble = trouble_of(lambda: CloudHttp(cloud.url, dict).ask(KEYS))
    assert (trouble.code, trouble.facts["tls"]) == (Code.CLOUD_NOT_OURS, True)


def test_proxies_and_netrc_do_not_stand_between_a_till_and_its_own_machine(
    cloud: ScriptedCloud, monkeypatch, tmp_path
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    cloud.say(PULLED)
    CloudHttp(cloud.url, lambda: cloud.keys).ask(KEYS)
    assert "Authorization" not in cloud.asked[0].headers


@pytest.mark.parametrize("url", ["http://cloud.example", "cloud.example", "ftp://localhost", ""])
def test_codes_and_tokens_never_travel_in_the_open(url: str):
    for speak in (lambda: CloudHttp(url, dict), lambda: CloudEnrolment(url)):
        assert trouble_of(speak).code is Code.CLOUD_NOT_SAFE


def test_outside_this_machine_the_systems_proxies_are_heeded():
    assert CloudHttp("https://cloud.example", dict).session().trust_env
    assert not CloudHttp("http://localhost:8470", dict).session().trust_env


def test_each_thread_has_its_own_connections(cloud: ScriptedCloud):
    line = CloudHttp(cloud.url, lambda: cloud.keys)
    others: list[requests.Session] = []
    thread = threading.Thread(target=lambda: others.append(line.session()))
    thread.start()
    thread.join()
    assert line.session() is line.session()
    assert others[0] is not line.session()


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "expected", "retryable"),
    [
        (403, "device_revoked", Code.DEVICE_REVOKED, False),
        (403, "device_not_enrolled", Code.DEVICE_NOT_ENROLLED, False),
        (403, "token_foreign", Code.CLOUD_REFUSED, False),
        (404, "cloud_refused", Code.CLOUD_REFUSED, False),
        (409, "gap", Code.CLOUD_REFUSED, False),
        (409, "fork", Code.CLOUD_REFUSED, False),
        (410, "start_over", Code.CLOUD_REFUSED, False),
        (413, "too_big", Code.CLOUD_REFUSED, False),
        (422, "malformed", Code.CLOUD_MESSAGE_INVALID, False),
        (426, "too_old", Code.CLOUD_REFUSED, False),
        (500, "bug", Code.CLOUD_BUSY, True),
    ],
)
def test_every_refusal_keeps_its_meaning(
    cloud: ScriptedCloud, enrolled, status, code, expected, retryable
):
    cloud.refuse(status, code)
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert (trouble.code, trouble.retryable, trouble.facts["status"]) == (
        expected,
        retryable,
        status,
    )


@pytest.mark.parametrize("problem", ["gap", "fork"])
def test_a_gap_or_fork_comes_with_the_clouds_mark(cloud: ScriptedCloud, enrolled, problem):
    cloud.refuse(409, problem)
    push = PushRequest(epoch="e", prev_hash="", records=[], head_sig=b"")
    facts = trouble_of(lambda: CloudSync(enrolled).push(push)).facts
    assert (facts["problem"], facts["hwm"], facts["hwm_hash"]) == (problem, 7, "ab" * 32)


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [("120", 120), ("", 5), ("Wed, 21 Oct 2026 07:28:00 GMT", 5), ("-1", 5), ("9" * 5_000, 5)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_cloud_says_how_long_to_stay_away(
    cloud: ScriptedCloud, enrolled, status, header, wait_s
):
    cloud.refuse(status, "busy", Retry_After=header)
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert (trouble.code, trouble.retryable) == (Code.CLOUD_BUSY, True)
    assert trouble.facts["retry_after_s"] == wait_s


def test_a_refusal_without_words_is_still_a_refusal(cloud: ScriptedCloud, enrolled):
    cloud.script = [Reply(418, b"\xff")]
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert (trouble.code, trouble.facts["problem"]) == (Code.CLOUD_REFUSED, "")


# --- tokens ---------------------------------------------------------------------------------------


def test_one_token_serves_many_questions(cloud: ScriptedCloud, enrolled, clock: FakeClock):
    for _ in range(3):
        cloud.say(PULLED)
        CloudSync(enrolled).pull("stock", "", 10)
    assert cloud.tokens == 1
    assert {asked.headers["Authorization"] for asked in cloud.asked} == {"Bearer token-1"}
    clock.advance(571)
    cloud.say(PULLED)
    CloudSync(enrolled).pull("stock", "", 10)
    assert cloud.tokens == 2


@pytest.mark.fault(21, "nothing: the token is renewed on the way")
def test_a_refused_token_is_renewed_exactly_once(cloud: ScriptedCloud, enrolled):
    cloud.refuse(401, "token_expired")
    cloud.say(PULLED)
    assert CloudSync(enrolled).pull("stock", "", 10) == PULLED
    assert cloud.tokens == 2
    cloud.refuse(401, "token_invalid")
    cloud.refuse(401, "token_invalid")
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert (trouble.code, trouble.retryable) == (Code.CLOUD_REFUSED, True)
    assert cloud.tokens == 3
    assert cloud.script == []


@pytest.mark.fault(10, "nothing: the cloud tells the time and the till asks again")
def test_a_till_whose_clock_is_years_off_is_told_the_time_and_asks_again(
    cloud: ScriptedCloud, enrolled, clock: FakeClock
):
    stale = Problem(code="token_expired", server_ms=NOON + 10**11)
    cloud.token_replies = [Reply(401, msgspec.json.encode(stale))]
    cloud.say(PULLED)
    assert CloudSync(enrolled).pull("stock", "", 10) == PULLED
    assert (cloud.tokens, clock.anchors) == (2, [NOON + 10**11])


def test_a_cloud_that_never_likes_our_clock_is_asked_twice(
    cloud: ScriptedCloud, enrolled, clock: FakeClock
):
    stale = Problem(code="token_expired", server_ms=NOON)
    cloud.token_replies = [Reply(401, msgspec.json.encode(stale))] * 2
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert (trouble.facts["problem"], cloud.tokens) == ("token_expired", 2)


def test_threads_refused_together_fetch_one_token(cloud: ScriptedCloud, enrolled):
    cloud.say(PULLED)
    CloudSync(enrolled).pull("stock", "", 10)
    assert enrolled._renew("token-1") == enrolled._renew("token-1") == "token-2"


def test_a_device_the_cloud_does_not_know_is_told_so(cloud: ScriptedCloud, enrolled):
    body = b'{"code":"device_not_enrolled"}'
    cloud.token_replies = [Reply(403, body)]
    trouble = trouble_of(lambda: CloudSync(enrolled).pull("stock", "", 10))
    assert trouble.code is Code.DEVICE_NOT_ENROLLED
    assert cloud.asked == []


# --- adapters -------------------------------------------------------------------------------------


def test_pushes_travel_compressed(cloud: ScriptedCloud, enrolled):
    cloud.say(PUSHED)
    push = PushRequest(epoch="e", prev_hash="00" * 32, records=[], head_sig=b"s")
    assert CloudSync(enrolled).push(push) == PUSHED
    asked = cloud.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1/sync/push")
    assert asked.headers["Content-Encoding"] == "zstd"
    plain = zstandard.decompress(asked.body)
    assert msgspec.json.decode(plain, type=PushRequest) == push


def test_every_question_goes_where_the_protocol_says(cloud: ScriptedCloud, enrolled):
    sync, payments = CloudSync(enrolled), CloudPayments(enrolled)
    cloud.say(MembersPushAnswer(verdicts=[]))
    sync.push_members([])
    cloud.say(MembersPage(rows=[], cursor="", more=False, server_ms=1))
    sync.pull_members("a/b", 10)
    cloud.say(PULLED)
    sync.pull("stock", "", 10)
    for ask in (
        lambda: payments.create(PaymentIntent(token="t", order=b"{}")),
        lambda: payments.query("a1"),
        lambda: payments.cancel("../a1"),
    ):
        cloud.say(VIEW)
        assert ask() == VIEW
    assert [(asked.method, asked.path) for asked in cloud.asked] == [
        ("POST", "/v1/members/push"),
        ("GET", "/v1/members/pull?cursor=a%2Fb&limit=10"),
        ("GET", "/v1/sync/pull?stream=stock&cursor=&limit=10"),
        ("POST", "/v1/payments"),
        ("GET", "/v1/payments/a1"),
        ("POST", "/v1/payments/..%2Fa1/cancel"),
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, Code.ORDER_PAID), (409, Code.PAYMENT_ALREADY_OPEN), (404, Code.PAYMENT_UNKNOWN)],
)
def test_a_rule_of_the_shop_comes_back_as_one(cloud: ScriptedCloud, enrolled, status, code):
    cloud.refuse(status, code.value)
    with pytest.raises(RuleBroken) as caught:
        CloudPayments(enrolled).query("a1")
    assert caught.value.code is code
