"""The return of what was paid by phone, on the screen: by the way it came, in cash for a reason, or held."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.money_back import Back
from app.domain.refund import Refund
from app.domain.sale import Sale, TenderKind
from tests.qml.counterdesk import CounterDesk
from tests.viewmodels.test_return_screen import begun, desk, give, told
from ui.viewmodels.waysback import refusal

__all__ = ["desk", "told"]


@pytest.fixture
def paid(desk: CounterDesk) -> Sale:
    """A coat that was paid by phone."""
    desk.payments.start(desk.cart(0), desk.guide).result()
    desk.gateway.pay(desk.attempt_id)
    sale = desk.payments.refresh(desk.attempt_id).result().sale
    assert sale is not None
    return sale


def chosen(desk: CounterDesk, sale: Sale, qtbot: Any) -> Any:
    vm = begun(desk, sale, qtbot)
    vm.all()
    vm.because("return_size")
    return vm


def document(desk: CounterDesk) -> Refund:
    history: Any = desk.counter.history
    found = desk.till.store.reader.document(history.chosen)
    assert isinstance(found, Refund)
    return found


def test_it_goes_back_to_the_wallet_and_the_document_says_so(desk, paid, qtbot):
    vm = chosen(desk, paid, qtbot)
    assert (vm.byWallet, vm.mayBeWallet, vm.canGive) == (True, True, True)
    assert "原路退回" in vm.hint
    give(vm, qtbot)
    assert (vm.standing, vm.doneTitle) == ("done", "已退货，钱已原路退回")
    (tender,) = document(desk).tenders
    assert (tender.kind, tender.amount) == (TenderKind.QR, paid.total)
    shown = [row["text"] for row in desk.counter.history.parts.rows]
    assert "原路退款：已退回" in shown
    with qtbot.waitSignal(vm.notice):
        vm.print()
    assert desk.printer.printed[-1].back is Back.DONE


def test_cash_needs_a_reason_and_the_reason_is_kept(desk, paid, qtbot):
    vm = chosen(desk, paid, qtbot)
    vm.inCash("no such reason")
    assert vm.byWallet
    vm.inCash("cash_wish")
    assert (vm.byWallet, vm.cashReason) == (False, "cash_wish")
    give(vm, qtbot)
    assert vm.doneTitle == "已退货，请把现金交给顾客"
    assert (document(desk).tenders[0].kind, document(desk).cash_reason) == (
        TenderKind.CASH,
        "cash_wish",
    )
    assert ("改退现金的原因", "顾客要现金") in [
        (row["text"], row["detail"]) for row in desk.counter.history.parts.rows
    ]
    assert desk.back.calls == []


def test_without_an_answer_the_screen_waits_and_goes_on_when_it_comes(desk, paid, qtbot):
    vm = chosen(desk, paid, qtbot)
    desk.back.lose_answers = 1
    vm.give()
    qtbot.waitUntil(lambda: vm.isHeld)
    assert (vm.isDone, vm.canGive, vm.total) == (False, False, desk.words.amount(paid.total))
    vm.close()
    assert desk.root.sheet == ""
    vm = begun(desk, paid, qtbot)  # another time: it is still held
    assert vm.isHeld
    vm.ask()
    qtbot.waitUntil(lambda: vm.isDone)
    assert document(desk).refund_id
    assert len(desk.back.numbers) == 1


def test_news_of_the_return_on_the_screen_is_no_news_from_elsewhere(desk, paid, qtbot, told):
    """The watch tells of it before the asking itself has its answer; both speak of the same money."""
    vm = chosen(desk, paid, qtbot)
    desk.pool.holding = True
    vm.give()
    job = vm._giving_back
    desk.pool.release()
    (number,) = desk.back.numbers
    news = job.refresh(number).result()
    desk.counter.hear_back(news)
    qtbot.waitUntil(lambda: vm.isDone)
    assert not any("有结果了" in said for said in told)


def test_a_return_in_english_has_its_colour_in_english(desk, paid, qtbot):
    desk.words.speak("en")
    vm = chosen(desk, paid, qtbot)
    give(vm, qtbot)
    details = [row["detail"] for row in desk.counter.history.parts.rows if row["kind"] == "line"]
    (line,) = paid.lines
    assert [line.colour_en in detail for detail in details] == [True]
    assert line.colour not in details[0]
    tenders = [row["detail"] for row in desk.counter.history.parts.rows if row["kind"] == "tender"]
    assert "Practice wallet" in tenders


def test_an_answer_in_the_background_ends_the_waiting(desk, paid, qtbot):
    vm = chosen(desk, paid, qtbot)
    desk.back.lose_answers = 1
    vm.give()
    qtbot.waitUntil(lambda: vm.isHeld)
    job = vm._giving_back
    (step,) = job.not_ended()
    desk.counter.hear_back(job.refresh(step.number).result())
    qtbot.waitUntil(lambda: vm.isDone)


def test_a_refusal_is_said_and_cash_is_the_way_out(desk, paid, qtbot):
    vm = chosen(desk, paid, qtbot)
    desk.back.next = [Back.REFUSED]
    vm.give()
    qtbot.waitUntil(lambda: "没有退" in vm.hint)
    assert not vm.isDone
    vm.inCash("cash_refused")
    give(vm, qtbot)
    assert (document(desk).cash_reason, vm.doneTitle) == (
        "cash_refused",
        "已退货，请把现金交给顾客",
    )


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", "商户账户余额不足"),
        ("NOT_ENOUGH", "商户账户余额不足"),
        ("refund_exceeds_payment", "剩下的不够退这么多"),
        ("ACQ.SOMETHING_NEW", "ACQ.SOMETHING_NEW"),
        ("", "没有说明原因"),
    ],
)
def test_why_a_provider_refused_is_said_in_words_where_its_code_is_known(desk, word, said):
    assert said in refusal(desk.words, word)


def test_without_a_line_there_is_cash_for_a_reason_or_waiting(desk, paid, qtbot):
    vm = chosen(desk, paid, qtbot)
    desk.weather.reachable = False
    vm.because("return_mind")
    assert not vm.canGive
    assert "离线" in vm.hint
    vm.inCash("cash_offline")
    assert vm.canGive


@pytest.mark.parametrize(
    ("standing", "title", "row"),
    [
        (Back.PENDING, "正在退回", "支付平台处理中"),
        (Back.STUCK, "店长到支付平台处理", "待店长处理"),
    ],
)
def test_what_is_under_way_or_stuck_says_so(desk, paid, qtbot, standing, title, row):
    vm = chosen(desk, paid, qtbot)
    desk.back.next = [standing]
    give(vm, qtbot)
    assert title in vm.doneTitle
    assert vm.standing == standing.value
    assert "到账" in vm.doneLine or "还没有收到钱" in vm.doneLine
    assert any(row in shown["text"] for shown in desk.counter.history.parts.rows)
    number = desk.back.numbers[0]
    desk.back.say(number, Back.DONE)
    news = vm._giving_back.refresh(number).result()
    desk.counter.hear_back(news)
    qtbot.waitUntil(
        lambda: any("已退回" in shown["text"] for shown in desk.counter.history.parts.rows)
    )
