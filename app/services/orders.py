"""The frozen order behind a QR, in the two forms a till makes: the one the cloud is sent before the QR is
shown, and the one that travels in the QR where the cloud cannot be reached; and the first step of both."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.facts import PaymentStep
from app.domain.ids import new_id
from app.domain.payment import PaymentState
from app.domain.people import Person
from app.domain.pricing import PricedCart
from app.domain.times import Moment
from app.ports import Attempt, Draft, Identity, UnitOfWork
from app.services.attempts import refuse_second
from app.services.checkout import frozen_slot
from app.services.standing import refuse_revoked
from app.wire.orders import order_of
from app.wire.portable import pack, portable
from app.wire.tokens import OrderToken, new_nonce, order_hash

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class FrozenOrder:
    """An order whose amounts no longer change. Minor units and Unix ms.

    `bytes_` is what its hash is of: the order itself, or, where it is `portable`, what travels.
    """

    attempt_id: str
    sale_id: str
    currency: str
    total: int
    expires_ms: int
    bytes_: bytes
    portable: bool = False

    @property
    def hash(self) -> bytes:
        """What binds a token to these bytes."""
        return order_hash(self.bytes_)

    def token(self, device: str) -> OrderToken:
        """Return the token to sign, with a fresh nonce."""
        return OrderToken(
            device=device,
            attempt_id=self.attempt_id,
            nonce=new_nonce(),
            amount=self.total,
            expires_s=self.expires_ms // 1_000,
            order_hash=self.hash,
            content=self.bytes_ if self.portable else b"",
        )


def make_order(
    priced: PricedCart, identity: Identity, guide: Person, created_ms: int, expires_ms: int
) -> FrozenOrder:
    """Return the order of a new payment attempt, to be registered before its QR is shown."""
    order = order_of(
        priced,
        attempt_id=new_id(),
        store=identity.store,
        guide=(guide.name, guide.name_en),
        created_ms=created_ms,
        expires_ms=expires_ms,
    )
    return _frozen(priced, order.attempt_id, expires_ms, _ENCODER.encode(order))


def make_portable_order(
    priced: PricedCart, guide: Person, as_of_ms: int, expires_ms: int
) -> FrozenOrder:
    """Return the order of a new attempt that travels in its QR. `as_of_ms` is when all prices were last
    heard of.

    Raises RuleBroken(ORDER_NOT_OFFLINE) for one that cannot.
    """
    content = pack(portable(priced.cart, guide.person_id, as_of_ms))
    return _frozen(priced, new_id(), expires_ms, content, travels=True)


def freeze(
    uow: UnitOfWork, priced: PricedCart, order: FrozenOrder, at: Moment, actor: Person
) -> Attempt:
    """Write the first step of an order's attempt and keep its cart and token.

    Raises RuleBroken: SALE_ALREADY_RECORDED, PAYMENT_ALREADY_OPEN, ORDER_PAID; Trouble(DEVICE_REVOKED).
    """
    refuse_revoked(uow)
    refuse_second(uow, order.sale_id)
    key = Ed25519PrivateKey.from_private_bytes(uow.device_key())
    token = order.token(uow.identity().device).sign(key)
    step = PaymentStep(
        step_id=new_id(),
        attempt_id=order.attempt_id,
        sale_id=order.sale_id,
        step=1,
        event="",
        after=PaymentState(),
        amount=order.total,
        received=0,
        currency=order.currency,
        order_hash=order.hash.hex(),
        provider="",
        provider_ref="",
        expires_ms=order.expires_ms,
        at=at,
        actor=actor.person_id,
    )
    uow.record(step)
    uow.keep_token(order.attempt_id, token)
    uow.save_draft(Draft(frozen_slot(order.attempt_id), priced.cart, at.wall_ms))
    return Attempt(step, token)


def _frozen(
    priced: PricedCart, attempt_id: str, expires_ms: int, content: bytes, *, travels: bool = False
) -> FrozenOrder:
    return FrozenOrder(
        attempt_id=attempt_id,
        sale_id=priced.cart.cart_id,
        currency=priced.cart.currency,
        total=priced.total,
        expires_ms=expires_ms,
        bytes_=content,
        portable=travels,
    )
