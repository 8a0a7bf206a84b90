"""The inbox: money without a sale, and payments without an answer, are seen and can be settled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from tests.qml.counterdesk import CounterDesk, open_counter


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    opened.root.welcome(opened.guide)
    opened.checkout.begin(opened.guide)
    yield opened
    opened.close()


@pytest.fixture
def money(desk: CounterDesk) -> Any:
    return desk.counter.money


def late(desk: CounterDesk) -> None:
    """Show a QR, close it, and let the money come after that."""
    desk.payments.start(desk.cart(0, 3), desk.guide).result()
    desk.payments.cancel(desk.attempt_id).result()
    desk.gateway.pay(desk.attempt_id)
    desk.hear()


def only(money: Any) -> Any:
    (row,) = money.rows.rows
    return row


def test_nothing_waits_and_nothing_is_shown(desk, money):
    money.open()
    assert not money.any
    assert money.badge == ""
    assert desk.root.sheet == "money"
    money.close()
    assert desk.root.sheet == ""


def test_late_money_shows_a_badge_by_itself_and_says_what_to_do(desk, money, qtbot):
    late(desk)
    qtbot.waitUntil(lambda: money.badge == "1")
    assert money.headline == "有 1 笔钱待处理"
    row = only(money)
    assert row["title"] == "迟到款"
    assert row["amount"] == desk.words.amount(desk.gateway.query(desk.attempt_id).received)
    assert "2 件" in row["detail"]
    assert row["canDeliver"]


def test_delivered_it_is_a_sale_on_the_receipt_screen_and_waits_no_more(desk, money, qtbot):
    late(desk)
    money.open()
    money.deliver(only(money)["key"])
    qtbot.waitUntil(lambda: desk.root.sheet == "done")
    assert not money.any
    (document,) = desk.till.store.reader.documents()
    assert document.net == desk.gateway.query(desk.attempt_id).amount
    assert document.receipt_no in desk.counter.done.receiptNo
    assert desk.counter.history.chosen == document.document_id


def test_a_payment_set_aside_without_an_answer_is_listed_until_it_has_one(desk, money, qtbot):
    for line in desk.cart(0).cart.lines:
        desk.checkout.addSku(line.sku.sku_id)
    desk.root.startPay()
    pay: Any = desk.counter.pay
    qtbot.waitUntil(lambda: pay.phone.phase == "waiting")
    money.look()
    assert not money.any, "what is on the payment screen is not listed beside it"
    desk.gateway.lose_requests = 1
    desk.hear()
    qtbot.waitUntil(lambda: pay.canSetAside)
    pay.setAside()
    qtbot.waitUntil(lambda: money.any)
    assert only(money)["title"] == "还没有结果"
    assert not only(money)["canDeliver"]
    desk.gateway.pay(desk.attempt_id)
    money.ask(only(money)["key"])
    qtbot.waitUntil(lambda: not money.any)
    assert desk.till.store.reader.documents()


def test_too_much_and_too_little_say_how_much(desk, money):
    desk.payments.start(desk.cart(0), desk.guide).result()
    due = desk.gateway.query(desk.attempt_id).amount
    desk.gateway.pay(desk.attempt_id, due + 700)
    desk.payments.refresh(desk.attempt_id).result()
    desk.payments.start(desk.cart(3), desk.guide).result()
    desk.gateway.pay(desk.attempt_id, 100)
    desk.payments.refresh(desk.attempt_id).result()
    money.look()
    assert money.badge == "2"
    by_title = {row["title"]: row for row in money.rows.rows}
    assert "多收 ¥7.00" in by_title["多收了钱"]["hint"]
    assert "小票号" in by_title["多收了钱"]["detail"]
    assert "还差" in by_title["只收到一部分"]["hint"]


def test_a_refusal_is_told_and_a_switch_of_language_followed(desk, money, qtbot):
    late(desk)
    money.look()
    with qtbot.waitSignal(money.notice) as told:
        money.deliver("no such attempt")
    assert told.args[0] == "problem"
    desk.words.speak("en")
    assert only(money)["title"] == "Late money"


def test_nobody_signed_in_can_settle_nothing(desk, money):
    late(desk)
    money.look()
    desk.root.signOut()
    calls = len(desk.gateway.calls)
    money.deliver(only(money)["key"])
    money.ask(only(money)["key"])
    assert len(desk.gateway.calls) == calls
    assert desk.till.store.reader.documents() == ()
