"""The member sheet: finding a member by anything one remembers, or letting a customer join."""

from __future__ import annotations

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.member import Member
from app.errors import Code, RuleBroken, Trouble
from app.services.members import Members
from ui.bridge import KeyedListModel, ViewModel
from ui.tasks import Failure, Tasks, sort_failure
from ui.text import Words
from ui.viewmodels.people import letters, seed
from ui.viewmodels.shoplists import ShopLists

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

MEMBER_ROLES = ("memberRef", "name", "detail", "tier", "letters", "seed")
MOST_FOUND = 12


@QmlElement
@QmlUncreatable("made by the shell")
class MembersVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """Who the customer is."""

    changed = Signal()
    picked = Signal(str)

    def __init__(self, members: Members, lists: ShopLists, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._members, self._lists, self._words = members, lists, words
        self._text, self._joining, self._problem, self._problem_at = "", False, "", ""
        self._found = KeyedListModel(MEMBER_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        words.changed.connect(self._look_up)

    @Property(QObject, constant=True)
    def found(self) -> QObject:
        """Members the search finds."""
        return self._found

    @Property(str, notify=changed)
    def text(self) -> str:
        """What is searched for."""
        return self._text

    @Property(bool, notify=changed)
    def nothingFound(self) -> bool:
        """The search finds nobody."""
        return bool(self._text.strip()) and self._found.rowCount() == 0

    @Property(bool, notify=changed)
    def joining(self) -> bool:
        """The form for a new member is shown."""
        return self._joining

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """A new member is being kept."""
        return self._tasks.isBusy()

    @Property(str, notify=changed)
    def nameProblem(self) -> str:
        """What is wrong with the name."""
        return self._problem if self._problem_at == "name" else ""

    @Property(str, notify=changed)
    def phoneProblem(self) -> str:
        """What is wrong with the phone, or with joining."""
        return self._problem if self._problem_at == "phone" else ""

    @Property(str, notify=changed)
    def typedPhone(self) -> str:
        """The search text if it can only be a phone; the form begins with it."""
        return self._text if self._text.strip().isdigit() else ""

    @Property(str, notify=changed)
    def typedName(self) -> str:
        """The search text if it is no phone; the form begins with it."""
        return "" if self._text.strip().isdigit() else self._text.strip()

    @Slot()
    def open(self) -> None:
        """Begin with nobody."""
        self._lists.load()
        self._text, self._joining, self._problem, self._problem_at = "", False, "", ""
        self._look_up()

    @Slot(str)
    def search(self, text: str) -> None:
        """Find members."""
        self._text = text[:60]
        self._look_up()

    @Slot(str)
    def pick(self, member_ref: str) -> None:
        """Attach this member."""
        self.picked.emit(member_ref)

    @Slot(bool)
    def showForm(self, shown: bool) -> None:
        """Show or leave the form for a new member."""
        self.put(self.changed, _joining=shown, _problem="", _problem_at="")

    @Slot(str, str)
    def join(self, name: str, phone: str) -> None:
        """Make a new member and attach them."""
        if self._tasks.isBusy():
            return
        try:
            future = self._members.join(name, phone)
        except (RuleBroken, Trouble) as refusal:
            self._refused(sort_failure(refusal))
            return
        self.put(self.changed, _problem="", _problem_at="")
        self._tasks.follow(future, self._joined, self._refused)

    def _joined(self, member: Member) -> None:
        self.put(self.changed, _joining=False)
        self.picked.emit(member.member_ref)

    def _refused(self, failure: Failure) -> None:
        at = "name" if failure.code and failure.code.value.startswith("text_") else "phone"
        if failure.code is Code.PHONE_INVALID:
            at = "phone"
        self.put(self.changed, _problem=self._words.error(failure), _problem_at=at)

    @Slot()
    def _look_up(self) -> None:
        try:
            found = self._members.find(self._text, MOST_FOUND) if self._text.strip() else ()
        except Trouble:
            found = ()
        self._found.show(
            {
                "memberRef": member.member_ref,
                "name": member.name,
                "detail": self._words.join(
                    member.masked_phone(), self._words.say("member.points", n=member.points)
                ),
                "tier": self._lists.tier_name(member.tier),
                "letters": letters(member.name),
                "seed": seed(member.member_ref),
            }
            for member in found
        )
        self.changed.emit()
