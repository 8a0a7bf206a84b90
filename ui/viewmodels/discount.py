"""The discount sheet: how much, why, and what it comes to, before it is given.

It knows amounts only to show them; the checkout service decides whether the person may give it.
"""

from __future__ import annotations

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.cart import Discount, DiscountKind
from app.domain.money import CNY, FULL_BP, parse_amount, share_of
from app.errors import RuleBroken
from ui.bridge import KeyedListModel, ViewModel
from ui.tasks import sort_failure
from ui.text import Words
from ui.viewmodels.shoplists import ShopLists

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

REASON_ROLES = ("code", "name", "limit")
QUICK_ROLES = ("offBp", "name")
QUICK_BP = (500, 1000, 1200, 1500, 2000, 3000, 5000)
MOST_FIGURES = 9


@QmlElement
@QmlUncreatable("made by the shell")
class DiscountVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """A discount that is being made up."""

    changed = Signal()
    given = Signal(str, object)
    done = Signal()

    def __init__(self, words: Words, lists: ShopLists, parent: QObject) -> None:
        super().__init__(parent)
        self._words, self._lists = words, lists
        self._line, self._base, self._has = "", 0, False
        self._kind, self._figure, self._reason, self._problem = DiscountKind.PERCENT_OFF, "", "", ""
        self._off_bp = 0
        self._reasons = KeyedListModel(REASON_ROLES, self)
        self._quick = KeyedListModel(QUICK_ROLES, self)
        words.changed.connect(self._name_lists)

    # --- what QML reads -------------------------------------------------------------------------

    @Property(QObject, constant=True)
    def reasons(self) -> QObject:
        """The shop's reasons."""
        return self._reasons

    @Property(QObject, constant=True)
    def quick(self) -> QObject:
        """Usual rates, one tap each."""
        return self._quick

    @Property(bool, notify=changed)
    def onLine(self) -> bool:
        """It is for one line, not for the order."""
        return bool(self._line)

    @Property(bool, notify=changed)
    def hasDiscount(self) -> bool:
        """There is one already, which can be taken off."""
        return self._has

    @Property(str, notify=changed)
    def kind(self) -> str:
        """percent_off, amount_off or price."""
        return self._kind.value

    @Property(str, notify=changed)
    def figure(self) -> str:
        """What was typed or chosen."""
        if self._off_bp and not self._figure:
            return self._words.rate_off(self._off_bp)
        return self._figure or "0"

    @Property(str, notify=changed)
    def unit(self) -> str:
        """What the typed figure counts."""
        if self._kind is not DiscountKind.PERCENT_OFF:
            return CNY.symbol
        return "" if self._off_bp and not self._figure else self._words.say("discount.unit")

    @Property(str, notify=changed)
    def reason(self) -> str:
        """Code of the chosen reason."""
        return self._reason

    @Property(str, notify=changed)
    def before(self) -> str:
        """What it costs without."""
        return self._words.amount(self._base)

    @Property(str, notify=changed)
    def after(self) -> str:
        """What it will cost."""
        return self._words.amount(self._after())

    @Property(str, notify=changed)
    def problem(self) -> str:
        """Why it cannot be given."""
        return self._problem

    @Property(bool, notify=changed)
    def canGive(self) -> bool:
        """A figure and a reason are there."""
        return bool(self._reason) and self._value() is not None

    # --- what QML does --------------------------------------------------------------------------

    @Slot(str)
    def useKind(self, kind: str) -> None:
        """Choose how it is stated."""
        self.put(self.changed, _kind=DiscountKind(kind), _figure="", _off_bp=0, _problem="")

    @Slot(str)
    def useRate(self, off_bp: str) -> None:
        """Choose a usual rate (basis points off)."""
        self.put(
            self.changed,
            _kind=DiscountKind.PERCENT_OFF,
            _off_bp=int(off_bp),
            _figure="",
            _problem="",
        )

    @Slot(str)
    def digit(self, figure: str) -> None:
        """Type one more figure or the point."""
        text = self._figure + figure
        if len(text) > MOST_FIGURES or text.count(".") > 1:
            return
        if self._kind is not DiscountKind.PERCENT_OFF and len(text.partition(".")[2]) > 2:
            return
        self.put(self.changed, _figure=text.lstrip("0") or "0", _off_bp=0, _problem="")

    @Slot()
    def erase(self) -> None:
        """Take the last figure back."""
        self.put(self.changed, _figure=self._figure[:-1], _off_bp=0, _problem="")

    @Slot(str)
    def because(self, reason: str) -> None:
        """Choose the reason."""
        self.put(self.changed, _reason=reason, _problem="")

    @Slot()
    def give(self) -> None:
        """Give it."""
        value = self._value()
        if value is None or not self._reason:
            return
        try:
            discount = Discount(self._kind, value, self._reason)
        except RuleBroken as refusal:
            self.put(self.changed, _problem=self._words.error(sort_failure(refusal)))
            return
        self.given.emit(self._line, (discount,))

    @Slot()
    def takeOff(self) -> None:
        """Take the discounts given by hand off again."""
        self.given.emit(self._line, ())

    # --- what Python does -----------------------------------------------------------------------

    def open(self, line_no: str, base: int, has: bool) -> None:
        """Begin for a line ("" for the order) that costs `base` minor units."""
        self._line, self._base, self._has = line_no, base, has
        self._kind, self._figure, self._off_bp, self._problem = (
            DiscountKind.PERCENT_OFF,
            "",
            0,
            "",
        )
        self._name_lists()
        choices = self._lists.choices()
        self._reason = choices[0].code if choices else ""
        self.changed.emit()

    def answer(self, problem: str) -> None:
        """Hear whether it was given: "" or the sentence that refuses it."""
        self.put(self.changed, _problem=problem)
        if not problem:
            self.done.emit()

    @Slot()
    def _name_lists(self) -> None:
        self._reasons.show(
            {"code": c.code, "name": c.name, "limit": c.limit} for c in self._lists.choices()
        )
        self._quick.show({"offBp": str(bp), "name": self._words.rate_off(bp)} for bp in QUICK_BP)
        self.changed.emit()

    def _value(self) -> int | None:
        """Return the figure in the kind's unit, None while it makes no sense."""
        if self._kind is DiscountKind.PERCENT_OFF:
            return self._off_bp or self._typed_rate()
        try:
            amount = parse_amount(self._figure.rstrip("."), CNY)
        except RuleBroken:
            return None
        return amount if amount or self._kind is DiscountKind.PRICE else None

    def _typed_rate(self) -> int | None:
        """Read a typed rate: in English percent off, in Chinese 折 (9, 8.5 or 85 is what is paid)."""
        try:
            percent = parse_amount(self._figure.rstrip("."), CNY)
        except RuleBroken:
            return None
        if self._words.english:
            return percent if 0 < percent <= FULL_BP else None
        pays = percent * 10 if percent < 1_000 else percent
        return FULL_BP - pays if 0 < pays < FULL_BP else None

    def _after(self) -> int:
        value = self._value()
        if value is None:
            return self._base
        if self._kind is DiscountKind.PERCENT_OFF:
            return self._base - share_of(self._base, value)
        if self._kind is DiscountKind.AMOUNT_OFF:
            return max(self._base - value, 0)
        return min(self._base, value)
