"""We scan them, as the guide sees it: a scan collects once, doubt is said, and nobody pays twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.payment import Anomaly, State, Way
from app.domain.payment_code import payment_code
from app.services.scan_router import ScanKind, Scanned
from app.wire.messages import OwnCode
from app.wire.tokens import read_order_token
from tests.qml.counterdesk import CounterDesk, open_counter
from ui.viewmodels.phonepay import PASSWORD_S

ALIPAY, WECHAT, UNIONPAY = "28982105115796236", "13006109882800940", "621234567890123456"
"""Codes without their last digit, which says what comes of them."""


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    opened.root.welcome(opened.guide)
    opened.checkout.begin(opened.guide)
    opened.gateway.shows = [
        OwnCode(provider="wechat", wallet="wechat"),
        OwnCode(provider="bank", by_hand=True),
    ]
    yield opened
    opened.close()


@pytest.fixture
def pay(desk: CounterDesk, qtbot) -> Any:
    """A payment whose QR is shown."""
    return showing(desk, qtbot)


def showing(desk: CounterDesk, qtbot) -> Any:
    begin(desk)
    settle(qtbot, desk)
    shown: Any = desk.counter.pay
    assert shown.phone.phase == "waiting"
    return shown


def begin(desk: CounterDesk) -> None:
    for line in desk.cart(0, 3).cart.lines:
        desk.checkout.addSku(line.sku.sku_id)
    desk.root.startPay()


def settle(qtbot, desk: CounterDesk) -> None:
    """Let every queued answer arrive."""
    pay: Any = desk.counter.pay
    qtbot.waitUntil(lambda: not (pay.phone.busy or pay.cash.busy or pay.wallet.busy))
    for _ in range(3):
        QGuiApplication.processEvents()


def scan(desk: CounterDesk, ending: str, begins: str = ALIPAY) -> None:
    text = begins + ending
    desk.counter.pay.scanned(Scanned(ScanKind.PAYMENT_CODE, text, payment_code(text)))


# --- collecting -----------------------------------------------------------------------------------


def test_a_scan_of_the_customers_code_is_the_payment(desk, pay, qtbot):
    assert pay.wallet.canScan
    with qtbot.waitSignal(pay.phone.paid) as paid:
        scan(desk, "0")
    assert pay.isPaid
    assert paid.args[0].tenders[0].attempt_id == desk.attempt_id
    assert desk.gateway.collected == [desk.attempt_id]


def test_while_a_code_is_on_its_way_nothing_can_be_pressed_and_a_second_scan_is_told_so(
    desk, pay, qtbot
):
    desk.pool.holding = True
    scan(desk, "0")
    assert (pay.phone.phase, pay.phone.showsQr) == ("collecting", False)
    assert not any((pay.canLeave, pay.cashEnabled, pay.canNewQr, pay.phone.canStop))
    told: list[str] = []
    pay.notice.connect(lambda kind, text: told.append(text))
    scan(desk, "0", WECHAT)
    assert "不会重复扣款" in told[0]
    desk.pool.release()
    qtbot.waitUntil(lambda: pay.isPaid)
    assert desk.gateway.collected == [desk.attempt_id]


def test_a_password_is_waited_for_with_the_time_it_takes_and_asked_about(desk, pay, qtbot):
    desk.clock.advance(40)
    scan(desk, "2")
    settle(qtbot, desk)
    assert pay.phone.status == "等顾客在手机上输入密码"
    assert not pay.phone.showsQr
    desk.clock.advance(12)
    pay.phone.tick()
    assert pay.phone.elapsed.startswith("已过 0:12")
    scan(desk, "0")
    assert desk.gateway.collected == [desk.attempt_id]
    desk.gateway.pay(desk.attempt_id)
    for _ in range(3):
        pay.phone.tick()
    qtbot.waitUntil(lambda: pay.isPaid)


def test_a_password_nobody_types_is_given_up_and_another_way_is_free(desk, pay, qtbot):
    scan(desk, "2")
    settle(qtbot, desk)
    desk.clock.advance(PASSWORD_S)
    pay.phone.tick()
    settle(qtbot, desk)
    assert ("cancel", desk.attempt_id) in desk.gateway.calls
    assert pay.phone.phase == "cancelled"
    assert desk.root.sheet == "pay"
    assert pay.canNewQr
    assert pay.cashEnabled


def test_who_types_the_password_at_the_last_moment_has_paid(desk, pay, qtbot):
    scan(desk, "2")
    settle(qtbot, desk)
    desk.gateway.pay(desk.attempt_id)
    desk.clock.advance(PASSWORD_S)
    pay.phone.tick()
    qtbot.waitUntil(lambda: pay.isPaid)


def test_a_declined_code_says_so_and_the_next_scan_begins_anew(desk, pay, qtbot):
    scan(desk, "1")
    settle(qtbot, desk)
    first = desk.attempt_id
    assert pay.phone.phase == "failed"
    scan(desk, "0", WECHAT)
    qtbot.waitUntil(lambda: pay.isPaid)
    assert desk.gateway.collected == [first, desk.attempt_id]
    assert first != desk.attempt_id


def test_the_next_scan_counts_though_the_answer_about_the_declined_code_is_still_out(
    desk, pay, qtbot
):
    """The cloud's hint tells of a decline before the collecting call has its own answer."""
    declined = desk.attempt_id
    desk.pool.holding = True
    scan(desk, "1")
    desk.gateway.decline(declined)
    desk.pool.holding = False
    desk.hear()
    qtbot.waitUntil(lambda: pay.phone.phase == "failed")
    with qtbot.waitSignal(pay.phone.paid) as paid:
        scan(desk, "0")
        desk.pool.release()
    assert paid.args[0].tenders[0].attempt_id == desk.attempt_id != declined
    settle(qtbot, desk)
    assert pay.isPaid


def test_a_code_scanned_while_the_order_travels_is_sent_after_it(desk, qtbot):
    desk.pool.holding = True
    begin(desk)
    scan(desk, "0")
    assert desk.gateway.collected == []
    desk.pool.release()
    qtbot.waitUntil(lambda: desk.counter.pay.isPaid)
    assert desk.gateway.collected == [desk.attempt_id]


def test_a_code_scanned_over_cash_begins_a_payment_and_leaves_no_digits(desk, pay, qtbot):
    pay.useCash()
    qtbot.waitUntil(lambda: pay.isCash)
    for digit in ALIPAY[:6]:
        pay.cash.key(digit)
    scan(desk, "0")
    qtbot.waitUntil(lambda: pay.isPaid)
    assert pay.cash.isEmpty
    assert len(desk.till.store.reader.documents(limit=9)) == 1


# --- doubt ----------------------------------------------------------------------------------------


def test_doubt_about_a_code_shows_no_qr_and_tells_when_it_asked_and_will_ask(desk, pay, qtbot):
    scan(desk, "4")
    settle(qtbot, desk)
    assert pay.phone.status == "还不知道扣款成了没有，3 秒后再问"
    assert "上次问 17:00:00" in pay.phone.elapsed
    assert not pay.phone.showsQr
    assert (pay.phone.canAsk, pay.phone.canStop, pay.canSetAside) == (True, True, True)
    assert not any((pay.canLeave, pay.cashEnabled, pay.canNewQr, pay.wallet.canScan))
    desk.gateway.pay(desk.attempt_id)
    pay.phone.ask()
    qtbot.waitUntil(lambda: pay.isPaid)


def test_a_line_that_breaks_in_the_middle_is_doubt_and_not_failure(desk, pay, qtbot):
    desk.gateway.lose_answers = 0
    original = desk.gateway.collect

    def lost(attempt_id, code):
        desk.gateway.lose_answers = 1
        return original(attempt_id, code)

    desk.gateway.collect = lost
    scan(desk, "0")
    settle(qtbot, desk)
    assert pay.phone.phase == "code_unknown"
    for _ in range(3):
        pay.phone.tick()
    qtbot.waitUntil(lambda: pay.isPaid)
    assert desk.gateway.collected == [desk.attempt_id]


def test_a_password_without_a_line_is_doubt_about_the_code(desk, pay, qtbot):
    scan(desk, "2")
    settle(qtbot, desk)
    desk.gateway.lose_requests = 1
    for _ in range(3):
        pay.phone.tick()
    settle(qtbot, desk)
    assert pay.phone.phase == "code_unknown"


def test_a_till_that_was_restarted_while_collecting_goes_on_with_the_doubt(desk, pay, qtbot):
    priced, attempt_id = desk.counter.pay._priced, desk.attempt_id
    original = desk.gateway.collect
    desk.gateway.collect = lambda *_: (_ for _ in ()).throw(SystemExit)
    try:
        scan(desk, "0")
    except SystemExit:
        pass
    finally:
        desk.gateway.collect = original
    desk.gateway.lose_requests = 1
    desk.counter.pay.resume(priced, desk.guide, attempt_id)
    settle(qtbot, desk)
    assert pay.phone.phase == "code_unknown"


# --- what cannot be -------------------------------------------------------------------------------


def test_a_wallet_without_an_account_is_named_and_the_qr_stays(desk, qtbot):
    desk.gateway.collects = ["wechat"]
    pay = showing(desk, qtbot)
    scan(desk, "", UNIONPAY + "7")
    settle(qtbot, desk)
    assert pay.wallet.problem.startswith("本店没有开通云闪付收款，没有扣款")
    assert pay.phone.showsQr
    assert desk.gateway.collected == []


def test_offline_a_code_is_not_collected_and_the_tills_own_qr_is_offered(desk, pay, qtbot):
    desk.weather.reachable = False
    scan(desk, "0")
    assert pay.wallet.problem.startswith("门店离线，扫顾客的付款码要联网")
    assert pay.phone.phase == "waiting"
    assert ("collect", desk.attempt_id) not in desk.gateway.calls


def test_a_line_that_is_down_unnoticed_takes_nothing_and_doubts_nothing(desk, pay, qtbot):
    desk.gateway.lose_requests = 1
    scan(desk, "0")
    settle(qtbot, desk)
    assert pay.wallet.problem.startswith("连不上云端，没有扣款")
    assert pay.phone.phase == "waiting"


def test_who_has_begun_on_the_phone_is_asked_to_finish_there(desk, qtbot):
    desk.gateway.collects = ["alipay"]
    pay = showing(desk, qtbot)
    desk.gateway.begin(desk.attempt_id, "alipay", Way.PAGE)
    scan(desk, "0")
    settle(qtbot, desk)
    assert "已在自己手机上开始付款" in pay.wallet.problem
    assert pay.phone.showsQr


def test_other_codes_do_nothing_while_paying(desk, pay, qtbot):
    desk.counter.pay.scanned(Scanned(ScanKind.GOODS, "4006381333931"))
    assert (pay.phone.phase, pay.wallet.problem) == ("waiting", "")


# --- providers' own codes -------------------------------------------------------------------------


def test_a_providers_own_qr_takes_the_place_of_ours_and_can_be_changed_back(desk, pay, qtbot):
    ours = pay.phone.qrUrl
    titles = [row["title"] for row in pay.wallet.codes.rows]
    assert (pay.wallet.hasChoice, titles) == (True, ["整单码", "微信", "bank"])
    pay.wallet.choose("wechat")
    settle(qtbot, desk)
    assert pay.phone.phase == "own_qr"
    assert pay.phone.showsQr
    assert pay.phone.qrUrl not in ("", ours)
    pay.wallet.choose("")
    assert (pay.phone.phase, pay.phone.qrUrl) == ("waiting", ours)
    assert read_order_token(pay.phone._news.attempt.token)


def test_money_for_a_providers_own_qr_is_paid(desk, pay, qtbot):
    pay.wallet.choose("wechat")
    settle(qtbot, desk)
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    qtbot.waitUntil(lambda: pay.isPaid)


def test_a_qr_that_cannot_be_had_leaves_ours(desk, pay, qtbot):
    desk.gateway.shows = []
    pay.wallet.choose("wechat")
    settle(qtbot, desk)
    assert pay.wallet.problem
    assert (pay.phone.phase, pay.phone.showsQr) == ("waiting", True)


def test_a_guide_cannot_say_that_a_banks_money_has_come(desk, pay, qtbot):
    pay.wallet.choose("bank")
    settle(qtbot, desk)
    assert pay.phone.phase == "own_by_hand"
    assert not pay.wallet.canVouch
    pay.wallet.vouch()
    pay.wallet.vouch()
    settle(qtbot, desk)
    assert not pay.isPaid


def test_a_manager_confirms_by_pressing_twice_and_it_stays_marked(desk, qtbot):
    pay: Any = desk.counter.pay
    desk.counter.pay.open(desk.cart(0, 3), desk.manager)
    qtbot.waitUntil(lambda: pay.wallet.hasChoice)
    pay.wallet.choose("bank")
    settle(qtbot, desk)
    pay.wallet.vouch()
    assert pay.wallet.isSure
    assert "再按一次，确认到账 ¥" in pay.wallet.vouchText
    pay.wallet.vouch()  # a double tap is one press
    settle(qtbot, desk)
    assert not pay.isPaid
    desk.clock.advance(1)
    pay.wallet.vouch()
    qtbot.waitUntil(lambda: pay.isPaid)
    attempt_id = desk.attempt_id
    last = desk.till.store.run(lambda uow: uow.attempt(attempt_id)).result().last
    assert (last.after.state, last.after.anomalies) == (State.CONFIRMED, {Anomaly.BY_HAND})
    assert last.actor == desk.manager.person_id
