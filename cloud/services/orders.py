"""The order behind a QR: is the token genuine, what does it hold, which phone has taken it over.

A token is believed only with the signature of a device we enrolled, for the order whose bytes it
hashes. Knows no HTTP, no provider and no words for people; phones are known by a hash alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.domain.money import CURRENCIES, MAX_MINOR
from app.domain.payment import PaymentState
from app.errors import Code, RuleBroken, Trouble
from app.wire.messages import UNREADABLE, ConfigRow, Order, PaymentIntent, ReasonRow, StoreRow
from app.wire.tokens import OrderToken, order_hash, read_order_token
from cloud.db import payment_tables, tables
from cloud.db.base import Database
from cloud.gateways.base import AttemptKey
from cloud.services import attempts
from cloud.services.attempts import Attempt, key_columns, of_key
from cloud.services.portable_orders import read_portable
from cloud.services.tokens import DevicePrincipal, device_at_home

LONGEST_MS = 2 * 60 * 60 * 1000
"""No order can be paid longer than this, whatever a till's clock says (providers' codes die then too)."""

CART_MS = 24 * 60 * 60 * 1000
"""An order leaves the phone's list this long after its end."""

MAX_ID = 64

_ORDER = msgspec.json.Decoder(Order)
_ENCODER = msgspec.json.Encoder()
_CONFIG = msgspec.json.Decoder(ConfigRow)
_claims = payment_tables.claim


@dataclass(frozen=True, slots=True)
class Shop:
    """What a page says about the shop: its store and its reasons for discounts, by code."""

    store: StoreRow
    reasons: dict[str, ReasonRow]


class Orders:
    """Orders behind QR codes. Blocking."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self.now_ms = now_ms

    def admit(self, device: DevicePrincipal, intent: PaymentIntent) -> Attempt:
        """Check what a till wants to show and return it as an attempt not yet written down.

        Raises RuleBroken: TOKEN_FOREIGN when another device or store signed it, TOKEN_INVALID when token
        and order do not belong together, and what `read_portable` does; Trouble(CLOUD_MESSAGE_INVALID)
        when the order is malformed.
        """
        claims, _ = self.verify(intent.token)
        if claims.device != device.device:
            raise RuleBroken(Code.TOKEN_FOREIGN)
        if claims.is_portable:
            return self._admit_portable(intent.token, claims, device)
        order = read_order(intent.order)
        if order.store != device.store:
            raise RuleBroken(Code.TOKEN_FOREIGN)
        agreed = (claims.order_hash, claims.attempt_id, claims.amount)
        if agreed != (order_hash(intent.order), order.attempt_id, order.total):
            raise RuleBroken(Code.TOKEN_INVALID)
        return self._attempt(device, claims, intent.token, order, intent.order)

    def admit_portable(self, token: str) -> Attempt:
        """Return the order that travels in a token, made by a till that could not reach us, as an attempt
        not yet written down.

        Raises RuleBroken: TOKEN_INVALID, TOKEN_FOREIGN, PAYMENT_UNKNOWN when no order travels in it, and
        what `read_portable` does.
        """
        claims, till = self.verify(token)
        if not claims.is_portable:
            raise RuleBroken(Code.PAYMENT_UNKNOWN)
        return self._admit_portable(token, claims, till)

    def _admit_portable(self, token: str, claims: OrderToken, till: DevicePrincipal) -> Attempt:
        now_ms = self.now_ms()
        order = self._database.read(lambda conn: read_portable(conn, till, claims, now_ms))
        return self._attempt(till, claims, token, order, _ENCODER.encode(order))

    def _attempt(
        self, device: DevicePrincipal, claims: OrderToken, token: str, order: Order, data: bytes
    ) -> Attempt:
        sound = 0 < order.total <= MAX_MINOR and order.lines and order.currency in CURRENCIES
        if not (sound and 0 < len(order.sale_id) <= MAX_ID and order.sale_id.isprintable()):
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, attempt=claims.attempt_id)
        now_ms = self.now_ms()
        return Attempt(
            attempt_id=claims.attempt_id,
            tenant=device.tenant,
            store=device.store,
            device=device.device,
            sale_id=order.sale_id,
            token=token,
            order_bytes=data,
            amount=order.total,
            currency=order.currency,
            created_ms=now_ms,
            expires_ms=min(claims.expires_s * 1000, now_ms + LONGEST_MS),
            payment=PaymentState(),
        )

    def verify(self, token: str) -> tuple[OrderToken, DevicePrincipal]:
        """Return what a token claims and the till of ours that signed it.

        Raises RuleBroken: TOKEN_INVALID, or TOKEN_FOREIGN when no till of ours bears that name.
        """
        unverified = read_order_token(token)
        found = self._database.read(lambda conn: device_at_home(conn, unverified.claims.device))
        if found is None or found.revoked:
            raise RuleBroken(Code.TOKEN_FOREIGN)
        return unverified.verify(Ed25519PublicKey.from_public_bytes(found.key)), found

    def behind(self, token: str) -> AttemptKey:
        """Return the attempt a genuine token stands for: it names a till, and the till its store.

        Raises RuleBroken: TOKEN_INVALID, TOKEN_FOREIGN, PAYMENT_UNKNOWN when it was never registered.
        """
        claims, till = self.verify(token)
        key = AttemptKey(till.tenant, till.store, claims.attempt_id)
        attempt = self._database.read(lambda conn: attempts.find(conn, key))
        if attempt.token != token:
            raise RuleBroken(Code.TOKEN_INVALID)
        return key

    def holder(self, key: AttemptKey) -> str:
        """Return the hash of the phone that has taken the order over, "" for none."""
        query = sa.select(_claims.c.phone_hash).where(of_key(_claims, key))
        return self._database.read(lambda conn: conn.execute(query).scalar()) or ""

    def take(self, key: AttemptKey, phone_hash: str) -> None:
        """Bind an open order to a phone; the first one gets it, and may ask again.

        Raises RuleBroken: ORDER_TAKEN by another phone, ORDER_CLOSED when there is nothing to take or part of
        it is paid.
        """

        def bind(conn: sa.Connection) -> None:
            attempt = attempts.find(conn, key, lock=True)
            query = sa.select(_claims.c.phone_hash).where(of_key(_claims, key))
            holder = conn.execute(query).scalar()
            if holder == phone_hash:
                return
            if holder is not None:
                raise RuleBroken(Code.ORDER_TAKEN)
            attempts.to_be_paid(attempt, self.now_ms())
            conn.execute(
                _claims.insert().values(
                    **key_columns(key), phone_hash=phone_hash, taken_ms=self.now_ms()
                )
            )

        self._database.write(bind)

    def cart(self, phone_hash: str, shops: Sequence[tuple[str, str]]) -> list[AttemptKey]:
        """Return what a phone has taken over in these shops (tenant, store), newest first, until a
        day after its end.

        The phone says where it has been, so that no page asks the books of every store.
        """
        since = self.now_ms() - CART_MS

        def taken(conn: sa.Connection) -> list[sa.Row[Any]]:
            return [row for shop in shops for row in _taken(conn, shop, phone_hash, since)]

        found = sorted(self._database.read(taken), key=lambda row: row.taken_ms, reverse=True)
        return [AttemptKey(row.tenant_id, row.store_id, row.attempt_id) for row in found]

    def shop(self, tenant: str, store: str) -> Shop:
        """Return what is known of a store from the shop's configuration, or its bare name."""
        stores, config = tables.store.c, tables.config.c
        named = sa.select(stores.name, stores.name_en).where(
            stores.tenant_id == tenant, stores.store_id == store
        )
        configured = sa.select(config.body).where(
            config.tenant_id == tenant, config.name == "shop", sa.not_(config.deleted)
        )
        with self._database.reading() as conn:
            row, body = conn.execute(named).one_or_none(), conn.execute(configured).scalar()
        name, name_en = (row.name, row.name_en) if row else (store, store)
        bare = StoreRow(store=store, name=name, name_en=name_en, city="")
        if body is None:
            return Shop(bare, {})
        shop = _CONFIG.decode(body)
        known = {entry.store: entry for entry in shop.stores}
        return Shop(known.get(store, bare), {row.code: row for row in shop.discount_reasons})


def _taken(
    conn: sa.Connection, shop: tuple[str, str], phone_hash: str, since_ms: int
) -> Sequence[sa.Row[Any]]:
    tenant, store = shop
    columns = payment_tables.attempt.c
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id, _claims.c.taken_ms)
        .join(
            _claims,
            (_claims.c.tenant_id == columns.tenant_id)
            & (_claims.c.store_id == columns.store_id)
            & (_claims.c.attempt_id == columns.attempt_id),
        )
        .where(columns.tenant_id == tenant, columns.store_id == store)
        .where(_claims.c.phone_hash == phone_hash, columns.expires_ms > since_ms)
    )
    return conn.execute(query).all()


def read_order(data: bytes) -> Order:
    """Read an order's bytes. Raises Trouble(CLOUD_MESSAGE_INVALID)."""
    try:
        return _ORDER.decode(data)
    except UNREADABLE as error:
        raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail=str(error)) from error
