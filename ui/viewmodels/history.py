"""Receipts: today's list, a search by number over all days, one document explained, and its copy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.receipt import Receipt
from app.domain.refund import Refund, SoldLine
from app.domain.sale import Sale
from app.errors import Trouble
from app.ports import DocumentSummary, Reader
from app.services.receipts import Receipts
from app.services.refunds import Refunds
from ui.bridge import KeyedListModel, Row, ViewModel
from ui.tasks import Failure, Tasks, sort_failure
from ui.text import Words
from ui.viewmodels.documentrows import PART_ROLES, document_rows
from ui.viewmodels.naming import Naming

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

DOCUMENT_ROLES = ("key", "receiptNo", "at", "detail", "amount", "refund", "sent", "sentText")
PAGE = 50


@QmlElement
@QmlUncreatable("made by the shell")
class HistoryVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The receipts screen. `today` gives the trading day."""

    changed = Signal()
    chosenChanged = Signal()
    returnAsked = Signal(object)
    """The Sale of which something shall come back."""
    notice = Signal(str, str)

    def __init__(
        self,
        reader: Callable[[], Reader],
        receipts: Receipts,
        refunds: Refunds,
        today: Callable[[], date],
        words: Words,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._reader, self._receipts, self._refunds = reader, receipts, refunds
        self._today, self._words = today, words
        self._sold = self._came_back = 0
        self._was_printed = False
        self._naming = Naming(reader, words)
        self._found: tuple[DocumentSummary, ...] = ()
        self._text, self._more = "", False
        self._document: Sale | Refund | None = None
        self._chosen = ""
        self._documents = KeyedListModel(DOCUMENT_ROLES, self)
        self._parts = KeyedListModel(PART_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.chosenChanged)
        words.changed.connect(self._retell)

    # --- what QML reads: the list ---------------------------------------------------------------

    @Property(QObject, constant=True)
    def documents(self) -> QObject:
        """The receipts, newest first."""
        return self._documents

    @Property(str, notify=changed)
    def summary(self) -> str:
        """How many, and what they come to."""
        if not self._found or self._text:
            return ""
        net = sum(found.net for found in self._found)
        said = self._words.say("history.summary", n=len(self._found), net=net)
        return said if not self._more else self._words.say("history.newest", n=len(self._found))

    @Property(bool, notify=changed)
    def isEmpty(self) -> bool:
        """There is nothing to list."""
        return not self._found

    @Property(str, notify=changed)
    def emptyTitle(self) -> str:
        """Why there is nothing."""
        return self._words.say("history.none_found" if self._text else "history.empty")

    @Property(str, notify=changed)
    def emptyHint(self) -> str:
        """What that means."""
        return self._words.say("history.none_found_hint" if self._text else "history.empty_hint")

    @Property(bool, notify=changed)
    def hasMore(self) -> bool:
        """There are older ones."""
        return self._more

    # --- what QML reads: the chosen document -------------------------------------------------------

    @Property(str, notify=chosenChanged)
    def chosen(self) -> str:
        """Id of the document that is explained, "" for none."""
        return self._chosen

    @Property(bool, notify=chosenChanged)
    def hasChosen(self) -> bool:
        """A document is explained."""
        return self._document is not None

    @Property(str, notify=chosenChanged)
    def title(self) -> str:
        """What it is and its number."""
        if self._document is None:
            return ""
        kind = "refund" if isinstance(self._document, Refund) else "sale"
        return f"{self._words.say(f'history.kind.{kind}')} {self._document.receipt_no}"

    @Property(str, notify=chosenChanged)
    def subtitle(self) -> str:
        """When, and by whom."""
        return self._subtitle()

    @Property(str, notify=chosenChanged)
    def total(self) -> str:
        """What it comes to."""
        if self._document is None:
            return ""
        sign = -1 if isinstance(self._document, Refund) else 1
        return self._words.amount(sign * self._document.total)

    @Property(bool, notify=chosenChanged)
    def isSent(self) -> bool:
        """The cloud holds it."""
        return self._is_sent()

    @Property(str, notify=chosenChanged)
    def sentText(self) -> str:
        """Whether the cloud holds it."""
        return self._words.say("history.sent" if self._is_sent() else "history.unsent")

    @Property(QObject, constant=True)
    def parts(self) -> QObject:
        """Its lines, reasons, tenders and commission."""
        return self._parts

    @Property(bool, notify=chosenChanged)
    def canReturn(self) -> bool:
        """Something of it can still come back."""
        return self._sold > self._came_back

    @Property(bool, notify=chosenChanged)
    def busy(self) -> bool:
        """The printer is at work."""
        return self._tasks.isBusy()

    @Property(str, notify=chosenChanged)
    def printLabel(self) -> str:
        """What the print button gives: the receipt, or a copy of what was printed before."""
        return self._words.say("history.reprint" if self._was_printed else "done.print")

    # --- what QML does --------------------------------------------------------------------------

    @Slot()
    def load(self) -> None:
        """Read the list afresh."""
        self._read(len(self._found))

    @Slot(str)
    def search(self, text: str) -> None:
        """List receipts whose number holds `text`, of all days; "" lists today's."""
        cleaned = text.strip()[:40]
        if cleaned != self._text:
            self._text = cleaned
            self._read(0)

    @Slot()
    def more(self) -> None:
        """List older ones too."""
        if self._more:
            self._read(len(self._found) + PAGE)

    @Slot(str)
    def choose(self, document_id: str) -> None:
        """Explain one document."""
        try:
            document = self._reader().document(document_id) if document_id else None
        except Trouble as trouble:
            self.notice.emit("problem", self._words.error(sort_failure(trouble)))
            return
        self._document, self._chosen = document, document_id if document else ""
        self._sold = self._came_back = 0
        self._show_document()
        if isinstance(document, Sale):
            sold = self._refunds.returnable(document.sale_id)
            self._tasks.follow(sold, self._counted, lane="sold", quiet=True)
        else:
            self._tasks.forget("sold")

    @Slot()
    def takeBack(self) -> None:
        """Something of it comes back."""
        if isinstance(self._document, Sale) and self._sold > self._came_back:
            self.returnAsked.emit(self._document)

    @Slot()
    def reprint(self) -> None:
        """Print it once more, marked as a copy."""
        if self._document is not None and not self._tasks.isBusy():
            future = self._receipts.print(self._document)
            self._tasks.follow(future, self._printed, self._not_printed, lane="print")

    # --- what Python does -----------------------------------------------------------------------

    def show(self, document_id: str) -> None:
        """A document was recorded: list it and explain it."""
        self._read(0)
        self.choose(document_id)

    @Slot()
    def refresh(self) -> None:
        """Something of a document may stand otherwise now: explain it again."""
        if self._document is not None:
            self.load()
            self.choose(self._chosen)

    def _counted(self, sold: tuple[SoldLine, ...]) -> None:
        self._sold = sum(line.line.quantity for line in sold)
        self._came_back = sum(line.quantity_returned for line in sold)
        self.chosenChanged.emit()

    def _read(self, wanted: int) -> None:
        limit = max(wanted, PAGE)
        day = None if self._text else self._today()
        try:
            found = self._reader().documents(day=day, text=self._text, limit=limit + 1)
        except Trouble as trouble:
            self.notice.emit("problem", self._words.error(sort_failure(trouble)))
            return
        self._more, self._found = len(found) > limit, found[:limit]
        self._show_list()

    def _show_list(self) -> None:
        people = self._naming.people()
        self._documents.show(self._row(found, people) for found in self._found)
        self.changed.emit()
        self.chosenChanged.emit()

    def _row(self, found: DocumentSummary, people: dict[str, str]) -> Row:
        words = self._words
        tenders = [words.say(f"tender.{kind}") for kind in found.tender_kinds]
        pieces = words.say("common.pieces", n=abs(found.units))
        day = words.say("history.day", at=found.at_ms) if self._text else ""
        return {
            "key": found.document_id,
            "receiptNo": found.receipt_no,
            "at": words.join(day, words.say("history.minute", at=found.at_ms)),
            "detail": words.join(pieces, *tenders, people.get(found.actor, found.actor)),
            "amount": words.amount(found.net),
            "refund": found.kind == "refund",
            "sent": found.sent,
            "sentText": words.say("history.sent" if found.sent else "history.unsent"),
        }

    def _show_document(self) -> None:
        shown = self._document
        steps = self._reader().money_back_of(shown.refund_id) if isinstance(shown, Refund) else ()
        back = steps[-1] if steps else None
        if shown is None:
            self._parts.show(())
        else:
            sold = self._sold_by(shown)
            self._parts.show(document_rows(shown, self._words, self._naming, back=back, sold=sold))
        self._was_printed = shown is not None and self._receipts.of(shown).copy
        self.chosenChanged.emit()

    def _sold_by(self, shown: Sale | Refund) -> Sale | None:
        """Return the sale of a return, if this till has it."""
        lines = shown.lines if isinstance(shown, Refund) else ()
        origin = next((line.origin for line in lines if line.origin is not None), None)
        found = self._reader().document(origin.sale_id) if origin is not None else None
        return found if isinstance(found, Sale) else None

    def _subtitle(self) -> str:
        if self._document is None:
            return ""
        at, actor = self._document.at.server_ms, self._document.actor
        when = self._words.say("history.when", at=at)
        came_back = self._words.say("history.came_back", n=self._came_back)
        name = self._naming.people().get(actor, actor)
        return self._words.join(when, name, came_back if self._came_back else "")

    def _is_sent(self) -> bool:
        return any(found.sent for found in self._found if found.document_id == self._chosen)

    def _printed(self, receipt: Receipt) -> None:
        key = "history.reprinted" if receipt.copy else "done.printed"
        self._was_printed = True
        self.chosenChanged.emit()
        self.notice.emit("info", self._words.say(key))

    def _not_printed(self, failure: Failure) -> None:
        self.notice.emit("problem", self._words.error(failure))

    @Slot()
    def _retell(self) -> None:
        self._show_list()
        self._show_document()
