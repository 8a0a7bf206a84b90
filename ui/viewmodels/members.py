"""The member sheet: finding a member by anything one remembers, letting a customer join, and, for a
manager, erasing one who asks for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.member import Member
from app.domain.people import Person, Role
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
    """Who the customer is. `who` tells who is signed in; `erased` names a member who is no more."""

    changed = Signal()
    picked = Signal(str)
    erased = Signal(str)
    notice = Signal(str, str)

    def __init__(
        self,
        members: Members,
        lists: ShopLists,
        words: Words,
        parent: QObject,
        who: Callable[[], Person | None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._members, self._lists, self._words, self._who = members, lists, words, who
        self._leaving: Member | None = None
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
    def mayErase(self) -> bool:
        """A manager is signed in, who may erase members."""
        return self._manager() is not None

    @Property(bool, notify=changed)
    def erasing(self) -> bool:
        """It is asked whether a member shall be erased."""
        return self._leaving is not None

    @Property(str, notify=changed)
    def leavingName(self) -> str:
        """Name of the member it is asked about."""
        return self._leaving.name if self._leaving else ""

    @Property(str, notify=changed)
    def leavingDetail(self) -> str:
        """Their phone and points."""
        return self._detail(self._leaving) if self._leaving else ""

    @Property(str, notify=changed)
    def leavingLetters(self) -> str:
        """Letters for their avatar."""
        return letters(self._leaving.name) if self._leaving else ""

    @Property(int, notify=changed)
    def leavingSeed(self) -> int:
        """Number that picks the avatar's colour."""
        return seed(self._leaving.member_ref) if self._leaving else 0

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """A new member is being kept, or one erased."""
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
        self._leaving = None
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

    @Slot(str)
    def askErase(self, member_ref: str) -> None:
        """Ask whether a member shall be erased."""
        try:
            member = self._members.get(member_ref) if self._manager() else None
        except Trouble as trouble:
            self._not_erased(sort_failure(trouble))
            return
        self.put(self.changed, _leaving=member)

    @Slot()
    def keepMember(self) -> None:
        """Do not erase."""
        self.put(self.changed, _leaving=None)

    @Slot()
    def erase(self) -> None:
        """Erase the member it was asked about."""
        member, manager = self._leaving, self._manager()
        if self._tasks.isBusy() or member is None or manager is None:
            return
        try:
            future = self._members.erase(member, manager)
        except (RuleBroken, Trouble) as refusal:
            self._not_erased(sort_failure(refusal))
            return
        self._tasks.follow(future, lambda _: self._gone(member), self._not_erased)

    def _gone(self, member: Member) -> None:
        self._leaving = None
        self._look_up()
        self.erased.emit(member.member_ref)
        self.notice.emit("info", self._words.say("member.erased"))

    def _not_erased(self, failure: Failure) -> None:
        self.notice.emit("problem", self._words.error(failure))

    def _manager(self) -> Person | None:
        person = self._who()
        return person if person is not None and person.role is Role.MANAGER else None

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
                "detail": self._detail(member),
                "tier": self._lists.tier_name(member.tier),
                "letters": letters(member.name),
                "seed": seed(member.member_ref),
            }
            for member in found
        )
        self.changed.emit()

    def _detail(self, member: Member) -> str:
        points = self._words.say("member.points", n=member.points)
        return self._words.join(member.masked_phone(), points)
