"""Days of a make-believe account: what our ledger holds, what the provider bills, and planted differences.

The files are written by the make-believe providers' own code, which shares nothing with the reader.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app.domain.payment import Way
from cloud.bootstrap import Cloud
from cloud.db import bill_tables, payment_tables, refund_tables, tables
from cloud.db.rows import insert_rows
from cloud.db.state import ensure_tenant
from cloud.fakes import alipay_bill, wechat_bill
from cloud.gateways.base import AttemptKey, RefundStanding
from cloud.gateways.bills import bounds
from cloud.gateways.numbers import order_number
from cloud.gateways.registry import Gateways
from cloud.services.giving_back import GivingBack
from cloud.services.live import LocalNewsroom
from cloud.services.payments import Payments
from cloud.services.reconcile.compare import Reason
from cloud.services.reconcile.reconciliation import Reconciliation
from tests.cloud.gateways.benches import alipay_bench, wechat_bench
from tests.cloud.planting import PLANTS, STORES, Plant, plant_currency

SELLER, MCHID, APPID = "2088000000000001", "1900000001", "wx8888888888888888"
FIRST = date(2026, 3, 1)
Planted = tuple[str, str, str]
"""Day, reason and subject of a difference."""


@dataclass(frozen=True)
class Entry:
    """A movement as the provider has it."""

    ref: str
    order: str
    at_ms: int
    amount: int
    refund_number: str = ""
    currency: str = "CNY"
    store: str = ""


@dataclass(frozen=True)
class Payment:
    """A payment as both sides have it, with a refund of part of it or without."""

    store: str
    attempt_id: str
    ref: str
    amount: int
    at_ms: int
    back: int = 0
    number: str = ""
    by_code: bool = False
    tenant: str = ""

    @property
    def entry(self) -> Entry:
        order = order_number(AttemptKey(self.tenant, self.store, self.attempt_id))
        return Entry(self.ref, order, self.at_ms, self.amount, store=self.store)

    @property
    def entries(self) -> list[Entry]:
        """What the provider has of it: the payment, and what went back."""
        back = replace(self.entry, amount=self.back, refund_number=self.number)
        return [self.entry, back] if self.back else [self.entry]


@dataclass
class Billed:
    """A day: what the provider will bill, and what was planted into either side."""

    day: date
    entries: list[Entry] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)

    def plant(self, reason: Reason, subject: str) -> None:
        self.planted.append((self.day.isoformat(), reason.value, subject))


@dataclass
class Account:
    """One merchant account of a brand with three stores, and the ledger behind it."""

    cloud: Cloud
    name: str
    dice: random.Random
    reconciliation: Reconciliation
    tenant: str
    over: list[Entry] = field(default_factory=list)
    """Payments of the last second of a day, which its provider bills with the next."""

    def day(self, day: date, payments: int, planted: int) -> Billed:
        """Live a day: write our ledger, return what the provider has of it."""
        begin, end = bounds(day)
        made = [self.payment(begin, end) for _ in range(payments)]
        billed = Billed(day, list(self.over))
        # Refunds of the late ones would stand on this day's bill as well; they have none.
        self.over = []
        victims = self.dice.sample(range(payments), min(planted, payments))
        kinds = {at: self.dice.choice(self.kinds) for at in victims}
        money: list[Payment] = []
        for at, each in enumerate(made):
            if at in kinds:
                money += kinds[at](self, billed, each)
                continue
            if self.dice.random() < 0.03:
                each = replace(each, at_ms=end - 1_000, back=0)
                self.over.append(each.entry)
            else:
                billed.entries += each.entries
            money.append(each)
        self.write(made, money)
        self.dice.shuffle(billed.entries)
        return billed

    def payment(self, begin: int, end: int) -> Payment:
        dice = self.dice
        amount = dice.randrange(1, 500_000)
        back = dice.randrange(1, amount + 1) if dice.random() < 0.1 else 0
        return Payment(
            store=dice.choice(STORES),
            attempt_id=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            ref=f"{dice.getrandbits(90):028d}",
            amount=amount,
            at_ms=dice.randrange(begin // 1_000, end // 1_000) * 1_000,
            back=back,
            number=f"r{dice.getrandbits(64):020d}" if back else "",
            tenant=self.tenant,
        )

    @property
    def kinds(self) -> tuple[Plant, ...]:
        return (
            PLANTS if self.name == "wechat" else tuple(p for p in PLANTS if p is not plant_currency)
        )

    def file(self, billed: Billed) -> bytes:
        """Return the bill of a day as the provider would write it."""
        if self.name == "alipay":
            lines = [
                alipay_bill.Entry(
                    each.ref,
                    each.order,
                    each.at_ms,
                    each.amount,
                    alipay_bill.fee(each.amount),
                    each.refund_number,
                    each.store,
                )
                for each in billed.entries
            ]
            return alipay_bill.written(lines, SELLER, billed.day.isoformat())
        rows = [
            wechat_bill.Entry(
                each.ref,
                each.order,
                each.at_ms,
                each.amount,
                each.refund_number,
                each.currency,
                f"{self.tenant}.{each.store}" if each.store else "",
                "MICROPAY" if each.amount % 2 else "JSAPI",
            )
            for each in billed.entries
        ]
        return wechat_bill.written(rows, MCHID, APPID)

    def found(self) -> Counter[Planted]:
        """Return every difference that is written down, settled ones too."""
        columns = bill_tables.bill_difference.c
        query = sa.select(columns.day, columns.reason, columns.subject).where(
            columns.account == self.name
        )
        with self.cloud.db.reading() as conn:
            return Counter((row.day, row.reason, row.subject) for row in conn.execute(query))

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """Return all rows of a table, in the order of its key."""
        query = sa.select(table).order_by(*table.primary_key.columns)
        with self.cloud.db.reading() as conn:
            return [dict(row) for row in conn.execute(query).mappings()]

    # --- our ledger -----------------------------------------------------------------------------

    def write(self, made: Iterable[Payment], money: Iterable[Payment]) -> None:
        orders, heard, back = list(made), list(money), []
        known = {each.attempt_id for each in orders}
        orders += [each for each in heard if each.attempt_id not in known]
        twice = [each for each in heard if each.store not in STORES]
        back = [each for each in heard if each.back]
        paid = {each.attempt_id for each in heard}
        attempts = [self._attempt(each, each.attempt_id in paid) for each in orders]
        attempts += [self._attempt(each, True) for each in twice if each.attempt_id in known]

        def put(conn: sa.Connection) -> None:
            insert_rows(conn, payment_tables.attempt, attempts)
            insert_rows(conn, payment_tables.money, [self._money(each) for each in heard])
            insert_rows(conn, refund_tables.refund, [self._refund(each) for each in back])

        self.cloud.db.write(put)

    def attempt(self, each: Payment, *, paid: bool = True) -> None:
        """Write one order, and the payment if it was heard."""
        self.write([each], [each] if paid else [])

    def _attempt(self, each: Payment, paid: bool) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "store_id": each.store,
            "attempt_id": each.attempt_id,
            "device_id": f"till of {each.store}",
            "sale_id": each.attempt_id,
            "token": f"T{each.attempt_id}",
            "order_bytes": b"{}",
            "amount": each.amount,
            "currency": "CNY",
            "created_ms": each.at_ms - 60_000,
            "expires_ms": each.at_ms + 240_000,
            "state": "confirmed" if paid else "expired",
            "anomalies": "",
            "received": each.amount if paid else 0,
            "provider": self.name,
            "provider_ref": each.ref if paid else "",
            "looked_ms": each.at_ms - 30_000,
            "way": Way.CODE.value if each.by_code else Way.PAGE.value,
            "paid_ms": each.at_ms if paid else 0,
            "changed_ms": each.at_ms,
            "version": 1,
        }

    def _money(self, each: Payment) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "store_id": each.store,
            "provider": self.name,
            "ref": each.ref,
            "attempt_id": each.attempt_id,
            "amount": each.amount,
            "at_ms": each.at_ms,
        }

    def _refund(self, each: Payment) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "store_id": each.store,
            "number": each.number,
            "request": each.number,
            "attempt_id": each.attempt_id,
            "device_id": f"till of {each.store}",
            "document_id": "",
            "provider": self.name,
            "payment_ref": each.ref,
            "total": each.amount,
            "ref": "",
            "amount": each.back,
            "currency": "CNY",
            "reason": "",
            "actor": "",
            "standing": RefundStanding.DONE.value,
            "word": "",
            "accepted_ms": each.at_ms,
            "next_ms": 0,
            "belied_ms": 0,
            "created_ms": each.at_ms,
            "changed_ms": each.at_ms,
            "version": 1,
        }


def open_account(cloud: Cloud, name: str, seed: int, *, shared: bool = False) -> Account:
    """Return an account of that provider at a cloud with three stores."""
    bench = alipay_bench() if name == "alipay" else wechat_bench()
    newsroom = LocalNewsroom()
    gateways = Gateways({name: bench.gateway}, name)
    payments = Payments(cloud.db, gateways, newsroom, cloud.clock)
    tenant = cloud.db.write(lambda conn: ensure_tenant(conn, cloud.clock()))
    giving_back = GivingBack(cloud.db, gateways, newsroom, payments)
    reconciliation = Reconciliation(
        cloud.db, gateways, payments, giving_back, newsroom, tenant, lambda _name: shared
    )

    def put(conn: sa.Connection) -> None:
        insert_rows(
            conn,
            tables.store,
            [
                {
                    "tenant_id": tenant,
                    "store_id": store,
                    "name": "",
                    "name_en": "",
                    "created_ms": 0,
                    "devices": 0,
                }
                for store in STORES
            ],
        )

    with cloud.db.reading() as conn:
        known = conn.scalar(sa.select(sa.func.count()).select_from(tables.store))
    if not known:
        cloud.db.write(put)
    return Account(cloud, name, random.Random(seed), reconciliation, tenant)


def days(count: int) -> list[date]:
    """Return so many days, one after the other."""
    return [FIRST + timedelta(each) for each in range(count)]
