"""The ledger of money going back: how a refund is written down, read and changed, always with its history.

A refund stands here before any provider is asked, and counts against what may go back until it is refused.
Knows no provider, no page and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from app.domain.money_back import Back, Paid, joined
from app.wire.messages import News
from app.wire.refunds import NEWS_KIND, RefundView
from cloud.db import payment_tables, refund_tables
from cloud.db.columns import rows_of
from cloud.db.distribution import across
from cloud.gateways.base import AttemptKey, Refund
from cloud.services.attempts import key_columns, of_key
from cloud.services.rounds import EVERYBODY, MOST, Lane

_refunds, _events = refund_tables.refund, refund_tables.event


LONGEST_MS = 3_600_000
"""The furthest off that the next question about a refund is ever put."""


@dataclass(frozen=True, slots=True)
class RefundKey:
    """Which refund: its number, and the store in whose books it stands."""

    tenant: str
    store: str
    number: str


@dataclass(frozen=True, slots=True)
class GoingBack:
    """One refund at one provider as it stands. Minor units and Unix milliseconds; 0 means "not yet".

    `request` is the number the till chose, `total` the amount of the payment it is taken from.
    """

    number: str
    request: str
    attempt: AttemptKey
    device: str
    document: str
    provider: str
    payment_ref: str
    total: int
    amount: int
    currency: str
    reason: str
    actor: str
    created_ms: int
    standing: Back = Back.UNKNOWN
    ref: str = ""
    word: str = ""
    accepted_ms: int = 0
    next_ms: int = 0
    belied_ms: int = 0
    changed_ms: int = 0
    version: int = 0

    def is_due(self, now_ms: int) -> bool:
        """Tell whether its provider may be asked about it now. A time further off than any we set was written
        by a clock that has been put right since."""
        return not self.standing.is_final and not now_ms < self.next_ms <= now_ms + LONGEST_MS

    def asked(self) -> Refund:
        """Return what a provider is asked."""
        return Refund(
            attempt=self.attempt,
            number=self.number,
            payment_ref=self.payment_ref,
            amount=self.amount,
            total=self.total,
            currency=self.currency,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to ask a provider about a refund, until `row.next_ms`; `is_first`: nobody had it before."""

    row: GoingBack
    is_first: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A refund as the till asked for it: one row, or several where the money had come in several
    payments."""

    rows: tuple[GoingBack, ...]

    @property
    def first(self) -> GoingBack:
        """The row under the request's own number."""
        return next(row for row in self.rows if row.number == row.request)

    @property
    def standing(self) -> Back:
        """How its parts stand together."""
        return joined(row.standing for row in self.rows)

    @property
    def amount(self) -> int:
        """What was asked for."""
        return sum(row.amount for row in self.rows)

    @property
    def version(self) -> int:
        """A number that grows with every change of a part."""
        return sum(row.version for row in self.rows)


def view(request: Request, now_ms: int) -> RefundView:
    """Return what a till is told about a refund."""
    first = request.first
    worst = next((row for row in request.rows if row.standing is request.standing), first)
    return RefundView(
        number=first.number,
        attempt_id=first.attempt.attempt_id,
        document=first.document,
        state=request.standing.value,
        amount=request.amount,
        back=sum(row.amount for row in request.rows if row.standing is Back.DONE),
        currency=first.currency,
        provider=first.provider,
        ref=first.ref,
        word=worst.word,
        created_ms=first.created_ms,
        changed_ms=max(row.changed_ms for row in request.rows),
        server_ms=now_ms,
        version=request.version,
    )


def news(request: Request) -> News:
    """Return the hint that a refund has changed."""
    return News(kind=NEWS_KIND, subject=request.first.number, version=request.version)


# --- reading --------------------------------------------------------------------------------------


def known(conn: sa.Connection, key: RefundKey) -> Request | None:
    """Return the refund a till asked for under this number, or None."""
    own = rows_of(_refunds, tenant_id=key.tenant, store_id=key.store, request=key.number)
    found = _read(conn, sa.select(_refunds).where(own))
    return Request(found) if found else None


def of_attempt(conn: sa.Connection, key: AttemptKey) -> tuple[GoingBack, ...]:
    """Return every refund of an attempt, oldest first."""
    return _read(conn, sa.select(_refunds).where(of_key(_refunds, key)))


def of_attempts(
    conn: sa.Connection, own: tuple[str, str], attempt_ids: Sequence[str]
) -> tuple[GoingBack, ...]:
    """Return every refund of these attempts of one store, oldest first."""
    store = rows_of(_refunds, tenant_id=own[0], store_id=own[1])
    return _read(conn, sa.select(_refunds).where(store, _refunds.c.attempt_id.in_(attempt_ids)))


def payments_of(conn: sa.Connection, key: AttemptKey) -> tuple[Paid, ...]:
    """Return the payments of an attempt, oldest first, with what has gone or may go back of each."""
    columns = payment_tables.money.c
    query = (
        sa.select(columns.provider, columns.ref, columns.amount)
        .where(of_key(payment_tables.money, key), columns.amount > 0)
        .order_by(columns.at_ms, columns.ref)
    )
    going: dict[tuple[str, str], int] = {}
    for row in of_attempt(conn, key):
        if row.standing.counts:
            which = (row.provider, row.payment_ref)
            going[which] = going.get(which, 0) + row.amount
    return tuple(
        Paid(row.ref, row.provider, row.amount, going.get((row.provider, row.ref), 0))
        for row in conn.execute(query)
    )


def unanswered(conn: sa.Connection, now_ms: int, lane: Lane = EVERYBODY) -> list[RefundKey]:
    """Return the requests of a lane that are to be asked about by now, the longest waiting first."""
    columns = _refunds.c
    due = sa.or_(columns.next_ms <= now_ms, columns.next_ms > now_ms + LONGEST_MS)
    is_open = columns.standing.in_([back.value for back in Back if not back.is_final])
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.request, columns.next_ms)
        .where(is_open, due, lane.has(columns.provider))
        .order_by(columns.next_ms)
        .limit(MOST)
    )
    rows = conn.execute(across(query, "sweep"))
    keys = (RefundKey(row.tenant_id, row.store_id, row.request) for row in rows)
    return list(dict.fromkeys(keys))


# --- writing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RefundLedger:
    """Changes refunds inside one transaction, under the row lock of their attempt."""

    conn: sa.Connection
    now_ms: int
    changed: dict[RefundKey, None] = field(default_factory=dict)

    def open(self, row: GoingBack) -> GoingBack:
        """Write a new refund, to be asked for at once. Raises sqlalchemy IntegrityError when the number
        exists."""
        row = replace(row, version=1, changed_ms=self.now_ms)
        self.conn.execute(_refunds.insert().values(**_key(row), **_fixed(row), **_moving(row)))
        return self._noted(row)

    def take_turn(self, key: AttemptKey, number: str, until_ms: int) -> Turn | None:
        """Give whoever comes the turn to ask about a refund, and nobody else before `until_ms`; None if it
        has its end, or somebody else has the turn."""
        rows = of_attempt(self.conn, key)
        row = next((each for each in rows if each.number == number), None)
        if row is None or not row.is_due(self.now_ms):
            return None
        mine = rows_of(_refunds, **_key(row))
        self.conn.execute(_refunds.update().where(mine).values(next_ms=until_ms))
        return Turn(replace(row, next_ms=until_ms), is_first=not row.next_ms)

    def hear(self, row: GoingBack, heard: Back, ref: str, word: str, next_ms: int) -> GoingBack:
        """Apply what a provider said; `next_ms` is when to ask again if that was not the end of it.

        That money moves after all which was called refused is believed, too, and noted as `belied_ms`.
        """
        belied = row.standing.is_belied_by(heard)
        standing = heard if belied else row.standing.after(heard)
        moved = standing is not row.standing
        after = replace(
            row,
            standing=standing,
            ref=row.ref or ref,
            word=word if moved else word or row.word,
            accepted_ms=row.accepted_ms or (self.now_ms if standing.is_accepted else 0),
            next_ms=0 if standing.is_final else next_ms,
            belied_ms=self.now_ms if belied else row.belied_ms,
        )
        if moved or (after.ref, after.word) != (row.ref, row.word):
            after = replace(after, version=row.version + 1, changed_ms=self.now_ms)
        mine = rows_of(_refunds, **_key(row))
        self.conn.execute(_refunds.update().where(mine).values(**_moving(after)))
        return self._noted(after) if after.version != row.version else after

    def _noted(self, row: GoingBack) -> GoingBack:
        self.conn.execute(
            _events.insert().values(
                **_key(row),
                version=row.version,
                standing=row.standing.value,
                ref=row.ref,
                word=row.word,
                at_ms=row.changed_ms,
            )
        )
        self.changed[RefundKey(row.attempt.tenant, row.attempt.store, row.request)] = None
        return row


def _key(row: GoingBack) -> dict[str, str]:
    return {
        "tenant_id": row.attempt.tenant,
        "store_id": row.attempt.store,
        "number": row.number,
    }


_FIXED = {"device": "device_id", "document": "document_id"} | {
    name: name
    for name in "request provider payment_ref total amount currency reason actor created_ms".split()
}
"""Which column keeps a field that never changes."""
_MOVING = ("ref", "word", "accepted_ms", "next_ms", "belied_ms", "changed_ms", "version")


def _fixed(row: GoingBack) -> dict[str, object]:
    values: dict[str, object] = {column: getattr(row, name) for name, column in _FIXED.items()}
    return values | {"attempt_id": key_columns(row.attempt)["attempt_id"]}


def _moving(row: GoingBack) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(row, name) for name in _MOVING}
    return values | {"standing": row.standing.value}


def _read(conn: sa.Connection, query: sa.Select[tuple[object, ...]]) -> tuple[GoingBack, ...]:
    ordered = query.order_by(_refunds.c.created_ms, _refunds.c.number)
    return tuple(
        GoingBack(
            number=row["number"],
            attempt=AttemptKey(row["tenant_id"], row["store_id"], row["attempt_id"]),
            standing=Back(row["standing"]),
            **{name: row[column] for name, column in _FIXED.items()},
            **{name: row[name] for name in _MOVING},
        )
        for row in conn.execute(ordered).mappings()
    )
