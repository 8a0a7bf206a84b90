"""Goods that come back with their receipt: how many pieces of each line, why, and which way the money goes.

Only a manager gives money back: by the way it came, or in cash for a reason. What a piece is worth is the
sold line's own rule, so parts returned in any order end at exactly what was paid. While the provider has
not answered, the screen waits and the sale is held.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.facts import RefundStep
from app.domain.ids import new_id
from app.domain.money_back import Back
from app.domain.people import Person, Role
from app.domain.receipt import Receipt
from app.domain.refund import Refund, SoldLine, WayBack
from app.domain.sale import Sale
from app.services.giving_back import BackNews, GivingBack, Outlook
from app.services.honesty import Operation, Standing, Verdict
from app.services.receipts import Receipts
from app.services.refunds import Refunds
from ui.bridge import KeyedListModel, ViewModel
from ui.postbox import posted_to
from ui.tasks import Failure, Tasks
from ui.text import Words
from ui.viewmodels.returnrows import LINE_ROLES, left_of, line_row, reason_row, value_of
from ui.viewmodels.waysback import CASH_REASONS, done_hint, done_line, plan_line, refused_line

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

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
    answered = Signal()
    """A refund that was waited for has its answer, whether or not this screen shows it."""

    def __init__(
        self,
        refunds: Refunds,
        giving_back: GivingBack,
        receipts: Receipts,
        who: Callable[[], Person | None],
        may: Callable[[Operation], Verdict],
        words: Words,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._refunds, self._giving_back, self._receipts = refunds, giving_back, receipts
        self._who, self._may, self._words = who, may, words
        self._sale: Sale | None = None
        self._outlook: Outlook | None = None
        self._sold: tuple[SoldLine, ...] = ()
        self._picked: dict[int, int] = {}
        self._reason, self._cash_reason, self._refund_id = "", "", ""
        self._refund: Refund | None = None
        self._step: RefundStep | None = None
        self._lines = KeyedListModel(LINE_ROLES, self)
        self._reasons = KeyedListModel(REASON_ROLES, self)
        self._cash_reasons = KeyedListModel(REASON_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        self._heard = posted_to(self._take)
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

    @Property(QObject, constant=True)
    def cashReasons(self) -> QObject:
        """Why cash, where the money could go back by the way it came."""
        return self._cash_reasons

    @Property(str, notify=changed)
    def cashReason(self) -> str:
        """The code of the reason for cash, "" where the money goes back by the way it came."""
        return self._cash_reason

    @Property(bool, notify=changed)
    def byWallet(self) -> bool:
        """Some of the money goes back by the way it came."""
        return self._way().wallet > 0 and not self._cash_reason

    @Property(bool, notify=changed)
    def mayBeWallet(self) -> bool:
        """Some of the money could go back by the way it came."""
        return self._way().wallet > 0

    @Property(bool, notify=changed)
    def isHeld(self) -> bool:
        """The provider has not answered: it may have gone back or not."""
        return self._is_held()

    @Property(str, notify=changed)
    def standing(self) -> str:
        """Where the money stands at its provider (`Back`), "" where all that goes back is cash."""
        return self._step.standing.value if self._step else ""

    @Property(str, notify=changed)
    def doneTitle(self) -> str:
        """What was done, and what is left to do."""
        standing = self._step.standing if self._step else None
        return done_line(self._words, self._refund, standing) if self._refund else ""

    @Property(str, notify=changed)
    def subtitle(self) -> str:
        """Which receipt, and how it was paid."""
        return self._subtitle()

    @Property(str, notify=changed)
    def total(self) -> str:
        """The money that goes back."""
        held = self._step.amount + self._step.cash if self._step and self._is_held() else 0
        return self._words.amount(self._refund.total if self._refund else held or self._worth())

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
        """The return is on record; cash, if any, can be handed out."""
        return self._refund is not None

    @Property(str, notify=changed)
    def doneLine(self) -> str:
        """Which receipt the return has, and what is to be known of money that has not arrived."""
        standing = self._step.standing if self._step else None
        return done_hint(self._words, self._refund, standing) if self._refund else ""

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
        if not self._refund and not self._is_held():
            self._picked = {sold.line.line_no: left_of(sold) for sold in self._sold}
            self._show()

    @Slot(str)
    def because(self, code: str) -> None:
        """Choose the reason."""
        if code in REASONS and not self._refund:
            self.put(self.changed, _reason=code)

    @Slot(str)
    def inCash(self, code: str) -> None:
        """Give cash for this reason; the same again: by the way it came after all."""
        if code in CASH_REASONS and not self._refund:
            self.put(self.changed, _cash_reason="" if code == self._cash_reason else code)

    @Slot()
    def give(self) -> None:
        """Send the money back; asking twice gives the same return."""
        person = self._who()
        if not self._can_give() or person is None or self._sale is None:
            return
        pieces = {line_no: count for line_no, count in self._picked.items() if count}
        if self._way().wallet and not self._cash_reason:
            asked = self._giving_back.of_sale(
                self._sale.sale_id,
                pieces,
                reason=self._reason,
                manager=person,
                refund_id=self._refund_id,
            )
            self._tasks.follow(asked, self._answered, self._failed)
            return
        self._step = None  # what a provider refused before is no part of cash
        future = self._refunds.at_the_counter(
            self._sale.sale_id,
            pieces,
            reason=self._reason,
            manager=person,
            refund_id=self._refund_id,
            cash_reason=self._cash_reason if self._way().wallet else "",
        )
        self._tasks.follow(future, self._given, self._failed)

    @Slot()
    def ask(self) -> None:
        """Ask once more about money nobody knows of whether it went."""
        if self._step is not None and self._is_held() and not self._tasks.isBusy():
            asked = self._giving_back.refresh(self._step.number)
            self._tasks.follow(asked, self._answered, self._failed)

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
        elif self._is_held():
            self.ask()
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
            future = self._giving_back.outlook(sale.sale_id)
            self._tasks.follow(future, self._open, self._failed)

    def hear(self, news: BackNews) -> None:
        """Take news of a refund that goes through its provider. Any thread."""
        self._heard(news)

    def _open(self, outlook: Outlook) -> None:
        left = tuple(line for line in outlook.lines if left_of(line) and line.line.net >= 0)
        held = outlook.held
        if not left and held is None:
            self.notice.emit("problem", self._words.say("return.nothing_left"))
            return
        self._sale, self._outlook, self._sold, self._refund = outlook.sale, outlook, left, None
        self._refund_id, self._reason, self._cash_reason = new_id(), "", ""
        self._step, self._picked = held, {}
        if held is not None:  # begun before, and without an answer since
            self._refund_id, self._reason = held.refund_id, held.reason
            self._picked = dict(held.lines)
        self._show()
        self.openAsked.emit()

    def _given(self, refund: Refund) -> None:
        self.put(self.changed, _refund=refund)
        self.returned.emit(refund)

    def _answered(self, news: BackNews) -> None:
        """Show what the provider said: done or under way, refused, or nothing yet."""
        self._step = news.step
        if news.refund is not None:
            self._given(news.refund)
        elif news.step.standing is Back.REFUSED:
            self._refund_id = new_id()
            self._cash_reason = ""
        self._show()

    def _take(self, news: BackNews) -> None:
        """Hear an answer that was waited for in the background."""
        begun_here = self._refund_id != "" and news.step.refund_id == self._refund_id
        if begun_here or (self._step is not None and self._step.number == news.step.number):
            if not self._tasks.isBusy() and news.step.standing is not Back.UNKNOWN:
                self._hear_on(news)
        elif news.refund is not None and news.step.standing.is_final:
            number = news.refund.receipt_no
            self.notice.emit("info", self._words.say("return.settled_later", number=number))
        elif news.step.refund_id and news.step.standing is Back.REFUSED:
            self.notice.emit("problem", self._words.say("return.refused_later"))
        self.answered.emit()

    def _hear_on(self, news: BackNews) -> None:
        """Take what became of the refund on the screen: its first answer, or where it stands since."""
        if self._refund is None:
            self._answered(news)
        else:
            self.put(self.changed, _step=news.step)

    def _printed(self, _: Receipt) -> None:
        self.notice.emit("info", self._words.say("done.printed"))

    def _failed(self, failure: Failure) -> None:
        self.notice.emit("problem", self._words.error(failure))

    def _pick(self, line_no: str, pieces: int) -> None:
        sold = next((s for s in self._sold if str(s.line.line_no) == line_no), None)
        if sold is None or self._refund or self._is_held() or self._tasks.isBusy():
            return
        number = sold.line.line_no
        wanted = self._picked.get(number, 0) + pieces
        self._picked[number] = min(max(wanted, 0), left_of(sold))
        self._show()

    def _can_give(self) -> bool:
        if self._refund or self._is_held() or self._tasks.isBusy():
            return False
        ready = any(self._picked.values()) and bool(self._reason)
        wallet = self._way().wallet > 0 and not self._cash_reason
        return ready and not (wallet and self._is_offline())

    def _is_held(self) -> bool:
        return self._step is not None and self._step.standing is Back.UNKNOWN

    def _is_offline(self) -> bool:
        return self._may(Operation.REFUND_QR).standing is Standing.BLOCKED

    def _way(self) -> WayBack:
        worth = self._worth()
        return self._outlook.way(worth) if self._outlook else WayBack(worth)

    def _worth(self) -> int:
        return sum(value_of(sold, self._picked.get(sold.line.line_no, 0)) for sold in self._sold)

    @Slot()
    def _show(self) -> None:
        self._lines.show(
            line_row(self._words, sold, self._picked.get(sold.line.line_no, 0))
            for sold in self._sold
        )
        self._reasons.show(reason_row(self._words, code) for code in REASONS)
        could = CASH_REASONS if self._way().wallet else ()
        self._cash_reasons.show(reason_row(self._words, code) for code in could)
        self.changed.emit()

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
        refused = self._step is not None and self._step.standing is Back.REFUSED
        if refused and self._step is not None and not self._cash_reason:
            return refused_line(self._words, self._step)
        in_cash = bool(self._cash_reason)
        return plan_line(self._words, self._way(), in_cash=in_cash, offline=self._is_offline())
