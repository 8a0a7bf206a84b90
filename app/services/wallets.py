"""A customer's wallet at the counter: its code is scanned here, or a provider's own code is shown there.

The code a customer shows is a key to their money for a minute: it goes to the cloud once and is written
nowhere, neither in a step nor in a log. What came of it is heard by `payments` like all other news.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from app.domain.payment import Event, State, Way
from app.domain.payment_code import PaymentCode
from app.errors import Code, RuleBroken, Trouble
from app.ports import Clock, PaymentGateway
from app.services.payments import PaymentNews, Payments
from app.wire.messages import OwnCode, PaymentView, WaysToPay
from app.wire.messages import PaymentCode as CodeSent

log = logging.getLogger(__name__)

ASK_WAYS_EVERY_S = 300.0
"""The accounts of a shop change seldom; so long an answer is taken as it was."""


@dataclass(frozen=True, slots=True)
class CustomerCode:
    """A payment code that was scanned, and whose it is."""

    wallet: PaymentCode
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnQr:
    """What a provider's own QR says, and how the attempt stands with it."""

    offer: OwnCode
    text: str
    news: PaymentNews


class Wallets:
    """Futures are answered on network threads."""

    def __init__(
        self, payments: Payments, gateway: PaymentGateway, clock: Clock, pool: Executor
    ) -> None:
        self._payments, self._gateway, self._clock, self._pool = payments, gateway, clock, pool
        self._ways: WaysToPay | None = None
        self._ways_at = 0.0
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def ways(self) -> Future[WaysToPay]:
        """Return what the shop's cloud offers besides its own page. Raises Trouble (through the future)."""
        return self._pool.submit(self._ask_ways)

    def collect(self, attempt_id: str, code: CustomerCode, actor: str) -> Future[PaymentNews]:
        """Collect what is due by a customer's code; doubt is an answer, as with `Payments.refresh`.

        An attempt that is not simply waiting is left as it stands, and that is the answer; one that was
        begun by a code is collected no second time. Raises (through the future), and then nothing was
        collected: RuleBroken(PAYMENT_NOT_OFFERED) where the shop has no account for the wallet,
        RuleBroken(PAYMENT_BEGUN) where the customer has begun to pay on their phone at the same wallet,
        RuleBroken(PAYMENT_UNDER_WAY) while another scan of this order is on its way, and Trouble where
        the cloud cannot be reached.
        """
        return self._pool.submit(self._collect, attempt_id, code, actor)

    def own_qr(self, attempt_id: str, offer: OwnCode, actor: str) -> Future[OwnQr]:
        """Ask for a provider's own QR for an attempt; asked again, the order is the same.

        Raises (through the future) RuleBroken: PAYMENT_NOT_OFFERED, ORDER_CLOSED; Trouble when there is no
        answer: then nothing new is to be shown, and what the provider may hold is asked about as ever.
        """
        return self._pool.submit(self._own_qr, attempt_id, offer, actor)

    # --- network thread -----------------------------------------------------------------------

    def _ask_ways(self) -> WaysToPay:
        now = self._clock.monotonic()
        if self._ways is None or now - self._ways_at >= ASK_WAYS_EVERY_S:
            self._ways, self._ways_at = self._gateway.ways(), now
        return self._ways

    def _collect(self, attempt_id: str, code: CustomerCode, actor: str) -> PaymentNews:
        with self._lock:
            if attempt_id in self._under_way:
                raise RuleBroken(Code.PAYMENT_UNDER_WAY)
            self._under_way.add(attempt_id)
        try:
            return self._collect_once(attempt_id, code, actor)
        finally:
            self._under_way.discard(attempt_id)

    def _collect_once(self, attempt_id: str, code: CustomerCode, actor: str) -> PaymentNews:
        wallet = code.wallet.value
        if not {wallet, ""} & set(self._ask_ways().collects):
            raise RuleBroken(Code.PAYMENT_NOT_OFFERED, wallet=wallet)
        before = self._payments.ask_first(attempt_id, actor)
        view = before.view
        if view is None or view.way == Way.CODE or not _may_be_collected(before):
            return before
        self._payments.note(attempt_id, Event.COLLECTING, actor)
        try:
            after = self._gateway.collect(attempt_id, CodeSent(code=code.text, wallet=wallet))
        except Trouble as trouble:
            log.warning("no answer about a code for attempt %s: %s", attempt_id, trouble.code)
            return self._payments.note(attempt_id, Event.LOST, actor)
        except RuleBroken:
            # The cloud asked no provider; how the order stands it says if asked.
            self._payments.refresh_now(attempt_id, actor)
            raise
        news = self._payments.note(attempt_id, after, actor)
        if _was_begun_otherwise(after):
            raise RuleBroken(Code.PAYMENT_BEGUN, wallet=wallet)
        return news

    def _own_qr(self, attempt_id: str, offer: OwnCode, actor: str) -> OwnQr:
        self._payments.ask_first(attempt_id, actor)
        try:
            shown = self._gateway.own_code(attempt_id, offer.provider)
        except (RuleBroken, Trouble):
            self._payments.refresh_now(attempt_id, actor)
            raise
        news = self._payments.note(attempt_id, shown.payment, actor)
        return OwnQr(offer, shown.text, news)


def _may_be_collected(news: PaymentNews) -> bool:
    return news.state.state is State.WAITING and not news.state.needs_a_person


def _was_begun_otherwise(view: PaymentView) -> bool:
    """Tell whether the provider's order is one of the customer's phone: such a one takes no code."""
    return view.state == State.WAITING and view.way in (Way.PAGE, Way.QR)
