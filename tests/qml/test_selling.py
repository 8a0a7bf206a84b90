"""The sell screen under a person's hands: taps, keys and scans, found by accessible names."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtQuick import QQuickItem

from tests.qml.conftest import Stage

pytestmark = pytest.mark.qml


def lines(stage: Stage) -> list[tuple[object, object]]:
    return [(row["name"], row["quantity"]) for row in stage.screens.checkout.property("lines").rows]


def test_a_person_signs_in_with_face_and_keys(stage: Stage):
    stage.hand.tap("林晚晴")
    stage.hand.type("1001")
    stage.hand.press("\r")
    stage.hand.see("收款", patience_s=20)
    assert stage.screens.root.property("place") == "sell"


def test_the_keypad_on_the_screen_does_the_same(stage: Stage):
    stage.hand.tap("林晚晴")
    for figure in "1001":
        stage.hand.tap(figure)
    stage.hand.tap("登录")
    assert stage.hand.wait(lambda: stage.screens.root.property("place") == "sell")


def test_a_face_chosen_by_key_takes_its_pin_by_key(stage: Stage):
    face = stage.hand.see("林晚晴")
    face.forceActiveFocus(Qt.FocusReason.TabFocusReason)
    stage.hand.press("\r")
    stage.hand.type("1001\r")
    assert stage.hand.wait(lambda: stage.screens.root.property("place") == "sell")


def test_enter_leads_from_cash_over_the_receipt_to_the_next_customer(stage: Stage):
    stage.sign_in()
    stage.screens.checkout.addSku(stage.skus(1)[0].sku_id)
    stage.till.reachable = False
    stage.hand.press(Qt.Key.Key_F8)
    stage.hand.see("先收钱，再按确认")
    stage.hand.type("5000\r")
    stage.hand.see("继续")
    stage.hand.press("\r")
    stage.hand.see("下一位顾客")
    stage.hand.pause(40)
    stage.hand.press("\r")
    assert stage.hand.wait(lambda: stage.screens.root.property("sheet") == "")
    assert lines(stage) == []
    stage.hand.type("dy")
    assert stage.screens.goods.property("text") == "dy"


def test_a_search_emptied_with_a_tap_can_be_typed_anew(stage: Stage):
    stage.sign_in()
    stage.hand.type("dy")
    stage.hand.tap("清空搜索")
    stage.hand.type("大衣")
    assert stage.screens.goods.property("text") == "大衣"


def test_typing_searches_and_one_tap_opens_the_matrix_and_one_more_adds(stage: Stage):
    stage.sign_in()
    stage.hand.press(Qt.Key.Key_F2)
    stage.hand.type("大衣")
    stage.hand.pause(40)
    first = str(stage.screens.goods.property("tiles").rows[0]["name"])
    assert "大衣" in first
    stage.hand.tap(first)
    cell = str(stage.screens.matrix.property("cells").rows[1]["name"])
    stage.hand.tap(cell)
    assert lines(stage) == [(first, "1")]
    stage.hand.press("\x1b")
    assert stage.hand.wait(lambda: stage.screens.root.property("sheet") == "")


def tiles(stage: Stage) -> list[QQuickItem]:
    """The tiles a person sees or has read out, wherever they stand."""
    found = pressables(stage.window.contentItem())
    return sorted(
        (item for item in found if item.property("styleNo")), key=lambda tile: (tile.y(), tile.x())
    )


def test_a_search_that_is_cleared_fills_the_tiles_it_put_aside(stage: Stage):
    stage.sign_in()
    before = tiles(stage)
    assert len(before) > 4
    for tile in before:
        tile.setObjectName("seen before")
    stage.hand.press(Qt.Key.Key_F2)
    stage.hand.type("zzzz")
    assert stage.hand.wait(lambda: tiles(stage) == [])
    stage.hand.press("\x1b")
    assert stage.hand.wait(lambda: len(tiles(stage)) == len(before))
    assert {tile.objectName() for tile in tiles(stage)} == {"seen before"}
    shown = [row["styleNo"] for row in stage.screens.goods.property("tiles").rows]
    assert [tile.property("styleNo") for tile in tiles(stage)] == shown[: len(before)]


def test_a_letter_typed_anywhere_begins_a_search(stage: Stage):
    stage.sign_in()
    stage.hand.type("dy")
    assert stage.screens.goods.property("text") == "dy"


def test_keys_change_the_selected_line(stage: Stage):
    stage.sign_in()
    for sku in stage.skus(2):
        stage.screens.checkout.addSku(sku.sku_id)
    stage.hand.press("+")
    assert lines(stage)[1][1] == "2"
    stage.hand.press("-")
    stage.hand.press(Qt.Key.Key_Delete)
    assert len(lines(stage)) == 1
    stage.hand.pause(20)


def test_pay_carries_the_amount_and_f8_means_it(stage: Stage):
    stage.sign_in()
    stage.screens.checkout.addSku(stage.skus(1)[0].sku_id)
    total = stage.screens.checkout.property("total")
    stage.hand.see(f"收款 {total}")
    stage.hand.press(Qt.Key.Key_F8)
    assert stage.hand.wait(lambda: stage.screens.root.property("sheet") == "pay")


def test_an_empty_cart_cannot_be_paid(stage: Stage):
    stage.sign_in()
    stage.hand.press(Qt.Key.Key_F8)
    stage.hand.press("\r")
    assert stage.screens.root.property("sheet") == ""


def test_a_line_swiped_away_is_removed(stage: Stage):
    stage.sign_in()
    for sku in stage.skus(2):
        stage.screens.checkout.addSku(sku.sku_id)
    stage.hand.pause(40)
    name, detail = stage.skus(1)[0].name, stage.skus(1)[0]
    line = stage.hand.see(f"{name}, {detail.colour}")
    swipe(stage, line)
    assert stage.hand.wait(lambda: len(lines(stage)) == 1, 3)


def test_a_scan_finds_its_line_from_the_matrix_too(stage: Stage):
    stage.sign_in()
    sku = stage.skus(3)[2]
    stage.screens.matrix.open(sku.style_no)
    stage.screens.root.open("matrix")
    stage.screens.scans.take(sku.gtin)
    assert lines(stage) == [(sku.name, "1")]


def test_a_scan_on_another_screen_adds_nothing(stage: Stage):
    stage.sign_in()
    stage.screens.root.open("network")
    stage.screens.scans.take(stage.skus(1)[0].gtin)
    stage.screens.root.signOut()
    stage.screens.scans.take(stage.skus(1)[0].gtin)
    assert lines(stage) == []


def test_hostile_names_are_shown_as_they_are(stage: Stage):
    stage.sign_in()
    for text in ("<b>bold</b><img src='x'>", "%1 {0} \\n", "=cmd|' /C calc'!A0", "\u202eabc"):
        stage.screens.goods.search(text)
        stage.screens.members.search(text)
        stage.screens.root.say("problem", text)
        stage.hand.pause(20)
        assert text in stage.hand.names()


def test_every_item_one_can_press_has_a_name_and_a_touchable_size(stage: Stage):
    stage.sign_in()
    for sku in stage.skus(3):
        stage.screens.checkout.addSku(sku.sku_id)
    stage.hand.pause(60)
    nameless, small = [], []
    for item in pressables(stage.window.contentItem()):
        name = accessible_name(stage, item)
        if not name:
            nameless.append(item.metaObject().className())
        if min(item.width(), item.height()) < 44:
            small.append((name, item.width(), item.height()))
    assert (nameless, small) == ([], [])


def pressables(item: QQuickItem) -> list[QQuickItem]:
    """Return every visible, enabled item that can be pressed."""
    found = []
    for child in item.childItems():
        if not child.isVisible():
            continue
        if child.inherits("QQuickAbstractButton") and child.isEnabled():
            found.append(child)
        found += pressables(child)
    return found


def accessible_name(stage: Stage, item: QQuickItem) -> str:
    known = {id(one): name for one, name in stage.hand._named()}
    return known.get(id(item), "")


def swipe(stage: Stage, line: QQuickItem) -> None:
    """Drag a line to the left as a finger does."""
    from PySide6.QtTest import QTest

    start = line.mapToScene(QPointF(line.width() - 150, line.height() / 3)).toPoint()
    QTest.mousePress(stage.window, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 12):
        position = start.__class__(start.x() - 18 * step, start.y())
        QTest.mouseMove(stage.window, position)
        stage.hand.pause(5)
    end = start.__class__(start.x() - 18 * 11, start.y())
    QTest.mouseRelease(stage.window, Qt.MouseButton.LeftButton, pos=end)
