"""The finished sale: how it was paid, its receipt as the printer will put it on paper, and the next
customer. A printer that fails undoes nothing and is told in words."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.receipt import Receipt
from app.domain.sale import Sale, TenderKind
from app.services.receipts import Receipts
from ui.bridge import KeyedListModel, ViewModel
from ui.images import ReceiptImages
from ui.tasks import Failure, Tasks
from ui.text import Words
from ui.viewmodels.documentrows import PART_ROLES, document_rows
from ui.viewmodels.naming import Naming

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

Raster = Callable[[Receipt, str], bytes]
"""Makes a PNG of a receipt in a language; runs on a worker thread."""


@QmlElement
@QmlUncreatable("made by the shell")
class DoneVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The screen after a sale. `nextAsked` asks for an empty cart."""

    changed = Signal()
    nextAsked = Signal()
    notice = Signal(str, str)

    def __init__(
        self,
        receipts: Receipts,
        naming: Naming,
        images: ReceiptImages,
        pool: Executor,
        words: Words,
        parent: QObject,
        *,
        raster: Raster | None = None,
    ) -> None:
        super().__init__(parent)
        self._receipts, self._naming, self._images = receipts, naming, images
        self._pool, self._words, self._raster = pool, words, raster
        self._sale: Sale | None = None
        self._preview = ""
        self._printed = 0
        self._parts = KeyedListModel(PART_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        words.changed.connect(self._retell)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(str, notify=changed)
    def amount(self) -> str:
        """What was paid."""
        return self._words.amount(self._sale.total) if self._sale else ""

    @Property(str, notify=changed)
    def receiptNo(self) -> str:
        """The receipt's number, as a sentence."""
        if self._sale is None:
            return ""
        return self._words.say("done.receipt_no", number=self._sale.receipt_no)

    @Property(str, notify=changed)
    def how(self) -> str:
        """How it was paid."""
        return self._how()

    @Property(str, notify=changed)
    def changeLine(self) -> str:
        """What is handed back, "" for nothing."""
        change = sum(tender.change for tender in self._sale.tenders) if self._sale else 0
        return self._words.say("done.change", change=change) if change else ""

    @Property(str, notify=changed)
    def previewUrl(self) -> str:
        """Where the receipt's picture is; "" means: show `parts` instead."""
        return self._preview

    @Property(QObject, constant=True)
    def parts(self) -> QObject:
        """The receipt in words."""
        return self._parts

    @Property(str, notify=changed)
    def storeName(self) -> str:
        """What stands at the top of the receipt."""
        return self._naming.store()

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """The printer is at work."""
        return self._tasks.isBusy()

    @Property(str, notify=changed)
    def printLabel(self) -> str:
        """What the print button does now."""
        if self._tasks.isBusy():
            return self._words.say("done.printing")
        return self._words.say("done.reprint" if self._printed else "done.print")

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def print(self) -> None:
        """Print the receipt; every print after the first is marked as a copy."""
        if self._sale is not None and not self._tasks.isBusy():
            future = self._receipts.print(self._sale)
            self._tasks.follow(future, self._was_printed, self._not_printed, lane="print")

    @Slot()
    def next(self) -> None:
        """Serve the next customer."""
        self._sale, self._preview = None, ""
        self._tasks.forget("preview")
        self.nextAsked.emit()

    # --- what Python does ---------------------------------------------------------------------

    def show(self, sale: Sale) -> None:
        """Show a sale that has just been recorded."""
        self._sale, self._preview, self._printed = sale, "", 0
        self._parts.show(document_rows(sale, self._words, self._naming, for_customer=True))
        self._draw()
        self.changed.emit()

    def _how(self) -> str:
        if self._sale is None:
            return ""
        said = []
        for tender in self._sale.tenders:
            if tender.kind is TenderKind.CASH:
                said.append(self._words.say("done.by_cash", given=tender.given))
            elif tender.kind is TenderKind.QR:
                said.append(self._words.say("done.by_qr", at=self._sale.at.server_ms))
            else:
                said.append(self._words.say("done.by_other"))
        return self._words.join(*said)

    def _draw(self) -> None:
        if self._raster is None or self._sale is None:
            return
        raster, language = self._raster, str(self._words.language)
        receipt = self._receipts.of(self._sale)
        future = self._pool.submit(lambda: raster(receipt, language))
        self._tasks.follow(future, self._drawn, lane="preview", quiet=True)

    def _drawn(self, png: bytes) -> None:
        self.put(self.changed, _preview=self._images.hold(png))

    def _was_printed(self, receipt: Receipt) -> None:
        self.put(self.changed, _printed=self._printed + 1)
        self.notice.emit("info", self._words.say("done.printed"))
        self._draw()

    def _not_printed(self, failure: Failure) -> None:
        self.notice.emit("problem", self._words.error(failure))

    @Slot()
    def _retell(self) -> None:
        if self._sale is not None:
            self._parts.show(
                document_rows(self._sale, self._words, self._naming, for_customer=True)
            )
            self._draw()
        self.changed.emit()
