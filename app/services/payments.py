"""Payment by QR: "did they pay?" answered with certainty, one recorded step at a time.

Every step is a fact before the next call is made. The cart is frozen in a draft of its own, so a
payment that is confirmed after a crash still finds the sale it belongs to, and the step that says
"paid" and the sale itself are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.facts import PaymentStep
from app.domain.ids import new_id
from app.domain.payment import Anomaly, Event, PaymentState, State
from app.domain.people import Person
from app.domain.pricing import PricedCart, PricedLine, Reason, price
from app.domain.sale import Sale, Tender, TenderKind
from app.domain.times import Moment
from app.errors import Code, RuleBroken, Trouble
from app.ports import Attempt, Clock, Draft, Identity, PaymentGateway, Priority, Store, UnitOfWork
from app.services.checkout import record_sale
from app.wire.messages import Order, OrderLine, OrderReason, PaymentIntent, PaymentView
from app.wire.tokens import OrderToken, new_nonce, order_hash

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What is known about an attempt now; `sale` once its money has become a sale.

    `view` is the cloud's last answer, None when it could not be asked.
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

    def qr_text(self, attempt: Attempt) -> str:
        """Return the address the QR shows."""
        return f"{self._store.reader.identity().public_url}/o/{attempt.token}"

    def start(self, priced: PricedCart, actor: Person) -> Future[PaymentNews]:
        """Freeze the cart, register the order at the cloud, and answer with an attempt to show.

        Raises (through the future) RuleBroken(CART_EMPTY), RuleBroken(PAYMENT_ALREADY_OPEN) if
        another attempt of this cart may still be paid, Trouble(DEVICE_NOT_ENROLLED), and the
        cloud's Trouble when the order could not be registered: then the QR was never shown, nobody
        can pay it, the attempt is recorded as failed and another tender may be used.
        """
        return self._pool.submit(self._start, priced, actor)

    def refresh(self, attempt_id: str, actor: str = "") -> Future[PaymentNews]:
        """Ask the cloud how an attempt stands. Doubt is an answer: the state becomes unknown."""
        return self._pool.submit(self._refresh, attempt_id, actor, False)

    def cancel(self, attempt_id: str, actor: str = "") -> Future[PaymentNews]:
        """Ask the cloud to close an attempt. Believe only its answer: closed, or already paid."""
        return self._pool.submit(self._refresh, attempt_id, actor, True)

    # --- network thread -----------------------------------------------------------------------

    def _start(self, priced: PricedCart, actor: Person) -> PaymentNews:
        if not priced.cart.lines:
            raise RuleBroken(Code.CART_EMPTY)
        identity = self._store.reader.identity()
        if not identity.enrolled:
            raise Trouble(Code.DEVICE_NOT_ENROLLED)
        at = self._clock.now()
        expires_ms = at.server_ms + self._store.reader.payment_minutes() * 60_000
        order = _order(priced, identity, actor, at.server_ms, expires_ms)
        content = _ENCODER.encode(order)
        attempt = self._run(lambda uow: self._freeze(uow, priced, order, content, at, actor))
        try:
            view = self._gateway.create(PaymentIntent(token=attempt.token, order=content))
        except (Trouble, RuleBroken):
            self._run(
                lambda uow: self._hear(
                    uow, attempt.attempt_id, Event.DECLINED, None, actor.person_id
                )
            )
            raise
        return self._note(view, actor.person_id, first=True)

    def _refresh(self, attempt_id: str, actor: str, close: bool) -> PaymentNews:
        try:
            view = (self._gateway.cancel if close else self._gateway.query)(attempt_id)
        except Trouble:
            return self._run(lambda uow: self._hear(uow, attempt_id, Event.LOST, None, actor))
        return self._note(view, actor)

    def _note(self, view: PaymentView, actor: str, *, first: bool = False) -> PaymentNews:
        event = Event.SHOWN if first and view.state == State.WAITING else _event_of(view)
        return self._run(lambda uow: self._hear(uow, view.attempt_id, event, view, actor))

    def _run(self, job: Callable[[UnitOfWork], T]) -> T:
        return self._store.run(job, priority=Priority.SALE).result()

    # --- store thread -------------------------------------------------------------------------

    def _freeze(
        self,
        uow: UnitOfWork,
        priced: PricedCart,
        order: Order,
        content: bytes,
        at: Moment,
        actor: Person,
    ) -> Attempt:
        for other in uow.attempts_of(priced.cart.cart_id):
            if other.last.after.is_open:
                raise RuleBroken(Code.PAYMENT_ALREADY_OPEN, attempt_id=other.attempt_id)
        token = OrderToken(
            device=uow.identity().device,
            attempt_id=order.attempt_id,
            nonce=new_nonce(),
            amount=order.total,
            expires_s=order.expires_ms // 1000,
            order_hash=order_hash(content),
        ).sign(Ed25519PrivateKey.from_private_bytes(uow.device_key()))
        step = PaymentStep(
            step_id=new_id(),
            attempt_id=order.attempt_id,
            sale_id=priced.cart.cart_id,
            step=1,
            event="",
            after=PaymentState(),
            amount=order.total,
            received=0,
            currency=order.currency,
            order_hash=order_hash(content).hex(),
            provider="",
            provider_ref="",
            expires_ms=order.expires_ms,
            at=at,
            actor=actor.person_id,
        )
        uow.record(step)
        uow.keep_token(order.attempt_id, token)
        uow.save_draft(Draft(_slot(order.attempt_id), priced.cart, at.wall_ms))
        return Attempt(step, token)

    def _hear(
        self,
        uow: UnitOfWork,
        attempt_id: str,
        event: Event,
        view: PaymentView | None,
        actor: str,
    ) -> PaymentNews:
        """Let an event change an attempt; record the step, and the sale if its money is there."""
        attempt = uow.attempt(attempt_id)
        if attempt is None:
            raise RuleBroken(Code.PAYMENT_UNKNOWN)
        before, now = attempt.last.after, self._clock.now()
        after = before.after(event)
        if after is not before:
            step = replace(
                attempt.last,
                step_id=new_id(),
                step=attempt.last.step + 1,
                event=event.value,
                after=after,
                received=view.received if view else attempt.last.received,
                provider=view.provider if view else attempt.last.provider,
                provider_ref=view.provider_ref if view else attempt.last.provider_ref,
                at=now,
                actor=actor or attempt.last.actor,
            )
            uow.record(step)
            attempt = replace(attempt, last=step)
        return PaymentNews(attempt, self._sale_of(uow, attempt, now), view, now)

    def _sale_of(self, uow: UnitOfWork, attempt: Attempt, now: Moment) -> Sale | None:
        """Return the attempt's sale, making it now if the money came in the ordinary way."""
        step = attempt.last
        known = uow.sale(step.sale_id)
        paid_in_time = step.after.state is State.CONFIRMED and not step.after.anomalies & {
            Anomaly.LATE,
            Anomaly.PARTIAL,
        }
        cart = uow.draft(_slot(step.attempt_id))
        if known is None and paid_in_time and cart is not None:
            tender = Tender(
                new_id(),
                TenderKind.QR,
                step.amount,
                attempt_id=step.attempt_id,
                provider=step.provider,
            )
            plan = self._store.reader.plan()
            known = record_sale(uow, price(cart), [tender], plan, now, step.actor)
        if not step.after.is_open and not step.after.needs_a_person:
            uow.drop_draft(_slot(step.attempt_id))
        return known


def _slot(attempt_id: str) -> str:
    return f"pay:{attempt_id}"


def _event_of(view: PaymentView) -> Event:
    """Return the event a state at the cloud is for us."""
    if view.state in (State.CONFIRMED, State.REFUND_PENDING):
        return Event.PAID_OVER if Anomaly.OVER in view.anomalies else Event.PAID
    if Anomaly.PARTIAL in view.anomalies:
        return Event.PAID_PARTIAL
    return {
        State.FAILED: Event.DECLINED,
        State.EXPIRED: Event.TIMED_OUT,
        State.CANCELLED: Event.CLOSED,
        State.UNKNOWN: Event.LOST,
        State.REFUNDED: Event.REFUND_DONE,
    }.get(State(view.state), Event.STILL_WAITING)


def _order(
    priced: PricedCart, identity: Identity, guide: Person, created_ms: int, expires_ms: int
) -> Order:
    return Order(
        attempt_id=new_id(),
        sale_id=priced.cart.cart_id,
        store=identity.store,
        guide_name=guide.name,
        guide_name_en=guide.name_en,
        currency=priced.cart.currency,
        total=priced.total,
        lines=[_order_line(line) for line in priced.lines],
        reasons=_order_reasons(priced.order_reasons),
        created_ms=created_ms,
        expires_ms=expires_ms,
    )


def _order_line(priced: PricedLine) -> OrderLine:
    sku = priced.line.sku
    return OrderLine(
        sku=sku.sku_id,
        name=sku.name,
        name_en=sku.name_en,
        colour=sku.colour,
        colour_en=sku.colour_en,
        colour_hex=sku.colour_hex,
        size=sku.size,
        drawing=sku.drawing,
        quantity=priced.line.quantity,
        gross=priced.gross,
        net=priced.net,
        reasons=_order_reasons(priced.reasons),
    )


def _order_reasons(reasons: tuple[Reason, ...]) -> list[OrderReason]:
    return [OrderReason(code=r.code, amount=r.amount, rate_bp=r.rate_bp) for r in reasons]
