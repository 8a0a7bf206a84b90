"""Paying by phone while the shop is offline, as the guide sees it: a code at once, a proof scanned or
typed, and every refusal said in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.payment import Anomaly, State
from app.errors import Code
from app.ports import Attempt
from app.wire.messages import PublicKey
from app.wire.proofs import spoken_code
from app.wire.tokens import is_portable, read_order_token
from tests.qml.counterdesk import CounterDesk, open_counter
from tests.unit.services.offline import CLOUD, KID, proof_of


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    """A counter whose line is down, with the cloud's key on board."""
    opened = open_counter(furnished, tmp_path / "till")
    opened.root.welcome(opened.guide)
    opened.checkout.begin(opened.guide)
    key = PublicKey(kid=KID, key=CLOUD.public_key().public_bytes_raw())
    opened.till.store.run(lambda uow: uow.pin_cloud("t", [key])).result()
    cut(opened)
    yield opened
    opened.close()


def cut(desk: CounterDesk) -> None:
    desk.weather.reachable, desk.gateway.lose_requests = False, 10**6


@pytest.fixture
def pay(desk: CounterDesk, qtbot) -> Any:
    """A code on the screen, made offline."""
    for line in desk.cart(0, 3).cart.lines:
        desk.checkout.addSku(line.sku.sku_id)
    desk.root.startPay()
    shown: Any = desk.counter.pay
    assert shown.isCash
    shown.usePhone()
    settle(qtbot, desk)
    assert shown.phone.phase == "offline"
    return shown


def settle(qtbot, desk: CounterDesk) -> None:
    pay: Any = desk.counter.pay
    qtbot.waitUntil(lambda: not (pay.phone.busy or pay.cash.busy or pay.proof.busy))
    QGuiApplication.processEvents()


def attempt(desk: CounterDesk) -> Attempt:
    (found,) = desk.till.store.reader.open_attempts()
    return found


def code_of(desk: CounterDesk) -> str:
    one = attempt(desk)
    secret = desk.till.store.run(lambda uow: uow.device_secret()).result()
    nonce = read_order_token(one.token).claims.nonce
    return spoken_code(secret, one.attempt_id, nonce, one.last.amount)


def key_in(pay: Any, digits: str) -> None:
    for digit in digits:
        pay.proof.key(digit)


def test_offline_the_phone_is_offered_and_cash_comes_first(desk, pay):
    assert pay.phoneHint == "离线也能付，凭证给您看"
    assert pay.phone.status == "门店离线，顾客仍可扫码付款"
    assert pay.phone.showsQr
    assert pay.phone.canProve
    assert (pay.canSetAside, pay.canLeave, pay.cashEnabled, pay.canNewQr) == (True, *[False] * 3)
    assert is_portable(attempt(desk).token)
    assert desk.gateway.calls == []


def test_a_scanned_proof_is_the_payment(desk, pay, qtbot):
    text = proof_of(attempt(desk)).sign(KID, CLOUD)
    with qtbot.waitSignal(pay.phone.paid) as paid:
        pay.prove(text)
    sale = paid.args[0]
    assert pay.isPaid
    last = desk.till.store.run(lambda uow: uow.attempt(sale.tenders[0].attempt_id)).result().last
    assert (last.after.state, last.after.anomalies) == (State.CONFIRMED, {Anomaly.PROVED})
    assert last.actor == desk.guide.person_id


def test_a_refused_proof_says_why_and_the_code_stays(desk, pay, qtbot):
    told: list[tuple[str, str]] = []
    pay.notice.connect(lambda kind, text: told.append((kind, text)))
    pay.prove(proof_of(attempt(desk), amount=1).sign(KID, CLOUD))
    settle(qtbot, desk)
    assert told == [("problem", desk.words.code(Code.PROOF_OTHER_AMOUNT))]
    assert pay.proof.problem == "凭证的金额与本单不符"
    assert pay.phone.phase == "offline"
    assert not pay.isPaid


def test_the_spoken_code_is_typed_in_two_halves_and_makes_the_sale(desk, pay, qtbot):
    code = code_of(desk)
    pay.proof.type()
    key_in(pay, code[:5])
    assert pay.proof.typed == f"{code[:4]} {code[4]}···"
    assert not pay.proof.canCheck
    key_in(pay, code[5:] + "9")
    with qtbot.waitSignal(pay.phone.paid):
        pay.confirm()
    assert not pay.proof.isTyping


def test_wrong_codes_count_down_and_then_lock(desk, pay, qtbot):
    wrong = f"{(int(code_of(desk)) + 1) % 10**8:08d}"
    pay.proof.type()
    seen = []
    for _ in range(3):
        key_in(pay, wrong)
        pay.proof.check()
        settle(qtbot, desk)
        seen.append((pay.proof.problem, pay.proof.triesLeft))
    assert [left for _, left in seen] == ["还可以试 2 次", "还可以试 1 次", "还可以试 0 次"]
    assert "口令错了 3 次" in seen[-1][0]
    key_in(pay, wrong)
    assert not pay.proof.canCheck
    pay.escape()
    assert not pay.proof.isTyping
    assert pay.phone.phase == "offline"


def test_after_setting_aside_the_proof_still_finds_its_order(desk, pay, qtbot):
    text = proof_of(attempt(desk)).sign(KID, CLOUD)
    pay.setAside()
    told: list[str] = []
    pay.notice.connect(lambda kind, words: told.append(words))
    with qtbot.waitSignal(pay.soldElsewhere):
        pay.prove(text)
    assert "另一单已付" in told[0]


def test_when_the_line_is_back_the_cloud_answers_for_the_same_code(desk, pay, qtbot):
    one = attempt(desk)
    desk.gateway.lose_requests = 0
    desk.counter.hear(desk.payments.refresh(one.attempt_id).result())
    qtbot.waitUntil(lambda: pay.phone.phase == "waiting")
    desk.gateway.pay(one.attempt_id)
    with qtbot.waitSignal(pay.phone.paid):
        desk.hear()


def test_a_line_that_breaks_while_a_code_is_asked_for_leads_to_one_that_needs_no_line(desk, qtbot):
    desk.weather.reachable = True
    desk.counter.pay.open(desk.cart(1), desk.guide)
    pay: Any = desk.counter.pay
    qtbot.waitUntil(lambda: pay.phone.phase == "not_started")
    pay.usePhone()
    settle(qtbot, desk)
    assert pay.phone.phase == "offline"


def test_the_camera_is_offered_where_the_till_has_one(desk, pay):
    opened: list[bool] = []
    assert not pay.proof.hasCamera
    desk.counter.pay.join_camera(True, lambda: opened.append(True))
    pay.proof.look()
    assert (pay.proof.hasCamera, opened) == (True, [True])
