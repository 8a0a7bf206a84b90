"""Signing in: who is there, the PIN as it is typed, and why it was refused.

The PIN lives here only while it is typed, is never shown, and is dropped with every answer.
"""

from __future__ import annotations

from concurrent.futures import Executor

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Person, Role
from app.errors import Code, Trouble
from app.services.session import Session
from ui.bridge import KeyedListModel, ViewModel
from ui.tasks import Failure, Tasks, sort_failure
from ui.text import Words
from ui.viewmodels.people import letters, seed

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

PERSON_ROLES = ("personId", "name", "role", "letters", "seed", "manager")
LEAST_PIN, MOST_PIN = 4, 8


@QmlElement
@QmlUncreatable("made by the shell")
class SessionVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The sign-in screen."""

    changed = Signal()
    refused = Signal()
    signedIn = Signal(object)

    def __init__(self, session: Session, pool: Executor, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._pool, self._words = session, pool, words
        self._chosen: Person | None = None
        self._pin, self._failure, self._locked = "", None, 0
        self._listed: tuple[Person, ...] = ()
        self._people = KeyedListModel(PERSON_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        self._second = QTimer(self)
        self._second.setInterval(1000)
        self._second.timeout.connect(self._count_down)
        words.changed.connect(self._show_people)

    _failure: Failure | None

    # --- what QML reads -------------------------------------------------------------------------

    @Property(QObject, constant=True)
    def people(self) -> QObject:
        """Everyone who may sign in."""
        return self._people

    @Property(str, notify=changed)
    def chosen(self) -> str:
        """Id of the person whose PIN is asked for, "" for none."""
        return self._chosen.person_id if self._chosen else ""

    @Property(str, notify=changed)
    def chosenName(self) -> str:
        """Their name."""
        return self._name()

    @Property(str, notify=changed)
    def chosenLetters(self) -> str:
        """Their letters."""
        return letters(self._name())

    @Property(int, notify=changed)
    def chosenSeed(self) -> int:
        """Their colour."""
        return seed(self._chosen.person_id) if self._chosen else 0

    @Property(int, notify=changed)
    def typed(self) -> int:
        """How many figures were typed."""
        return len(self._pin)

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """The PIN is being checked."""
        return self._tasks.isBusy()

    @Property(bool, notify=changed)
    def locked(self) -> bool:
        """The person is locked out for a while."""
        return self._locked > 0

    @Property(bool, notify=changed)
    def canSubmit(self) -> bool:
        """Enough figures were typed."""
        return self._can_submit()

    @Property(bool, notify=changed)
    def isProblem(self) -> bool:
        """`message` tells of a refusal."""
        return self._locked > 0 or self._failure is not None

    @Property(str, notify=changed)
    def message(self) -> str:
        """What to do, or why not."""
        if self._locked:
            return self._words.code(Code.PIN_LOCKED, seconds=self._locked)
        if self._failure:
            return self._words.error(self._failure)
        return self._words.say("signin.enter_pin") if self._chosen else ""

    # --- what QML does --------------------------------------------------------------------------

    @Slot(str)
    def choose(self, person_id: str) -> None:
        """Ask for this person's PIN."""
        self._chosen = next((p for p in self._listed if p.person_id == person_id), None)
        self._pin, self._failure = "", None
        self._lock(self._session.locked_seconds(person_id) if self._chosen else 0)
        self.changed.emit()

    @Slot()
    def back(self) -> None:
        """Ask nobody."""
        self.choose("")

    @Slot(str)
    def digit(self, figure: str) -> None:
        """Type one figure."""
        if self._chosen and not self._locked and len(self._pin) < MOST_PIN and figure.isdigit():
            self.put(self.changed, _pin=self._pin + figure, _failure=None)

    @Slot()
    def erase(self) -> None:
        """Take the last figure back."""
        self.put(self.changed, _pin=self._pin[:-1])

    @Slot()
    def submit(self) -> None:
        """Check the PIN."""
        if not self._can_submit() or self._chosen is None:
            return
        pin, self._pin = self._pin, ""
        future = self._pool.submit(self._session.sign_in, self._chosen.person_id, pin)
        self._tasks.follow(future, self._welcome, self._refuse)
        self.changed.emit()

    # --- what Python does -----------------------------------------------------------------------

    @Slot()
    def load(self) -> None:
        """Read who may sign in."""
        try:
            self._listed = self._session.people()
        except Trouble as trouble:
            self.put(self.changed, _failure=sort_failure(trouble))
            return
        self._show_people()

    def _name(self) -> str:
        return self._words.name(self._chosen.name, self._chosen.name_en) if self._chosen else ""

    def _can_submit(self) -> bool:
        return len(self._pin) >= LEAST_PIN and not self._locked and not self._tasks.isBusy()

    def _welcome(self, person: Person) -> None:
        self.choose("")
        self.signedIn.emit(person)

    def _refuse(self, failure: Failure) -> None:
        seconds = failure.facts.get("seconds")
        if failure.code is Code.PIN_LOCKED and isinstance(seconds, int):
            self._lock(seconds)
        self._failure = failure
        self.changed.emit()
        self.refused.emit()

    def _lock(self, seconds: int) -> None:
        self._locked = seconds
        if seconds:
            self._second.start()
        else:
            self._second.stop()

    @Slot()
    def _count_down(self) -> None:
        self._lock(max(0, self._locked - 1))
        if not self._locked:
            self._failure = None
        self.changed.emit()

    @Slot()
    def _show_people(self) -> None:
        self._people.show(
            {
                "personId": person.person_id,
                "name": self._words.name(person.name, person.name_en),
                "role": self._words.say(f"settings.role.{person.role.value}"),
                "letters": letters(self._words.name(person.name, person.name_en)),
                "seed": seed(person.person_id),
                "manager": person.role is Role.MANAGER,
            }
            for person in self._listed
        )
        self.changed.emit()
