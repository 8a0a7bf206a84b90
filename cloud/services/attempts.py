"""The ledger of payment attempts: how a row is read, locked and changed, always with its history.

Every change goes through `change`: one row lock, one step of the shared state table, one version, one
append-only event. Knows no provider, no page and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import sqlalchemy as sa

from app.domain.payment import (
    Anomaly,
    Event,
    PaymentState,
    State,
    Way,
    judge_amount,
)
from app.errors import Code, RuleBroken
from app.wire.messages import News, PaymentView
from cloud.db import payment_tables as tables
from cloud.db.columns import rows_of
from cloud.gateways.base import AttemptKey, Money
from cloud.gateways.numbers import order_number
from cloud.services.live import Newsroom, attempt_topic, store_topic

LOOKED = "looked"
"""Event of the history that is no step of the state table: a customer opened the order."""

STARTED = "started"
"""Event of the history: the customer was sent to a wallet."""

DENIED, SILENT = "denied", "silent"
"""Events of the history: what was confirmed by hand ended unpaid at the provider, or nobody there can say."""


class Vouched(StrEnum):
    """What the provider's side says of a payment that was confirmed by hand."""

    NOT = ""
    AWAITED = "awaited"
    """It is asked until it has said something final."""
    DENIED = DENIED
    """Its order ended unpaid. Money that comes all the same proves the payment after all."""
    SILENT = SILENT
    """It never says anything of its own: the hand's word is all there is."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One payment attempt as it stands. Minor units and Unix milliseconds; 0 means "not yet"."""

    attempt_id: str
    tenant: str
    store: str
    device: str
    sale_id: str
    token: str
    order_bytes: bytes
    amount: int
    currency: str
    created_ms: int
    expires_ms: int
    payment: PaymentState
    received: int = 0
    provider: str = ""
    provider_ref: str = ""
    looked_ms: int = 0
    paid_ms: int = 0
    changed_ms: int = 0
    version: int = 0
    way: Way = Way.NOT_YET
    vouched: Vouched = Vouched.NOT
    next_ms: int = 0
    """When its provider may be asked again; `turns` alone moves it."""

    @property
    def is_unproven(self) -> bool:
        """Confirmed by hand, and the provider's side has not told of the money."""
        return self.vouched is not Vouched.NOT and self.received < self.amount

    @property
    def is_awaited(self) -> bool:
        """Unproven, and the provider's side may still say something."""
        return self.is_unproven and self.vouched is Vouched.AWAITED

    @property
    def key(self) -> AttemptKey:
        """Which attempt this is."""
        return AttemptKey(self.tenant, self.store, self.attempt_id)


_COLUMNS = {"tenant": "tenant_id", "store": "store_id", "device": "device_id"} | {
    name: name
    for name in (
        "attempt_id sale_id token order_bytes amount currency created_ms expires_ms received "
        "provider provider_ref looked_ms paid_ms changed_ms version next_ms"
    ).split()
}
"""Which column keeps a field, where they are the same value."""


def to_be_paid(attempt: Attempt, now_ms: int) -> Attempt:
    """Return an attempt all of which can still be paid. Raises RuleBroken(ORDER_CLOSED)."""
    if not attempt.payment.is_open or attempt.expires_ms <= now_ms or attempt.received > 0:
        raise RuleBroken(Code.ORDER_CLOSED, state=attempt.payment.state.value)
    return attempt


def of_key(table: sa.Table, key: AttemptKey) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of an attempt, on the one shard where they lie."""
    return rows_of(table, **key_columns(key))


def key_columns(key: AttemptKey) -> dict[str, str]:
    """Return the values of the columns that name an attempt."""
    return {"tenant_id": key.tenant, "store_id": key.store, "attempt_id": key.attempt_id}


def find(conn: sa.Connection, key: AttemptKey, *, lock: bool = False) -> Attempt:
    """Return an attempt, its row locked until the transaction ends if `lock`.

    Raises RuleBroken(PAYMENT_UNKNOWN).
    """
    attempt = known(conn, key, lock=lock)
    if attempt is None:
        raise RuleBroken(Code.PAYMENT_UNKNOWN)
    return attempt


def known(conn: sa.Connection, key: AttemptKey, *, lock: bool = False) -> Attempt | None:
    """Return an attempt as `find` does, or None."""
    query = sa.select(tables.attempt).where(of_key(tables.attempt, key))
    if lock:
        query = query.with_for_update()
    row = conn.execute(query).mappings().one_or_none()
    return _read(row) if row is not None else None


def of_sale(conn: sa.Connection, order: Attempt) -> list[Attempt]:
    """Return every attempt written down for the sale of `order`, oldest first."""
    columns = tables.attempt.c
    query = (
        sa.select(tables.attempt)
        .where(columns.tenant_id == order.tenant, columns.store_id == order.store)
        .where(columns.sale_id == order.sale_id)
        .order_by(columns.created_ms, columns.attempt_id)
    )
    return [_read(row) for row in conn.execute(query).mappings()]


def asked_of(conn: sa.Connection, key: AttemptKey) -> list[str]:
    """Return every provider that may hold an order for an attempt, the first one first."""
    columns = tables.event.c
    query = (
        sa.select(columns.provider)
        .where(of_key(tables.event, key), columns.event == STARTED)
        .order_by(columns.version)
    )
    return list(dict.fromkeys(conn.execute(query).scalars()))


def heard_of(conn: sa.Connection, provider: str, key: AttemptKey) -> tuple[Money, ...]:
    """Return the money of a provider that is booked for an attempt, oldest first."""
    columns = tables.money.c
    query = (
        sa.select(columns.ref, columns.amount, columns.at_ms)
        .where(of_key(tables.money, key), columns.provider == provider)
        .order_by(columns.at_ms, columns.ref)
    )
    return tuple(Money(row.ref, row.amount, row.at_ms) for row in conn.execute(query))


def number_of(conn: sa.Connection, key: AttemptKey) -> str:
    """Return the order number of an attempt at providers."""
    query = sa.select(tables.attempt.c.first_number).where(of_key(tables.attempt, key))
    return conn.scalar(query) or order_number(key)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Changes attempts inside one transaction, and remembers which; `Changes` tells of them."""

    conn: sa.Connection
    now_ms: int
    changed: list[Attempt]
    moved: list[AttemptKey] = field(default_factory=list)
    """Attempts of which money was moved elsewhere than here, whether they changed or not."""

    def touched(self) -> set[AttemptKey]:
        """Return every attempt of which a person may have to hear."""
        return {*(attempt.key for attempt in self.changed), *self.moved}

    def open(self, attempt: Attempt) -> Attempt:
        """Write a new attempt, ready to be shown.

        Raises sqlalchemy IntegrityError when the id exists or its sale already has an open attempt.
        """
        payment = attempt.payment.after(Event.SHOWN)
        attempt = replace(attempt, payment=payment, version=1, changed_ms=self.now_ms)
        self.conn.execute(tables.attempt.insert().values(**_row(attempt)))
        _note(self.conn, attempt, Event.SHOWN.value, "till")
        self.changed.append(attempt)
        return attempt

    def step(self, attempt: Attempt, event: Event, source: str) -> Attempt:
        """Apply an event that brings no money. Raises RuleBroken when the table refuses it."""
        after = attempt.payment.after(event)
        if after is attempt.payment:
            return attempt
        return self._write(replace(attempt, payment=after), event.value, source)

    def hear_money(self, attempt: Attempt, provider: str, heard: Iterable[Money]) -> Attempt:
        """Book each payment not booked before and judge the sum. Money is never refused or lost."""
        for piece in heard:
            if not self._book(attempt.key, provider, piece):
                continue
            received = attempt.received + piece.amount
            event = judge_amount(attempt.amount, received)
            # Of what was confirmed by hand a part is no surplus: it proves that much.
            part = attempt.is_unproven and event is Event.PAID_PARTIAL
            after = replace(
                attempt,
                payment=attempt.payment if part else attempt.payment.after(event),
                received=received,
                provider=provider,
                provider_ref=attempt.provider_ref or piece.ref,
            )
            if after.payment.state is State.CONFIRMED and not attempt.paid_ms:
                after = replace(after, paid_ms=piece.at_ms, provider_ref=piece.ref)
            attempt = self._write(after, event.value, "provider")
        return attempt

    def vouch(self, attempt: Attempt) -> Attempt:
        """Apply a till's word that somebody saw the money. Where it had ended unpaid before any wallet was
        chosen that is denied; else its provider is asked, and one that never says anything denies nothing."""
        after = attempt.payment.after(Event.VOUCHED)
        if after is attempt.payment or after.state is not State.CONFIRMED:
            return attempt
        asked = attempt.payment.is_open or attempt.provider
        vouched = Vouched.AWAITED if asked else Vouched.DENIED
        return self._write(
            replace(attempt, payment=after, vouched=vouched), Event.VOUCHED.value, "till"
        )

    def deny(self, attempt: Attempt, why: Vouched = Vouched.DENIED) -> Attempt:
        """Note that no more will be heard of what was confirmed by hand, and why."""
        if not attempt.is_awaited:
            return attempt
        return self._write(replace(attempt, vouched=why), why.value, "provider")

    def look(self, attempt: Attempt) -> Attempt:
        """Note that a customer has opened the order; only the first time counts."""
        if attempt.looked_ms:
            return attempt
        return self._write(replace(attempt, looked_ms=self.now_ms), LOOKED, "page")

    def start(self, attempt: Attempt, provider: str, way: Way) -> Attempt:
        """Note that from now on a provider may hold an order for this attempt, and is the one to ask."""
        if attempt.provider == provider:
            return attempt
        source = "page" if way is Way.PAGE else "till"
        return self._write(replace(attempt, provider=provider, way=way), STARTED, source)

    def note(
        self, attempt: Attempt, event: str, source: str, of: tuple[str, int] | None = None
    ) -> Attempt:
        """Add to the history what changes neither the state nor the money, `of` a provider and an amount if
        it is about those. Nobody is told, and `changed_ms` stays: whoever waits does not wait anew."""
        attempt = replace(attempt, version=attempt.version + 1)
        row = tables.attempt.update().where(of_key(tables.attempt, attempt.key))
        self.conn.execute(row.values(version=attempt.version))
        provider, amount = of or (attempt.provider, attempt.received)
        told = replace(attempt, provider=provider, received=amount, changed_ms=self.now_ms)
        _note(self.conn, told, event, source)
        return attempt

    def _write(self, attempt: Attempt, event: str, source: str) -> Attempt:
        attempt = replace(attempt, version=attempt.version + 1, changed_ms=self.now_ms)
        kept = {*key_columns(attempt.key), "next_ms"}
        values = {name: value for name, value in _row(attempt).items() if name not in kept}
        self.conn.execute(
            tables.attempt.update().where(of_key(tables.attempt, attempt.key)).values(**values)
        )
        _note(self.conn, attempt, event, source)
        self.changed.append(attempt)
        return attempt

    def _book(self, key: AttemptKey, provider: str, piece: Money) -> bool:
        """Insert a payment under the attempt's row lock; False if it was booked before."""
        columns = tables.money.c
        booked = sa.select(columns.ref).where(
            columns.tenant_id == key.tenant,
            columns.store_id == key.store,
            columns.provider == provider,
            columns.ref == piece.ref,
        )
        if self.conn.execute(booked).first() is not None:
            return False
        self.conn.execute(
            tables.money.insert().values(
                **key_columns(key),
                provider=provider,
                ref=piece.ref,
                amount=piece.amount,
                at_ms=piece.at_ms,
            )
        )
        return True


def tell(newsroom: Newsroom, changed: Iterable[Attempt]) -> None:
    """Publish one hint per changed attempt to its store and to whoever has its page open."""
    for attempt in changed:
        newsroom.publish(
            (store_topic(attempt.tenant, attempt.store), attempt_topic(attempt.attempt_id)),
            News(kind="payment", subject=attempt.attempt_id, version=attempt.version),
        )


def view(attempt: Attempt, now_ms: int, public_url: str) -> PaymentView:
    """Return what a till is told about an attempt."""
    return PaymentView(
        attempt_id=attempt.attempt_id,
        state=attempt.payment.state.value,
        anomalies=sorted(anomaly.value for anomaly in attempt.payment.anomalies),
        amount=attempt.amount,
        received=attempt.received,
        provider=attempt.provider,
        provider_ref=attempt.provider_ref,
        expires_ms=attempt.expires_ms,
        changed_ms=attempt.changed_ms,
        server_ms=now_ms,
        version=attempt.version,
        looked_at=attempt.looked_ms > 0,
        url=f"{public_url}/o/{attempt.token}",
        way=attempt.way.value,
    )


def _note(conn: sa.Connection, attempt: Attempt, event: str, source: str) -> None:
    conn.execute(
        tables.event.insert().values(
            **key_columns(attempt.key),
            version=attempt.version,
            event=event,
            source=source,
            state=attempt.payment.state.value,
            anomalies=_words(attempt.payment),
            received=attempt.received,
            provider=attempt.provider,
            provider_ref=attempt.provider_ref,
            at_ms=attempt.changed_ms,
        )
    )


def _row(attempt: Attempt) -> dict[str, object]:
    values: dict[str, object] = {
        column: getattr(attempt, name) for name, column in _COLUMNS.items()
    }
    return values | {
        "way": attempt.way.value,
        "vouched": attempt.vouched.value,
        "state": attempt.payment.state.value,
        "anomalies": _words(attempt.payment),
    }


def _read(row: sa.RowMapping) -> Attempt:
    anomalies = frozenset(Anomaly(word) for word in row["anomalies"].split())
    return Attempt(
        **{name: row[column] for name, column in _COLUMNS.items()},
        payment=PaymentState(State(row["state"]), anomalies),
        way=Way(row["way"]),
        vouched=Vouched(row["vouched"]),
    )


def _words(payment: PaymentState) -> str:
    return " ".join(sorted(anomaly.value for anomaly in payment.anomalies))
