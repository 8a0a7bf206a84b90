"""Books what providers really kept, and says what each way of paying costs.

Fees are thousandths of a minor unit, because providers bill finer than they pay. Knows no bill's form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from app.domain.payment import Way
from app.wire.fees import FeeReport, FeeRow
from app.wire.messages import WayRate
from cloud.db.bill_tables import fee
from cloud.db.distribution import across
from cloud.db.payment_tables import attempt
from cloud.db.rows import insert_values
from cloud.gateways.base import BillKind, BillLine, Tariff, Wallet
from cloud.services.reconcile.account import chunks
from cloud.services.reconcile.bills import Kept

_COLUMNS = (
    "store_id",
    "no",
    "ref",
    "attempt_id",
    "kind",
    "way",
    "amount",
    "currency",
    "fee_mills",
)
RATED_DAYS = 30
"""A shop's rates change with its contracts; so long back is enough to tell by."""

_TARIFFS = {Way.CODE: Tariff.CODE, Way.PAGE: Tariff.QR, Way.QR: Tariff.QR}
_MILLS = 1_000
_FULL_BP = 10_000


def book(
    conn: sa.Connection, kept: Kept, lines: Sequence[BillLine], placed: Sequence[tuple[int, str]]
) -> None:
    """Book the fees of a bill in place of those an earlier form of it brought.

    `placed` are number and store of the lines that are ours.
    """
    tenant, provider, day = kept.account.tenant, kept.account.name, kept.day.isoformat()
    before = sa.delete(fee).where(
        fee.c.tenant_id == tenant, fee.c.provider == provider, fee.c.day == day
    )
    conn.execute(across(before, "bills"))
    unsaid: dict[str, set[str]] = {}
    for no, store in placed:
        if not lines[no].way:
            unsaid.setdefault(store, set()).add(lines[no].attempt_id)
    ways = {
        attempt_id: way
        for store, ids in unsaid.items()
        for attempt_id, way in _ways(conn, tenant, store, ids)
    }
    rows = [
        (
            store,
            no,
            line.ref,
            line.attempt_id,
            line.kind.value,
            str(line.way or ways.get(line.attempt_id, "")),
            line.amount,
            line.currency,
            line.fee_mills,
        )
        for no, store in placed
        for line in (lines[no],)
    ]
    same = {"tenant_id": tenant, "provider": provider, "day": day}
    insert_values(conn, fee, _COLUMNS, rows, same)


def _ways(
    conn: sa.Connection, tenant: str, store: str, ids: Iterable[str]
) -> Iterable[tuple[str, Tariff]]:
    """Tell of attempts whose provider does not say so how they were paid: it stands in their rows."""
    columns = attempt.c
    for some in chunks(ids):
        query = sa.select(columns.attempt_id, columns.way).where(
            columns.tenant_id == tenant, columns.store_id == store, columns.attempt_id.in_(some)
        )
        for row in conn.execute(query):
            if row.way in _TARIFFS:
                yield row.attempt_id, _TARIFFS[row.way]


@dataclass(slots=True)
class _Sum:
    payments: int = 0
    refunds: int = 0
    paid: int = 0
    given_back: int = 0
    fee_mills: int = 0

    @property
    def net(self) -> int:
        """What stayed with the shop before fees."""
        return self.paid - self.given_back


def rates(
    conn: sa.Connection,
    tenant: str,
    store: str,
    ways: Mapping[tuple[str, str], Wallet],
    *,
    today: date,
) -> list[WayRate]:
    """Return what each of these ways (account and way, with whose app it is) cost a store in the thirty
    days before `today`, cheapest first; ways without a bill or without a rate are left out.

    What differs by less than a hundredth of a percent is rounding, and marked together.
    """
    first = today - timedelta(days=RATED_DAYS)
    found = report(conn, tenant, first.isoformat(), today.isoformat(), store=store).rows
    known = [row for row in found if (row.provider, row.way) in ways and row.rate_bp >= 0]
    least = min((row.rate_bp for row in known), default=0)
    differ = any(row.rate_bp > least for row in known)
    return [
        WayRate(
            provider=row.provider,
            wallet=ways[row.provider, row.way].value,
            way=row.way,
            rate_bp=row.rate_bp,
            cheapest=differ and row.rate_bp == least,
        )
        for row in sorted(known, key=lambda row: row.rate_bp)
    ]


def report(
    conn: sa.Connection, tenant: str, first: str, last: str, *, store: str = ""
) -> FeeReport:
    """Return what each provider and way cost in a span of billed days (inclusive), of one store or all.

    The effective rate is what was kept, less what came back with refunds, over what was paid less what
    was given back: in hundredths of a percent, half up, -1 where nothing is left to be a share of. The
    cheapest of a currency is marked; ties are marked together.
    """
    columns = fee.c
    names = (columns.provider, columns.way, columns.currency, columns.kind)
    query = (
        sa.select(
            *names,
            sa.func.count().label("lines"),
            sa.func.sum(columns.amount).label("amount"),
            sa.func.sum(columns.fee_mills).label("fee_mills"),
        )
        .where(columns.tenant_id == tenant, columns.day.between(first, last))
        .group_by(*names)
    )
    query = query.where(columns.store_id == store) if store else across(query, "export")
    sums: dict[tuple[str, str, str], _Sum] = {}
    for row in conn.execute(query):
        one = sums.setdefault((row.provider, row.way, row.currency), _Sum())
        one.fee_mills += int(row.fee_mills)
        if row.kind == BillKind.PAYMENT.value:
            one.payments, one.paid = row.lines, int(row.amount)
        else:
            one.refunds, one.given_back = row.lines, int(row.amount)
    return FeeReport(rows=[_row(name, sums) for name in sorted(sums)])


def _row(name: tuple[str, str, str], sums: dict[tuple[str, str, str], _Sum]) -> FeeRow:
    one, currency = sums[name], name[2]
    rivals = [each for (_, _, other), each in sums.items() if other == currency and each.net > 0]
    return FeeRow(
        provider=name[0],
        way=name[1],
        currency=currency,
        payments=one.payments,
        refunds=one.refunds,
        paid=one.paid,
        given_back=one.given_back,
        fee_mills=one.fee_mills,
        rate_bp=_rate(one),
        cheapest=one.net > 0
        and len(rivals) > 1
        and all(one.fee_mills * each.net <= each.fee_mills * one.net for each in rivals),
    )


def _rate(one: _Sum) -> int:
    if one.net <= 0:
        return -1
    whole = one.net * _MILLS
    return (2 * one.fee_mills * _FULL_BP + whole) // (2 * whole)
