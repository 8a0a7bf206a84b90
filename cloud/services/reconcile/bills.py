"""Keeps providers' bills: every file as it came, and the lines of the newest one of each day.

The same file again changes nothing; another one of the same day takes its place and leaves it in the history.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from cloud.db.bill_tables import bill, bill_file, bill_line
from cloud.db.distribution import across
from cloud.db.rows import insert_rows, insert_values, upsert
from cloud.gateways.base import Bill, BillKind, BillLine
from cloud.gateways.bills import bounds
from cloud.services.reconcile.account import Account, chunks
from cloud.services.reconcile.compare import LineKey, RefundKey

_COLUMNS = (
    "no",
    "kind",
    "attempt_id",
    "order_number",
    "ref",
    "refund_number",
    "amount",
    "currency",
    "fee_mills",
    "at_ms",
    "store",
    "way",
)


_COUNTED = across(sa.text("ANALYZE bill_line"), "bills")
"""Lets PostgreSQL's planner know of the lines now. Until it has seen statistics it looks for each line of a
bill among all others: ten thousand took longer than any statement may."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A bill that is kept. `fresh`: it was not before, or not in this form."""

    account: Account
    day: date
    revision: int
    span: tuple[int, int]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """A bill made ready to be kept, so that nobody waits for that under a lock."""

    bill: Bill
    packed: bytes
    digest: str


def pack(came: Bill) -> Parcel:
    """Make a bill ready to be kept."""
    return Parcel(came, zlib.compress(came.file), _digest(came))


def keep(conn: sa.Connection, account: Account, parcel: Parcel, source: str, now_ms: int) -> Kept:
    """Keep a bill and its lines."""
    came, digest = parcel.bill, parcel.digest
    day, span = came.day.isoformat(), bounds(came.day, came.zone)
    query = sa.select(bill.c.revision, bill.c.digest).where(_of(bill, account, day))
    before = conn.execute(query.with_for_update()).first()
    if before is not None and before.digest == digest:
        return Kept(account, came.day, before.revision, span)
    revision = before.revision + 1 if before else 1
    own = {"tenant_id": account.tenant, "account": account.name, "day": day}
    stamp = {"revision": revision, "digest": digest, "fetched_ms": now_ms}
    upsert(conn, bill, [own | stamp | _sums(came.lines) | _times(span)])
    # The days beside may have waited for this one.
    beside = [(came.day + timedelta(far)).isoformat() for far in (-1, 1)]
    also = sa.and_(
        bill.c.tenant_id == account.tenant, bill.c.account == account.name, bill.c.day.in_(beside)
    )
    conn.execute(sa.update(bill).where(also).values(compared_ms=0))
    insert_rows(conn, bill_file, [own | stamp | {"source": source, "packed": parcel.packed}])
    conn.execute(sa.delete(bill_line).where(_of(bill_line, account, day)))
    rows = [
        (
            no,
            line.kind.value,
            line.attempt_id,
            line.order_number,
            line.ref,
            line.refund_number,
            line.amount,
            line.currency,
            line.fee_mills,
            line.at_ms,
            line.store,
            str(line.way),
        )
        for no, line in enumerate(came.lines)
    ]
    insert_values(conn, bill_line, _COLUMNS, rows, own)
    if conn.dialect.name != "sqlite":
        conn.execute(_COUNTED)
    return Kept(account, came.day, revision, span, fresh=True)


def note_compared(conn: sa.Connection, kept: Kept, foreign: int, now_ms: int) -> None:
    """Note when a bill was compared, 0 if that is still to be finished, and how many of its lines are other
    systems'."""
    conn.execute(
        sa.update(bill)
        .where(_of(bill, kept.account, kept.day.isoformat()))
        .values(foreign_lines=foreign, compared_ms=now_ms)
    )


def find(conn: sa.Connection, account: Account, day: date) -> Kept | None:
    """Return the newest bill of a day, None where there is none."""
    query = sa.select(bill.c.revision, bill.c.begin_ms, bill.c.end_ms)
    row = conn.execute(query.where(_of(bill, account, day.isoformat()))).first()
    return Kept(account, day, row.revision, (row.begin_ms, row.end_ms)) if row else None


def lines_of(conn: sa.Connection, kept: Kept) -> list[BillLine]:
    """Return the lines of a bill in its order."""
    columns = [bill_line.c[name] for name in _COLUMNS[1:]]
    query = (
        sa.select(*columns)
        .where(_of(bill_line, kept.account, kept.day.isoformat()))
        .order_by(bill_line.c.no)
    )
    return [
        BillLine(
            kind=BillKind(row.kind),
            attempt_id=row.attempt_id,
            order_number=row.order_number,
            ref=row.ref,
            amount=row.amount,
            fee_mills=row.fee_mills,
            at_ms=row.at_ms,
            refund_number=row.refund_number,
            currency=row.currency,
            store=row.store,
            way=row.way,
        )
        for row in conn.execute(query)
    ]


def billed_before(conn: sa.Connection, kept: Kept) -> set[LineKey]:
    """Return what of a bill stands on the bill of an earlier day as well."""
    here, before = bill_line.alias("here"), bill_line.alias("before")
    same = [
        here.c[name] == before.c[name]
        for name in ("tenant_id", "account", "ref", "refund_number", "kind")
    ]
    query = (
        sa.select(here.c.kind, here.c.ref, here.c.refund_number)
        .join(before, sa.and_(*same))
        .where(_of(here, kept.account, kept.day.isoformat()), before.c.day < here.c.day)
    )
    return {(row.kind, row.ref, row.refund_number) for row in conn.execute(query)}


def billed(conn: sa.Connection, account: Account, refs: Collection[str]) -> set[str]:
    """Return which of these payments stand on any bill of the account."""
    columns = bill_line.c
    query = sa.select(columns.ref).where(
        columns.tenant_id == account.tenant,
        columns.account == account.name,
        columns.kind == BillKind.PAYMENT.value,
    )
    found: set[str] = set()
    for some in chunks(refs):
        found.update(conn.scalars(query.where(columns.ref.in_(some))))
    return found


def refunded(conn: sa.Connection, account: Account, keys: Collection[RefundKey]) -> set[RefundKey]:
    """Return which of these refunds stand on any bill of the account."""
    columns = bill_line.c
    query = sa.select(columns.attempt_id, columns.refund_number).where(
        columns.tenant_id == account.tenant,
        columns.account == account.name,
        columns.kind == BillKind.REFUND.value,
        sa.text("refund_number <> ''"),  # word for word what the partial index says
    )
    found: set[RefundKey] = set()
    for some in chunks(keys):
        numbers = [number for _, number in some]
        rows = conn.execute(query.where(columns.refund_number.in_(numbers)))
        found.update((row.attempt_id, row.refund_number) for row in rows)
    return found


def days_kept(conn: sa.Connection, account: Account, first: date, last: date) -> set[date]:
    """Return of which of these days there is a bill."""
    query = sa.select(bill.c.day).where(_within(account, first, last))
    return {date.fromisoformat(row.day) for row in conn.execute(query)}


def days_compared(conn: sa.Connection, account: Account, first: date, last: date) -> set[date]:
    """Return of which of these days there is a bill that was compared with all that is kept by now."""
    query = sa.select(bill.c.day).where(_within(account, first, last), bill.c.compared_ms > 0)
    return {date.fromisoformat(row.day) for row in conn.execute(query)}


def _within(account: Account, first: date, last: date) -> sa.ColumnElement[bool]:
    return sa.and_(
        bill.c.tenant_id == account.tenant,
        bill.c.account == account.name,
        bill.c.day.between(first.isoformat(), last.isoformat()),
    )


def _of(table: sa.FromClause, account: Account, day: str) -> sa.ColumnElement[bool]:
    columns = table.c
    return sa.and_(
        columns.tenant_id == account.tenant, columns.account == account.name, columns.day == day
    )


def _digest(came: Bill) -> str:
    """Return what makes two bills the same: the file, or the lines where no file came."""
    return hashlib.sha256(came.file or repr(came.lines).encode()).hexdigest()


def _times(span: tuple[int, int]) -> dict[str, int]:
    return {"begin_ms": span[0], "end_ms": span[1], "foreign_lines": 0, "compared_ms": 0}


def _sums(lines: Sequence[BillLine]) -> dict[str, int]:
    paid = sum(line.amount for line in lines if line.kind is BillKind.PAYMENT)
    return {
        "lines": len(lines),
        "paid": paid,
        "given_back": sum(line.amount for line in lines) - paid,
        "fee_mills": sum(line.fee_mills for line in lines),
    }
