"""The payment screen: which way of paying, what is safe, and the moment it is paid.

Paying by phone is `PhonePayVm`, cash is `CashPayVm`; this one lets only one of them happen. It
hands a recorded sale on by `settled`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Person
from app.domain.pricing import PricedCart
from app.domain.sale import Sale
from app.services.honesty import Operation, Standing, Verdict
from app.services.payments import PaymentNews
from app.services.scan_router import ScanKind, Scanned
from app.services.wallets import CustomerCode
from ui.bridge import KeyedListModel, ViewModel
from ui.text import Words
from ui.viewmodels.cartrows import STRIP_ROLES, strip_rows
from ui.viewmodels.cashpay import CashPayVm
from ui.viewmodels.paystate import Act, Phase
from ui.viewmodels.phonepay import PhonePayVm
from ui.viewmodels.proofpay import ProofVm
from ui.viewmodels.walletpay import WalletVm

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

LINGER_MS = 1_400
"""How long "paid" stays before the receipt comes by itself."""


class Method(StrEnum):
    """How the customer pays."""

    PHONE = "phone"
    CASH = "cash"


@QmlElement
@QmlUncreatable("made by the shell")
class PaymentVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The payment screen.

    `settled` carries the Sale, `soldElsewhere` that of a cart that is not on this screen; `left`
    means back to the cart; `aside` asks to put the cart aside, while its payment goes on being
    watched. `may` tells how an operation stands now; `chime` plays the sound of a payment.
    """

    changed = Signal()
    settled = Signal(object)
    soldElsewhere = Signal(object)
    left = Signal()
    aside = Signal()
    notice = Signal(str, str)

    def __init__(
        self,
        words: Words,
        may: Callable[[Operation], Verdict],
        parent: QObject,
        *,
        chime: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._words, self._may, self._chime = words, may, chime
        self._priced: PricedCart | None = None
        self._actor: Person | None = None
        self._method = Method.PHONE
        self._then = Act.LEAVE
        self._sale: Sale | None = None
        self._lines = KeyedListModel(STRIP_ROLES, self)
        self._verdict = may(Operation.SELL_QR)
        self._linger = QTimer(self)
        self._linger.setSingleShot(True)
        self._linger.setInterval(LINGER_MS)
        self._linger.timeout.connect(self.next)
        words.changed.connect(self.changed)

    def hold(self, phone: PhonePayVm, cash: CashPayVm, proof: ProofVm, wallet: WalletVm) -> None:
        """Take the two ways of paying, and what helps with one of them; call before QML sees this object."""
        self._phone, self._cash, self._proof, self._wallet = phone, cash, proof, wallet
        wallet.notice.connect(self.notice)
        phone.passwordOver.connect(self.stop)
        proof.heard.connect(phone.hear)
        proof.notice.connect(self.notice)
        phone.paid.connect(self._paid)
        phone.closed.connect(self._closed)
        phone.changed.connect(self._phone_changed)
        phone.notice.connect(self.notice)
        phone.soldElsewhere.connect(self.soldElsewhere)
        cash.paid.connect(self._paid)
        cash.changed.connect(self.changed)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(QObject, constant=True)
    def phone(self) -> QObject:
        """Paying by the customer's phone."""
        return self._phone

    @Property(QObject, constant=True)
    def proof(self) -> QObject:
        """The customer's proof while the shop is offline."""
        return self._proof

    @Property(QObject, constant=True)
    def wallet(self) -> QObject:
        """The customer's code, and providers' own QRs."""
        return self._wallet

    @Property(QObject, constant=True)
    def cash(self) -> QObject:
        """Paying in cash."""
        return self._cash

    @Property(str, notify=changed)
    def amount(self) -> str:
        """What is to be paid."""
        return self._words.amount(self._priced.total) if self._priced else ""

    @Property(QObject, constant=True)
    def lines(self) -> QObject:
        """What is being paid for, as pictures."""
        return self._lines

    @Property(str, notify=changed)
    def units(self) -> str:
        """How many pieces, as a sentence."""
        return self._words.say("common.pieces", n=self._priced.units) if self._priced else ""

    @Property(bool, notify=changed)
    def isCash(self) -> bool:
        """Cash is being taken."""
        return self._method is Method.CASH and not self._sale

    @Property(bool, notify=changed)
    def isPhone(self) -> bool:
        """The customer's phone is being used."""
        return self._method is Method.PHONE and not self._sale

    @Property(bool, notify=changed)
    def isPaid(self) -> bool:
        """The sale is on record."""
        return self._sale is not None

    @Property(str, notify=changed)
    def paidLine(self) -> str:
        """When it was paid, and how much too much if it was; "" before."""
        return self._paid_line()

    @Property(str, notify=changed)
    def paidHint(self) -> str:
        """What follows: change to hand back, money too much, or nothing."""
        return self._paid_hint()

    @Property(bool, notify=changed)
    def phoneEnabled(self) -> bool:
        """The customer's phone can be used now."""
        return self._can_phone() or self._phone.is_open

    @Property(str, notify=changed)
    def phoneHint(self) -> str:
        """What paying by phone means, or why it is not possible."""
        return self._words.say(_PHONE_HINTS.get(self._verdict.standing, "pay.method.phone_hint"))

    @Property(bool, notify=changed)
    def cashEnabled(self) -> bool:
        """Cash is safe, or will be as soon as the cloud has closed the QR."""
        return self._can_cash() or self._method is Method.CASH

    @Property(bool, notify=changed)
    def canNewQr(self) -> bool:
        """A new QR is safe."""
        return self._method is Method.PHONE and self._can_phone()

    @Property(bool, notify=changed)
    def canUseCash(self) -> bool:
        """Changing to cash is safe."""
        return self._method is Method.PHONE and self._can_cash()

    @Property(bool, notify=changed)
    def mainIsCash(self) -> bool:
        """No QR could be made: cash is what helps now."""
        return self._main_is_cash()

    @Property(bool, notify=changed)
    def canLeave(self) -> bool:
        """Back to the cart is safe."""
        return self._can_leave()

    @Property(bool, notify=changed)
    def canSetAside(self) -> bool:
        """The next customer can be served while this payment is watched."""
        return not self._sale and self._phone.allows(Act.ASIDE)

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def usePhone(self) -> None:
        """Show a QR for the whole order."""
        if self._can_phone() and self._priced and self._actor:
            self._method = Method.PHONE
            offline = self._verdict.standing is Standing.AGED or self._phone.line_broke
            self._proof.rest()
            self._phone.start(self._priced, self._actor, offline=offline)
            self._wallet.begin(self._priced, self._actor, online=not offline)
            self.changed.emit()

    @Slot()
    def useCash(self) -> None:
        """Take cash; an open QR is closed at the cloud first."""
        if not self._can_cash():
            return
        if self._phone.is_open:
            self._then = Act.CASH
            self._phone.stop()
        else:
            self._to_cash()

    @Slot()
    def stop(self) -> None:
        """Close the QR and stay, to choose another way."""
        self._then = Act.NEW_QR
        self._phone.stop()

    @Slot()
    def leave(self) -> None:
        """Back to the cart."""
        if self._can_leave():
            self._rest()
            self.left.emit()

    @Slot()
    def setAside(self) -> None:
        """Serve the next customer; the payment goes on being watched."""
        if not self._sale and self._phone.allows(Act.ASIDE):
            self._rest()
            self.aside.emit()

    @Slot()
    def escape(self) -> None:
        """Esc: back to the cart where that is safe, else ask the cloud to close the QR first."""
        if self._proof.isTyping:
            self._proof.back()
        elif self._can_leave():
            self.leave()
        elif self._phone.allows(Act.STOP):
            self._then = Act.LEAVE
            self._phone.stop()

    @Slot()
    def confirm(self) -> None:
        """Enter: whatever is the main thing to do now."""
        if self._sale:
            self.next()
        elif self._proof.isTyping:
            self._proof.check()
        elif self._method is Method.CASH:
            self._cash.take()
        elif self._phone.allows(Act.ASK):
            self._phone.ask()
        elif self._main_is_cash():
            self.useCash()
        else:
            self.usePhone()

    @Slot()
    def next(self) -> None:
        """On to the receipt."""
        sale = self._sale
        if sale is not None:
            self._rest()
            self.settled.emit(sale)

    # --- what Python does ---------------------------------------------------------------------

    def open(self, priced: PricedCart, actor: Person) -> None:
        """Begin a payment: a QR at once where the cloud can close it again, else cash."""
        self._begin(priced, actor)
        if self._can_phone() and self._verdict.standing is Standing.NOW:
            self.usePhone()
        else:
            self._to_cash()

    def resume(self, priced: PricedCart, actor: Person, attempt_id: str) -> None:
        """Go on with a QR this cart had before a restart, or before it was put aside."""
        self._begin(priced, actor)
        self._wallet.begin(priced, actor, online=self._verdict.standing is Standing.NOW)
        self._phone.resume(priced, actor, attempt_id)
        self.changed.emit()

    def join_camera(self, there: bool, open_: Callable[[], None]) -> None:
        """Let the till's camera read what is on the customer's phone."""
        self._proof.join_camera(there, open_)
        self._wallet.join_camera(there, open_)

    def prove(self, text: str) -> None:
        """Take a proof of payment that was scanned."""
        self._proof.scanned(text)

    def scanned(self, code: Scanned) -> None:
        """Take what was scanned while the customer pays: their payment code, or nothing we can use."""
        self._cash.clear()  # a scanner types, and its digits are no money
        if code.kind is not ScanKind.PAYMENT_CODE or self._sale:
            return
        if self._may(Operation.COLLECT).standing is not Standing.NOW:
            self._wallet.explain("pay.code_offline")
            return
        if self._can_phone():
            self.usePhone()
        self._wallet.scanned(CustomerCode(code.wallet, code.text))

    def hear(self, news: PaymentNews) -> None:
        """Take news of any attempt, on any thread."""
        self._phone.hear(news)

    def _begin(self, priced: PricedCart, actor: Person) -> None:
        self._rest()
        self._priced, self._actor = priced, actor
        self._verdict = self._may(Operation.SELL_QR)
        self._cash.begin(priced, actor)
        self._lines.show(strip_rows(priced, self._words))
        self._method = Method.PHONE

    @Slot()
    def _closed(self) -> None:
        """The cloud has closed the QR unpaid: now what was wished for is safe."""
        if self._then is Act.CASH:
            self._to_cash()
        elif self._then is Act.LEAVE:
            self.leave()

    def _to_cash(self) -> None:
        self._phone.rest()
        self.put(self.changed, _method=Method.CASH)

    @Slot(object)
    def _paid(self, sale: Sale) -> None:
        if self._sale is None:
            self.put(self.changed, _sale=sale)
            self._chime()
            self._linger.start()

    def _paid_line(self) -> str:
        if self._sale is None:
            return ""
        if self._method is Method.PHONE and self._phone.stands is Phase.PAID_OVER:
            return str(self._phone.status)  # says how much too much
        return self._words.say("pay.paid_at", at=self._sale.at.server_ms)

    def _paid_hint(self) -> str:
        if self._sale is None:
            return ""
        change = sum(tender.change for tender in self._sale.tenders)
        if change:
            return self._words.say("done.change", change=change)
        return self._words.say(
            f"pay.{self._phone.phase}_hint" if self._method is Method.PHONE else "pay.paid_hint"
        )

    def _can_phone(self) -> bool:
        free = self._phone.allows(Act.NEW_QR) and not self._sale and not self._cash.is_busy
        due = self._priced.total if self._priced else 0
        return free and due > 0 and self._verdict.standing is not Standing.BLOCKED

    def _can_cash(self) -> bool:
        return self._phone.allows(Act.CASH) and self._priced is not None and not self._sale

    def _main_is_cash(self) -> bool:
        failed = self._method is Method.PHONE and self._phone.stands is Phase.NOT_STARTED
        return failed and self._can_cash()

    def _can_leave(self) -> bool:
        return self._phone.allows(Act.LEAVE) and not self._sale and not self._cash.is_busy

    @Slot()
    def _phone_changed(self) -> None:
        if self._phone.allows(Act.NEW_QR):
            self._verdict = self._may(Operation.SELL_QR)
        self.changed.emit()

    def _rest(self) -> None:
        self._linger.stop()
        self._sale = None
        self._proof.rest()
        self._wallet.rest()
        self._phone.rest()


_PHONE_HINTS = {
    Standing.BLOCKED: "pay.phone_blocked",
    Standing.AGED: "pay.method.phone_offline",
}
