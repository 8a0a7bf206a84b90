"""The colour × size matrix."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject

from tests.qml.stage import StageTill
from ui.text import Words
from ui.viewmodels.matrix import MatrixVm


@pytest.fixture
def matrix(till: StageTill, words: Words, owner: QObject) -> Any:
    return MatrixVm(till.stock, words, lambda: till.clock.now().server_ms, owner)


def opened(matrix: Any, till: StageTill) -> Any:
    matrix.open(till.store.reader.style_cards(limit=1)[0].style_no)
    return matrix


def test_every_colour_and_size_has_its_cell(matrix: Any, till: StageTill):
    opened(matrix, till)
    rows, columns = matrix.colours.rowCount(), matrix.sizes.rowCount()
    assert rows * columns == matrix.cells.rowCount() > 4


def test_one_size_is_said_in_english(matrix: Any, till: StageTill, words: Words):
    reader = till.store.reader
    cards = reader.style_cards(limit=500)
    found = (card for card in cards if (m := reader.matrix(card.style_no)) and m.sizes == ("均码",))
    matrix.open(next(found).style_no)
    assert [row["name"] for row in matrix.sizes.rows] == ["均码"]
    words.speak("en")
    assert [row["name"] for row in matrix.sizes.rows] == ["One size"]
    assert all(str(row["name"]).endswith(" · One size") for row in matrix.cells.rows)


def test_other_stores_figures_carry_their_age(matrix: Any, till: StageTill):
    opened(matrix, till)
    held = next(row for row in matrix.cells.rows if row["others"])
    assert str(held["others"]).startswith("他店")
    assert str(held["age"]).endswith("前")
    matrix.ask(str(held["skuId"]))
    assert matrix.asked == held["name"]
    assert matrix.stores.rowCount() > 0
    assert all(row["age"] for row in matrix.stores.rows)


def test_a_tap_adds_and_the_cell_shows_what_is_in_the_cart(matrix: Any, till: StageTill):
    opened(matrix, till)
    added: list[str] = []
    matrix.added.connect(added.append)
    sku_id = str(matrix.cells.rows[2]["skuId"])
    matrix.add(sku_id)
    assert added == [sku_id]
    matrix.show_counts({sku_id: 3})
    assert matrix.cells.rows[2]["inCart"] == "3"


def test_taking_more_than_the_books_hold_is_said_and_other_stores_are_listed(
    matrix: Any, till: StageTill
):
    opened(matrix, till)
    told: list[str] = []
    matrix.notice.connect(lambda _, text: told.append(text))
    row = min(matrix.cells.rows, key=lambda row: int(str(row["own"] or 99)))
    sku_id, own = str(row["skuId"]), int(str(row["own"]))
    matrix.show_counts({sku_id: own})
    assert told == []
    matrix.show_counts({sku_id: own + 1})
    assert told == [f"账面本店只有 {own} 件，请先拿到实物"]
    assert matrix.asked == row["name"]
    matrix.show_counts({sku_id: own})
    assert len(told) == 1


def test_a_sold_out_size_is_marked_out_and_its_colour_broken(matrix: Any, till: StageTill):
    for card in till.store.reader.style_cards(limit=60):
        if not card.broken:
            continue
        matrix.open(card.style_no)
        states = {row["state_"] for row in matrix.cells.rows}
        assert "out" in states
        assert any(row["broken"] for row in matrix.colours.rows)
        return
    pytest.fail("the demo shop has no broken run")


def test_an_unknown_style_is_told_and_nothing_opens(matrix: Any):
    heard: list[str] = []
    matrix.notice.connect(lambda _kind, text: heard.append(text))
    matrix.open("no such style")
    assert heard
    assert not matrix.isOpen


def test_closing_forgets_the_cell_that_was_asked_for(matrix: Any, till: StageTill):
    opened(matrix, till)
    matrix.ask(str(matrix.cells.rows[0]["skuId"]))
    matrix.close()
    assert (matrix.isOpen, matrix.asked) == (False, "")
