"""What follows a scan, by what was scanned and what the person is looking at: hand scanners and the camera
come through the same door. The router of the core says what a code is.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.errors import RuleBroken, Trouble
from app.services.scan_router import ScanKind, Scanned, ScanRouter
from app.wire.proofs import looks_like_proof
from ui.tasks import sort_failure
from ui.text import Words
from ui.viewmodels.camera import CameraVm
from ui.viewmodels.checkout import CheckoutVm
from ui.viewmodels.payment import PaymentVm
from ui.viewmodels.root import Place, RootVm, Sheet

_EXPLAINED = {
    ScanKind.PAYMENT_CODE: "scan.payment_code",
    ScanKind.ORDER: "scan.order",
    ScanKind.MERCHANT_CODE: "scan.merchant_code",
}
"""What nothing can be done with while selling, and the sentence that says what it is."""


class Scans(QObject):
    """Takes codes and hands them to whoever they are for."""

    notice = Signal(str, str)

    def __init__(
        self,
        router: ScanRouter,
        root: RootVm,
        checkout: CheckoutVm,
        camera: CameraVm,
        search_receipts: Callable[[str], None],
        pay: PaymentVm,
        words: Words,
    ) -> None:
        super().__init__(root)
        self._router, self._root, self._checkout, self._camera = router, root, checkout, camera
        self._search_receipts, self._pay, self._words = search_receipts, pay, words
        self.notice.connect(root.say)
        camera.read.connect(self.take)
        root.placeChanged.connect(camera.close)
        root.toastChanged.connect(self._repeat_toast)
        checkout.landed.connect(self._landed)

    @Slot(str)
    def take(self, code: str) -> None:
        """A code was read; a proof of payment goes to its order, whatever is on the screen. Where nobody
        waits for any other it is left alone."""
        if looks_like_proof(code):
            self._camera.close()
            self._pay.prove(code)
            return
        place, sheet = self._root.property("place"), self._root.property("sheet")
        if place == Place.SELL and sheet in (Sheet.NONE, Sheet.MATRIX):
            try:
                self._while_selling(self._router.route(code))
            except (RuleBroken, Trouble) as refusal:
                self.notice.emit("problem", self._words.error(sort_failure(refusal)))
        elif sheet == Sheet.PAY:
            self._while_paying(code)
        elif place == Place.HISTORY and sheet == Sheet.NONE:
            self._camera.close()
            self._search_receipts(code)

    def _while_selling(self, scanned: Scanned) -> None:
        if scanned.kind in _EXPLAINED:
            wallet = self._words.say(f"wallet.{scanned.wallet.value}")
            self.notice.emit("problem", self._words.say(_EXPLAINED[scanned.kind], wallet=wallet))
        elif scanned.kind is ScanKind.MEMBER:
            self._camera.close()
            self._checkout.attach(scanned.text)
        else:
            self._checkout.scan(scanned.text)

    def _while_paying(self, code: str) -> None:
        scanned = self._router.route(code)
        if scanned.kind is ScanKind.PAYMENT_CODE:
            self._camera.close()  # and with it the code that is written on its sheet
        self._pay.scanned(scanned)

    @Slot(str)
    def _landed(self, line_no: str) -> None:
        """Say on the camera's sheet, which covers the cart, what landed there."""
        for row in self._checkout.property("lines").rows:
            if row["lineNo"] == line_no:
                facts = {"name": row["name"], "detail": row["detail"], "n": row["quantity"]}
                self._camera.tell("good", self._words.say("scan.landed", **facts))

    @Slot()
    def _repeat_toast(self) -> None:
        """Say it on the camera's sheet as well, which covers the toast."""
        kind, text = self._root.property("toastKind"), self._root.property("toast")
        self._camera.tell(str(kind), str(text))
