"""What must hold at every moment of a run: nobody is told that an order is closed while it can be paid or was
paid before, and what is about to be collected is on record first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, OPEN, PAID_STATES, Anomaly, Event, Way
from cloud.db import payment_tables as books
from cloud.gateways.base import AttemptKey, Standing
from cloud.gateways.numbers import order_number
from tests.torture.invariants import Harm, Kind
from tests.torture.money.providers import ALIPAY, WECHAT

if TYPE_CHECKING:
    from tests.torture.money.till import MoneyTill
    from tests.torture.money.world import World

_OPEN = [state.value for state in OPEN]
_CLOSED = {state.value for state in CLOSED_UNPAID}
_PAID = {state.value for state in PAID_STATES}
_PAYABLE = ("NOTPAY", "USERPAYING")


def unsure(world: World) -> Iterator[Harm]:
    """Yield every order somebody was told is closed although it can still be paid in the ordinary way, or was
    paid; and every one that was collected without a word of it on record.

    A code of Alipay's that nobody had scanned is left out: it cannot be closed (PAYMENTS.md, 1.4).
    """
    columns = books.attempt.c
    wanted = (
        "tenant_id",
        "store_id",
        "attempt_id",
        "state",
        "anomalies",
        "provider",
        "way",
        "changed_ms",
    )
    rows = world.cloud.rows(sa.select(*(columns[name] for name in wanted)))
    attempts = {row.attempt_id: row for row in rows}
    shown = {code.attempt.attempt_id: code.till for code in world.codes}
    for row in rows:
        if row.attempt_id in shown:
            yield from _at_its_till(shown[row.attempt_id], row)
    yield from _at_wechat(world, attempts)
    yield from _at_alipay(world, attempts)
    for order in world.cloud.rows(sa.select(books.sandbox_order)):
        ours = attempts.get(order.attempt_id)
        if ours is not None and ours.state in _CLOSED and order.standing == Standing.OPEN:
            yield Harm(Kind.ALTERED, f"{order.attempt_id[:8]}: closed here, open in the sandbox")


def _at_its_till(till: MoneyTill, row: Any) -> Iterator[Harm]:
    known = till.attempt(row.attempt_id)
    if known is None:
        return
    state, name = known.last.after.state, row.attempt_id[:8]
    in_time = row.state in _PAID and Anomaly.LATE not in row.anomalies.split()
    if state in CLOSED_UNPAID and (row.state in _OPEN or in_time):
        yield Harm(Kind.ALTERED, f"{name}: {state.value} at its till, {row.state} at the cloud")
    if row.way == Way.CODE and not _has_step(till, row.attempt_id, Event.COLLECTING):
        yield Harm(Kind.ALTERED, f"{name}: collected, and its till has no word of it")


def _has_step(till: MoneyTill, attempt_id: str, event: Event) -> bool:
    query = (
        "SELECT 1 FROM payment_step s JOIN journal j ON j.rec_id = s.step_id"
        " WHERE s.attempt_id = ? AND instr(j.body, ?) LIMIT 1"
    )
    said = f'"event":"{event.value}"'.encode()
    return till.data.execute(query, (attempt_id, said)).fetchone() is not None


def _at_wechat(world: World, attempts: Mapping[str, Any]) -> Iterator[Harm]:
    for key, row in attempts.items():
        order = world.cloud.providers.wechat.orders.get(_number(row))
        if order is None or row.state not in _CLOSED:
            continue
        if order.state in _PAYABLE:
            yield Harm(Kind.ALTERED, f"{key[:8]}: closed here, {order.state} at WeChat Pay")
        elif row.provider == WECHAT and 0 < order.paid_ms < row.changed_ms and not order.refunds:
            yield Harm(Kind.ALTERED, f"{key[:8]}: closed here, paid before at WeChat Pay")


def _at_alipay(world: World, attempts: Mapping[str, Any]) -> Iterator[Harm]:
    for key, row in attempts.items():
        trade = world.cloud.providers.alipay.trades.get(_number(row))
        if trade is None or row.state not in _CLOSED or row.provider != ALIPAY:
            continue
        if row.way == Way.CODE and trade.status == "WAIT_BUYER_PAY":
            yield Harm(Kind.ALTERED, f"{key[:8]}: closed here, {trade.status} at Alipay")
        elif 0 < trade.paid_ms < row.changed_ms and not trade.refunds:
            yield Harm(Kind.ALTERED, f"{key[:8]}: closed here, paid before at Alipay")


def _number(row: Any) -> str:
    return order_number(AttemptKey(row.tenant_id, row.store_id, row.attempt_id))
