"""Money that a provider took and gave back at our wish: what is heard of it afterwards is nobody's money."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest

from cloud.fakes.faults import Fault
from cloud.gateways.base import Answer, AttemptKey, Bill, BillKind, BillLine, Charge, unresolved
from cloud.gateways.bills import bounds, day_at
from cloud.services.reconcile import differences
from tests.cloud.worlds import World

CODE = "28" + "0" * 16


@contextmanager
def silence(world: World) -> Iterator[None]:
    """Nobody answers questions about orders: neither to a test nor to the server's own sweep."""
    gateway = world.shop.desk.gateways.named("alipay")

    def lost(_attempt: AttemptKey) -> Answer:
        raise unresolved("alipay", "the line broke")

    with patch.object(gateway, "query", lost):
        yield


@pytest.fixture
def reversed_(world: World) -> World:
    """The customer's code was taken, nobody answered, and the guide cancelled: the money went back."""
    world.providers.alipay.faults.then(Fault.LOSE_ANSWER)
    with silence(world):
        assert world.shown.collect(CODE, "alipay").state == "unknown"
        assert world.shown.cancel().state == "cancelled"
    assert world.providers.alipay.trades[world.number].refunded == world.shown.order.total
    return world


def test_the_notice_of_a_payment_that_was_reversed_is_no_late_money(reversed_: World):
    letter = reversed_.providers.alipay.outbox[-1]
    assert reversed_.deliver(letter).text == "success"
    assert reversed_.state == ("cancelled", 0, [])


def test_the_notice_comes_again_while_nobody_can_be_asked(reversed_: World):
    letter = reversed_.providers.alipay.outbox[-1]
    with silence(reversed_):
        assert reversed_.deliver(letter).status_code == 503
    assert reversed_.shop.desk.payments.find(reversed_.shown.key).received == 0
    assert reversed_.deliver(letter).text == "success"
    assert reversed_.state == ("cancelled", 0, [])


def test_an_answer_to_the_code_that_comes_after_the_reversal_is_no_late_money(world: World):
    """The till cancels at another tablet while the answer about the code is still on its way."""
    gateway = world.shop.desk.gateways.named("alipay")
    truly = gateway.pay

    def slowly(charge: Charge, code: str) -> Answer:
        answer = truly(charge, code)
        with silence(world):
            assert world.shown.cancel().state == "cancelled"
        return answer

    with patch.object(gateway, "pay", slowly):
        assert world.shown.collect(CODE, "alipay").state == "cancelled"
    assert world.state == ("cancelled", 0, [])


def test_money_that_truly_came_late_is_booked_after_asking(world: World):
    alipay = world.providers.alipay
    world.start("alipay")
    alipay.scan(world.number)
    assert world.shown.cancel().state == "cancelled"
    alipay.pay(world.number)
    asked = len(alipay.calls)
    assert world.deliver(alipay.outbox[-1]).text == "success"
    assert alipay.calls[asked:] == ["alipay.trade.query"]
    assert world.state == ("confirmed", world.shown.order.total, ["late"])
    assert world.deliver(alipay.outbox[-1]).text == "success"
    assert len(alipay.calls) == asked + 1, "what is booked need not be asked about"


def test_a_bill_across_midnight_heals_no_payment_that_was_reversed(reversed_: World):
    """Paid on one day's bill, given back on the next one's: no money, and no difference either."""
    trade = reversed_.providers.alipay.trades[reversed_.number]
    day, books = day_at(trade.paid_ms), reversed_.shop.desk.bills

    def bill(kind: BillKind, of, number: str = "") -> Bill:
        line = BillLine(
            kind=kind,
            attempt_id=reversed_.shown.key.attempt_id,
            order_number=reversed_.number,
            ref=trade.trade_no,
            amount=trade.total,
            fee_mills=0,
            at_ms=bounds(of)[0] + 1,
            refund_number=number,
        )
        return Bill(of, (line,), number.encode() or b"paid")

    first = books.reconciliation.take("alipay", bill(BillKind.PAYMENT, day), "file")
    back = bill(BillKind.REFUND, day + timedelta(1), "cancel")
    second = books.reconciliation.take("alipay", back, "file")
    assert (first.healed, first.found, second.found) == (0, 0, 0)
    assert reversed_.state == ("cancelled", 0, [])
    tenant = reversed_.shop.tenant
    assert reversed_.shop.cloud.db.read(lambda conn: differences.listed(conn, tenant)) == []
