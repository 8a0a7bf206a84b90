"""The inbox and the person before it: money is taken off it only when pressed twice, and nobody is offered
words they cannot act on."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from app.wire.tasks import MONEY, SETTLED
from tests.qml.counterdesk import CounterDesk
from tests.viewmodels.test_inbox_screen import desk, late, manage, money, only, told

__all__ = ["desk", "money"]


@pytest.mark.parametrize("word", ["refunded", "seen"])
def test_money_leaves_the_inbox_by_hand_only_when_pressed_twice(desk, money, qtbot, word: str):
    manage(desk)
    told(desk, desk.till.task("over", MONEY, amount=700, detail="129900", other="s9"))
    row = only(money)
    assert (row["wordText"], row["otherText"]) == ("已退给顾客", "已另行处理")
    money.settle(row["key"], word)
    assert desk.till.desk.book.rows[row["key"]].resolution == ""
    asked = only(money)["wordText" if word == "refunded" else "otherText"]
    assert "再按一次" in asked
    assert "¥7.00" in asked
    other = "seen" if word == "refunded" else "refunded"
    money.settle(row["key"], other)  # another word begins anew
    money.settle(row["key"], word)
    money.settle(row["key"], word)  # a double tap
    assert desk.till.desk.book.rows[row["key"]].resolution == ""
    desk.clock.advance(1)
    with qtbot.waitSignal(money.notice):
        money.settle(row["key"], word)
    assert desk.till.desk.book.rows[row["key"]].resolution == word
    assert not money.any


def test_a_press_is_forgotten_when_the_list_is_opened_again(desk, money):
    manage(desk)
    told(desk, desk.till.task("over", MONEY, amount=700, detail="129900", other="s9"))
    key = only(money)["key"]
    money.settle(key, "refunded")
    money.close()
    money.open()
    assert only(money)["wordText"] == "已退给顾客"
    money.settle(key, "refunded")
    assert money.any


SAID = {
    "zh_CN": "金额刚才变了，列表里已是新的金额，请看过再处理",
    "en": "The amount has changed meanwhile; the list shows the new one",
}


@pytest.mark.parametrize("language", SAID)
def test_money_that_has_grown_at_the_cloud_is_shown_anew_and_not_settled(
    desk, money, qtbot, language: str
):
    """The list is a moment old: a second payment is there that nobody at this screen has seen."""
    desk.words.speak(language)
    manage(desk)
    row = desk.till.task("late", MONEY, amount=700, detail="700", other="s9")
    told(desk, row)
    money.settle(row.task_id, "refunded")
    desk.clock.advance(1)
    desk.till.desk.book.put(replace(row, amount=1_400))
    with qtbot.waitSignal(money.notice) as said:
        money.settle(row.task_id, "refunded")
    assert said.args == ["problem", SAID[language]]
    assert desk.till.desk.book.rows[row.task_id].resolution == ""
    assert only(money)["amount"] == "¥14.00"
    money.settle(row.task_id, "refunded")
    assert "¥14.00" in only(money)["wordText"], "the new amount is asked about"
    desk.clock.advance(1)
    with qtbot.waitSignal(money.notice) as said:
        money.settle(row.task_id, "refunded")
    assert said.args == ["info", desk.words.say("inbox.settled")]
    assert desk.till.desk.book.rows[row.task_id].resolution == "refunded"


def test_a_press_about_another_amount_is_no_answer(desk, money):
    manage(desk)
    row = desk.till.task("late", MONEY, amount=700, detail="700", other="s9")
    told(desk, row)
    money.settle(row.task_id, "refunded")
    assert "再按一次" in only(money)["wordText"]
    told(desk, replace(row, amount=1_400))
    assert only(money)["wordText"] == "已退给顾客", "nobody was asked about this amount"
    desk.clock.advance(1)
    money.settle(row.task_id, "refunded")
    assert desk.till.desk.book.rows[row.task_id].resolution == ""
    assert "再按一次：¥14.00" in only(money)["wordText"]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("zh_CN", "已记下，还有 ¥7.00 待处理"), ("en", "Noted; ¥7.00 still waits")],
)
def test_what_waits_for_one_more_word_is_not_called_settled(
    desk, money, qtbot, monkeypatch, language: str, sentence: str
):
    """More came while the word was on its way: the cloud answers with what is open of it now."""
    desk.words.speak(language)
    manage(desk)
    row = desk.till.task("late", MONEY, amount=700, detail="700", other="s9")
    told(desk, row)
    monkeypatch.setattr(desk.till.desk, "settle", lambda _asked: row)
    money.settle(row.task_id, "seen")
    desk.clock.advance(1)
    with qtbot.waitSignal(money.notice) as said:
        money.settle(row.task_id, "seen")
    assert said.args == ["info", sentence]
    assert money.badge == "1"


def test_below_the_list_everybody_reads_what_they_themselves_can_do(desk, money):
    told(desk, desk.till.task("late", MONEY, amount=700, detail="700", other="s9"))
    assert "店长" in money.note
    assert not only(money)["canGiveBack"]
    manage(desk)
    money.look()
    assert "原路退回" in money.note
    told(desk, desk.till.task("bad_body"))
    assert money.note
    desk.root.signOut()
    money.look()
    assert money.note == ""


def test_a_difference_of_bills_names_the_wallet_and_stands_with_its_like(desk, money):
    said = {"other": "alipay", "detail": "2026-11-25", "receipt_no": "A1-1-000003"}
    told(desk, desk.till.task("bill_amount_differs", amount=129_900, **said))
    row = only(money)
    assert row["group"] == "对账差异"
    assert "支付宝" in row["hint"]
    assert "alipay" not in row["hint"]


# --- buttons that would be refused are not there, and why is said in words -------------------------


def in_doubt(desk: CounterDesk, money: Any, qtbot: QtBot) -> list[str]:
    """A manager gives late money back, and no answer comes; return what the till said."""
    late(desk)
    manage(desk)
    amount = desk.gateway.query(desk.attempt_id).received
    of = {"task_id": desk.attempt_id, "subject": desk.attempt_id, "amount": amount}
    told(desk, desk.till.task("late", MONEY, **of))
    desk.back.lose_answers = 1
    with qtbot.waitSignal(money.notice) as said:
        money.giveBack(desk.attempt_id)
    return list(said.args)


@pytest.mark.parametrize(
    ("language", "title", "not_yet"),
    [("zh_CN", "退款还没有答复", "不要交货"), ("en", "A refund has no answer yet", "no goods")],
)
def test_a_refund_in_doubt_says_so_and_offers_to_ask(
    desk, money, qtbot, language: str, title: str, not_yet: str
):
    desk.words.speak(language)
    assert in_doubt(desk, money, qtbot) == ["info", desk.words.say("money.asked_open")]
    row = only(money)
    assert row["title"] == title
    assert not_yet in row["hint"]
    assert (row["canDeliver"], row["canGiveBack"], row["canAsk"]) == (False, False, True)
    assert (row["word"], row["other"]) == ("seen", "")
    with qtbot.waitSignal(money.notice) as said:
        money.ask(row["key"])
    assert said.args == ["info", desk.words.say("money.gone_back")]
    told(desk, replace(desk.till.desk.book.rows[desk.attempt_id], state=SETTLED))
    assert not money.any


@pytest.mark.parametrize(("code", "title"), [("late", "迟到款"), ("partial", "只收到一部分")])
def test_own_money_of_which_some_was_answered_for_is_shown_as_the_store_names_it(
    desk, money, code: str, title: str
):
    late(desk)
    came = desk.till.store.reader.attempt(desk.attempt_id).last.received
    told(desk, desk.till.task(code, MONEY, task_id=desk.attempt_id, amount=came - 4_300))
    row = only(money)
    assert (row["title"], row["amount"]) == (title, desk.words.amount(came - 4_300))
    assert row["canDeliver"] == (code == "late")


def test_money_of_this_till_that_was_taken_back_is_not_called_late_money_any_more(desk, money):
    late(desk)
    amount = desk.gateway.query(desk.attempt_id).received
    told(desk, desk.till.task("taken_back", MONEY, task_id=desk.attempt_id, amount=amount))
    row = only(money)
    assert row["title"] == "钱又退回给了顾客"
    assert "不要交" in row["hint"]
    assert "2 件" in row["detail"], "which goods it is about"
    assert not row["canDeliver"]


@pytest.mark.parametrize(("language", "where"), [("zh_CN", "后台"), ("en", "at the provider")])
def test_money_of_an_order_nobody_knows_says_where_it_can_be_refunded(
    desk, money, language: str, where: str
):
    desk.words.speak(language)
    manage(desk)
    told(desk, desk.till.task("no_sale", MONEY, device="", device_code="", amount=700))
    row = only(money)
    assert where in row["hint"]
    assert not row["canGiveBack"]
    assert row["word"] == "refunded"


def test_money_the_cloud_tells_of_in_a_word_of_tomorrow_is_not_called_undecided(desk, money):
    told(desk, desk.till.task("of_tomorrow", MONEY, amount=700, detail="700"))
    row = only(money)
    assert "of_tomorrow" in row["title"]
    assert "更新" in row["hint"]


def test_a_return_that_never_came_says_what_to_wait_for_and_a_manager_settles_it(
    desk, money, qtbot
):
    told(desk, desk.till.task("return_lost", amount=129_900, receipt_no="B-7", other="a1"))
    row = only(money)
    assert (row["title"], row["amount"]) == ("钱退了，退货单没传到", "¥1,299.00")
    assert "B-7" in row["detail"]
    assert "B2 号机" in row["hint"]
    assert "联网后这一条会自己消失" in row["hint"]
    assert (row["canDeliver"], row["canGiveBack"], row["word"]) == (False, False, "")
    manage(desk)
    money.look()
    row = only(money)
    assert (row["wordText"], row["otherText"], row["canGiveBack"]) == ("知道了", "已更正", False)
    with qtbot.waitSignal(money.notice):
        money.settle(row["key"], "corrected")
    assert desk.till.desk.book.rows[row["key"]].resolution == "corrected"
    assert not money.any
