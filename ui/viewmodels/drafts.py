"""Carts that are kept: the one on the screen across a crash, and those that were put aside."""

from __future__ import annotations

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.pricing import PricedCart
from app.errors import Trouble
from app.ports import Draft
from app.services.checkout import OPEN_SLOT, Checkout
from ui.bridge import KeyedListModel, ViewModel
from ui.tasks import Failure, Tasks
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

PARKED_ROLES = ("slot", "title", "detail", "amount")


@QmlElement
@QmlUncreatable("made by the shell")
class DraftsVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """Keeps carts and lists those that were put aside."""

    changed = Signal()
    notice = Signal(str, str)

    def __init__(self, checkout: Checkout, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._checkout, self._words = checkout, words
        self._saving = False
        self._waiting: PricedCart | None = None
        self._parked = KeyedListModel(PARKED_ROLES, self)
        self._tasks = Tasks(self)
        words.changed.connect(self.reload)

    @Property(QObject, constant=True)
    def parked(self) -> QObject:
        """Carts put aside, newest first."""
        return self._parked

    @Property(bool, notify=changed)
    def any(self) -> bool:
        """There are some."""
        return self._parked.rowCount() > 0

    def keep(self, priced: PricedCart) -> None:
        """Keep the cart on the screen; while one write is under way later ones wait as one."""
        if self._saving:
            self._waiting = priced
            return
        self._waiting = None
        try:
            future = self._checkout.keep_draft(priced)
        except Trouble:
            return
        self._saving = True
        self._tasks.follow(future, lambda _: self._kept(), lambda _: self._kept(), quiet=True)

    def kept(self) -> PricedCart | None:
        """Return the cart a crash or a lock left on the screen."""
        return self._checkout.recall(OPEN_SLOT)

    def park(self, priced: PricedCart) -> None:
        """Put a cart aside."""
        self._tasks.follow(self._checkout.park(priced), lambda _: self.reload(), self._refused)

    def take(self, slot: str) -> PricedCart | None:
        """Return a cart that was put aside and forget that it was."""
        priced = self._checkout.recall(slot)
        if priced is not None:
            forgotten = self._checkout.forget(slot)
            self._tasks.follow(forgotten, lambda _: self.reload(), self._refused)
        return priced

    @Slot()
    def reload(self) -> None:
        """Read again what was put aside."""
        try:
            drafts = self._checkout.parked()
        except Trouble:
            return
        self._parked.show(
            {
                "slot": draft.slot,
                "title": self._words.say("common.pieces", n=draft.cart.units),
                "detail": self._detail(draft),
                "amount": self._amount(draft.slot),
            }
            for draft in drafts
        )
        self.changed.emit()

    def _detail(self, draft: Draft) -> str:
        """Return when, and enough of the goods to know whose cart it was."""
        names = dict.fromkeys(self._words.name(x.sku.name, x.sku.name_en) for x in draft.cart.lines)
        goods = next(iter(names), "")
        if len(names) > 1:
            goods = f"{goods} {self._words.say('cart.parked_more')}"
        return self._words.join(self._words.say("cart.parked_at", at=draft.saved_ms), goods)

    def _amount(self, slot: str) -> str:
        priced = self._checkout.recall(slot)
        return self._words.amount(priced.total) if priced else ""

    def _kept(self) -> None:
        self._saving = False
        if self._waiting is not None:
            self.keep(self._waiting)

    def _refused(self, failure: Failure) -> None:
        self.notice.emit("problem", self._words.error(failure))
