"""The discount sheet: what is typed and what it comes to."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject

from app.domain.cart import Discount, DiscountKind
from tests.qml.stage import StageTill
from ui.text import Words
from ui.viewmodels.discount import DiscountVm
from ui.viewmodels.shoplists import ShopLists


@pytest.fixture
def sheet(till: StageTill, words: Words, owner: QObject) -> Any:
    lists = ShopLists(till.store, words)
    lists.load()
    vm = DiscountVm(words, lists, owner)
    vm.open("1", 100_00, False)
    return vm


def typed(sheet: Any, text: str) -> None:
    for figure in text:
        sheet.digit(figure)


@pytest.mark.parametrize(("text", "after"), [("9", "¥90.00"), ("8.5", "¥85.00"), ("85", "¥85.00")])
def test_in_chinese_a_rate_is_what_is_left_to_pay(sheet: Any, text: str, after: str):
    typed(sheet, text)
    assert sheet.after == after


def test_in_english_a_rate_is_what_is_taken_off(sheet: Any, words: Words):
    words.speak("en")
    typed(sheet, "15")
    assert sheet.after == "¥85.00"
    assert sheet.unit == "% off"


@pytest.mark.parametrize(
    ("kind", "text", "after"), [("amount_off", "30", "¥70.00"), ("price", "59.9", "¥59.90")]
)
def test_amounts_and_new_prices(sheet: Any, kind: str, text: str, after: str):
    sheet.useKind(kind)
    typed(sheet, text)
    assert sheet.after == after


@pytest.mark.parametrize("text", ["", "0", ".", "100", "0.0"])
def test_a_rate_that_means_nothing_cannot_be_given(sheet: Any, text: str):
    typed(sheet, text)
    assert not sheet.canGive
    sheet.give()
    assert sheet.after == sheet.before


def test_an_amount_takes_no_third_decimal_and_no_second_point(sheet: Any):
    sheet.useKind("amount_off")
    typed(sheet, "1.2.345")
    assert sheet.figure == "1.23"
    sheet.erase()
    assert sheet.figure == "1.2"


def test_what_is_given_is_what_was_shown(sheet: Any):
    given: list[tuple[str, tuple[Discount, ...]]] = []
    sheet.given.connect(lambda line, discounts: given.append((line, discounts)))
    sheet.useRate("1200")
    sheet.because("damaged")
    assert sheet.figure == "8.8 折"
    sheet.give()
    assert given == [("1", (Discount(DiscountKind.PERCENT_OFF, 1_200, "damaged"),))]


def test_a_members_tier_is_no_reason_a_person_may_choose(sheet: Any):
    assert "member_tier" not in sheet.reasons.keys
