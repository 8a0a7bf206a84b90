"""A hand that uses the window as a person does: finds things by their accessible name, taps, types,
waits until something is seen. The demo's story, the self-test and the screenshots are played with it.

It knows no service: what cannot be reached by tapping and typing cannot be reached by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEventLoop, QPointF, Qt, QTimer
from PySide6.QtGui import (
    QGuiApplication,
    QImage,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtQml import QQmlContext, QQmlEngine, QQmlProperty
from PySide6.QtQuick import QQuickItem, QQuickWindow

LOOK_EVERY_MS = 15
PERSON_MS = 70
SCANNER_MS = 2
PATIENCE_S = 20.0

_KEYS = {"\r": Qt.Key.Key_Return, "\b": Qt.Key.Key_Backspace, "\x1b": Qt.Key.Key_Escape}


class NotSeen(AssertionError):  # noqa: N818 - it says what happened
    """What was looked for did not appear; the message lists what was on screen instead."""


class Hand:
    """One person at one window. GUI thread only."""

    def __init__(self, window: QQuickWindow) -> None:
        self._window = window

    def see(self, name: str, patience_s: float = PATIENCE_S) -> QQuickItem:
        """Wait until an item with this accessible name (or one that contains it) is visible.

        An exact name wins over one that contains it. Raises NotSeen.
        """
        found: list[QQuickItem] = []

        def look() -> bool:
            found[:] = [item for item in [self.find(name)] if item is not None]
            return bool(found)

        if not self.wait(look, patience_s):
            raise NotSeen(f"{name!r} is not among {sorted(set(self.names()))}")
        return found[0]

    def find(self, name: str) -> QQuickItem | None:
        """Return the topmost visible item of this name, None if there is none."""
        exact: QQuickItem | None = None
        partial: QQuickItem | None = None
        for item, text in self._named():
            if text == name:
                exact = item
            elif name in text:
                partial = item
        return exact or partial

    def tap(self, name: str, patience_s: float = PATIENCE_S) -> None:
        """Tap the middle of an item once it can be seen and used and has come to rest."""
        item = self.see(name, patience_s)
        if not self.wait(item.isEnabled, patience_s):
            raise NotSeen(f"{name!r} stays disabled")
        self.wait(lambda: item.width() > 0 and item.height() > 0)
        self.tap_at(self._at_rest(item))

    def _at_rest(self, item: QQuickItem) -> QPointF:
        """Return an item's middle once it stands still: what has just appeared lies where it was
        before the next frame sorts it in, and what slides in is not yet where a finger meets it."""
        places: list[QPointF] = []

        def look() -> bool:
            middle = QPointF(item.width() / 2, item.height() / 2)
            places.append(item.mapToScene(middle))
            return len(places) > 2 and places[-1] == places[-2] == places[-3]

        self.wait(look)
        return places[-1]

    def tap_at(self, point: QPointF) -> None:
        """Tap a point of the window, in its own coordinates."""
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        everywhere = self._window.mapToGlobal(point)
        for kind, held in (
            (QMouseEvent.Type.MouseButtonPress, left),
            (QMouseEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton),
        ):
            QGuiApplication.sendEvent(
                self._window, QMouseEvent(kind, point, everywhere, left, held, none)
            )
        self.pause()

    def type(self, text: str) -> None:
        """Type text into whatever has the focus, at a quick person's pace (a till takes anything
        faster for a scanner); Chinese arrives as an input method commits it."""
        for character in text:
            if character.isascii():
                self.press(character)
                self.pause(PERSON_MS)
            else:
                commit = QInputMethodEvent()
                commit.setCommitString(character)
                QGuiApplication.sendEvent(QGuiApplication.focusObject(), commit)
        self.pause()

    def scan(self, code: str) -> None:
        """Let a keyboard-wedge scanner type a code and Enter, whatever has the focus.

        Its keys bear the times at which it sent them, as the platform's do, however busy we are.
        """
        began = round(time.monotonic() * 1000)
        for place, character in enumerate(code + "\r"):
            self.press(character, at_ms=began + place * SCANNER_MS)
        self.pause()

    def press(self, key: str | Qt.Key, *, at_ms: int = 0) -> None:
        """Press and release one key; it bears the time `at_ms`, none if 0."""
        code = key if isinstance(key, Qt.Key) else _KEYS.get(key, Qt.Key(ord(key.upper())))
        text = key if isinstance(key, str) else ""
        none = Qt.KeyboardModifier.NoModifier
        for kind in (QKeyEvent.Type.KeyPress, QKeyEvent.Type.KeyRelease):
            event = QKeyEvent(kind, code, none, text)
            event.setTimestamp(at_ms)
            QGuiApplication.sendEvent(self._window, event)

    def wait(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
        """Let the window live until a condition holds; False if it never does."""
        deadline = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.pause()
        return True

    def pause(self, ms: int = LOOK_EVERY_MS) -> None:
        """Let the window live for a moment."""
        loop = QEventLoop()
        QTimer.singleShot(ms, loop.quit)
        loop.exec()

    def names(self) -> list[str]:
        """Return the accessible names on screen, from back to front."""
        return [text for _, text in self._named()]

    def picture(self) -> QImage:
        """Return what the window shows."""
        return self._window.grabWindow()

    def camera(self) -> tuple[bytes, int, int]:
        """Return what a camera would see of the window: grey pixels, width, height."""
        grey = self.picture().convertToFormat(QImage.Format.Format_Grayscale8)
        width, height, stride = grey.width(), grey.height(), grey.bytesPerLine()
        raw = bytes(grey.constBits())
        rows = (raw[y * stride : y * stride + width] for y in range(height))
        return b"".join(rows), width, height

    def save(self, file: Path) -> None:
        """Save what the window shows as PNG."""
        file.parent.mkdir(parents=True, exist_ok=True)
        if not self.picture().save(str(file)):
            raise OSError(f"cannot write {file}")

    def _named(self) -> Iterator[tuple[QQuickItem, str]]:
        for item in _visible(self._window.contentItem()):
            text = _accessible_name(item)
            if text:
                yield item, text


def _accessible_name(item: QQuickItem) -> str:
    """Return the name its QML gave the item, "" for none.

    Read as a property, not through QAccessible: the interfaces that returns belong to Qt, but Python
    deletes them.
    """
    # Qt's hints promise a context; an item made by C++ has none.
    context = cast("QQmlContext | None", QQmlEngine.contextForObject(item))
    if context is None or not context.isValid():  # the item is about to be deleted
        return ""
    value = QQmlProperty(item, "Accessible.name", context).read()
    return value if isinstance(value, str) else ""


def _visible(item: QQuickItem) -> Iterator[QQuickItem]:
    """Walk what is drawn, in drawing order; delegates are visual children, not QObject ones."""
    for child in sorted(item.childItems(), key=lambda one: one.z()):
        if child.isVisible() and child.opacity() > 0:
            yield child
            yield from _visible(child)
