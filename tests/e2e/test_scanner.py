"""A keyboard-wedge scanner in the real window: it needs no focus, leaves no trace, and nobody who
types is taken for one."""

from __future__ import annotations

import pytest

from tests.e2e.counter import Counter
from tests.e2e.phones import live_until

pytestmark = pytest.mark.qml


def search_text(counter: Counter) -> str:
    return str(counter.shell.screens.goods.property("text"))


@pytest.mark.parametrize("typed", ["", "大衣", "coat 2"])
def test_a_scan_into_the_search_field_adds_the_piece_and_leaves_the_field_as_it_was(
    counter: Counter, typed: str
) -> None:
    coat, scarf = counter.goods(2)
    counter.tap("搜索")
    counter.hand.type(typed)
    counter.hand.pause(200)
    counter.scan(coat, scarf, scarf)
    assert live_until(lambda: search_text(counter) == typed)
    field = counter.hand.find("搜索款名、拼音、款号、颜色")
    assert field is not None
    assert field.property("text") == typed
    assert [line.line.quantity for line in counter.cart.lines] == [1, 2]


def test_a_person_who_types_a_code_is_searching_for_it(counter: Counter) -> None:
    (coat,) = counter.goods(1)
    counter.tap("搜索")
    counter.hand.type(coat.gtin)
    assert live_until(lambda: search_text(counter) == coat.gtin)
    assert counter.cart.units == 0


def test_a_scan_of_something_unknown_says_so_and_adds_nothing(counter: Counter) -> None:
    counter.tap("搜索")
    counter.hand.scan("4006381333931")
    assert live_until(lambda: search_text(counter) == "")
    counter.see("4006381333931")
    assert counter.cart.units == 0
