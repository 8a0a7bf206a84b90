"""What must hold at every moment of a run: nobody is told that an order is closed while it can be paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, OPEN
from cloud.db import payment_tables as books
from cloud.gateways.base import Standing
from tests.torture.invariants import Harm, Kind

if TYPE_CHECKING:
    from tests.torture.money.world import World

_OPEN = [state.value for state in OPEN]
_CLOSED = {state.value for state in CLOSED_UNPAID}
_PAYABLE = ("NOTPAY", "USERPAYING")


def unsure(world: World) -> Iterator[Harm]:
    """Yield every order somebody was told is closed, and that can still be paid in the ordinary way.

    A code of Alipay's that nobody had scanned is left out: it cannot be closed (PAYMENTS.md, 1.4).
    """
    attempt = books.attempt.c
    states = {
        row.attempt_id: row.state
        for row in world.cloud.rows(sa.select(attempt.attempt_id, attempt.state))
    }
    shown = {code.attempt.attempt_id: code.till for code in world.codes}
    for attempt_id, state in states.items():
        till = shown.get(attempt_id)
        if state not in _OPEN or till is None:
            continue
        known = till.attempt(attempt_id)
        if known is not None and known.last.after.state in CLOSED_UNPAID:
            said = f"{attempt_id[:8]}: {known.last.after.state.value} at its till, {state} at the cloud"
            yield Harm(Kind.ALTERED, said)
    closed = {each.replace("-", "") for each, state in states.items() if state in _CLOSED}
    for order in world.cloud.providers.wechat.orders.values():
        if order.out_trade_no in closed and order.state in _PAYABLE:
            said = f"{order.out_trade_no[:8]}: closed here, {order.state} at WeChat Pay"
            yield Harm(Kind.ALTERED, said)
    for row in world.cloud.rows(sa.select(books.sandbox_order)):
        if states.get(row.attempt_id) in _CLOSED and row.standing == Standing.OPEN:
            yield Harm(Kind.ALTERED, f"{row.attempt_id[:8]}: closed here, open in the sandbox")
