"""Tiles, search and categories."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject

from app.errors import Code, Trouble
from app.ports import Reader
from tests.qml.stage import StageTill
from ui.text import Words
from ui.viewmodels.goods import GoodsVm


@pytest.fixture
def goods(till: StageTill, words: Words, owner: QObject) -> Any:
    vm = GoodsVm(till.store, words, owner)
    vm.reload()
    return vm


def names(vm: Any) -> list[object]:
    return [row["name"] for row in vm.tiles.rows]


def test_everything_is_shown_first(goods: Any):
    assert goods.state == "tiles"
    assert goods.tiles.rowCount() == 24
    assert goods.categories.rows[0]["styles"] == "60"


@pytest.mark.parametrize("text", ["大衣", "dayi", "dy", "MD24W11"])
def test_characters_pinyin_initials_and_style_numbers_find_coats(goods: Any, text: str):
    goods.search(text)
    assert any("大衣" in str(name) for name in names(goods))


def test_every_key_changes_tiles_in_place_and_makes_none(goods: Any):
    inserted: list[int] = []
    goods.tiles.rowsInserted.connect(lambda *_: inserted.append(1))
    goods.search("大")
    goods.search("大衣")
    assert inserted == []
    assert goods.tiles.keys == tuple(str(i) for i in range(goods.tiles.rowCount()))


def test_a_category_narrows_and_search_narrows_further(goods: Any):
    code = str(goods.categories.rows[1]["code"])
    goods.choose(code)
    whole = goods.tiles.rowCount()
    goods.search("双")
    assert 0 < goods.tiles.rowCount() < whole


def test_the_next_page_is_loaded_on_demand_until_there_is_no_more(goods: Any):
    for _ in range(5):
        goods.fetchMore()
    assert goods.tiles.rowCount() == 60


def test_a_larger_screen_asks_for_a_larger_page(goods: Any):
    goods.setPage(40)
    assert goods.tiles.rowCount() == 40


def test_a_miss_is_told_apart_from_an_empty_shop(goods: Any):
    goods.search("zzzzqq")
    assert goods.state == "nothing_found"
    assert goods.tiles.rowCount() == 0


def test_hostile_search_text_finds_nothing_and_breaks_nothing(goods: Any):
    for text in ('"', "'; DROP TABLE sku;--", "*", "\\", "NEAR(", "\u202e", "ﷺ" * 80, "<b>x</b>"):
        goods.search(text)
        assert goods.state in ("tiles", "nothing_found")


def test_pieces_in_the_cart_are_counted_on_their_tile_alone(goods: Any):
    style = str(goods.tiles.rows[3]["styleNo"])
    changed: list[int] = []
    goods.tiles.dataChanged.connect(lambda first, *_: changed.append(first.row()))
    goods.show_counts({style: 2})
    assert changed == [3]
    assert goods.tiles.rows[3]["inCart"] == "2"
    goods.show_counts({})
    assert goods.tiles.rows[3]["inCart"] == ""


def test_names_and_categories_follow_the_language(goods: Any, words: Words):
    before = names(goods)
    words.speak("en")
    assert names(goods) != before
    assert goods.categories.rows[0]["name"] == "All"


class BusyStore:
    """A store whose look-ups are late."""

    drain_only = False

    @property
    def reader(self) -> Reader:
        raise Trouble(Code.STORE_BUSY, retryable=True)


def test_a_busy_store_is_told_and_can_be_asked_again(words: Words, owner: QObject):
    vm: Any = GoodsVm(BusyStore(), words, owner)  # type: ignore[arg-type]
    vm.reload()
    assert vm.state == "problem"
    assert vm.problem


def test_digits_of_a_scan_are_not_looked_up_until_it_has_ended(goods: Any, qtbot: Any):
    before = names(goods)
    goods.wait_for_scanner(True)
    for typed in ("2000", "20000", "200000"):
        goods.search(typed)
    assert names(goods) == before
    goods.wait_for_scanner(False)
    qtbot.waitUntil(lambda: names(goods) != before)


def test_fast_fingers_that_were_no_scanner_are_looked_up_all_the_same(goods: Any, qtbot: Any):
    goods.wait_for_scanner(True)
    goods.search("大衣")
    qtbot.waitUntil(lambda: all("大衣" in str(name) for name in names(goods)))
