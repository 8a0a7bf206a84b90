"""The inbox and the person before it: money is taken off it only when pressed twice, and nobody is offered
words they cannot act on."""

from __future__ import annotations

import pytest

from app.wire.tasks import MONEY
from tests.viewmodels.test_inbox_screen import desk, manage, money, only, told

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
