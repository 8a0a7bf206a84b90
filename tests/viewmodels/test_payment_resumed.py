"""A payment outlives its screen: after a restart, a parked cart, or money that came behind our back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from tests.qml.counterdesk import CounterDesk, open_counter
from tests.viewmodels.test_payment_screen import begin, settle


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


def test_a_qr_of_this_cart_that_survived_a_restart_is_gone_on_with(desk, pay, qtbot):
    priced = desk.checkout.priced
    pay.phone.rest()
    pay.open(priced, desk.guide)
    qtbot.waitUntil(lambda: pay.phone.phase == "waiting")
    assert pay.phone.showsQr
    assert len(desk.gateway.attempt_ids) == 1


def test_a_kept_cart_whose_qr_may_still_be_paid_comes_back_as_its_payment(desk, pay, qtbot):
    pay.phone.rest()
    desk.root.signOut()
    desk.checkout.freeze(False)
    desk.root.welcome(desk.guide)
    desk.checkout.begin(desk.guide)
    assert desk.root.sheet == "pay"
    qtbot.waitUntil(lambda: pay.phone.phase == "waiting")
    assert pay.phone.showsQr
    assert not desk.checkout.canPay


def test_a_parked_cart_with_late_money_comes_back_as_that_money_even_offline(desk, pay, qtbot):
    pay.stop()
    settle(qtbot, desk)
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    pay.leave()
    desk.checkout.park()
    qtbot.waitUntil(lambda: desk.checkout.drafts.any)
    desk.weather.reachable = False
    desk.gateway.lose_requests = 1
    desk.checkout.recall(desk.checkout.drafts.parked.keys[0])
    qtbot.waitUntil(lambda: pay.phone.phase == "late")
    assert pay.phone.canDeliver


def test_a_cart_paid_elsewhere_leaves_the_screen(desk, pay, qtbot):
    pay.phone.rest()
    desk.checkout.freeze(False)
    desk.root.close()
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    qtbot.waitUntil(lambda: desk.checkout.isEmpty)


def test_an_order_paid_behind_our_back_is_shown_as_paid(desk, pay, qtbot):
    priced = desk.checkout.priced
    pay.phone.rest()
    desk.gateway.pay(desk.attempt_id)
    desk.payments.refresh(desk.attempt_id).result()
    pay.open(priced, desk.guide)
    qtbot.waitUntil(lambda: pay.isPaid or pay.phone.phase == "paid_already")
    assert not any((pay.cashEnabled, pay.canNewQr))
