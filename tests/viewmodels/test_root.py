"""Places, sheets, the person and the look of the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.people import Person, Role
from app.settings import Settings
from ui.text import Words
from ui.viewmodels.root import RootVm

GUIDE = Person("G01", "林晚晴", "Lin Wanqing", Role.GUIDE)


@pytest.fixture
def root(words: Words, tmp_path: Path) -> Any:
    return RootVm(Settings(home=tmp_path), words, ("云津店", "Yunjin"), None)


def test_nobody_goes_anywhere_without_signing_in(root: Any):
    root.go("sell")
    root.open("pay")
    assert (root.place, root.sheet) == ("signin", "")


def test_signing_in_leads_to_the_sell_screen_and_out_leads_back(root: Any):
    root.welcome(GUIDE)
    assert root.place == "sell"
    assert root.personName == "林晚晴"
    root.open("member")
    root.signOut()
    assert (root.place, root.sheet, root.personName) == ("signin", "", "")


def test_pay_is_asked_only_from_a_free_sell_screen(root: Any):
    asked: list[int] = []
    root.payAsked.connect(lambda: asked.append(1))
    root.startPay()
    root.welcome(GUIDE)
    root.open("discount")
    root.startPay()
    assert asked == []
    root.close()
    root.startPay()
    assert asked == [1]


def test_escape_never_leaves_a_payment(root: Any):
    root.welcome(GUIDE)
    root.open("pay")
    root.dismiss()
    assert root.sheet == "pay"
    root.open("matrix")
    root.dismiss()
    assert root.sheet == ""


def test_an_idle_till_locks_but_not_while_a_customer_pays(root: Any):
    root.welcome(GUIDE)
    root.open("pay")
    root._lock_idle()
    assert root.place == "sell"
    root.close()
    root._lock_idle()
    assert root.place == "signin"


def test_look_and_language_switch_live(root: Any):
    heard: list[int] = []
    root.lookChanged.connect(lambda: heard.append(1))
    root.setTheme("dark")
    root.setLanguage("en")
    root.setReduceMotion(True)
    assert (root.dark, root.language, root.reduceMotion) == (True, "en", True)
    assert root.storeName == "Yunjin"
    assert len(heard) == 3


def test_the_same_words_twice_are_two_toasts(root: Any):
    root.say("problem", "没有找到")
    first = root.toastSerial
    root.say("problem", "没有找到")
    assert root.toastSerial == first + 1
