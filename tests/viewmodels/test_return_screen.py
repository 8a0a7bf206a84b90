"""Goods come back with their receipt: a manager, pieces per line, a reason, the exact cash, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.refund import Refund
from app.domain.sale import Sale
from tests.qml.counterdesk import CounterDesk, open_counter


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    opened.root.welcome(opened.manager)
    opened.checkout.begin(opened.manager)
    opened.root.go("history")
    yield opened
    opened.close()


@pytest.fixture
def sale(desk: CounterDesk) -> Sale:
    """Two coats and a jumper, for a member whose tier takes something off."""
    return desk.sell_cash(desk.cart(0, 0, 3, member=0))


@pytest.fixture
def told(desk: CounterDesk) -> list[str]:
    heard: list[str] = []
    desk.root.toastChanged.connect(lambda: heard.append(str(desk.root.property("toast"))))
    return heard


def chosen(desk: CounterDesk, sale: Sale, qtbot) -> Any:
    history: Any = desk.counter.history
    history.load()
    history.choose(sale.sale_id)
    qtbot.waitUntil(lambda: history.canReturn)
    return history


def begun(desk: CounterDesk, sale: Sale, qtbot) -> Any:
    chosen(desk, sale, qtbot).takeBack()
    qtbot.waitUntil(lambda: desk.root.property("sheet") == "return")
    return desk.counter.returns


def give(vm: Any, qtbot) -> None:
    vm.confirm()
    qtbot.waitUntil(lambda: vm.isDone)


def test_pieces_and_a_reason_make_a_refund_and_the_cash_is_named(desk, sale, qtbot):
    vm = begun(desk, sale, qtbot)
    first = vm.lines.rows[0]
    assert "买 2 件" in first["detail"]
    assert vm.hint == "选要退的件数"
    vm.more(first["lineNo"])
    assert vm.hint == "选退货原因"
    assert not vm.canGive
    vm.because("return_size")
    half = sale.lines[0].net // 2
    assert vm.total == desk.words.amount(half)
    give(vm, qtbot)
    refund = desk.till.store.reader.document(desk.counter.history.chosen)
    assert isinstance(refund, Refund)
    assert (refund.total, refund.reason, refund.actor) == (
        half,
        "return_size",
        desk.manager.person_id,
    )
    assert desk.counter.history.documents.rows[0]["refund"]
    vm.confirm()
    assert desk.root.sheet == ""


def test_no_more_than_was_bought_and_no_less_than_nothing_can_be_picked(desk, sale, qtbot):
    vm = begun(desk, sale, qtbot)
    line = vm.lines.rows[0]["lineNo"]
    vm.fewer(line)
    assert vm.lines.rows[0]["picked"] == "0"
    for _ in range(5):
        vm.more(line)
    assert vm.lines.rows[0]["picked"] == "2"
    assert not vm.lines.rows[0]["canMore"]
    vm.more("no such line")
    vm.because("no such reason")
    assert vm.reason == ""


def test_returns_in_parts_end_at_exactly_what_was_paid(desk, sale, qtbot):
    given = 0
    for pieces in (1, 2):
        vm = begun(desk, sale, qtbot)
        if pieces == 1:
            vm.more(vm.lines.rows[0]["lineNo"])
        else:
            vm.all()
        vm.because("return_quality")
        give(vm, qtbot)
        refund = desk.till.store.reader.document(desk.counter.history.chosen)
        assert isinstance(refund, Refund)
        given += refund.total
        vm.close()
    assert given == sale.total
    history: Any = desk.counter.history
    history.choose(sale.sale_id)
    qtbot.waitUntil(lambda: "已退 3 件" in history.subtitle)
    assert not history.canReturn


def test_pressing_twice_gives_back_once(desk, sale, qtbot):
    vm = begun(desk, sale, qtbot)
    vm.all()
    vm.because("return_mind")
    vm.give()
    vm.give()
    qtbot.waitUntil(lambda: vm.isDone)
    vm.give()
    assert len([d for d in desk.till.store.reader.documents() if d.kind == "refund"]) == 1


def test_a_guide_is_told_to_fetch_the_manager(desk, sale, qtbot, told):
    desk.root.welcome(desk.guide)
    desk.root.go("history")
    chosen(desk, sale, qtbot).takeBack()
    assert told[-1] == "退货要店长办理，请店长登录后再退"
    assert desk.root.sheet == ""


def test_a_refund_is_no_sale_and_cannot_come_back_itself(desk, sale, qtbot):
    vm = begun(desk, sale, qtbot)
    vm.all()
    vm.because("return_other")
    give(vm, qtbot)
    vm.close()
    history: Any = desk.counter.history
    assert history.title.startswith("退货")
    assert not history.canReturn
    history.takeBack()
    assert desk.root.sheet == ""
    shown = [(row["text"], row["detail"]) for row in history.parts.rows]
    assert ("退货原因", "其他原因") in shown


def test_its_receipt_is_printed_once_as_such_and_then_as_a_copy(desk, sale, qtbot):
    vm = begun(desk, sale, qtbot)
    vm.all()
    vm.because("return_size")
    give(vm, qtbot)
    history: Any = desk.counter.history
    assert history.printLabel == "打印小票"
    for _ in range(2):
        with qtbot.waitSignal(vm.notice):
            vm.print()
    assert [receipt.copy for receipt in desk.printer.printed] == [False, True]
    history.choose(history.chosen)
    assert history.printLabel == "补打（副本）"


def test_a_switch_of_language_is_followed(desk, sale, qtbot):
    vm = begun(desk, sale, qtbot)
    desk.words.speak("en")
    assert "2 bought" in vm.lines.rows[0]["detail"]
    assert vm.reasons.rows[0]["name"] == "Does not fit"
