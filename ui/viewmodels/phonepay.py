"""The customer's phone: one QR, and what is known about it from second to second.

Believes only the payments service; never waits: futures and news come through the event queue.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Person
from app.domain.pricing import PricedCart
from app.errors import Code
from app.services.payments import PaymentNews
from ui.bridge import ViewModel
from ui.postbox import posted_to
from ui.tasks import Failure, Tasks, then
from ui.text import Words
from ui.viewmodels.paynews import Beside, is_of, latest, phase_for
from ui.viewmodels.paystate import FACES, Act, Face, Phase
from ui.viewmodels.paywords import elapsed_line, elsewhere_line, status_line
from ui.viewmodels.phonetools import PhoneTools, Symbol

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

ASK_AGAIN_S = 3
PASSWORD_S = 60
"""So long a customer's password is waited for. Providers want to be asked for about a minute and the
payment to be ended then (PAYMENTS-OPERATIONS.md)."""
_LANE = "ask"


@QmlElement
@QmlUncreatable("made by the shell")
class PhonePayVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """One QR. `paid` carries the Sale; `closed` tells that the cloud closed it unpaid at our wish."""

    changed = Signal()
    ticked = Signal()
    paid = Signal(object)
    closed = Signal()
    passwordOver = Signal()  # nobody has typed it for so long that it is given up
    refused = Signal()  # no QR was made
    soldElsewhere = Signal(object)  # the Sale of a cart that is not on the payment screen
    notice = Signal(str, str)

    def __init__(self, tools: PhoneTools, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._tools, self._words = tools, words
        self._priced: PricedCart | None = None
        self._person: Person | None = None
        self._phase = Phase.CHOOSING
        self._news: PaymentNews | None = None
        self._failure: Failure | None = None
        self._qr_url = ""
        self._started_s, self._ask_in_s = 0.0, 0
        self._closing, self._adopted = False, ""
        self._beside = Beside()
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self._asked)
        self._second = QTimer(self)
        self._second.setInterval(1_000)
        self._second.timeout.connect(self.tick)
        self._heard = posted_to(self._take_news)
        words.changed.connect(self._asked)

    # --- what QML reads: what is known ------------------------------------------------------------

    @Property(str, notify=changed)
    def phase(self) -> str:
        """One of `paystate.Phase`."""
        return self._phase.value

    @Property(str, notify=changed)
    def tone(self) -> str:
        """One of `paystate.Tone`."""
        return self._face().tone.value

    @Property(str, notify=changed)
    def glyph(self) -> str:
        """The icon of what is known."""
        return self._face().glyph

    @Property(bool, notify=changed)
    def isPreparing(self) -> bool:
        """Something is on its way to the cloud: the order, a customer's code, or the wish to close."""
        return self._phase in (Phase.PREPARING, Phase.COLLECTING, Phase.CLOSING)

    @Property(bool, notify=changed)
    def showsQr(self) -> bool:
        """There is a QR that may be scanned."""
        return self._face().shows_qr and bool(self._shown_url())

    @Property(str, notify=changed)
    def qrUrl(self) -> str:
        """Where the QR's picture is, "" while there is none."""
        return self._shown_url()

    @Property(str, notify=ticked)
    def status(self) -> str:
        """The one line that says exactly what is known."""
        step = self._news.attempt.last if self._news else None
        busy, again_in = self._tasks.isBusy(), max(self._ask_in_s, 1)
        return status_line(self._words, self._phase, step, busy=busy, again_in=again_in)

    @Property(str, notify=changed)
    def hint(self) -> str:
        """What that means for the guide."""
        why = self._words.error(self._failure) if self._failure else ""
        return self._words.say(f"pay.{self._phase.value}_hint", why=why)

    @Property(str, notify=ticked)
    def timeLeft(self) -> str:
        """How long the QR can still be paid, "" when that says nothing."""
        if not self._face().shows_qr or self._news is None:
            return ""
        return self._words.say("pay.time_left", seconds=self._seconds_left())

    @Property(str, notify=ticked)
    def elapsed(self) -> str:
        """How long this payment takes already."""
        if not self._second.isActive():
            return ""
        asked_ms = self._news.heard_at.server_ms if self._news else 0
        return elapsed_line(self._words, self._phase, self._elapsed_s(), asked_ms)

    # --- what QML reads: what is safe -------------------------------------------------------------

    @Property(bool, notify=changed)
    def canStop(self) -> bool:
        """The cloud may be asked to close the QR."""
        return self.allows(Act.STOP)

    @Property(bool, notify=changed)
    def canAsk(self) -> bool:
        """The cloud may be asked now."""
        return self.allows(Act.ASK)

    @Property(bool, notify=changed)
    def canDeliver(self) -> bool:
        """Late money may become the sale it was meant for."""
        return self.allows(Act.DELIVER)

    @Property(bool, notify=changed)
    def canProve(self) -> bool:
        """A customer's proof, or their spoken code, is believed now."""
        return self.allows(Act.PROVE)

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """An answer is under way."""
        return self._tasks.isBusy()

    # --- what QML does ----------------------------------------------------------------------------

    @Slot()
    def stop(self) -> None:
        """Close the QR, and believe only the cloud's answer: closed, or already paid."""
        if self.allows(Act.STOP) or self.allows(Act.CASH):
            self._tasks.forget(_LANE)
            self._closing = True
            self._judge()
            self._ask()

    @Slot()
    def ask(self) -> None:
        """Ask now."""
        if self.allows(Act.ASK):
            self._ask()

    @Slot()
    def deliver(self) -> None:
        """Make late money into the sale it was meant for: the goods go out now."""
        if self.allows(Act.DELIVER) and self._news and self._person and not self._tasks.isBusy():
            attempt_id, person = self._news.attempt.attempt_id, self._person
            # Its customer stands here, with the goods: the stock's figures are no news to them.
            future = self._tools.tasks.deliver(attempt_id, person, although_short=True)
            self._follow(future, self._no_answer)

    # --- what Python does -------------------------------------------------------------------------

    def allows(self, act: Act) -> bool:
        """Tell whether something is safe now."""
        return act in self._face().acts

    @property
    def is_open(self) -> bool:
        """Money may still come for the QR on the screen."""
        return self._phase is Phase.PREPARING or (
            self._news is not None and self._news.state.is_open
        )

    @property
    def line_broke(self) -> bool:
        """The cloud could not be reached for a QR; one that needs no cloud can still be made."""
        return self._failure is not None and self._failure.code in _NO_LINE

    def current(self, act: Act = Act.PROVE) -> tuple[str, str]:
        """Return the attempt something may be done with, "" for none, and who is at the till; unless it is
        named, a proof may be shown for it."""
        here = self._news.attempt.attempt_id if self._news and self.allows(act) else ""
        return here, self._actor()

    def set_beside(self, beside: Beside, news: PaymentNews | None = None) -> None:
        """Take what is done with the customer's wallet beside our QR, and what came of it."""
        if beside.collecting:
            self._started_s = self._tools.clock.monotonic()
            self._tasks.forget(_LANE)
        self._beside = beside
        if news is not None:
            self._take_news(news)
        self._judge()

    @property
    def cart_id(self) -> str:
        """The cart that is being paid, "" for none."""
        return self._priced.cart.cart_id if self._priced else ""

    @property
    def stands(self) -> Phase:
        """What the screen looks like."""
        return self._phase

    def start(self, priced: PricedCart, actor: Person, *, offline: bool = False) -> None:
        """Register the order and show its QR; `offline`: show one that carries the order."""
        self._begin(priced, actor)
        started = self._tools.payments.start(priced, actor, offline=offline)
        self._follow(started, self._not_started)

    def resume(self, priced: PricedCart, actor: Person, attempt_id: str) -> None:
        """Go on with an attempt that this cart had before."""
        self._begin(priced, actor)
        self._adopt(attempt_id)

    def rest(self) -> None:
        """Forget the QR on the screen; whatever its attempt becomes is still recorded."""
        self._second.stop()
        self._tasks.forget(_LANE)
        self._priced, self._news, self._failure = None, None, None
        self._qr_url, self._adopted, self._closing, self._ask_in_s = "", "", False, 0
        self._beside = Beside()
        self._set_phase(Phase.CHOOSING)

    @Slot(object)
    def hear(self, news: PaymentNews) -> None:
        """Take news of any attempt, on any thread."""
        self._heard(news)

    @Slot()
    def tick(self) -> None:
        """A second has passed: count down, and ask again when it is time."""
        if self._phase is Phase.PASSWORD and self._elapsed_s() >= PASSWORD_S:
            self.passwordOver.emit()
        elif self._phase in _ASKING:
            self._ask_in_s -= 1
            if self._ask_in_s <= 0:
                self._ask()
        elif self._news is not None and self._face().shows_qr and not self._seconds_left():
            self._judge()
            self._ask()
        self.ticked.emit()

    # --- asking -----------------------------------------------------------------------------------

    def _follow(self, future: Future[PaymentNews], failed: Callable[[Failure], None]) -> None:
        """Take the answer with its QR symbol, made on the thread that answered."""
        has_one = bool(self._qr_url)
        both = then(future, lambda news: (news, None if has_one else self._symbol(news)))
        self._tasks.follow(both, self._answered, failed, lane=_LANE)

    def _symbol(self, news: PaymentNews) -> Symbol | None:
        """Runs on a network thread."""
        if not (news.attempt.token and news.state.is_open):
            return None
        text = self._tools.payments.qr_text(news.attempt)
        return text, self._tools.qr.make(text)

    def _answered(self, answer: tuple[PaymentNews, Symbol | None]) -> None:
        news, symbol = answer
        if symbol is not None:
            self._qr_url = self._tools.symbols.hold(*symbol)
        self._take_news(news)

    def _not_started(self, failure: Failure) -> None:
        attempt_id = failure.facts.get("attempt_id")
        if failure.code in _GOES_ON and isinstance(attempt_id, str):
            # A QR of this very cart survived a restart, or was paid behind our back: go on with it.
            self._adopt(attempt_id)
            return
        self._given_up(failure)

    def _begin(self, priced: PricedCart, actor: Person) -> None:
        self.rest()
        self._priced, self._person = priced, actor
        self._started_s = self._tools.clock.monotonic()
        self._second.start()
        self._set_phase(Phase.PREPARING)

    def _adopt(self, attempt_id: str) -> None:
        self._adopted = attempt_id
        self._follow(self._tools.payments.refresh(attempt_id, self._actor()), self._given_up)

    def _given_up(self, failure: Failure) -> None:
        paid = failure.code in (Code.ORDER_PAID, Code.SALE_ALREADY_RECORDED)
        self._failure = failure
        self._second.stop()
        self._set_phase(Phase.PAID_ALREADY if paid else Phase.NOT_STARTED)
        self.refused.emit()

    def _no_answer(self, failure: Failure) -> None:
        """The service answers even doubt; a failure here is a store in trouble or a bug."""
        self._ask_in_s = ASK_AGAIN_S
        self.notice.emit("problem", self._words.error(failure))
        self._asked()

    def _ask(self) -> None:
        if self._news is None or self._tasks.isBusy():
            return
        self._ask_in_s = ASK_AGAIN_S
        ask = self._tools.payments.cancel if self._closing else self._tools.payments.refresh
        self._follow(ask(self._news.attempt.attempt_id, self._actor()), self._no_answer)

    # --- hearing ----------------------------------------------------------------------------------

    def _take_news(self, news: PaymentNews) -> None:
        if not is_of(news, self.cart_id, self._news, self._adopted):
            self._tell_elsewhere(news)
            return
        known = latest(news, self._news)
        if known is not None:
            self._news = known
            self._ask_in_s = ASK_AGAIN_S
            self._judge()

    def _judge(self) -> None:
        """Set the phase for what is known, and do what follows from it."""
        if self._news is None:
            return
        before, wished = self._phase, self._closing
        phase = phase_for(
            self._news, self._beside, seconds_left=self._seconds_left(), closing=wished
        )
        if not self._news.state.is_open:
            self._second.stop()
            self._closing = False
        self._set_phase(phase)
        if phase in _PAID and before not in _PAID:
            self.paid.emit(self._news.sale)
        elif phase is Phase.CANCELLED and wished:
            self.closed.emit()

    def _tell_elsewhere(self, news: PaymentNews) -> None:
        """News of a payment that is not on the screen: money is never passed over in silence."""
        told = elsewhere_line(self._words, news.attempt.last, news.sale)
        if told is not None:
            self.notice.emit("problem" if news.state.needs_a_person else "info", told)
        if news.sale is not None:
            self.soldElsewhere.emit(news.sale)

    # --- telling ----------------------------------------------------------------------------------

    def _shown_url(self) -> str:
        return self._beside.url or self._qr_url

    def _actor(self) -> str:
        return self._person.person_id if self._person else ""

    def _face(self) -> Face:
        return FACES[self._phase]

    def _seconds_left(self) -> int:
        if self._news is None:
            return 0
        left = self._news.attempt.last.expires_ms - self._tools.clock.now().server_ms
        return max(0, -(-left // 1_000))

    def _elapsed_s(self) -> int:
        return int(self._tools.clock.monotonic() - self._started_s)

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._asked()

    @Slot()
    def _asked(self) -> None:
        self.changed.emit()
        self.ticked.emit()


_DOUBT = (Phase.UNKNOWN, Phase.CODE_UNKNOWN, Phase.CLOSING, Phase.TIME_UP)
_ASKING = (*_DOUBT, Phase.PASSWORD, Phase.PARTIAL)
_NO_LINE = (Code.CLOUD_UNREACHABLE, Code.CLOUD_BUSY, Code.CLOUD_NOT_OURS)
_GOES_ON = (Code.PAYMENT_ALREADY_OPEN, Code.ORDER_PAID)
_PAID = (Phase.PAID, Phase.PAID_OVER)
