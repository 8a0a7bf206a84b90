"""The member attached to the cart, as the card above the lines shows them."""

from __future__ import annotations

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.member import Member
from app.ports import Store
from ui.bridge import ViewModel
from ui.text import Words
from ui.viewmodels.people import letters, seed
from ui.viewmodels.shoplists import ShopLists

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
@QmlUncreatable("made by the shell")
class CustomerVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """Who buys, if that is known."""

    changed = Signal()

    def __init__(self, store: Store, lists: ShopLists, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._store, self._lists, self._words = store, lists, words
        self._member: Member | None = None
        words.changed.connect(self.changed)

    @Property(bool, notify=changed)
    def known(self) -> bool:
        """A member is attached."""
        return self._member is not None

    @Property(str, notify=changed)
    def name(self) -> str:
        """Their name."""
        return self._member.name if self._member else ""

    @Property(str, notify=changed)
    def detail(self) -> str:
        """Their phone and points."""
        member = self._member
        if member is None:
            return ""
        return self._words.join(
            member.masked_phone(), self._words.say("member.points", n=member.points)
        )

    @Property(str, notify=changed)
    def tier(self) -> str:
        """Their tier, which explains their discount."""
        return self._lists.tier_name(self._member.tier) if self._member else ""

    @Property(str, notify=changed)
    def letters(self) -> str:
        """Letters for their avatar."""
        return letters(self._member.name) if self._member else ""

    @Property(int, notify=changed)
    def seed(self) -> int:
        """Number that picks the avatar's colour."""
        return seed(self._member.member_ref) if self._member else 0

    def show(self, member_ref: str) -> None:
        """Show a member, or nobody for ""."""
        if member_ref != (self._member.member_ref if self._member else ""):
            self._member = self._store.reader.member(member_ref) if member_ref else None
            self.changed.emit()
