"""The customer's proof while the shop is offline: scanned from their phone, or eight digits read aloud.

It asks the payments service and hands its news on; it shows what was refused and why. Knows neither the
scanner nor the camera that read the proof.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.errors import Code
from app.services.payments import PaymentNews, Payments
from app.wire.proofs import SPOKEN_DIGITS, SPOKEN_TRIES
from ui.bridge import ViewModel
from ui.tasks import Failure, Tasks
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

_HALF = SPOKEN_DIGITS // 2


@QmlElement
@QmlUncreatable("made by the shell")
class ProofVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """A proof for the order on the screen, if there is one. `heard` carries what a proof has become;
    `current` tells which attempt is on the screen ("" for none) and who is at the till."""

    changed = Signal()
    heard = Signal(object)
    cameraAsked = Signal()
    notice = Signal(str, str)

    def __init__(
        self,
        payments: Payments,
        current: Callable[[], tuple[str, str]],
        words: Words,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._payments, self._current, self._words = payments, current, words
        self._typed, self._typing = "", False
        self._failure: Failure | None = None
        self._left = SPOKEN_TRIES
        self._has_camera = False
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        words.changed.connect(self.changed)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(bool, notify=changed)
    def isTyping(self) -> bool:
        """The spoken code is being keyed in."""
        return self._typing

    @Property(str, notify=changed)
    def typed(self) -> str:
        """What was keyed in, in two halves, with a dot for each digit to come."""
        shown = self._typed.ljust(SPOKEN_DIGITS, "·")
        return f"{shown[:_HALF]} {shown[_HALF:]}"

    @Property(str, notify=changed)
    def problem(self) -> str:
        """Why the last proof or code was refused, "" for nothing."""
        return self._words.error(self._failure) if self._failure else ""

    @Property(str, notify=changed)
    def triesLeft(self) -> str:
        """How many codes may still be tried."""
        return self._words.say("pay.spoken_tries", n=self._left)

    @Property(bool, notify=changed)
    def canCheck(self) -> bool:
        """The code is whole and may be tried."""
        return len(self._typed) == SPOKEN_DIGITS and self._left > 0 and not self._tasks.isBusy()

    @Property(bool, notify=changed)
    def hasCamera(self) -> bool:
        """The till can look at the customer's phone itself."""
        return self._has_camera

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """A proof is being looked at."""
        return self._tasks.isBusy()

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def type(self) -> None:
        """Open the keys for the spoken code."""
        if self._current()[0]:
            self.put(self.changed, _typing=True, _typed="", _failure=None)

    @Slot()
    def look(self) -> None:
        """Look at the customer's phone with the till's camera."""
        self.cameraAsked.emit()

    @Slot()
    def back(self) -> None:
        """Back to the QR."""
        self.put(self.changed, _typing=False, _typed="", _failure=None)

    @Slot(str)
    def key(self, figure: str) -> None:
        """Take a digit."""
        if figure.isdigit() and figure.isascii() and len(self._typed) < SPOKEN_DIGITS:
            self.put(self.changed, _typed=self._typed + figure, _failure=None)

    @Slot()
    def erase(self) -> None:
        """Take the last digit back."""
        self.put(self.changed, _typed=self._typed[:-1], _failure=None)

    @Slot()
    def check(self) -> None:
        """Try the code."""
        attempt_id, person = self._current()
        if attempt_id and self.canCheck:
            future = self._payments.speak(attempt_id, self._typed, person)
            self._tasks.follow(future, self._believed, self._refused)

    # --- what Python does ---------------------------------------------------------------------

    def join_camera(self, there: bool, open_: Callable[[], None]) -> None:
        """Offer the till's camera, if there is one; what it reads comes back as a scan."""
        self.cameraAsked.connect(open_)
        self.put(self.changed, _has_camera=there)

    def scanned(self, text: str) -> None:
        """Take a proof that a scanner or camera read, for the order on the screen or for its own."""
        if self._tasks.isBusy():
            return
        attempt_id, person = self._current()
        self.put(self.changed, _typed="", _failure=None)
        future = self._payments.prove(text, attempt_id, person)
        self._tasks.follow(future, self._believed, self._refused)

    def rest(self) -> None:
        """Forget what was typed and refused: another order, or none."""
        self._left = SPOKEN_TRIES
        self.put(self.changed, _typing=False, _typed="", _failure=None)

    def _believed(self, news: PaymentNews) -> None:
        self.rest()
        self.heard.emit(news)

    def _refused(self, failure: Failure) -> None:
        left = failure.facts.get("tries_left")
        if isinstance(left, int):
            self._left = left
        if failure.code is Code.SPOKEN_CODE_LOCKED:
            self._left = 0
        self.put(self.changed, _typed="", _failure=failure)
        self.notice.emit("problem", self._words.error(failure))
