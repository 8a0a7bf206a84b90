"""The frozen order behind a QR, in the two forms a till makes: the one the cloud is sent before the QR is
shown, and the one that travels in the QR where the cloud cannot be reached."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from app.domain.ids import new_id
from app.domain.people import Person
from app.domain.pricing import PricedCart
from app.ports import Identity
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
