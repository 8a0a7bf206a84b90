"""The thin Qt edge of the keyboard wedge: an event filter on the window, no focus needed, no delay.

It lets every key through at once and asks `rhythm` what it was. When a scan is recognised, the
characters that went into a text field are taken out again as one edit, and `scanned` tells the code.
A scanner cannot get past an input method that is composing: while Chinese is being composed its
digits would choose candidates, so such keys are left alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import (
    Q_ARG,
    QCoreApplication,
    QEvent,
    QMetaObject,
    QObject,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtQuick import QQuickWindow

from ui.input.rhythm import HICCUP_MS, Rhythm, Scan

_LONGEST_CODE = 400
_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)
_SUFFIX_KEYS = {
    int(Qt.Key.Key_Return): "\r",
    int(Qt.Key.Key_Enter): "\r",
    int(Qt.Key.Key_Tab): "\t",
}
_LONE_MODIFIERS = {
    int(key)
    for key in (Qt.Key.Key_Shift, Qt.Key.Key_CapsLock, Qt.Key.Key_NumLock, Qt.Key.Key_AltGr)
}


@dataclass(frozen=True, slots=True)
class Before:
    """A text field as it was before one key reached it."""

    field: QObject
    text: str
    start: int
    end: int


class Wedge(QObject):
    """Watches one window for scans. `clock` gives milliseconds and is injectable for tests."""

    scanned = Signal(str)
    """A code was scanned; whatever it typed on the way has been taken back."""

    suspectsChanged = Signal()
    """A scan seems to be under way; `suspects` says so. A look-up of what is typed may wait."""

    def __init__(
        self, parent: QObject | None = None, *, clock: Callable[[], float] | None = None
    ) -> None:
        super().__init__(parent)
        self._rhythm = Rhythm()
        self._clock = clock
        self._window: QQuickWindow | None = None
        self._before: deque[Before | None] = deque(maxlen=_LONGEST_CODE)
        self._own = False
        self._suspects = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._check_due)
        self._last_ms = 0.0

    @property
    def suspects(self) -> bool:
        """The last keys came too fast for a person."""
        return self._suspects

    def watch(self, window: QQuickWindow) -> None:
        """Begin to listen to a window's keys."""
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at keys on their way into the window; True keeps one back."""
        kind = event.type()
        if self._own:
            return False
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            return self._override(event)
        if kind in _INTERRUPTIONS:
            self._reset()
        return False

    # --- keys ---------------------------------------------------------------------------------

    def _key(self, event: QKeyEvent) -> bool:
        key = int(event.key())
        if key in _LONE_MODIFIERS:
            return False
        if event.isAutoRepeat() or event.modifiers() & _COMMANDS or _is_composing():
            self._reset()
            return False
        character = _SUFFIX_KEYS.get(key, event.text())
        if not character:
            self._reset()
            return False
        self._last_ms = self._now(event)
        answer = self._rhythm.feed(character, self._last_ms)
        if answer is None:
            self._remember()
        elif isinstance(answer, Scan):
            self._deliver(answer)
        self._follow_up()
        # A space within a scan must not press the button that has the focus.
        stray = character == " " and self._rhythm.suspects
        return answer is not None or (stray and _look_at(QGuiApplication.focusObject()) is None)

    def _override(self, event: QKeyEvent) -> bool:
        """Keep shortcuts from eating keys that look like a scanner's."""
        key = int(event.key())
        if event.modifiers() & _COMMANDS:
            return False
        at = self._now(event)
        if key in _SUFFIX_KEYS:
            mine = self._rhythm.would_end(at)
        else:
            mine = self._rhythm.suspects and at - self._last_ms <= HICCUP_MS
        if mine:
            event.accept()
        return mine

    def _remember(self) -> None:
        """Keep what the focused field looks like before this key changes it."""
        while len(self._before) >= max(self._rhythm.length, 1):
            self._before.popleft()
        if self._rhythm.length:
            self._before.append(_look_at(QGuiApplication.focusObject()))

    def _follow_up(self) -> None:
        if self._rhythm.deadline_ms is None:
            self._timer.stop()
        else:
            self._timer.start(round(HICCUP_MS) + 2)
        self._tell_suspicion()

    @Slot()
    def _check_due(self) -> None:
        scan = self._rhythm.due(self._last_ms + HICCUP_MS)
        if scan:
            self._deliver(scan)
        self._tell_suspicion()

    def _deliver(self, scan: Scan) -> None:
        looks = list(self._before)[-scan.typed :]
        first = looks[0] if looks else None
        if first is not None and first.field is QGuiApplication.focusObject():
            self._take_back(first)
        self._before.clear()
        self.scanned.emit(scan.code)

    def _take_back(self, before: Before) -> None:
        """Undo what the scan typed as one edit, so the field and whoever listens see one change."""
        field = before.field
        now = _look_at(field)
        if now is None or now.text == before.text:
            return
        kept_behind = len(before.text) - before.end
        end = len(now.text) - kept_behind
        if end < before.start or not now.text.startswith(before.text[: before.start]):
            return
        selected = before.text[before.start : before.end]
        _call(field, "select", before.start, end)
        self._own = True
        try:
            if selected:
                _type(field, selected)
                _call(field, "select", before.start, before.end)
            else:
                _press_delete(field)
        finally:
            self._own = False

    # --- small things -------------------------------------------------------------------------

    def _now(self, event: QKeyEvent) -> float:
        """The event's own time, which a stalled program does not stretch; else the steady clock."""
        if self._clock is not None:
            return self._clock()
        stamp = event.timestamp()
        return float(stamp) if stamp else time.monotonic() * 1000

    def _reset(self) -> None:
        self._rhythm.reset()
        self._before.clear()
        self._timer.stop()
        self._tell_suspicion()

    def _tell_suspicion(self) -> None:
        suspects = self._rhythm.suspects
        if suspects != self._suspects:
            self._suspects = suspects
            self.suspectsChanged.emit()


_INTERRUPTIONS = frozenset(
    {
        QEvent.Type.MouseButtonPress,
        QEvent.Type.TouchBegin,
        QEvent.Type.FocusOut,
        QEvent.Type.WindowDeactivate,
    }
)


def _look_at(field: QObject | None) -> Before | None:
    """Return a text field's text and selection, None for anything that is no text field."""
    if field is None:
        return None
    text, position = field.property("text"), field.property("cursorPosition")
    if not isinstance(text, str) or not isinstance(position, int):
        return None
    start, end = field.property("selectionStart"), field.property("selectionEnd")
    if not isinstance(start, int) or not isinstance(end, int) or start == end:
        start = end = position
    return Before(field, text, start, end)


def _is_composing() -> bool:
    """Tell whether an input method holds unfinished text in the focused field."""
    field: QObject | None = QGuiApplication.focusObject()
    return bool(field and field.property("inputMethodComposing"))


def _call(field: QObject, method: str, first: int, second: int) -> None:
    QMetaObject.invokeMethod(field, method, Q_ARG(int, first), Q_ARG(int, second))


def _press_delete(field: QObject) -> None:
    _send(field, Qt.Key.Key_Delete, "")


def _type(field: QObject, text: str) -> None:
    _send(field, Qt.Key.Key_unknown, text)


def _send(field: QObject, key: Qt.Key, text: str) -> None:
    none = Qt.KeyboardModifier.NoModifier
    QCoreApplication.sendEvent(field, QKeyEvent(QEvent.Type.KeyPress, key, none, text))
    QCoreApplication.sendEvent(field, QKeyEvent(QEvent.Type.KeyRelease, key, none, text))
