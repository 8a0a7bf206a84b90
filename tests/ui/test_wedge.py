"""The scanner needs no focus, delays no key, and leaves the focused field as it was."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Q_ARG, QCoreApplication, QEvent, QMetaObject, QObject, Qt
from PySide6.QtGui import QInputMethodEvent, QKeyEvent
from PySide6.QtQml import QQmlApplicationEngine
from PySide6.QtQuick import QQuickItem, QQuickWindow
from PySide6.QtTest import QTest

from tests.ui.traces import Trace, traces
from ui.input.wedge import Wedge

FORM = b"""
import QtQuick
import QtQuick.Controls.Basic

Window {
    id: root
    width: 300; height: 200; visible: true
    property int edits: 0
    property int entered: 0
    property int shortcuts: 0
    property int clicks: 0
    Shortcut { sequences: ["Return", "6"]; onActivated: root.shortcuts += 1; enabled: root.shortcutsOn }
    property bool shortcutsOn: false
    TextField {
        objectName: "field"
        onTextEdited: root.edits += 1
        onAccepted: root.entered += 1
    }
    Button { objectName: "button"; y: 60; onClicked: root.clicks += 1 }
    Item { objectName: "elsewhere"; focus: true; y: 100 }
}
"""
GTIN = "6901234567892"


class Form:
    """A window with a text field, a wedge on it, and the clock in our hand."""

    def __init__(self) -> None:
        self.engine = QQmlApplicationEngine()
        self.engine.loadData(FORM)
        window = self.engine.rootObjects()[0]
        assert isinstance(window, QQuickWindow)
        self.window = window
        self.now = 0.0
        self.wedge = Wedge(clock=lambda: self.now)
        self.wedge.watch(self.window)
        self.scans: list[str] = []
        self.wedge.scanned.connect(self.scans.append)
        found = self.window.findChild(QObject, "field")
        assert isinstance(found, QQuickItem)
        self.field = found
        self.window.requestActivate()

    def focus(self) -> None:
        self.field.forceActiveFocus()

    def press(self, key: str) -> None:
        if key == "\r":
            QTest.keyClick(self.window, Qt.Key.Key_Return)
        elif key == "\t":
            QTest.keyClick(self.window, Qt.Key.Key_Tab)
        else:
            QTest.keyClick(self.window, key)  # type: ignore[call-overload]  # takes a character too

    def play(self, trace: Trace) -> None:
        for at, key in trace.keys:
            self.settle(at)
            if isinstance(key, dict):
                self.compose(key)
            else:
                self.press(key)
        self.settle(trace.keys[-1][0] + 1_000)

    def settle(self, at: float) -> None:
        """Let the wedge's own timer have run, had it been due before `at`."""
        deadline = self.wedge._rhythm.deadline_ms
        if deadline is not None and at >= deadline:
            self.wedge._check_due()
        self.now = at

    def compose(self, key: dict[str, str]) -> None:
        event = QInputMethodEvent(key.get("compose", ""), [])
        if "commit" in key:
            event.setCommitString(key["commit"])
        QCoreApplication.sendEvent(self.field, event)

    def text(self) -> str:
        return str(self.field.property("text"))

    def close(self) -> None:
        self.window.close()
        self.engine.deleteLater()


@pytest.fixture
def form(qtbot):
    made = Form()
    with qtbot.waitActive(made.window):
        made.window.show()
    yield made
    made.close()


@pytest.mark.parametrize("trace", traces(), ids=lambda trace: trace.name)
def test_with_the_field_focused_a_trace_leaves_exactly_what_a_person_typed(form, trace: Trace):
    form.focus()
    form.play(trace)
    assert (form.scans, form.text(), form.window.property("entered")) == (
        trace.scans,
        trace.field,
        trace.entered,
    )


def test_without_any_focus_a_scan_is_heard(form):
    for i, key in enumerate(GTIN + "\r"):
        form.now = i * 3.0
        form.press(key)
    assert (form.scans, form.text()) == ([GTIN], "")


def test_keys_reach_the_field_at_once(form):
    form.focus()
    for i, key in enumerate("690123"):
        form.now = i * 3.0
        form.press(key)
        assert form.text() == "690123"[: i + 1]


def test_taking_back_is_one_edit(form):
    form.focus()
    for i, key in enumerate(GTIN + "\r"):
        form.now = i * 3.0
        form.press(key)
    assert form.window.property("edits") == len(GTIN) + 1
    assert form.text() == ""


def test_a_scan_over_a_selection_gives_the_selected_text_back(form):
    form.focus()
    form.field.setProperty("text", "black coat")
    QMetaObject.invokeMethod(form.field, "select", Q_ARG(int, 6), Q_ARG(int, 10))
    for i, key in enumerate(GTIN + "\r"):
        form.now = i * 3.0
        form.press(key)
    assert (form.scans, form.text()) == ([GTIN], "black coat")
    assert form.field.property("selectedText") == "coat"


def test_a_scan_in_the_middle_of_a_text_leaves_both_sides(form):
    form.focus()
    form.field.setProperty("text", "blackcoat")
    form.field.setProperty("cursorPosition", 5)
    for i, key in enumerate(GTIN + "\r"):
        form.now = i * 3.0
        form.press(key)
    assert (form.text(), form.field.property("cursorPosition")) == ("blackcoat", 5)


def test_a_field_too_short_for_the_code_is_still_left_clean(form):
    form.focus()
    form.field.setProperty("maximumLength", 8)
    form.field.setProperty("text", "ab")
    form.field.setProperty("cursorPosition", 2)
    for i, key in enumerate(GTIN + "\r"):
        form.now = i * 3.0
        form.press(key)
    assert (form.scans, form.text()) == ([GTIN], "ab")


def test_no_shortcut_eats_a_scanners_keys(form):
    for i, key in enumerate("496012" + GTIN + "\r"):
        if i == 4:
            form.window.setProperty("shortcutsOn", True)
        form.now = i * 3.0
        form.press(key)
    assert form.scans == ["496012" + GTIN]
    assert form.window.property("shortcuts") == 0
    form.now = 5_000
    form.press("\r")
    assert form.window.property("shortcuts") == 1


def test_a_click_or_a_command_key_ends_the_run(form):
    form.focus()
    for i, key in enumerate("690123"):
        form.now = i * 3.0
        form.press(key)
    QTest.mouseClick(form.window, Qt.MouseButton.LeftButton)
    for i, key in enumerate("45\r"):
        form.now = 20 + i * 3.0
        form.press(key)
    assert form.scans == []


def test_a_held_key_is_no_scanner(form):
    form.focus()
    for i in range(12):
        form.now = i * 30.0
        if i:
            hold(form, "0")
        else:
            form.press("0")
    form.press("\r")
    assert form.scans == []
    assert form.text() == "0" * 12


def hold(form: Form, key: str) -> None:
    """Send what a key held down sends again and again."""
    none = Qt.KeyboardModifier.NoModifier
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_0, none, key, True)
    QCoreApplication.sendEvent(form.window, event)


def test_a_code_without_suffix_is_delivered_by_the_clock(form, qtbot):
    form.focus()
    for i, key in enumerate("96385074"):
        form.now = i * 3.0
        form.press(key)
    qtbot.waitUntil(lambda: form.scans == ["96385074"])
    assert form.text() == ""


def test_a_space_within_a_scan_presses_no_button_and_one_of_a_person_does(form):
    button = form.window.findChild(QObject, "button")
    assert isinstance(button, QQuickItem)
    button.forceActiveFocus()
    proof = "GP1:6BF %8 A1"
    for place, key in enumerate(proof + "\r"):
        form.now = 1_000.0 + 5 * place
        form.press(key)
    assert form.scans == [proof]
    assert form.window.property("clicks") == 0
    form.now += 2_000
    form.press(" ")
    assert form.window.property("clicks") == 1
