"""A make-believe provider with books of its own, for the demo shop, rehearsals and tests. No real money.

Its orders and payments lie in tables nobody else reads; it speaks to the shop's side only through
`Answer`, as a real provider's query and notification do. A payment's number begins with the merchant's,
"<tenant>.<store>.<random>", as providers' numbers do: so the wallet's page, which knows the number
alone, finds the books it is in. What a payer does with that page is a method here, faults included. What
it gives back stands among its payments below zero. A customer's code scripts itself: see `pay`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.domain.times import SHOP_ZONE
from app.errors import Code, RuleBroken, Trouble
from cloud.db import payment_tables as tables
from cloud.db.base import Database
from cloud.db.columns import rows_of
from cloud.db.distribution import across
from cloud.gateways.base import (
    Answer,
    AttemptKey,
    Bill,
    BillKind,
    BillLine,
    Charge,
    Listener,
    Money,
    Notice,
    NoticeRefused,
    Offer,
    Refund,
    RefundAnswer,
    RefundStanding,
    Reply,
    Standing,
    Started,
    Wallet,
    unresolved,
)
from cloud.gateways.numbers import order_number
from cloud.gateways.sandbox_codes import ShownCodes

_orders = tables.sandbox_order
_money = tables.sandbox_money


@dataclass(frozen=True, slots=True)
class WalletOrder:
    """An order as the wallet shows it. `silent`: it has stalled and the provider answers nobody."""

    payment_id: str
    attempt: AttemptKey
    merchant: str
    amount: int
    currency: str
    expires_ms: int
    back: str
    standing: Standing
    silent: bool


class SandboxGateway:
    """The sandbox behind the `Gateway` protocol. `notify` is set once, by whoever wires the cloud."""

    name = "sandbox"
    wallet = Wallet.ANY
    offers = frozenset({Offer.QR, Offer.CODE, Offer.REFUND, Offer.BILL, Offer.AGAIN})

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self.notify: Listener = lambda attempt, answer: None
        self.codes = ShownCodes()

    # --- what the shop's side asks ---

    def create(self, charge: Charge) -> Started:
        """Open an order, or return the one the attempt already has."""

        def put(conn: sa.Connection) -> str:
            known = conn.execute(
                sa.select(_orders.c.payment_id).where(_of_attempt(charge.attempt))
            ).scalar()
            if known is not None:
                return str(known)
            of = charge.attempt
            payment_id = f"{of.tenant}.{of.store}.{secrets.token_hex(16)}"
            conn.execute(
                _orders.insert().values(
                    **_books_of(payment_id),
                    payment_id=payment_id,
                    attempt_id=of.attempt_id,
                    merchant=charge.merchant,
                    amount=charge.amount,
                    currency=charge.currency,
                    expires_ms=charge.expires_ms,
                    back=charge.back,
                    standing=Standing.OPEN.value,
                    silent=False,
                )
            )
            return payment_id

        try:
            payment_id = self._database.write(put)
        except sa.exc.IntegrityError:  # the other of two quick taps was first
            payment_id = self._database.write(put)
        return Started(payment_id, f"/wallet/{payment_id}")

    def query(self, attempt: AttemptKey) -> Answer:
        """Return what the books hold. Raises Trouble(PAYMENT_UNRESOLVED) while stalled."""
        return self._database.read(lambda conn: _answer(conn, attempt))

    def close(self, attempt: AttemptKey) -> Answer:
        """Close unpaid; paid stays paid. Raises Trouble(PAYMENT_UNRESOLVED) while stalled."""

        def shut(conn: sa.Connection) -> Answer:
            lock = sa.select(_orders.c.payment_id).where(_of_attempt(attempt))
            conn.execute(lock.with_for_update())
            if _answer(conn, attempt).standing is Standing.OPEN:
                _set(conn, _of_attempt(attempt), standing=Standing.CLOSED)
            return _answer(conn, attempt)

        return self._database.write(shut)

    def pay(self, charge: Charge, code: str) -> Answer:
        """Collect by a customer's code, which scripts what happens by its last digit.

        1 declines · 2 asks for a password, so the payer's page decides · 3 takes the money and loses the
        answer · 4 falls silent first · anything else pays.
        """
        payment_id = self.codes.use(code, self.create(charge).ref)
        match code[-1:]:
            case "1":
                self.decline(payment_id)
            case "2":
                return Answer(Standing.PAYING)
            case "3":
                self.approve(payment_id)
                raise unresolved(self.name, "scripted: the answer is lost")
            case "4":
                self.stall(payment_id)
            case _:
                self.approve(payment_id)
        return self.query(charge.attempt)

    def cancel(self, attempt: AttemptKey) -> Answer:
        """Close what is unpaid, give back all of what is paid."""
        answer = self.close(attempt)
        left = sum(piece.amount for piece in answer.money)
        if answer.standing is not Standing.PAID:
            return answer
        self.refund(Refund(attempt, "cancel", answer.money[0].ref, left, left, ""))
        return Answer(Standing.REVERSED)

    def refund(self, refund: Refund) -> RefundAnswer:
        """Give back at once, as long as enough is left of what was paid."""

        def back(conn: sa.Connection) -> RefundAnswer:
            order = conn.execute(
                sa.select(_orders).where(_of_attempt(refund.attempt)).with_for_update()
            ).one_or_none()
            if order is None:
                return RefundAnswer(RefundStanding.REFUSED, reason="no_order")
            known = _refunded(conn, order.payment_id, refund)
            if known is not None:
                return known
            pieces = _money.c.amount
            left: int = conn.execute(
                sa.select(sa.func.coalesce(sa.func.sum(pieces), 0)).where(
                    _numbered(_money, order.payment_id)
                )
            ).scalar_one()
            if refund.amount > left or refund.amount <= 0:
                return RefundAnswer(RefundStanding.REFUSED, reason="more_than_left")
            row = {"ref": _refund_ref(refund), "payment_id": order.payment_id}
            values = _books_of(order.payment_id) | row
            conn.execute(
                _money.insert().values(**values, amount=-refund.amount, at_ms=self._now_ms())
            )
            return RefundAnswer(RefundStanding.DONE, row["ref"], refund.amount)

        return self._database.write(back)

    def refund_query(self, refund: Refund) -> RefundAnswer:
        """Return what the books hold about a refund."""

        def look(conn: sa.Connection) -> RefundAnswer:
            order = conn.execute(
                sa.select(_orders).where(_of_attempt(refund.attempt))
            ).one_or_none()
            known = order and _refunded(conn, order.payment_id, refund)
            return known or RefundAnswer(RefundStanding.ABSENT)

        return self._database.read(look)

    def bill(self, day: date) -> Bill:
        """List what was paid and given back on a day in China's time. It costs nothing."""
        begin = datetime(day.year, day.month, day.day, tzinfo=SHOP_ZONE)
        at_ms = int(begin.timestamp() * 1000), int((begin + timedelta(1)).timestamp() * 1000)
        same = [
            _money.c[name] == _orders.c[name] for name in ("tenant_id", "store_id", "payment_id")
        ]
        query = (
            sa.select(_money, _orders.c.attempt_id)
            .join(_orders, sa.and_(*same))
            .where(_money.c.at_ms >= at_ms[0], _money.c.at_ms < at_ms[1])
            .order_by(_money.c.at_ms, _money.c.ref)
        )
        rows = self._database.read(lambda conn: conn.execute(across(query, "bill")).all())
        return Bill(day, tuple(_line(row) for row in rows), b"")

    def hear(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Refuse: the sandbox speaks by `notify`, inside the house, and to nobody over HTTP."""
        raise NoticeRefused("the sandbox sends no requests", Reply(404))

    # --- what the payer does on the wallet page ---

    def order(self, payment_id: str) -> WalletOrder:
        """Return an order for its wallet page. Raises RuleBroken(PAYMENT_UNKNOWN)."""
        return self._database.read(lambda conn: _find(conn, payment_id))

    def approve(self, payment_id: str) -> None:
        """Pay once; an order that is no longer open stays as it is, so a double tap pays once."""
        self._run_out(payment_id, self._now_ms())
        self._pay(payment_id, {Standing.OPEN})

    def decline(self, payment_id: str) -> None:
        """Say no for good."""

        def refuse(conn: sa.Connection) -> WalletOrder:
            order = _find(conn, payment_id, lock=True)
            if order.standing is Standing.OPEN and not order.silent:
                _set(conn, _numbered(_orders, payment_id), standing=Standing.DECLINED)
            return order

        self._speak(self._database.write(refuse))

    def stall(self, payment_id: str) -> None:
        """Fall silent: from now on the provider answers nobody, until `resume`."""

        def hush(conn: sa.Connection) -> None:
            if _find(conn, payment_id, lock=True).standing is Standing.OPEN:
                _set(conn, _numbered(_orders, payment_id), silent=True)

        self._database.write(hush)

    def resume(self, payment_id: str) -> None:
        """Find the voice again and report the payment that had gone through all along."""

        def wake(conn: sa.Connection) -> None:
            _find(conn, payment_id, lock=True)
            _set(conn, _numbered(_orders, payment_id), silent=False)

        self._database.write(wake)
        self._pay(payment_id, {Standing.OPEN, Standing.CLOSED})

    def pay_late(self, payment_id: str) -> None:
        """Let the order run out if it is open, then take the money all the same, as providers may."""
        self._run_out(payment_id)
        self._pay(payment_id, {Standing.CLOSED, Standing.DECLINED})

    def pay_twice(self, payment_id: str) -> None:
        """Pay, and pay the same order again."""
        self._run_out(payment_id, self._now_ms())
        self._pay(payment_id, {Standing.OPEN})
        self._pay(payment_id, {Standing.PAID})

    def _run_out(self, payment_id: str, now_ms: int | None = None) -> None:
        """Close an open order and say so; with `now_ms` only if its time is over by then."""

        def shut(conn: sa.Connection) -> WalletOrder | None:
            order = _find(conn, payment_id, lock=True)
            in_time = now_ms is not None and now_ms < order.expires_ms
            if order.standing is not Standing.OPEN or order.silent or in_time:
                return None
            _set(conn, _numbered(_orders, payment_id), standing=Standing.CLOSED)
            return order

        closed = self._database.write(shut)
        if closed is not None:
            self._speak(closed)

    def _pay(self, payment_id: str, allowed: set[Standing]) -> None:
        def book(conn: sa.Connection) -> WalletOrder:
            order = _find(conn, payment_id, lock=True)
            if order.standing in allowed and not order.silent:
                conn.execute(
                    _money.insert().values(
                        **_books_of(payment_id),
                        ref=secrets.token_hex(10),
                        payment_id=payment_id,
                        amount=order.amount,
                        at_ms=self._now_ms(),
                    )
                )
                _set(conn, _numbered(_orders, payment_id), standing=Standing.PAID)
            return order

        self._speak(self._database.write(book))

    def _speak(self, order: WalletOrder) -> None:
        """Notify the shop's side of how the order stands now; a stalled one says nothing."""
        if not self.order(order.payment_id).silent:
            self.notify(order.attempt, self.query(order.attempt))


def _books_of(payment_id: str) -> dict[str, str]:
    """Return whose books a payment's number says it is in. Raises RuleBroken(PAYMENT_UNKNOWN)."""
    tenant, _, rest = payment_id.partition(".")
    store, _, number = rest.partition(".")
    if not number or "\0" in payment_id:
        raise RuleBroken(Code.PAYMENT_UNKNOWN)
    return {"tenant_id": tenant, "store_id": store}


def _numbered(table: sa.Table, payment_id: str) -> sa.ColumnElement[bool]:
    return rows_of(table, **_books_of(payment_id), payment_id=payment_id)


def _of_attempt(attempt: AttemptKey) -> sa.ColumnElement[bool]:
    return rows_of(
        _orders, tenant_id=attempt.tenant, store_id=attempt.store, attempt_id=attempt.attempt_id
    )


def _find(conn: sa.Connection, payment_id: str, *, lock: bool = False) -> WalletOrder:
    query = sa.select(_orders).where(_numbered(_orders, payment_id))
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise RuleBroken(Code.PAYMENT_UNKNOWN)
    return WalletOrder(
        payment_id=row.payment_id,
        attempt=AttemptKey(row.tenant_id, row.store_id, row.attempt_id),
        merchant=row.merchant,
        amount=row.amount,
        currency=row.currency,
        expires_ms=row.expires_ms,
        back=row.back,
        standing=Standing(row.standing),
        silent=row.silent,
    )


def _answer(conn: sa.Connection, attempt: AttemptKey) -> Answer:
    row = conn.execute(sa.select(_orders).where(_of_attempt(attempt))).one_or_none()
    if row is None:
        return Answer(Standing.ABSENT)
    if row.silent:
        raise Trouble(Code.PAYMENT_UNRESOLVED, retryable=True, attempt=attempt.attempt_id)
    came = sa.and_(_numbered(_money, row.payment_id), _money.c.amount > 0)
    paid = sa.select(_money).where(came).order_by(_money.c.at_ms)
    money = tuple(Money(piece.ref, piece.amount, piece.at_ms) for piece in conn.execute(paid))
    return Answer(Standing(row.standing), money)


def _refund_ref(refund: Refund) -> str:
    """Return the key of a refund among the payments: its number is unique within the attempt."""
    return f"back.{refund.attempt.attempt_id}.{refund.number}"


def _refunded(conn: sa.Connection, payment_id: str, refund: Refund) -> RefundAnswer | None:
    """Return a refund that is in the books. Raises RuleBroken(REFERENCE_ALREADY_USED)."""
    ref = _refund_ref(refund)
    which = rows_of(_money, **_books_of(payment_id), ref=ref)
    amount = conn.execute(sa.select(_money.c.amount).where(which)).scalar()
    if amount is None:
        return None
    if amount != -refund.amount:
        raise RuleBroken(Code.REFERENCE_ALREADY_USED)
    return RefundAnswer(RefundStanding.DONE, ref, refund.amount)


def _line(row: sa.Row[tuple[object, ...]]) -> BillLine:
    is_refund = row.amount < 0
    return BillLine(
        kind=BillKind.REFUND if is_refund else BillKind.PAYMENT,
        attempt_id=row.attempt_id,
        order_number=order_number(AttemptKey(row.tenant_id, row.store_id, row.attempt_id)),
        ref=row.ref,
        amount=abs(row.amount),
        fee_mills=0,
        at_ms=row.at_ms,
        refund_number=row.ref.rsplit(".", 1)[1] if is_refund else "",
        store=row.store_id,
    )


def _set(conn: sa.Connection, which: sa.ColumnElement[bool], **values: Standing | bool) -> None:
    plain = {
        name: value.value if isinstance(value, Standing) else value
        for name, value in values.items()
    }
    conn.execute(_orders.update().where(which).values(**plain))
