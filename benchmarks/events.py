"""Keys, taps and input-method commits as the platform sends them, at once and without any pause."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent, QMouseEvent
from PySide6.QtQuick import QQuickItem, QQuickWindow

_NONE = Qt.KeyboardModifier.NoModifier
_KEY_EVENTS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_KEYS = {"\r": Qt.Key.Key_Return, "\b": Qt.Key.Key_Backspace, "\x1b": Qt.Key.Key_Escape}


def press(window: QQuickWindow, key: str | Qt.Key, at_s: float) -> None:
    """Send one key: the question to shortcuts, press, release. All bear the time `at_s`."""
    code = key if isinstance(key, Qt.Key) else _KEYS.get(key, Qt.Key(ord(key.upper())))
    text = key if isinstance(key, str) else ""
    for kind in _KEY_EVENTS:
        event = QKeyEvent(kind, code, _NONE, text)
        event.setTimestamp(round(at_s * 1e3))
        if kind == QEvent.Type.ShortcutOverride:
            event.ignore()
        QCoreApplication.sendEvent(window, event)


def tap(window: QQuickWindow, item: QQuickItem) -> None:
    """Press and release the left button in the middle of an item."""
    middle = item.mapToScene(QPointF(item.width() / 2, item.height() / 2))
    everywhere = window.mapToGlobal(middle)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, held in (
        (QEvent.Type.MouseButtonPress, left),
        (QEvent.Type.MouseButtonRelease, none),
    ):
        QCoreApplication.sendEvent(window, QMouseEvent(kind, middle, everywhere, left, held, _NONE))


def commit(text: str) -> None:
    """Let the input method commit text into the focused field."""
    event = QInputMethodEvent()
    event.setCommitString(text)
    QCoreApplication.sendEvent(QGuiApplication.focusObject(), event)
