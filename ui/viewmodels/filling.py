"""The download that fills a till: which part, how much of it, whether a sale is possible already, and
the button that stops it for now or lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.errors import Trouble
from app.sync.progress import Filling
from ui.bridge import ViewModel
from ui.tasks import Failure, Tasks
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

LOOK_EVERY_MS, LOOK_OFTEN_MS = 5_000, 400


@QmlElement
@QmlUncreatable("made by the shell")
class FillingVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """`filling` tells how far it is, `pause` stops it (True) or lets it go on (False)."""

    changed = Signal()
    notice = Signal(str, str)

    def __init__(
        self,
        filling: Callable[[], Filling | None],
        pause: Callable[[bool], Future[None] | None],
        words: Words,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._filling, self._pause, self._words = filling, pause, words
        self._now: Filling | None = None
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        words.changed.connect(self.changed)

    @Property(bool, notify=changed)
    def isShown(self) -> bool:
        """Something is being downloaded, or waits to be."""
        return self._now is not None

    @Property(bool, notify=changed)
    def isPaused(self) -> bool:
        """A person stopped it."""
        return self._now is not None and self._now.paused

    @Property(bool, notify=changed)
    def isUnknown(self) -> bool:
        """Nothing is known yet of how much this part is."""
        return self._now is not None and not self._now.expected and not self._now.paused

    @Property(float, notify=changed)
    def share(self) -> float:
        """How much of the part is here, 0 to 1."""
        return self._now.share if self._now else 0.0

    @Property(str, notify=changed)
    def headline(self) -> str:
        """Which part, and which of how many."""
        now = self._now
        if now is None:
            return ""
        key = "filling.paused" if now.paused else "filling.headline"
        part = self._words.say(f"filling.part.{now.stream}")
        return self._words.say(key, part=part, number=now.number, parts=now.parts)

    @Property(str, notify=changed)
    def figures(self) -> str:
        """How many rows of how many."""
        now = self._now
        if now is None or not now.expected:
            return ""
        return self._words.say("filling.figures", n=now.taken, total=max(now.expected, now.taken))

    @Property(str, notify=changed)
    def hint(self) -> str:
        """Whether a sale is possible already."""
        if self._now is None:
            return ""
        if not self._now.sells:
            return self._words.say("filling.not_yet")
        return self._words.say("filling.sells_paused" if self._now.paused else "filling.sells")

    @Property(str, notify=changed)
    def chipText(self) -> str:
        """Two words for the rail, "" where nothing is downloaded."""
        return self.chip()

    @Property(str, notify=changed)
    def buttonText(self) -> str:
        """What the button does."""
        return self._words.say("filling.go_on" if self.isPaused else "filling.pause")

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """The button was pressed and is not done yet."""
        return self._tasks.isBusy()

    @Slot()
    def look(self) -> None:
        """See how far it is; often while something comes in."""
        try:
            now = self._filling()
        except Trouble:
            return  # the store is busy for a moment
        self.put(self.changed, _now=now)
        often = now is not None and not now.paused
        self._timer.setInterval(LOOK_OFTEN_MS if often else LOOK_EVERY_MS)

    @Slot()
    def toggle(self) -> None:
        """Stop the download for now, or let it go on from its last row."""
        if self._now is None or self._tasks.isBusy():
            return
        future = self._pause(not self._now.paused)
        if future is not None:
            self._tasks.follow(future, self._done, self._failed)

    def chip(self) -> str:
        """Return what `chipText` says."""
        now = self._now
        if now is None:
            return ""
        if now.paused:
            return self._words.say("filling.chip_paused")
        return self._words.say("filling.chip", share=round(now.share * 100) * 100)

    def start(self) -> None:
        """Look now and from time to time."""
        self.look()
        self._timer.start()

    def _done(self, _: None) -> None:
        self.look()

    def _failed(self, failure: Failure) -> None:
        self.look()
        self.notice.emit("problem", self._words.error(failure))
