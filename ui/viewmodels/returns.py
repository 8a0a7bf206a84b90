"""Goods that come back with their receipt: how many pieces of each line, why, and the cash to hand out.

Only a manager gives money back. What a piece is worth is the sold line's own rule, so parts returned in
any order end at exactly what was paid.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.ids import new_id
from app.domain.people import Person, Role
from app.domain.receipt import Receipt
from app.domain.refund import Refund, SoldLine
from app.domain.sale import Sale, TenderKind
from app.services.honesty import Operation, Standing, Verdict
from app.services.receipts import Receipts
from app.services.refunds import Refunds
from ui.bridge import KeyedListModel, Row, ViewModel
from ui.tasks import Failure, Tasks
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

LINE_ROLES = ("lineNo", "name", "detail", "picked", "amount", "canMore", "canFewer")
REASON_ROLES = ("code", "name")
REASONS = ("return_size", "return_quality", "return_mind", "return_other")


@QmlElement
@QmlUncreatable("made by the shell")
class ReturnVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """One return. `who` is signed in, `may` tells how an operation stands now; `returned` carries the
    Refund."""

    changed = Signal()
    openAsked = Signal()
    closeAsked = Signal()
    returned = Signal(object)
    notice = Signal(str, str)

    def __init__(
        self,
        refunds: Refunds,
        receipts: Receipts,
        who: Callable[[], Person | None],
        may: Callable[[Operation], Verdict],
        words: Words,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._refunds, self._receipts = refunds, receipts
        self._who, self._may, self._words = who, may, words
        self._sale: Sale | None = None
        self._sold: tuple[SoldLine, ...] = ()
        self._picked: dict[int, int] = {}
        self._reason, self._refund_id = "", ""
        self._refund: Refund | None = None
        self._lines = KeyedListModel(LINE_ROLES, self)
        self._reasons = KeyedListModel(REASON_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        words.changed.connect(self._show)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(QObject, constant=True)
    def lines(self) -> QObject:
        """What can still come back."""
        return self._lines

    @Property(QObject, constant=True)
    def reasons(self) -> QObject:
        """Why it comes back."""
        return self._reasons

    @Property(str, notify=changed)
    def reason(self) -> str:
        """The code of the reason that was chosen."""
        return self._reason

    @Property(str, notify=changed)
    def subtitle(self) -> str:
        """Which receipt, and how it was paid."""
        return self._subtitle()

    @Property(str, notify=changed)
    def total(self) -> str:
        """The cash to hand out."""
        return self._words.amount(self._refund.total if self._refund else self._worth())

    @Property(str, notify=changed)
    def hint(self) -> str:
        """What is still missing, or how the money goes back."""
        return self._hint()

    @Property(bool, notify=changed)
    def canGive(self) -> bool:
        """Pieces and a reason were chosen."""
        return self._can_give()

    @Property(bool, notify=changed)
    def isDone(self) -> bool:
        """The return is on record; the cash can be handed out."""
        return self._refund is not None

    @Property(str, notify=changed)
    def doneLine(self) -> str:
        """Which receipt the return has."""
        number = self._refund.receipt_no if self._refund else ""
        return self._words.say("done.receipt_no", number=number)

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """An answer is under way."""
        return self._tasks.isBusy()

    # --- what QML does ------------------------------------------------------------------------

    @Slot(str)
    def more(self, line_no: str) -> None:
        """One piece more of a line."""
        self._pick(line_no, 1)

    @Slot(str)
    def fewer(self, line_no: str) -> None:
        """One piece fewer of a line."""
        self._pick(line_no, -1)

    @Slot()
    def all(self) -> None:
        """Everything that is left comes back."""
        if not self._refund:
            self._picked = {sold.line.line_no: _left(sold) for sold in self._sold}
            self._show()

    @Slot(str)
    def because(self, code: str) -> None:
        """Choose the reason."""
        if code in REASONS and not self._refund:
            self.put(self.changed, _reason=code)

    @Slot()
    def give(self) -> None:
        """Record the return; asking twice gives the same one."""
        person = self._who()
        if not self._can_give() or person is None or self._sale is None:
            return
        future = self._refunds.at_the_counter(
            self._sale.sale_id,
            {line_no: pieces for line_no, pieces in self._picked.items() if pieces},
            reason=self._reason,
            manager=person,
            refund_id=self._refund_id,
        )
        self._tasks.follow(future, self._given, self._failed)

    @Slot()
    def print(self) -> None:
        """Print the return's receipt."""
        if self._refund is not None and not self._tasks.isBusy():
            self._tasks.follow(self._receipts.print(self._refund), self._printed, self._failed)

    @Slot()
    def confirm(self) -> None:
        """Enter: the main thing now."""
        if self._refund is not None:
            self.closeAsked.emit()
        else:
            self.give()

    @Slot()
    def close(self) -> None:
        """Put it away; while it is being recorded it stays."""
        if not self._tasks.isBusy():
            self.closeAsked.emit()

    # --- what Python does ---------------------------------------------------------------------

    @Slot(object)
    def begin(self, sale: Sale) -> None:
        """Begin a return of a sale, if whoever is signed in may."""
        person, verdict = self._who(), self._may(Operation.REFUND_CASH)
        if person is None or self._tasks.isBusy():
            return
        if person.role is not Role.MANAGER:
            self.notice.emit("problem", self._words.say("return.manager_needed"))
        elif verdict.standing is Standing.BLOCKED and verdict.reason is not None:
            self.notice.emit("problem", self._words.code(verdict.reason))
        else:
            future = self._refunds.returnable(sale.sale_id)
            self._tasks.follow(future, lambda sold: self._open(sale, sold), self._failed)

    def _open(self, sale: Sale, sold: tuple[SoldLine, ...]) -> None:
        left = tuple(line for line in sold if _left(line) and line.line.net >= 0)
        if not left:
            self.notice.emit("problem", self._words.say("return.nothing_left"))
            return
        self._sale, self._sold, self._refund = sale, left, None
        self._refund_id, self._reason, self._picked = new_id(), "", {}
        self._show()
        self.openAsked.emit()

    def _given(self, refund: Refund) -> None:
        self.put(self.changed, _refund=refund)
        self.returned.emit(refund)

    def _printed(self, _: Receipt) -> None:
        self.notice.emit("info", self._words.say("done.printed"))

    def _failed(self, failure: Failure) -> None:
        self.notice.emit("problem", self._words.error(failure))

    def _pick(self, line_no: str, pieces: int) -> None:
        sold = next((s for s in self._sold if str(s.line.line_no) == line_no), None)
        if sold is None or self._refund or self._tasks.isBusy():
            return
        number = sold.line.line_no
        wanted = self._picked.get(number, 0) + pieces
        self._picked[number] = min(max(wanted, 0), _left(sold))
        self._show()

    def _can_give(self) -> bool:
        picked = any(self._picked.values())
        return picked and bool(self._reason) and not self._refund and not self._tasks.isBusy()

    def _worth(self) -> int:
        return sum(self._value(sold) for sold in self._sold)

    def _value(self, sold: SoldLine) -> int:
        pieces = self._picked.get(sold.line.line_no, 0)
        return sold.value_of(pieces) if pieces else 0

    @Slot()
    def _show(self) -> None:
        self._lines.show(self._row(sold) for sold in self._sold)
        self._reasons.show(
            {"code": code, "name": self._words.say(f"reason.{code}")} for code in REASONS
        )
        self.changed.emit()

    def _row(self, sold: SoldLine) -> Row:
        words, line, left = self._words, sold.line, _left(sold)
        pieces = self._picked.get(line.line_no, 0)
        came = sold.quantity_returned
        return {
            "lineNo": str(line.line_no),
            "name": words.name(line.name, line.name_en),
            "detail": words.join(
                words.name(line.colour, line.colour_en),
                line.size,
                words.say("return.bought", n=line.quantity),
                words.say("return.came_back", n=came) if came else "",
            ),
            "picked": f"{pieces:,}",
            "amount": words.amount(self._value(sold)) if pieces else "",
            "canMore": pieces < left,
            "canFewer": pieces > 0,
        }

    def _subtitle(self) -> str:
        if self._sale is None:
            return ""
        paid = [self._words.say(f"tender.{tender.kind.value}") for tender in self._sale.tenders]
        return self._words.join(self._sale.receipt_no, *paid)

    def _hint(self) -> str:
        if self._sale is None:
            return ""
        if not any(self._picked.values()):
            return self._words.say("return.pick")
        if not self._reason:
            return self._words.say("return.why")
        by_cash = all(tender.kind is TenderKind.CASH for tender in self._sale.tenders)
        return self._words.say("return.cash" if by_cash else "return.cash_for_qr")


def _left(sold: SoldLine) -> int:
    return max(sold.line.quantity - sold.quantity_returned, 0)
