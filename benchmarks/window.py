"""A till's real window under measurement: events go in the way the platform sends them, and a time is
taken when the frame that shows the result has been swapped.

Rendering and Python share one thread here, so what holds when `frameSwapped` is heard already held
when that frame was synchronised: nothing else could run in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtQuick import QQuickItem, QQuickWindow

from benchmarks import events
from guidepos.bootstrap import open_till
from guidepos.till import Till
from guidepos.window import go_online, make_shell
from resources.demo.shop import demo_shop
from ui.hand import Hand
from ui.shell import Shell, application

PATIENCE_MS = 20_000
SCANNER_S = 0.004
"""Between two keys of a USB scanner."""
QUIET_MS = 12.0
"""No frame for so long, and the window is taken to be at rest."""


@dataclass(slots=True)
class Seen:
    """One answer to one event, milliseconds: until the event was handled (`looking_up` is part of
    that), and from there until the frame that shows it was swapped."""

    total: float
    handling: float
    drawing: float
    looking_up: float = 0.0


@dataclass(slots=True)
class Wish:
    """What is waited for, and the frame that showed it."""

    shown: Callable[[], bool]
    swapped: float | None = None
    loop: QEventLoop = field(default_factory=QEventLoop)


@dataclass(slots=True, weakref_slot=True)
class Watched:
    """A window, its hand, and its frames."""

    till: Till
    shell: Shell
    window: QQuickWindow
    hand: Hand
    _last_frame: float = 0.0
    _wish: Wish | None = None

    def watch(self) -> None:
        """Begin to note frames."""
        self.window.frameSwapped.connect(self._swapped)

    def until_shown(
        self, event: Callable[[], object], shown: Callable[[], bool], *, since: float | None = None
    ) -> Seen:
        """Send an event; return what it took until a frame was swapped during which `shown` held.

        `since` is when the event was due, if the window was too busy to take it at once. Raises
        TimeoutError after twenty seconds.
        """
        wish = self._wish = Wish(shown)
        started = time.perf_counter() if since is None else since
        event()
        handled = time.perf_counter()
        if wish.swapped is None:
            QTimer.singleShot(PATIENCE_MS, wish.loop, wish.loop.quit)
            wish.loop.exec()
        self._wish = None
        if wish.swapped is None:
            where = (self.shell.root.property("place"), self.shell.root.property("sheet"))
            raise TimeoutError(f"the window never showed it; it is at {where}")
        return Seen(
            total=(wish.swapped - started) * 1e3,
            handling=(handled - started) * 1e3,
            drawing=(wish.swapped - handled) * 1e3,
        )

    def rest(self, quiet_ms: float = QUIET_MS, most_ms: float = 600) -> None:
        """Let the window live until it has drawn nothing for a while."""
        started = time.perf_counter()
        while True:
            live(2)
            now = time.perf_counter()
            since = now - max(self._last_frame, started)
            if since * 1e3 > quiet_ms or (now - started) * 1e3 > most_ms:
                return

    def key(self, key: str | Qt.Key, at: float | None = None) -> None:
        """Press and release one key; it bears the time `at`, now if there is none."""
        events.press(self.window, key, time.perf_counter() if at is None else at)

    def keys(self, text: str) -> None:
        """Type ASCII one key after the other, as fast as it is taken."""
        for character in text:
            self.key(character)

    def scan(self, code: str) -> float:
        """Send a code's keys, but not its Enter, in a scanner's rhythm; return when that is due.

        Each key bears the time at which the scanner sent it, as it does on a platform, even when the
        window was still busy with the one before.
        """
        at = time.perf_counter()
        for character in code:
            _live_until(at)
            events.press(self.window, character, at)
            at += SCANNER_S
        _live_until(at)
        return at

    def commit(self, text: str) -> None:
        """Let the input method commit text into the focused field."""
        events.commit(text)

    def tap(self, item: QQuickItem) -> None:
        """Tap the middle of an item."""
        events.tap(self.window, item)

    def sign_in(self) -> None:
        """Sign a guide in with their PIN, as far as the sell screen at rest."""
        guide = next(p for p in demo_shop(members=0).people if p.role == "guide")
        self.shell.screens.session.choose(guide.person_id)
        self.keys(guide.pin)
        self.until_shown(
            lambda: self.key("\r"), lambda: self.shell.root.property("place") == "sell"
        )
        self.rest()

    def online(self) -> None:
        """Connect to the till's cloud as the real start does, and wait until it answers."""
        go_online(self.till, self.shell)
        if not self.hand.wait(lambda: self.till.conditions().reachable):
            raise TimeoutError("the cloud does not answer")
        self.rest(60)

    def _swapped(self) -> None:
        now = self._last_frame = time.perf_counter()
        wish = self._wish
        if wish is not None and wish.swapped is None and wish.shown():
            wish.swapped = now
            wish.loop.quit()


def live(ms: int) -> None:
    """Let the window live for a while, in a loop such as it really has: without one Qt would keep
    every deleted item in memory."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _live_until(at: float) -> None:
    while (left := at - time.perf_counter()) > 0:
        live(max(1, int(left * 1e3)))


@contextmanager
def open_window(home: Path) -> Iterator[Watched]:
    """Open the till that lives in `home` in its real window, 1280×800, nobody signed in yet.

    Raises AssertionError if QML complained while it was open.
    """
    application()
    till = open_till(home)
    try:
        shell = make_shell(till)
        try:
            window = shell.show()
            assert (window.width(), window.height()) == (1280, 800)
            watched = Watched(till, shell, window, Hand(window))
            watched.watch()
            watched.rest(60)
            yield watched
            assert shell.warnings == [], shell.warnings
        finally:
            shell.close()
    finally:
        till.close()
