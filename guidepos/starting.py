"""Waits for a till's store at the start and, where an older file is prepared first, shows how far that is.

A start with nothing to prepare loads no window earlier than before.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.settings import Settings
from offline_store.preparing import Onlooker, Stage

if TYPE_CHECKING:
    from ui.starting import StartWindow

BEAT_S = 0.03
"""Between two looks; the bar moves smoothly."""


@contextmanager
def onlooker(settings: Settings) -> Iterator[Onlooker]:
    """Return who waits for a store, with a window if it takes preparing; it is gone on leaving."""
    start = _Start(settings)
    try:
        yield Onlooker(start.hear, start.wait)
    finally:
        start.close()


class _Start:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._latest: tuple[Stage, float] | None = None
        self._window: StartWindow | None = None

    def hear(self, stage: Stage, part: float) -> None:
        """Keep what is done now. Store thread."""
        self._latest = stage, part

    def wait(self, opened: Future[None]) -> None:
        """Return when the store is open; raises why it is not."""
        while not wait([opened], BEAT_S).done:
            if self._latest is not None:
                self._show(*self._latest)
        opened.result()

    def close(self) -> None:
        """Take the window down."""
        window, self._window = self._window, None
        if window is not None:
            window.close()

    def _show(self, stage: Stage, part: float) -> None:
        if self._window is None:
            from ui.starting import StartWindow  # brings Qt

            self._window = StartWindow(self._settings)
        self._window.show(stage.value, part)
