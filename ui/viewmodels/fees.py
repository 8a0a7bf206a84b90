"""What ways of paying cost, for a manager: one row per way, as the cloud works it out of the bills.

Shows nothing to others, and asks only when somebody looks.
"""

from __future__ import annotations

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Role
from app.services.wallets import Wallets
from app.wire.messages import WayRate, WaysToPay
from ui.bridge import KeyedListModel, Row, ViewModel
from ui.tasks import Failure, Tasks
from ui.text import Words
from ui.viewmodels.feewords import way_words
from ui.viewmodels.root import RootVm

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

FEE_ROLES = ("key", "name", "rate", "cheapest")


@QmlElement
@QmlUncreatable("made by the shell")
class FeesVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The effective fee of every way of paying that is open to customers, cheapest first."""

    changed = Signal()

    def __init__(self, wallets: Wallets, root: RootVm, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._wallets, self._root, self._words = wallets, root, words
        self._rates: list[WayRate] = []
        self._note = "fee.none"
        self._rows = KeyedListModel(FEE_ROLES, self)
        self._tasks = Tasks(self)
        root.personChanged.connect(self.changed)
        words.changed.connect(self._show)

    @Property(bool, notify=changed)
    def isShown(self) -> bool:
        """A manager is looking."""
        person = self._root.person
        return person is not None and person.role is Role.MANAGER

    @Property(QObject, constant=True)
    def rows(self) -> QObject:
        """One row per way of paying."""
        return self._rows

    @Property(str, notify=changed)
    def note(self) -> str:
        """What the figures are, or why there are none."""
        return self._words.say("fee.note" if self._rates else self._note)

    @Slot()
    def load(self) -> None:
        """Ask what ways cost, if a manager looks."""
        if self.isShown:
            self._tasks.follow(self._wallets.ways(), self._heard, self._not_heard, lane="fees")

    def _heard(self, ways: WaysToPay) -> None:
        self._rates, self._note = ways.rates, "fee.none"
        self._show()

    def _not_heard(self, _failure: Failure) -> None:
        """What was heard before stays."""
        self._note = "fee.offline"
        self._show()

    @Slot()
    def _show(self) -> None:
        self._rows.show(self._row(rate) for rate in self._rates)
        self.changed.emit()

    def _row(self, rate: WayRate) -> Row:
        return {
            "key": f"{rate.provider} {rate.way}",
            "name": way_words(rate, self._words),
            "rate": self._words.say("fee.rate", rate=rate.rate_bp),
            "cheapest": rate.cheapest,
        }
