"""The payment screen says exactly what is known and lets nobody take money twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.payment import State
from tests.qml.counterdesk import CounterDesk, open_counter


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    opened.root.welcome(opened.guide)
    opened.checkout.begin(opened.guide)
    yield opened
    opened.close()


@pytest.fixture
def pay(desk: CounterDesk, qtbot) -> Any:
    """A payment whose QR is shown."""
    begin(desk)
    settle(qtbot, desk)
    shown: Any = desk.counter.pay
    assert shown.phone.phase == "waiting"
    return shown


def begin(desk: CounterDesk) -> None:
    """Fill the cart on the screen and tap Pay."""
    for line in desk.cart(0, 3).cart.lines:
        desk.checkout.addSku(line.sku.sku_id)
    desk.root.startPay()


def settle(qtbot, desk: CounterDesk) -> None:
    """Let every queued answer arrive; the store's thread answers within moments."""
    pay: Any = desk.counter.pay
    qtbot.waitUntil(lambda: not pay.phone.busy and not pay.cash.busy)
    QGuiApplication.processEvents()


def test_tapping_pay_shows_a_qr_that_holds_the_attempts_address(desk, pay):
    assert pay.phone.showsQr
    assert pay.phone.qrUrl.startswith("image://qr/")
    assert pay.phone.status == "等待付款"
    assert pay.phone.timeLeft.startswith("剩余")
    assert desk.root.sheet == "pay"
    assert not desk.checkout.canPay
    assert pay.lines.rowCount() == 2


def test_while_the_order_travels_nothing_can_be_pressed(desk, qtbot):
    desk.pool.holding = True
    begin(desk)
    pay = desk.counter.pay
    assert pay.phone.phase == "preparing"
    assert not any((pay.canLeave, pay.cashEnabled, pay.canNewQr, pay.phone.canStop))
    pay.escape()
    pay.usePhone()
    pay.useCash()
    assert pay.phone.phase == "preparing"
    desk.pool.release()
    settle(qtbot, desk)
    assert pay.phone.phase == "waiting"
    assert len(desk.gateway.attempt_ids) == 1


def test_a_look_at_the_order_is_told(desk, pay, qtbot):
    desk.gateway.look(desk.attempt_id)
    desk.hear()
    settle(qtbot, desk)
    assert (pay.phone.status, pay.phone.tone) == ("顾客正在看订单", "look")


def test_paid_is_told_with_its_time_and_leads_to_the_receipt(desk, pay, qtbot):
    desk.clock.advance(31)
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    qtbot.waitUntil(lambda: pay.isPaid)
    assert pay.paidLine == "已付 17:00:31"
    assert not pay.canLeave
    with qtbot.waitSignal(pay.settled) as settled:
        pay.confirm()
    sale = settled.args[0]
    assert sale.total == sale.tenders[0].amount
    assert desk.root.sheet == "done"
    assert desk.checkout.isEmpty


def test_paid_by_itself_goes_on_to_the_receipt(desk, pay, qtbot):
    desk.gateway.pay(desk.attempt_id)
    pay._linger.setInterval(1)
    with qtbot.waitSignal(pay.settled):
        desk.hear()
    assert desk.root.sheet == "done"


def test_the_same_news_twice_settles_once(desk, pay, qtbot):
    sales: list[object] = []
    pay.settled.connect(sales.append)
    desk.gateway.pay(desk.attempt_id)
    news = desk.hear()
    desk.counter.hear(news)
    qtbot.waitUntil(lambda: pay.isPaid)
    pay.next()
    pay.next()
    desk.counter.hear(news)
    QGuiApplication.processEvents()
    assert len(sales) == 1


def test_silence_is_told_as_not_known_and_asks_again(desk, pay, qtbot):
    desk.gateway.lose_requests = 1
    desk.hear()
    settle(qtbot, desk)
    assert pay.phone.status == "还不知道，3 秒后再问"
    assert (pay.canLeave, pay.cashEnabled, pay.canSetAside) == (False, False, True)
    pay.phone.tick()
    assert pay.phone.status == "还不知道，2 秒后再问"
    asked = len(desk.gateway.calls)
    pay.phone.tick()
    pay.phone.tick()
    settle(qtbot, desk)
    assert len(desk.gateway.calls) == asked + 1
    assert pay.phone.phase == "waiting"


def test_asking_now_asks_at_once(desk, pay, qtbot):
    desk.gateway.lose_requests = 1
    desk.hear()
    settle(qtbot, desk)
    desk.gateway.pay(desk.attempt_id)
    pay.confirm()
    qtbot.waitUntil(lambda: pay.isPaid)


def test_stopping_asks_the_cloud_and_frees_only_after_closed(desk, pay, qtbot):
    desk.pool.holding = True
    pay.stop()
    assert pay.phone.status == "正在关闭，先别收别的款"
    assert not any((pay.canLeave, pay.cashEnabled, pay.canNewQr))
    desk.pool.release()
    settle(qtbot, desk)
    assert pay.phone.phase == "cancelled"
    assert pay.canLeave
    assert pay.canNewQr
    assert ("cancel", desk.attempt_id) in desk.gateway.calls


def test_a_stop_that_comes_too_late_ends_as_paid(desk, pay, qtbot):
    desk.gateway.pay(desk.attempt_id)
    pay.stop()
    qtbot.waitUntil(lambda: pay.isPaid)


def test_a_stop_nobody_hears_keeps_asking_to_close(desk, pay, qtbot):
    desk.gateway.lose_requests = 1
    pay.stop()
    settle(qtbot, desk)
    assert pay.phone.status == "还没关上，3 秒后再问"
    for _ in range(3):
        pay.phone.tick()
    settle(qtbot, desk)
    assert pay.phone.phase == "cancelled"


def test_escape_closes_the_qr_before_it_goes_back_to_the_cart(desk, pay, qtbot):
    with qtbot.waitSignal(pay.left):
        pay.escape()
    assert ("cancel", desk.attempt_id) in desk.gateway.calls
    assert desk.root.sheet == ""
    assert desk.checkout.canPay


def test_changing_to_cash_closes_the_qr_first(desk, pay, qtbot):
    pay.useCash()
    assert not pay.isCash
    qtbot.waitUntil(lambda: pay.isCash)
    assert ("cancel", desk.attempt_id) in desk.gateway.calls


def test_changing_to_cash_when_already_paid_ends_as_paid(desk, pay, qtbot):
    desk.gateway.pay(desk.attempt_id)
    pay.useCash()
    qtbot.waitUntil(lambda: pay.isPaid)
    assert not pay.isCash


def test_a_declined_payment_offers_a_new_qr(desk, pay, qtbot):
    desk.gateway.decline(desk.attempt_id)
    desk.hear()
    settle(qtbot, desk)
    assert (pay.phone.phase, pay.phone.tone) == ("failed", "bad")
    pay.confirm()
    settle(qtbot, desk)
    assert pay.phone.phase == "waiting"
    assert len(desk.gateway.attempt_ids) == 2


def test_when_the_time_is_up_the_cloud_is_asked_before_anything_is_said(desk, pay, qtbot):
    desk.clock.advance(3_600)
    desk.pool.holding = True
    pay.phone.tick()
    assert pay.phone.status == "时间到，正在问云端付了没有"
    assert not pay.phone.showsQr
    desk.pool.release()
    settle(qtbot, desk)
    assert pay.phone.phase == "expired"


def test_late_money_is_told_and_can_become_the_sale(desk, pay, qtbot):
    pay.stop()
    settle(qtbot, desk)
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    qtbot.waitUntil(lambda: pay.phone.phase == "late")
    assert pay.phone.status.startswith("迟到款 ¥")
    assert not pay.isPaid
    assert not pay.cashEnabled
    pay.phone.deliver()
    qtbot.waitUntil(lambda: pay.isPaid)


def test_partial_money_is_told_to_the_fen_and_is_no_sale(desk, pay, qtbot):
    desk.gateway.pay(desk.attempt_id, 1_000)
    desk.hear()
    qtbot.waitUntil(lambda: pay.phone.phase == "partial")
    assert pay.phone.status.startswith("只收到 ¥10.00，还差 ¥")
    assert not any((pay.isPaid, pay.canLeave, pay.cashEnabled))


def test_partial_money_can_be_stopped_and_is_never_called_unpaid(desk, pay, qtbot):
    desk.gateway.pay(desk.attempt_id, 1_000)
    desk.hear()
    qtbot.waitUntil(lambda: pay.phone.phase == "partial")
    pay.phone.stop()
    settle(qtbot, desk)
    assert pay.phone.phase == "closed_short"
    assert pay.phone.status == "已关闭，收到的 ¥10.00 待退"
    assert all((pay.canLeave, pay.cashEnabled))
    assert not pay.isPaid


def test_too_much_money_is_paid_and_the_extra_is_told(desk, pay, qtbot):
    desk.gateway.pay(desk.attempt_id, 99_999_999)
    desk.hear()
    qtbot.waitUntil(lambda: pay.isPaid)
    assert pay.paidHint.startswith("多付的钱")


def test_a_cloud_that_cannot_be_reached_makes_no_qr_and_nobody_can_pay(desk, qtbot):
    desk.gateway.lose_requests = 1
    begin(desk)
    settle(qtbot, desk)
    pay = desk.counter.pay
    assert pay.phone.phase == "not_started"
    assert "连不上云端" in pay.phone.hint
    assert pay.canLeave
    assert pay.mainIsCash
    pay.confirm()
    assert pay.isCash


def test_offline_it_begins_with_cash_and_says_why(desk, qtbot):
    desk.weather.reachable = False
    begin(desk)
    pay = desk.counter.pay
    assert pay.isCash
    assert pay.phoneEnabled
    assert pay.phoneHint == "离线也能付，凭证给您看"
    assert desk.gateway.calls == []


def test_set_aside_frees_the_till_and_the_payment_still_becomes_a_sale(desk, pay, qtbot):
    desk.gateway.lose_requests = 1
    desk.hear()
    settle(qtbot, desk)
    pay.setAside()
    assert desk.root.sheet == ""
    assert desk.checkout.isEmpty
    told: list[tuple[str, str]] = []
    pay.notice.connect(lambda kind, text: told.append((kind, text)))
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    qtbot.waitUntil(lambda: bool(told))
    assert told[0][0] == "info"
    assert told[0][1].startswith("另一单已付")
    assert desk.till.store.reader.documents()


def test_late_money_for_another_order_is_never_passed_over_in_silence(desk, pay, qtbot):
    pay.stop()
    settle(qtbot, desk)
    pay.leave()
    told: list[tuple[str, str]] = []
    pay.notice.connect(lambda kind, text: told.append((kind, text)))
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    qtbot.waitUntil(lambda: bool(told))
    assert told[0][0] == "problem"


def test_cash_tells_change_and_records_once(desk, qtbot):
    desk.weather.reachable = False
    begin(desk)
    pay, cash = desk.counter.pay, desk.counter.pay.cash
    assert not cash.canTake
    for figure in "99999":
        cash.key(figure)
    due = desk.checkout.priced.total
    assert cash.change == desk.words.amount(9_999_900 - due)
    assert cash.canTake
    pay.confirm()
    cash.take()
    qtbot.waitUntil(lambda: pay.isPaid)
    assert pay.paidHint.startswith("找零")
    assert len(desk.till.store.reader.documents()) == 1


def test_too_little_cash_is_told_and_cannot_be_taken(desk, qtbot):
    desk.weather.reachable = False
    begin(desk)
    cash = desk.counter.pay.cash
    cash.key("1")
    assert cash.isShort
    assert not cash.canTake
    cash.take()
    assert not cash.busy
    cash.erase()
    assert cash.isEmpty


def test_a_tap_on_a_likely_note_keys_it_in(desk, qtbot):
    desk.weather.reachable = False
    begin(desk)
    cash = desk.counter.pay.cash
    exact = cash.notes.keys[0]
    cash.hand(exact)
    assert cash.canTake
    assert cash.change == "¥0.00"
    cash.hand("nonsense")
    cash.hand("5")
    assert cash.change == "¥0.00"


def test_a_switch_of_language_is_followed_at_once(desk, pay):
    desk.words.speak("en")
    assert pay.phone.status == "Waiting for payment"
    assert pay.units == "2 pieces"


def test_leaving_never_leaves_an_open_attempt_behind(desk, pay, qtbot):
    pay.leave()
    assert desk.root.sheet == "pay"
    with qtbot.waitSignal(pay.left):
        pay.escape()
    states = {a.last.after.state for a in desk.till.store.reader.open_attempts()}
    assert states <= {State.CANCELLED}
