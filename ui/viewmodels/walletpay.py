"""The customer's wallet beside our page's QR: its code is scanned here, or a provider's own QR is shown.

It asks the wallets' service and lets the phone's view-model show what came of it. A code lives here from
its scan until it is sent and in no property, so no screen can show it. Knows neither scanner nor camera.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TypeVar

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Person, Role
from app.domain.pricing import PricedCart
from app.errors import Code
from app.services.payments import PaymentNews
from app.services.wallets import CustomerCode, OwnQr
from app.wire.messages import WaysToPay
from ui.bridge import KeyedListModel, ViewModel
from ui.tasks import Failure, FailureKind, Tasks, then
from ui.text import Words
from ui.viewmodels.feewords import rate_words, wallet_words
from ui.viewmodels.paynews import Beside
from ui.viewmodels.paystate import Act, Phase
from ui.viewmodels.phonepay import PhonePayVm
from ui.viewmodels.phonetools import PhoneTools, Symbol

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

CODE_ROLES = ("key", "title", "chosen", "cheapest")
Answer = TypeVar("Answer")

_UNDER_WAY = (Phase.COLLECTING, Phase.PASSWORD, Phase.CODE_UNKNOWN)
SURE_AFTER_S = 0.7
"""So long after a press that asked, the next one answers: sooner it is the same finger."""
OURS = ""
"""The key of our page's QR among those that may be shown."""


@QmlElement
@QmlUncreatable("made by the shell")
class WalletVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """What can be done with the customer's wallet for the order on the screen."""

    changed = Signal()
    cameraAsked = Signal()
    notice = Signal(str, str)

    def __init__(self, tools: PhoneTools, phone: PhonePayVm, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._tools, self._phone, self._words = tools, phone, words
        self._priced: PricedCart | None = None
        self._person: Person | None = None
        self._ways = WaysToPay(collects=[], shows=[])
        self._codes = KeyedListModel(CODE_ROLES, self)
        self._beside = Beside()
        self._waiting: CustomerCode | None = None
        self._problem: Callable[[], str] | None = None
        self._sure, self._has_camera = False, False
        self._sure_at = 0.0
        self._asked_about = ""  # the attempt of the newest question; an older one may still be out
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        phone.changed.connect(self._phone_changed)
        words.changed.connect(self._list)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(QObject, constant=True)
    def codes(self) -> QObject:
        """The QRs that may be shown: our page's, and providers' own."""
        return self._codes

    @Property(bool, notify=changed)
    def hasChoice(self) -> bool:
        """There is more than our own QR to show, and it may be changed now."""
        return len(self._codes.keys) > 1 and self._phone.allows(Act.COLLECT)

    @Property(bool, notify=changed)
    def canScan(self) -> bool:
        """A customer's code may be scanned now."""
        return bool(self._ways.collects) and self._phone.allows(Act.COLLECT)

    @Property(str, notify=changed)
    def saving(self) -> str:
        """Which open way costs the shop least, and how much; "" where none stands out."""
        if not self._phone.allows(Act.COLLECT):
            return ""
        cheapest = [each for each in self._ways.rates if each.cheapest]
        ways = self._words.join(*(rate_words(each, self._words) for each in cheapest))
        return self._words.say("pay.cheapest", ways=ways) if cheapest else ""

    @Property(bool, notify=changed)
    def hasCamera(self) -> bool:
        """The till can look at the customer's phone itself."""
        return self._has_camera

    @Property(bool, notify=changed)
    def canVouch(self) -> bool:
        """A manager may say that the money of this QR has come."""
        return self._phone.allows(Act.VOUCH) and self._is_manager()

    @Property(bool, notify=changed)
    def isSure(self) -> bool:
        """The manager has pressed once; the next time counts."""
        return self._sure

    @Property(str, notify=changed)
    def vouchText(self) -> str:
        """What the manager's button says."""
        amount = self._priced.total if self._priced else 0
        return self._words.say("pay.vouch_sure" if self._sure else "pay.vouch", amount=amount)

    @Property(str, notify=changed)
    def problem(self) -> str:
        """Why the last code or QR came to nothing, "" for nothing."""
        return self._problem() if self._problem else ""

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """An answer is under way."""
        return self._tasks.isBusy()

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def look(self) -> None:
        """Look at the customer's phone with the till's camera."""
        self.cameraAsked.emit()

    @Slot(str)
    def choose(self, key: str) -> None:
        """Show our page's QR ("") or a provider's own."""
        shown = self._beside.own.offer.provider if self._beside.own else OURS
        attempt_id, person = self._phone.current(Act.COLLECT)
        if not attempt_id or key == shown or self._is_asking(attempt_id):
            return
        self.put(self.changed, _problem=None, _sure=False)
        if key == OURS:
            self._put_beside(Beside())
            return
        offer = next(each for each in self._ways.shows if each.provider == key)
        asked = self._tools.wallets.own_qr(attempt_id, offer, person)
        self._follow(attempt_id, then(asked, self._symbol), self._show_own)

    @Slot()
    def vouch(self) -> None:
        """Confirm by hand that the money has come; the first press only asks, and a double tap is one."""
        attempt_id, _ = self._phone.current(Act.VOUCH)
        if not attempt_id or not self._is_manager() or self._person is None:
            return
        now = self._tools.clock.monotonic()
        if not self._sure:
            self._sure_at = now
            self.put(self.changed, _sure=True)
        elif now - self._sure_at >= SURE_AFTER_S and not self._is_asking(attempt_id):
            self.put(self.changed, _sure=False)
            vouched = self._tools.payments.vouch(attempt_id, self._person)
            self._follow(attempt_id, vouched, self._phone.hear)

    # --- what Python does ---------------------------------------------------------------------

    def join_camera(self, there: bool, open_: Callable[[], None]) -> None:
        """Offer the till's camera, if there is one; what it reads comes back as a scan."""
        self.cameraAsked.connect(open_)
        self.put(self.changed, _has_camera=there)

    def begin(self, priced: PricedCart, person: Person, *, online: bool) -> None:
        """Get ready for a payment; `online`: ask what the shop offers."""
        self.rest()
        self._priced, self._person = priced, person
        if online:
            self._tasks.follow(self._tools.wallets.ways(), self._offered, quiet=True, lane="ways")

    def scanned(self, code: CustomerCode) -> None:
        """Collect by a customer's code, as soon as the order is at the cloud."""
        attempt_id, person = self._phone.current(Act.COLLECT)
        if self._is_asking(attempt_id) or self._phone.stands in _UNDER_WAY:
            self.explain("error.payment_under_way")
            return
        if not attempt_id:
            if self._phone.stands is Phase.PREPARING:
                self._waiting = code
            else:
                self.explain("pay.code_not_now")
            return
        self._waiting = None
        self.put(self.changed, _problem=None, _sure=False)
        self._put_beside(Beside(collecting=True))
        future = self._tools.wallets.collect(attempt_id, code, person)
        self._follow(attempt_id, future, self._collected)

    def explain(self, sentence: str, **facts: str) -> None:
        """Say why a scanned code came to nothing."""

        def say() -> str:
            told = {name: self._words.say(f"wallet.{value}") for name, value in facts.items()}
            return self._words.say(sentence, **told)

        self.put(self.changed, _problem=say)
        self.notice.emit("problem", say())

    def rest(self) -> None:
        """Forget the order that was on the screen."""
        self._tasks.forget("ways")
        self._beside, self._waiting = Beside(), None
        self.put(self.changed, _problem=None, _sure=False)
        self._list()

    # --- answers ------------------------------------------------------------------------------

    def _offered(self, ways: WaysToPay) -> None:
        self._ways = ways
        self._list()

    def _follow(
        self, attempt_id: str, future: Future[Answer], done: Callable[[Answer], None]
    ) -> None:
        """Wait for an answer about an attempt. A hint may bring its end before the answer comes, and the
        guide begin another; then only what is news of it is taken from the answer."""
        self._asked_about = attempt_id
        self._tasks.follow(future, done, partial(self._refused, attempt_id))

    def _is_asking(self, attempt_id: str) -> bool:
        return bool(attempt_id) and attempt_id == self._asked_about and self._tasks.isBusy()

    def _collected(self, news: PaymentNews) -> None:
        if news.attempt.attempt_id == self._asked_about:
            self._put_beside(Beside(), news)
        else:
            self._phone.hear(news)

    def _symbol(self, own: OwnQr) -> tuple[OwnQr, Symbol]:
        """Runs on a network thread."""
        return own, (own.text, self._tools.qr.make(own.text))

    def _show_own(self, answer: tuple[OwnQr, Symbol]) -> None:
        own, symbol = answer
        if own.news.attempt.attempt_id != self._asked_about:
            return
        self._put_beside(Beside(own=own, url=self._tools.symbols.hold(*symbol)), own.news)

    def _refused(self, attempt_id: str, failure: Failure) -> None:
        if attempt_id != self._asked_about:
            return
        self._put_beside(replace(self._beside, collecting=False))
        wallet = failure.facts.get("wallet")
        if failure.code is Code.PAYMENT_NOT_OFFERED and isinstance(wallet, str):
            self.explain("pay.code_not_offered", wallet=wallet)
        elif failure.kind is FailureKind.TROUBLE:
            self.explain("pay.code_no_line")
        else:
            self.put(self.changed, _problem=lambda: self._words.error(failure))
            self.notice.emit("problem", self._words.error(failure))

    @Slot()
    def _phone_changed(self) -> None:
        """The order may be at the cloud now, and a code that waited for it be sent."""
        if self._waiting is not None and self._phone.current(Act.COLLECT)[0]:
            self.scanned(self._waiting)
        elif not self._phone.is_open:
            self._waiting = None
        if self._sure and not self._phone.allows(Act.VOUCH):
            self._sure = False
        self.changed.emit()

    def _put_beside(self, beside: Beside, news: PaymentNews | None = None) -> None:
        self._beside = beside
        self._phone.set_beside(beside, news)
        self._list()

    @Slot()
    def _list(self) -> None:
        shown = self._beside.own.offer.provider if self._beside.own else OURS
        titles = {OURS: self._words.say("pay.own_ours")}
        titles |= {
            each.provider: wallet_words(each.provider, each.wallet, self._words)
            for each in self._ways.shows
        }
        cheapest = {
            rate.provider for rate in self._ways.rates if rate.cheapest and rate.way == "qr"
        }
        self._codes.show(
            {"key": key, "title": title, "chosen": key == shown, "cheapest": key in cheapest}
            for key, title in titles.items()
        )
        self.changed.emit()

    def _is_manager(self) -> bool:
        return self._person is not None and self._person.role is Role.MANAGER
