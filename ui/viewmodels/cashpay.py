"""Cash: what was handed over, what goes back, and the sale that is recorded for it."""

from __future__ import annotations

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.money import Currency, plain_amount
from app.domain.people import Person
from app.domain.pricing import PricedCart
from app.domain.sale import Sale
from app.services.checkout import Checkout
from ui.bridge import KeyedListModel, ViewModel
from ui.tasks import Failure, FailureKind, Tasks
from ui.text import Words
from ui.viewmodels.cash import Typed, likely_notes

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

NOTE_ROLES = ("key", "amount", "exact")


@QmlElement
@QmlUncreatable("made by the shell")
class CashPayVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """Taking cash. `paid` carries the Sale once it is durable."""

    changed = Signal()
    paid = Signal(object)

    def __init__(
        self, checkout: Checkout, currency: Currency, words: Words, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._checkout, self._currency, self._words = checkout, currency, words
        self._priced: PricedCart | None = None
        self._actor = ""
        self._typed = Typed(currency)
        self._failure: Failure | None = None
        self._notes = KeyedListModel(NOTE_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        words.changed.connect(self.changed)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(QObject, constant=True)
    def notes(self) -> QObject:
        """Amounts the customer is likely to hand over."""
        return self._notes

    @Property(str, notify=changed)
    def given(self) -> str:
        """What was keyed in, "" for nothing."""
        return f"{self._currency.symbol}{self._typed.text}" if self._typed.text else ""

    @Property(bool, notify=changed)
    def isEmpty(self) -> bool:
        """Nothing was keyed in yet."""
        return not self._typed.text

    @Property(bool, notify=changed)
    def isShort(self) -> bool:
        """What was keyed in is less than due."""
        return self._change() < 0

    @Property(str, notify=changed)
    def change(self) -> str:
        """What goes back, or what is still missing."""
        return self._words.amount(abs(self._change())) if self._typed.text else ""

    @Property(bool, notify=changed)
    def canTake(self) -> bool:
        """Enough was handed over."""
        return self._can_take()

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """The sale is being recorded."""
        return self._tasks.isBusy()

    @Property(bool, notify=changed)
    def hasDecimals(self) -> bool:
        """The currency has a smaller unit."""
        return self._currency.exponent > 0

    @Property(str, notify=changed)
    def problem(self) -> str:
        """Why the sale is not on record, "" when nothing is wrong."""
        if self._failure is None:
            return ""
        # Without a reason the commit may or may not have gone through; asking again is safe.
        doubt = self._failure.kind is FailureKind.BUG
        return self._words.say("pay.cash_doubt") if doubt else self._words.error(self._failure)

    # --- what QML does ------------------------------------------------------------------------

    @Slot(str)
    def key(self, figure: str) -> None:
        """Key in a figure of what was handed over."""
        self._type(self._typed.key(figure))

    @Slot()
    def erase(self) -> None:
        """Take the last key back."""
        self._type(self._typed.erase())

    @Slot(str)
    def hand(self, note: str) -> None:
        """Take one of the likely amounts, by its key."""
        if note in self._notes.keys:
            text = plain_amount(int(note), self._currency)
            self._type(Typed(self._currency, text.removesuffix(".00")))

    @Slot()
    def take(self) -> None:
        """Record the sale for the cash handed over. Pressing twice never sells twice."""
        if not self._can_take() or self._priced is None:
            return
        tender = self._checkout.cash_tender(self._priced, self._typed.minor)
        future = self._checkout.complete(self._priced, [tender], self._actor)
        self.put(self.changed, _failure=None)
        self._tasks.follow(future, self._taken, self._refused, lane="cash")

    # --- what Python does ---------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """The sale is being recorded."""
        return self._tasks.isBusy()

    def begin(self, priced: PricedCart, actor: Person) -> None:
        """Get ready for a cart."""
        self._priced, self._actor = priced, actor.person_id
        self._typed, self._failure = Typed(self._currency), None
        self._show_notes()
        self.changed.emit()

    def clear(self) -> None:
        """Forget what was keyed in."""
        self._type(Typed(self._currency))

    def _type(self, typed: Typed) -> None:
        if not self._tasks.isBusy():
            self.put(self.changed, _typed=typed, _failure=None)

    def _taken(self, sale: Sale) -> None:
        self.paid.emit(sale)

    def _refused(self, failure: Failure) -> None:
        self.put(self.changed, _failure=failure)

    def _can_take(self) -> bool:
        enough = self._change() >= 0 and (bool(self._typed.text) or not self._due())
        return self._priced is not None and enough and not self._tasks.isBusy()

    def _change(self) -> int:
        return self._typed.minor - self._due()

    def _due(self) -> int:
        return self._priced.total if self._priced else 0

    def _show_notes(self) -> None:
        due = self._due()
        self._notes.show(
            {
                "key": str(note),
                "amount": self._words.amount(note).removesuffix(".00"),
                "exact": note == due,
            }
            for note in (likely_notes(due, self._currency) if due else ())
        )
