"""The inbox of money that waits for a person: late, partial, too much, or without an answer yet.

It lists and explains; delivering and asking again are the payments service's work.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Property, QObject, Qt, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.payment import Anomaly, State
from app.domain.people import Person
from app.errors import Trouble
from app.ports import Reader
from app.services.late_money import WaitingMoney, waiting_money
from app.services.payments import PaymentNews, Payments
from ui.bridge import KeyedListModel, Row, ViewModel
from ui.tasks import Failure, Tasks
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

MONEY_ROLES = ("key", "title", "amount", "detail", "hint", "glyph", "kind", "canDeliver")

_FACES = {
    "open": ("warn", "hourglass"),
    "late": ("danger", "history"),
    "partial": ("danger", "scale"),
    "over": ("warn", "coins"),
    "no_sale": ("danger", "circle-alert"),
    "refund_pending": ("info", "undo-2"),
}


@QmlElement
@QmlUncreatable("made by the shell")
class MoneyVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """Payments that are not settled. `on_screen` names the cart the payment screen shows, which is not
    listed; `who` is signed in. `delivered` carries the Sale that late money has become.
    """

    changed = Signal()
    openAsked = Signal()
    closeAsked = Signal()
    delivered = Signal(object)
    notice = Signal(str, str)
    _stirred = Signal()

    def __init__(
        self,
        reader: Callable[[], Reader],
        payments: Payments,
        on_screen: Callable[[], str],
        who: Callable[[], Person | None],
        words: Words,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._reader, self._payments = reader, payments
        self._on_screen, self._who, self._words = on_screen, who, words
        self._found: tuple[WaitingMoney, ...] = ()
        self._rows = KeyedListModel(MONEY_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        self._stirred.connect(self.look, Qt.ConnectionType.QueuedConnection)
        words.changed.connect(self._show)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(QObject, constant=True)
    def rows(self) -> QObject:
        """One row per payment."""
        return self._rows

    @Property(bool, notify=changed)
    def any(self) -> bool:
        """There are some."""
        return bool(self._found)

    @Property(str, notify=changed)
    def badge(self) -> str:
        """How many, "" for none."""
        return f"{len(self._found):,}" if self._found else ""

    @Property(str, notify=changed)
    def headline(self) -> str:
        """How many, as a sentence."""
        return self._words.say("money.headline", n=len(self._found))

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """An answer is under way."""
        return self._tasks.isBusy()

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def open(self) -> None:
        """Show the list."""
        self.look()
        self.openAsked.emit()

    @Slot()
    def close(self) -> None:
        """Put the list away."""
        self.closeAsked.emit()

    @Slot()
    def look(self) -> None:
        """Read afresh what waits."""
        try:
            found = waiting_money(self._reader())
        except Trouble:
            return  # the store was busy for a moment; the list of a moment ago stays
        shown = self._on_screen()
        self._found = tuple(money for money in found if money.attempt.last.sale_id != shown)
        self._show()

    @Slot(str)
    def ask(self, attempt_id: str) -> None:
        """Ask the cloud how a payment stands."""
        person = self._who()
        if person is not None and not self._tasks.isBusy():
            future = self._payments.refresh(attempt_id, person.person_id)
            self._tasks.follow(future, self._asked, self._failed)

    @Slot(str)
    def deliver(self, attempt_id: str) -> None:
        """Make late money into the sale it was meant for: the goods go out now."""
        person = self._who()
        if person is not None and not self._tasks.isBusy():
            future = self._payments.deliver(attempt_id, person)
            self._tasks.follow(future, self._delivered, self._failed)

    # --- what Python does ---------------------------------------------------------------------

    def stir(self) -> None:
        """There is news of some payment. Any thread."""
        self._stirred.emit()

    def _asked(self, news: PaymentNews) -> None:
        self.look()
        open_still = news.attempt.last.after.is_open
        self.notice.emit(
            "info", self._words.say("money.asked_open" if open_still else "money.asked")
        )

    def _delivered(self, news: PaymentNews) -> None:
        self.look()
        if news.sale is not None:
            self.delivered.emit(news.sale)

    def _failed(self, failure: Failure) -> None:
        self.look()
        self.notice.emit("problem", self._words.error(failure))

    @Slot()
    def _show(self) -> None:
        self._rows.show(self._row(money) for money in self._found)
        self.changed.emit()

    def _row(self, money: WaitingMoney) -> Row:
        words, step, kind = self._words, money.attempt.last, _kind(money)
        tint, glyph = _FACES[kind]
        lost = kind in ("late", "no_sale") and not money.can_become_sale
        hint = "no_cart" if lost else kind
        return {
            "key": step.attempt_id,
            "title": words.say(f"money.{kind}"),
            "amount": words.amount(step.amount if money.is_open else step.received),
            "detail": words.join(
                words.say("history.when", at=step.at.server_ms), self._goods(money)
            ),
            "hint": words.say(f"money.{hint}_hint", due=step.amount, missing=abs(money.missing)),
            "glyph": glyph,
            "kind": tint,
            "canDeliver": money.can_become_sale,
        }

    def _goods(self, money: WaitingMoney) -> str:
        """Return enough of what it was meant for to know whose money it is."""
        words = self._words
        if money.sale is not None:
            return words.say("done.receipt_no", number=money.sale.receipt_no)
        if money.cart is None or not money.cart.lines:
            return ""
        sku = money.cart.lines[0].sku
        pieces = words.say("common.pieces", n=money.cart.units)
        return words.join(words.name(sku.name, sku.name_en), pieces)


def _kind(money: WaitingMoney) -> str:
    after = money.attempt.last.after
    if after.state is State.REFUND_PENDING:
        return "refund_pending"
    if money.missing > 0 and Anomaly.PARTIAL in after.anomalies:
        return "partial"
    if money.is_open:
        return "open"
    if money.missing < 0:
        return "over"
    return "late" if Anomaly.LATE in after.anomalies else "no_sale"
