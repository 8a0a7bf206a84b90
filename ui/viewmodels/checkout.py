"""The cart panel: lines, reasons, total, member, undo, parked carts. It keeps the priced cart and
hands every change to the checkout service; no amount is computed here.

Whoever sells (the payment screen) reads `priced` and calls `finish` when the sale is on record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.cart import Discount
from app.domain.catalog import Sku
from app.domain.people import GuideShare, Person
from app.domain.pricing import PricedCart, PricedLine
from app.domain.sale import Sale
from app.errors import RuleBroken, Trouble
from app.ports import Store
from app.services.checkout import Checkout
from ui.bridge import KeyedListModel, ViewModel
from ui.tasks import Failure, sort_failure
from ui.text import Words
from ui.viewmodels.cartrows import LINE_ROLES, REASON_ROLES, Naming, line_row, reason_rows
from ui.viewmodels.credit import CreditVm
from ui.viewmodels.customer import CustomerVm
from ui.viewmodels.discount import DiscountVm
from ui.viewmodels.drafts import DraftsVm
from ui.viewmodels.shoplists import ShopLists

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

MOST_UNDO = 50


@QmlElement
@QmlUncreatable("made by the shell")
class CheckoutVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The cart on the screen."""

    cartChanged = Signal()
    selectionChanged = Signal()
    resumed = Signal()
    """A kept cart is on the screen again; a payment of it may be under way."""
    landed = Signal(str)
    """A piece landed on this line (its number)."""
    notice = Signal(str, str)

    def __init__(self, checkout: Checkout, store: Store, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._checkout, self._store, self._words = checkout, store, words
        self._actor: Person | None = None
        self._past: list[PricedCart] = []
        self._selected, self._frozen = "", False
        self._priced = checkout.open()
        self._lists = ShopLists(store, words)
        self._lines = KeyedListModel(LINE_ROLES, self)
        self._reasons = KeyedListModel(REASON_ROLES, self)
        self._drafts = DraftsVm(checkout, words, self)
        self._customer = CustomerVm(store, self._lists, words, self)
        self._discount = DiscountVm(words, self._lists, self)
        self._credit = CreditVm(words, self._lists, self)
        self._discount.given.connect(self._give_discount)
        self._credit.shared.connect(self._share_line)
        self._drafts.notice.connect(self.notice)
        words.changed.connect(self._retell)

    # --- what QML reads -------------------------------------------------------------------------

    @Property(QObject, constant=True)
    def lines(self) -> QObject:
        """The lines."""
        return self._lines

    @Property(QObject, constant=True)
    def reasons(self) -> QObject:
        """What was taken off, summed by reason."""
        return self._reasons

    @Property(QObject, constant=True)
    def drafts(self) -> QObject:
        """Carts put aside."""
        return self._drafts

    @Property(QObject, constant=True)
    def customer(self) -> QObject:
        """The member who buys."""
        return self._customer

    @Property(QObject, constant=True)
    def discount(self) -> QObject:
        """The sheet that gives a discount."""
        return self._discount

    @Property(QObject, constant=True)
    def credit(self) -> QObject:
        """The sheet that says who is credited for a line."""
        return self._credit

    @Property(bool, notify=cartChanged)
    def isEmpty(self) -> bool:
        """There is no line."""
        return not self._priced.lines

    @Property(str, notify=cartChanged)
    def units(self) -> str:
        """How many pieces, as a sentence."""
        return self._words.say("common.pieces", n=self._priced.units)

    @Property(str, notify=cartChanged)
    def subtotal(self) -> str:
        """The amount before anything is taken off."""
        return self._words.amount(self._priced.gross)

    @Property(bool, notify=cartChanged)
    def hasReasons(self) -> bool:
        """Something was taken off."""
        return self._priced.savings != 0

    @Property(str, notify=cartChanged)
    def total(self) -> str:
        """What is to be paid."""
        return self._words.amount(self._priced.total)

    @Property(bool, notify=cartChanged)
    def canPay(self) -> bool:
        """There is something to pay for."""
        return bool(self._priced.lines) and self._priced.total >= 0 and not self._frozen

    @Property(bool, notify=cartChanged)
    def canUndo(self) -> bool:
        """There is a step to take back."""
        return bool(self._past) and not self._frozen

    @Property(str, notify=selectionChanged)
    def selected(self) -> str:
        """Number of the line that +, − and Del mean."""
        return self._selected

    @Property(int, notify=selectionChanged)
    def selectedRow(self) -> int:
        """Where that line stands, -1 for nowhere."""
        numbers = [str(line.line.line_no) for line in self._priced.lines]
        return numbers.index(self._selected) if self._selected in numbers else -1

    # --- what QML does --------------------------------------------------------------------------

    @Slot(str)
    def scan(self, code: str) -> None:
        """Add what a code names."""
        if self._step(lambda: self._checkout.scan(self._priced, code)):
            self._land()

    @Slot(str)
    def addSku(self, sku_id: str) -> None:
        """Add one piece of a SKU."""
        if self._step(lambda: self._checkout.add_sku(self._priced, sku_id)):
            self._land()

    @Slot(str)
    def more(self, line_no: str) -> None:
        """One piece more on a line."""
        self._add_to(line_no, 1)

    @Slot(str)
    def fewer(self, line_no: str) -> None:
        """One piece fewer; the last one removes the line."""
        self._add_to(line_no, -1)

    @Slot(str)
    def remove(self, line_no: str) -> None:
        """Remove a line."""
        if line_no:
            self._step(lambda: self._checkout.remove(self._priced, int(line_no)))

    @Slot(str)
    def select(self, line_no: str) -> None:
        """Make +, − and Del mean this line."""
        self.put(self.selectionChanged, _selected=line_no)

    @Slot()
    def undo(self) -> None:
        """Take the last step back."""
        if self._past and not self._frozen:
            self._show(self._past.pop())

    @Slot()
    def clear(self) -> None:
        """Empty the cart; undo brings it back."""
        if self._priced.lines or self._priced.cart.member_ref:
            self._step(lambda: self._checkout.open(self._guide()))

    @Slot()
    def park(self) -> None:
        """Put the cart aside and start another."""
        if self._priced.lines and not self._frozen:
            self._drafts.park(self._priced)
            self._begin_empty()

    @Slot(str)
    def recall(self, slot: str) -> None:
        """Bring a parked cart back; what is on the screen is put aside instead."""
        back = None if self._frozen else self._drafts.take(slot)
        if back is not None:
            self.park()
            self._past.clear()
            self._show(back)
            self.resumed.emit()

    @Slot(str)
    def attach(self, member_ref: str) -> None:
        """Attach a member."""
        self._step(lambda: self._checkout.attach_member(self._priced, member_ref))

    @Slot()
    def detach(self) -> None:
        """Take the member off the cart."""
        self._step(lambda: self._checkout.detach_member(self._priced))

    @Slot(str)
    def forget(self, member_ref: str) -> None:
        """Take a member off the cart who was erased."""
        if self._priced.cart.member_ref == member_ref:
            self.detach()

    @Slot(str)
    def openDiscount(self, line_no: str) -> None:
        """Open the discount sheet for a line, or for the whole order ("")."""
        line = self._line(line_no)
        base = self._priced.discountable if line is None else line.gross
        taken = self._priced.order_reasons if line is None else line.reasons
        self._discount.open(line_no, base, any(r.code != "member_tier" for r in taken))

    @Slot(str)
    def openCredit(self, line_no: str) -> None:
        """Open the sheet that says who is credited for a line."""
        line = self._line(line_no)
        if line is not None:
            self._credit.open(line_no, line.line.guides)

    # --- what Python does -----------------------------------------------------------------------

    @property
    def priced(self) -> PricedCart:
        """The cart as it stands."""
        return self._priced

    @property
    def actor(self) -> Person | None:
        """Who is signed in."""
        return self._actor

    def pieces_by_style(self) -> Counter[str]:
        """Count pieces by style number, for the tiles."""
        return self._count(lambda sku: sku.style_no)

    def pieces_by_sku(self) -> Counter[str]:
        """Count pieces by SKU id, for the matrix."""
        return self._count(lambda sku: sku.sku_id)

    def _count(self, key: Callable[[Sku], str]) -> Counter[str]:
        found: Counter[str] = Counter()
        for line in self._priced.cart.lines:
            found[key(line.sku)] += line.quantity
        return found

    def begin(self, actor: Person) -> None:
        """Someone signed in: bring back the cart a crash or a lock left, else start an empty one."""
        self._actor = actor
        self._lists.load()
        self._past.clear()
        self._show(self._drafts.kept() or self._checkout.open(actor.person_id))
        self._drafts.reload()
        self.resumed.emit()

    def finish(self) -> None:
        """The sale is on record: start the next cart."""
        self._frozen = False
        self._begin_empty()

    @Slot(object)
    def sold(self, sale: Sale) -> None:
        """A sale was recorded behind this screen: its cart is neither here nor among the parked."""
        if self._priced.cart.cart_id == sale.sale_id:
            self.finish()
        self._drafts.reload()

    def freeze(self, frozen: bool) -> None:
        """While a payment runs nothing in the cart may change."""
        self.put(self.cartChanged, _frozen=frozen)

    def _guide(self) -> str:
        return self._actor.person_id if self._actor else ""

    def _line(self, line_no: str) -> PricedLine | None:
        return next((x for x in self._priced.lines if str(x.line.line_no) == line_no), None)

    def _begin_empty(self) -> None:
        self._past.clear()
        self._show(self._checkout.open(self._guide()))

    def _step(self, change: Callable[[], PricedCart]) -> bool:
        """Do one step that can be taken back; a refusal changes nothing and is told."""
        if self._frozen:
            self.notice.emit("problem", self._words.say("cart.frozen"))
            return False
        try:
            after = change()
        except (RuleBroken, Trouble) as refusal:
            self._refused(sort_failure(refusal))
            return False
        self._past = [*self._past[-MOST_UNDO + 1 :], self._priced]
        self._show(after)
        return True

    def _refused(self, failure: Failure) -> None:
        self.notice.emit("problem", self._words.error(failure))

    def _add_to(self, line_no: str, pieces: int) -> None:
        line = self._line(line_no)
        if line is None:
            return
        number, quantity = line.line.line_no, line.line.quantity + pieces
        self.select(line_no)
        self._step(lambda: self._checkout.set_quantity(self._priced, number, quantity))

    def _land(self) -> None:
        """Select the line the last step touched, so that a scan is seen where it landed."""
        before = {id(line) for line in self._past[-1].lines}
        touched = [line for line in self._priced.lines if id(line) not in before]
        if touched:
            line_no = str(touched[-1].line.line_no)
            self.select(line_no)
            self.landed.emit(line_no)

    def _show(self, priced: PricedCart) -> None:
        before, self._priced = self._priced, priced
        self._show_lines(before)
        naming = self._naming()
        self._reasons.show(reason_rows(priced, naming))
        self._customer.show(priced.cart.member_ref)
        if self._line(self._selected) is None:
            last = priced.lines[-1].line.line_no if priced.lines else ""
            self.select(str(last))
        self.cartChanged.emit()
        self._drafts.keep(priced)

    def _show_lines(self, before: PricedCart) -> None:
        naming, lines = self._naming(), self._priced.lines
        same_places = [x.line.line_no for x in before.lines] == [x.line.line_no for x in lines]
        if not same_places or before.cart.cart_id != self._priced.cart.cart_id:
            self._lines.show(line_row(line, naming) for line in lines)
            return
        for old, new in zip(before.lines, lines, strict=True):
            if old is not new:
                self._lines.change(str(new.line.line_no), **line_row(new, naming))

    def _naming(self) -> Naming:
        return Naming(self._words, self._lists.reason_name, self._lists.guide_names)

    @Slot()
    def _retell(self) -> None:
        """Say everything again in the new language."""
        self._lists.load()
        naming = self._naming()
        self._lines.show(line_row(line, naming) for line in self._priced.lines)
        self._reasons.show(reason_rows(self._priced, naming))
        self.cartChanged.emit()

    @Slot(str, object)
    def _give_discount(self, line_no: str, discounts: tuple[Discount, ...]) -> None:
        actor = self._actor
        if actor is None:
            return
        if not line_no:
            given = self._step_quietly(
                lambda: self._checkout.discount_order(self._priced, discounts, actor)
            )
        else:
            given = self._step_quietly(
                lambda: self._checkout.discount_line(self._priced, int(line_no), discounts, actor)
            )
        self._discount.answer(given)

    @Slot(str, object)
    def _share_line(self, line_no: str, shares: tuple[GuideShare, ...]) -> None:
        self._step(lambda: self._checkout.set_guides(self._priced, int(line_no), shares))

    def _step_quietly(self, change: Callable[[], PricedCart]) -> str:
        """Do one step; return the sentence that refuses it, "" if it was done."""
        try:
            after = change()
        except (RuleBroken, Trouble) as refusal:
            return self._words.error(sort_failure(refusal))
        self._past = [*self._past[-MOST_UNDO + 1 :], self._priced]
        self._show(after)
        return ""
