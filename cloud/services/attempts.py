"""The ledger of payment attempts: how a row is read, locked and changed, always with its history.

Every change goes through `change`: one row lock, one step of the shared state table, one version, one
append-only event. Knows no provider, no page and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.domain.payment import (
    CLOSED_UNPAID,
    PAID_STATES,
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
from cloud.db.distribution import across
from cloud.gateways.base import AttemptKey, Money
from cloud.services.live import Newsroom, attempt_topic, store_topic

LOOKED = "looked"
"""Event of the history that is no step of the state table: a customer opened the order."""

STARTED = "started"
"""Event of the history: the customer was sent to a wallet."""


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
    next_ms: int = 0
    """When its provider may be asked again; `turns` alone moves it."""

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


def unsettled(
    conn: sa.Connection, now_ms: int, limit: int, due: sa.ColumnElement[bool]
) -> list[AttemptKey]:
    """Return the open attempts past their end, oldest first, then those nobody answers about; only those
    whose rows fulfil `due`."""
    columns = tables.attempt.c
    is_open = columns.state.in_([State.CREATED.value, State.WAITING.value, State.UNKNOWN.value])
    overdue = sa.or_(columns.expires_ms <= now_ms, columns.state == State.UNKNOWN.value)
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id)
        .where(is_open, overdue, due)
        .order_by(columns.state == State.UNKNOWN.value, columns.expires_ms)
        .limit(limit)
    )
    return [
        AttemptKey(row.tenant_id, row.store_id, row.attempt_id)
        for row in conn.execute(across(query, "sweep"))
    ]


def unheard(
    conn: sa.Connection, after_ms: int, until_ms: int, least: int
) -> list[tuple[AttemptKey, str, int]]:
    """Return (attempt, wallet, end) of every wallet chosen for an attempt that ended in this span and
    closed unpaid, or was paid where several were chosen; the oldest first, and of `least` pairs on only
    those that end with the last one."""
    columns, chosen = tables.attempt.c, tables.event.c
    mine = [chosen[name] == columns[name] for name in ("tenant_id", "store_id", "attempt_id")] + [
        chosen.event == STARTED
    ]
    wallets = sa.select(sa.func.count(sa.distinct(chosen.provider))).where(*mine)
    unpaid = columns.state.in_([state.value for state in CLOSED_UNPAID])
    over = columns.state.in_([state.value for state in CLOSED_UNPAID | PAID_STATES])
    query = (
        sa.select(
            columns.tenant_id,
            columns.store_id,
            columns.attempt_id,
            chosen.provider,
            columns.expires_ms,
        )
        .distinct()
        .join(tables.event, sa.and_(*mine))
        .where(over, columns.expires_ms > after_ms, columns.expires_ms <= until_ms)
        .where(sa.or_(unpaid, wallets.correlate(tables.attempt).scalar_subquery() > 1))
        .order_by(columns.expires_ms)
    )
    rows = conn.execute(across(query, "sweep"))
    found: list[tuple[AttemptKey, str, int]] = []
    for row in rows:
        if len(found) >= least and row.expires_ms > found[-1][2]:
            break
        key = AttemptKey(row.tenant_id, row.store_id, row.attempt_id)
        found.append((key, row.provider, row.expires_ms))
    return found


@dataclass(frozen=True, slots=True)
class Ledger:
    """Changes attempts inside one transaction and tells the newsroom once it has committed."""

    conn: sa.Connection
    now_ms: int
    changed: list[Attempt]

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
            after = replace(
                attempt,
                payment=attempt.payment.after(event),
                received=received,
                provider=provider,
                provider_ref=attempt.provider_ref or piece.ref,
            )
            if after.payment.state is State.CONFIRMED and not attempt.paid_ms:
                after = replace(after, paid_ms=piece.at_ms, provider_ref=piece.ref)
            attempt = self._write(after, event.value, "provider")
        return attempt

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
        "state": attempt.payment.state.value,
        "anomalies": _words(attempt.payment),
    }


def _read(row: sa.RowMapping) -> Attempt:
    anomalies = frozenset(Anomaly(word) for word in row["anomalies"].split())
    return Attempt(
        **{name: row[column] for name, column in _COLUMNS.items()},
        payment=PaymentState(State(row["state"]), anomalies),
        way=Way(row["way"]),
    )


def _words(payment: PaymentState) -> str:
    return " ".join(sorted(anomaly.value for anomaly in payment.anomalies))
