"""Clocks that are wrong or jump: no order, number or id depends on them, and no payment ends early."""

from __future__ import annotations

import pytest

from app.domain.payment import State
from app.domain.times import TimeQuality
from app.wire.journal import Record
from tests.unit.services.till import Till, ask, shown

YEAR_MS = 365 * 24 * 3_600_000
HOUR_MS = 3_600_000


@pytest.mark.fault(10, "receipts go on in order; the times of such sales are marked as unsure")
@pytest.mark.parametrize("off", [-2 * YEAR_MS, 10 * YEAR_MS], ids=["2 years back", "10 ahead"])
def test_a_clock_that_is_years_off_changes_no_order_and_no_number(till: Till, off: int) -> None:
    right = till.clock.wall_ms
    sales = []
    for wall in (right, right + off, right, right + off + 1, right):
        till.clock.set_wall(wall)
        sales.append(till.sell_for_cash(till.basket()))
    numbers = [int(sale.receipt_no.rpartition("-")[2]) for sale in sales]
    assert numbers == [1, 2, 3, 4, 5]
    assert len({sale.sale_id for sale in sales}) == 5
    unsent = till.do(lambda uow: uow.unsent(max_records=99, max_bytes=10**7))
    records = [record for record in unsent.records if isinstance(record, Record)]
    ids = [record.header.rec_id for record in records]
    assert ids == [sale.sale_id for sale in sales]
    assert {sale.at.quality for sale in sales} == {TimeQuality.WALL}
    assert till.store.verify_journal() is None
    till.restart()
    assert till.sell_for_cash(till.basket()).receipt_no.endswith("000006")


@pytest.mark.fault(11, "nothing: the cart stays, the QR stays payable for as long as it said")
@pytest.mark.parametrize("jump", [-HOUR_MS, HOUR_MS, 1_000, 10 * YEAR_MS])
def test_a_clock_that_jumps_while_a_cart_is_open_ends_no_payment(till: Till, jump: int) -> None:
    till.clock.anchor(till.clock.wall_ms)
    priced = till.basket()
    attempt_id = shown(till, priced)
    till.clock.set_wall(till.clock.wall_ms + jump)
    assert ask(till, attempt_id).state.state is State.WAITING
    till.gateway.pay(attempt_id)
    assert ask(till, attempt_id).sale is not None
    till.clock.advance(600)
    late = shown(till)
    till.clock.advance(5 * 60 + 1)
    assert ask(till, late).state.state is State.EXPIRED
