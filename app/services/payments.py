"""Payment by QR: "did they pay?" answered with certainty, one recorded step at a time.

Every step is a fact before the next call is made. The cart is frozen in a draft of its own, so money
that is confirmed after a crash, or late, still finds what it was for; the step that says "paid" and
the sale itself are one transaction. What an answer means is `hearing`'s business, not this file's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import TypeVar

from app.domain.ids import new_id
from app.domain.payment import CLOSED_UNPAID, PAID_STATES, Event, PaymentState, State
from app.domain.people import Person, Role
from app.domain.pricing import PricedCart, price
from app.domain.sale import Sale, Tender, TenderKind
from app.domain.times import Moment
from app.errors import Code, RuleBroken, Trouble
from app.ports import Attempt, Clock, PaymentGateway, Priority, Store, UnitOfWork
from app.services.attempts import (
    came_in_time,
    is_over,
    known_attempt,
    own_sale,
    refuse_what_goes_back,
)
from app.services.checkout import FROZEN, check_discounts, frozen_slot, record_sale
from app.services.hearing import absent, believed, events_of, is_credible, next_step
from app.services.orders import freeze, make_order, make_portable_order
from app.services.proofs import Evidence, attempt_of, judge_proof, take_try
from app.services.standing import refuse_revoked
from app.wire.messages import PaymentIntent, PaymentView
from app.wire.tokens import is_portable

log = logging.getLogger(__name__)

T = TypeVar("T")

KEEP_CLOSED_MS = 48 * 3_600_000
"""So long the cart of an attempt that closed unpaid is kept: a provider's last notice of a payment
may come a day late, and only with its cart can late money become the sale it was meant for."""

OFFLINE_MINUTES = 15
"""A code that was made offline lives at least this long: the clock it was made by may be a little off."""

Heard = PaymentView | Event | Evidence | None
"""What may be heard of an attempt; None: the cloud does not know it."""


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What is known about an attempt now; `sale` once this attempt's own money has become a sale.

    `view` is the cloud's last answer, None when it could not be asked or not be believed.
    """

    attempt: Attempt
    sale: Sale | None
    view: PaymentView | None
    heard_at: Moment

    @property
    def state(self) -> PaymentState:
        return self.attempt.last.after


class Payments:
    """The job of being paid by QR. Futures are answered on network or store threads."""

    def __init__(self, store: Store, gateway: PaymentGateway, clock: Clock, pool: Executor) -> None:
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._pool = pool
        self._registering: set[str] = set()
        """Attempts whose order is on its way: that the cloud does not know them yet means nothing."""

    def qr_text(self, attempt: Attempt) -> str:
        """Return the address the QR shows."""
        return f"{self._store.reader.identity().public_url}/o/{attempt.token}"

    def start(
        self, priced: PricedCart, actor: Person, *, offline: bool = False
    ) -> Future[PaymentNews]:
        """Freeze the cart, register the order at the cloud, and answer with an attempt to show.

        `offline`: the cloud is not asked; the order travels in the QR, and RuleBroken(ORDER_NOT_OFFLINE)
        says that it does not fit.

        Raises (through the future) RuleBroken: CART_EMPTY, AMOUNT_INVALID if nothing is due,
        MANAGER_NEEDED, SALE_ALREADY_RECORDED, PAYMENT_ALREADY_OPEN (`attempt_id`) if another attempt
        of this cart may still be paid, ORDER_PAID (`attempt_id`) if one was; Trouble
        (DEVICE_NOT_ENROLLED, DEVICE_REVOKED), and the cloud's Trouble when the order could not be
        registered: then the QR was never shown, nobody can pay it, the attempt is recorded as failed
        and another tender may be used.
        """
        return self._pool.submit(self._start, priced, actor, offline)

    def refresh(self, attempt_id: str, actor: str = "") -> Future[PaymentNews]:
        """Ask the cloud how an attempt stands. Doubt is an answer: the state becomes unknown."""
        return self._pool.submit(self._refresh, attempt_id, actor, False)

    def cancel(self, attempt_id: str, actor: str = "") -> Future[PaymentNews]:
        """Ask the cloud to close an attempt. Believe only its answer: closed, or already paid."""
        return self._pool.submit(self._refresh, attempt_id, actor, True)

    def prove(self, text: str, attempt_id: str = "", actor: str = "") -> Future[PaymentNews]:
        """Believe the proof on a customer's phone, of this attempt or of the one it is about.

        Raises (through the future) RuleBroken: what `judge_proof` does, and PAYMENT_NOT_SHOWN.
        """
        return self._pool.submit(self._prove, text, attempt_id, actor)

    def speak(self, attempt_id: str, code: str, actor: str = "") -> Future[PaymentNews]:
        """Believe the code a customer reads out; it is worth less than a proof, and that is kept.

        Raises (through the future) RuleBroken: SPOKEN_CODE_WRONG (`tries_left`), SPOKEN_CODE_LOCKED,
        PROOF_USED, PAYMENT_UNKNOWN, PAYMENT_NOT_SHOWN.
        """
        return self._pool.submit(self._speak, attempt_id, code, actor)

    def vouch(self, attempt_id: str, manager: Person) -> Future[PaymentNews]:
        """Confirm by hand what was shown, from evidence outside the system (the customer's receipt).

        Raises (through the future) RuleBroken: MANAGER_NEEDED, PAYMENT_UNKNOWN, PAYMENT_NOT_SHOWN.
        """
        return self._pool.submit(self._vouch, attempt_id, manager)

    def deliver_now(self, attempt_id: str, actor: Person) -> PaymentNews:
        """Make money that came late into the sale it was meant for: the goods go out now. On the calling
        network thread, and only for `StoreTasks.deliver`, which makes sure that nobody gives it back.

        Raises RuleBroken: PAYMENT_UNKNOWN, PAYMENT_NOT_CONFIRMED, SALE_ALREADY_RECORDED if the cart was
        sold another way, SALE_UNKNOWN if it is kept no more, REFUND_UNDER_WAY if this till gave money
        of it back, or may have.
        """
        return self._run(lambda uow: self._deliver(uow, attempt_id, actor.person_id))

    def refresh_now(self, attempt_id: str, actor: str = "") -> PaymentNews:
        """Do `refresh` on the calling network thread."""
        return self._refresh(attempt_id, actor, close=False)

    def ask_first(self, attempt_id: str, actor: str) -> PaymentNews:
        """Ask how an attempt stands before something else is asked for, on the calling network thread.

        Raises the Trouble of a cloud that does not answer, and records nothing of it.
        """
        return self.note(attempt_id, self._ask(attempt_id, close=False), actor)

    def note(self, attempt_id: str, heard: Heard, actor: str) -> PaymentNews:
        """Record what was heard, and the sale with it, on the calling network thread. None says that the
        cloud knows no such attempt.

        If the sale cannot be made the news is recorded all the same, and the money waits for a person.
        """
        try:
            return self._run(lambda uow: self._hear(uow, attempt_id, heard, actor, sell=True))
        except _SaleImpossible:
            return self._run(lambda uow: self._hear(uow, attempt_id, heard, actor, sell=False))

    def frozen(self) -> tuple[str, ...]:
        """Return the attempts whose cart is kept, because money for it may still come."""
        slots = (draft.slot for draft in self._store.reader.drafts())
        return tuple(slot.removeprefix(FROZEN) for slot in slots if slot.startswith(FROZEN))

    # --- network thread -----------------------------------------------------------------------

    def _start(self, priced: PricedCart, actor: Person, offline: bool) -> PaymentNews:
        if not priced.cart.lines:
            raise RuleBroken(Code.CART_EMPTY)
        if priced.total <= 0:
            raise RuleBroken(Code.AMOUNT_INVALID, amount=priced.total)
        reader = self._store.reader
        check_discounts(priced, reader)
        identity = reader.identity()
        if not identity.enrolled:
            raise Trouble(Code.DEVICE_NOT_ENROLLED)
        self._store.run(self._forget_old_carts, priority=Priority.SYNC)
        at, minutes = self._clock.now(), reader.payment_minutes()
        if offline:
            expires_ms = at.server_ms + max(minutes, OFFLINE_MINUTES) * 60_000
            as_of_ms = reader.sync_status().last_pull_ms
            order = make_portable_order(priced, actor, as_of_ms, expires_ms)
            self._run(lambda uow: freeze(uow, priced, order, at, actor))
            return self.note(order.attempt_id, Event.SHOWN, actor.person_id)
        expires_ms = at.server_ms + minutes * 60_000
        order = make_order(priced, identity, actor, at.server_ms, expires_ms)
        self._registering.add(order.attempt_id)
        try:
            attempt = self._run(lambda uow: freeze(uow, priced, order, at, actor))
            try:
                view = self._register(attempt, order.bytes_, actor.person_id)
            except (Trouble, RuleBroken):
                self.note(attempt.attempt_id, Event.DECLINED, actor.person_id)
                raise
        finally:
            self._registering.discard(order.attempt_id)
        return self.note(attempt.attempt_id, view, actor.person_id)

    def _register(self, attempt: Attempt, order: bytes, actor: str) -> PaymentView:
        """Send the order. An earlier attempt that failed here may be open there: its order arrived
        and only the answer was lost. Nobody has seen it, so it is closed and this one sent again."""
        intent = PaymentIntent(token=attempt.token, order=order)
        try:
            return self._gateway.create(intent)
        except RuleBroken as refused:
            if refused.code not in (Code.PAYMENT_ALREADY_OPEN, Code.ORDER_PAID):
                raise
            sale_id = attempt.last.sale_id
            for other in self._run(lambda uow: uow.attempts_of(sale_id)):
                if other.attempt_id != attempt.attempt_id:
                    self._refresh(other.attempt_id, actor, other.last.after.state in CLOSED_UNPAID)
            if refused.code is Code.ORDER_PAID:
                raise
            return self._gateway.create(intent)

    def _refresh(self, attempt_id: str, actor: str, close: bool) -> PaymentNews:
        if attempt_id in self._registering:
            return self._run(lambda uow: self._standing(uow, attempt_id))
        try:
            heard = self._ask(attempt_id, close)
        except Trouble:
            heard = Event.LOST
        return self.note(attempt_id, heard, actor)

    def _ask(self, attempt_id: str, close: bool) -> PaymentView | Event | None:
        """Return the cloud's word, or what it means that it knows no such attempt. Raises Trouble."""
        try:
            return (self._gateway.cancel if close else self._gateway.query)(attempt_id)
        except RuleBroken as refused:
            if refused.code is not Code.PAYMENT_UNKNOWN:
                return Event.LOST
            return self._introduce(attempt_id, close)

    def _introduce(self, attempt_id: str, close: bool) -> PaymentView | Event | None:
        """Say what it means that the cloud does not know an attempt. One whose order travels in its QR
        is registered now: nobody has scanned it yet, and from now on it can be closed there."""
        attempt = self._run(lambda uow: known_attempt(uow, attempt_id))
        state = attempt.last.after
        if not is_portable(attempt.token) or not state.is_open or state.state is State.CREATED:
            return None
        try:
            view = self._gateway.create(PaymentIntent(token=attempt.token, order=b""))
            return self._gateway.cancel(attempt_id) if close else view
        except Trouble:
            return Event.LOST
        except RuleBroken as refused:
            # What the cloud will never take, nobody can pay; what came too late may have been lost there.
            return None if refused.code is Code.TOKEN_EXPIRED else Event.DECLINED

    def _prove(self, text: str, attempt_id: str, actor: str) -> PaymentNews:
        now = self._clock.now()

        def judge(uow: UnitOfWork) -> tuple[str, Evidence]:
            attempt = known_attempt(uow, attempt_id) if attempt_id else attempt_of(uow, text)
            return attempt.attempt_id, judge_proof(uow, attempt, text, now)

        proved, evidence = self._run(judge)
        return self.note(proved, evidence, actor)

    def _speak(self, attempt_id: str, code: str, actor: str) -> PaymentNews:
        right, left = self._run(lambda uow: take_try(uow, known_attempt(uow, attempt_id), code))
        if not right:
            log.warning("a spoken code for attempt %s was refused", attempt_id)
            raise RuleBroken(
                Code.SPOKEN_CODE_WRONG if left else Code.SPOKEN_CODE_LOCKED, tries_left=left
            )
        return self.note(attempt_id, Evidence(Event.SPOKEN), actor)

    def _vouch(self, attempt_id: str, manager: Person) -> PaymentNews:
        if manager.role is not Role.MANAGER:
            raise RuleBroken(Code.MANAGER_NEEDED, max_bp=0)
        return self.note(attempt_id, Event.VOUCHED, manager.person_id)

    def _run(self, job: Callable[[UnitOfWork], T]) -> T:
        return self._store.run(job, priority=Priority.SALE).result()

    # --- store thread -------------------------------------------------------------------------

    def _hear(
        self,
        uow: UnitOfWork,
        attempt_id: str,
        heard: Heard,
        actor: str,
        *,
        sell: bool,
    ) -> PaymentNews:
        """Let what was heard change an attempt; record each step, and the sale if its money is there."""
        attempt, now = known_attempt(uow, attempt_id), self._clock.now()
        last, view = attempt.last, None
        events: tuple[Event, ...] = ()
        if isinstance(heard, Evidence):
            if last.after.state in PAID_STATES:
                raise RuleBroken(Code.PROOF_USED)
            last = believed(last, heard, now, actor)
            uow.record(last)
        elif isinstance(heard, PaymentView):
            view = heard if is_credible(heard, last) else None
            events = events_of(heard, last) if view else (Event.LOST,)
        else:
            events = (absent(last, now) if heard is None else heard,)
        for event in events:
            step = next_step(last, event, view, now, actor)
            if step is not last:
                uow.record(step)
                last = step
        attempt = replace(attempt, last=last)
        if sell and came_in_time(last.after) and uow.sale(last.sale_id) is None:
            self._sell(uow, attempt, now)
        if last.after.state is State.REFUNDED:
            uow.drop_draft(frozen_slot(attempt_id))
        return PaymentNews(attempt, own_sale(uow, attempt), view, now)

    def _standing(self, uow: UnitOfWork, attempt_id: str) -> PaymentNews:
        attempt = known_attempt(uow, attempt_id)
        return PaymentNews(attempt, own_sale(uow, attempt), None, self._clock.now())

    def _deliver(self, uow: UnitOfWork, attempt_id: str, actor: str) -> PaymentNews:
        attempt, now = known_attempt(uow, attempt_id), self._clock.now()
        if own_sale(uow, attempt) is None:
            if attempt.last.after.state is not State.CONFIRMED:
                raise RuleBroken(Code.PAYMENT_NOT_CONFIRMED, attempt_id=attempt_id)
            if uow.sale(attempt.last.sale_id) is not None:
                raise RuleBroken(Code.SALE_ALREADY_RECORDED, id=attempt.last.sale_id)
            if uow.draft(frozen_slot(attempt_id)) is None:
                raise RuleBroken(Code.SALE_UNKNOWN)
            refuse_what_goes_back(uow, attempt_id)
            refuse_revoked(uow)
            self._sell(uow, replace(attempt, last=replace(attempt.last, actor=actor)), now)
        return PaymentNews(attempt, own_sale(uow, attempt), None, now)

    def _sell(self, uow: UnitOfWork, attempt: Attempt, now: Moment) -> None:
        """Record the sale of the frozen cart, paid by this attempt. Raises _SaleImpossible."""
        step = attempt.last
        cart = uow.draft(frozen_slot(step.attempt_id))
        if cart is None:
            return
        tender = Tender(
            new_id(),
            TenderKind.QR,
            step.amount,
            attempt_id=step.attempt_id,
            provider=step.provider,
        )
        try:
            record_sale(uow, price(cart), [tender], self._store.reader.plan(), now, step.actor)
        except Trouble:
            raise
        except Exception as error:
            # Whatever is wrong with the sale, that money came must not be forgotten with it.
            log.exception("attempt %s is paid but its sale cannot be made", step.attempt_id)
            raise _SaleImpossible(Code.SALE_UNBALANCED, attempt_id=step.attempt_id) from error

    def _forget_old_carts(self, uow: UnitOfWork) -> None:
        """Drop frozen carts for which no money will come any more."""
        too_old = self._clock.now().wall_ms - KEEP_CLOSED_MS
        for draft in self._store.reader.drafts():
            if draft.slot.startswith(FROZEN) and draft.saved_ms < too_old:
                attempt = uow.attempt(draft.slot.removeprefix(FROZEN))
                if attempt is None or is_over(attempt.last.after):
                    uow.drop_draft(draft.slot)


class _SaleImpossible(RuleBroken):
    """The money is there and the sale cannot be recorded; raised to undo the half-made sale."""
