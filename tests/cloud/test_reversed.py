"""Money that a provider took and gave back at our wish: what is heard of it afterwards is nobody's money."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from app.wire.tasks import TAKEN_BACK
from cloud.db import payment_tables as books
from cloud.db.task_tables import task
from cloud.fakes.faults import Fault
from cloud.gateways.base import Answer, AttemptKey, Bill, BillKind, BillLine, Charge, unresolved
from cloud.gateways.bills import bounds, day_at
from cloud.services.afterwards import LAST_LOOK_MS
from cloud.services.reconcile import differences
from cloud.services.reversing import REVERSING, UNDER_WAY_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES
from tests.cloud.test_by_hand import vouch
from tests.cloud.tillside import push_sale, sold, wish
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


# --- while it is not known whether the order was reversed -------------------------------------------


def in_doubt(world: World, fault: Fault) -> None:
    """The code's answer was lost, and the guide's cancelling meets this fault."""
    alipay = world.providers.alipay
    alipay.faults.then(Fault.LOSE_ANSWER)
    with silence(world):
        assert world.shown.collect(CODE, "alipay").state == "unknown"
        alipay.faults.then(fault)
        assert world.shown.cancel().state == "unknown"
    assert alipay.calls[-1] == "alipay.trade.cancel" or fault is Fault.LOSE_REQUEST


def history(world: World) -> list[str]:
    query = sa.select(books.event.c.event).order_by(books.event.c.version)
    with world.shop.cloud.db.reading() as conn:
        return list(conn.scalars(query))


def tasks(world: World) -> list[tuple[str, str, int]]:
    query = sa.select(task.c.code, task.c.state, task.c.amount).where(task.c.kind == "money")
    with world.shop.cloud.db.reading() as conn:
        return [(row.code, row.state, row.amount) for row in conn.execute(query)]


def refunded(world: World) -> int:
    return world.providers.alipay.trades[world.number].refunded


def test_money_heard_while_the_answer_to_its_reversal_is_lost_is_asked_about(world: World):
    """The query was lost, the cancelling was done and its answer lost, and then the notice comes again."""
    in_doubt(world, Fault.LOSE_ANSWER)
    assert refunded(world) == world.shown.order.total
    assert world.deliver(world.providers.alipay.outbox[-1]).text == "success"
    assert world.state == ("expired", 0, [])


def test_money_whose_reversal_never_arrived_is_booked_once_that_is_certain(
    world: World, clock: Clock
):
    in_doubt(world, Fault.LOSE_REQUEST)
    letter = world.providers.alipay.outbox[-1]
    assert world.deliver(letter).status_code == 503, "it may still be on its way"
    assert world.shop.desk.payments.find(world.shown.key).received == 0
    clock.ahead_ms += UNDER_WAY_MS
    assert world.deliver(letter).text == "success"
    assert world.state == ("confirmed", world.shown.order.total, [])
    assert refunded(world) == 0


def test_money_is_not_booked_while_its_reversal_is_on_its_way(world: World):
    gateway = world.shop.desk.gateways.named("alipay")
    truly = gateway.cancel
    world.providers.alipay.faults.then(Fault.LOSE_ANSWER)

    def late(key: AttemptKey) -> Answer:
        letter = world.providers.alipay.outbox[-1]
        with patch.object(gateway, "query", asked):
            assert world.deliver(letter).status_code == 503
        return truly(key)

    asked = gateway.query
    with silence(world), patch.object(gateway, "cancel", late):
        assert world.shown.collect(CODE, "alipay").state == "unknown"
        assert world.shown.cancel().state == "cancelled"
    assert world.state == ("cancelled", 0, [])


def test_what_was_booked_while_its_provider_kept_silent_is_not_reversed(world: World):
    """The notice comes between the question nobody answers and the reversal that would follow it."""
    gateway = world.shop.desk.gateways.named("alipay")
    world.providers.alipay.faults.then(Fault.LOSE_ANSWER)

    def heard_meanwhile(_key: AttemptKey) -> Answer:
        assert world.deliver(world.providers.alipay.outbox[-1]).text == "success"
        raise unresolved("alipay", "the line broke")

    with silence(world):
        assert world.shown.collect(CODE, "alipay").state == "unknown"
    with patch.object(gateway, "query", heard_meanwhile):
        assert world.shown.cancel().state == "confirmed"
    assert "alipay.trade.cancel" not in world.providers.alipay.calls
    assert refunded(world) == 0


def test_the_answer_to_the_code_comes_while_its_reversal_is_in_doubt(world: World):
    gateway = world.shop.desk.gateways.named("alipay")
    truly = gateway.pay

    def slowly(charge: Charge, code: str) -> Answer:
        answer = truly(charge, code)
        world.providers.alipay.faults.then(Fault.LOSE_ANSWER)
        with silence(world):
            assert world.shown.cancel().state == "unknown"
        return answer

    with patch.object(gateway, "pay", slowly):
        assert world.shown.collect(CODE, "alipay").state == "cancelled"
    assert world.state == ("cancelled", 0, [])


def test_that_an_order_is_reversed_in_the_place_of_closing_is_written_down_before(world: World):
    """WeChat closes no order that a code began: while the password is typed, closing reverses it."""
    assert world.shown.collect("13" + "0" * 15 + "2", "wechat").state in ("waiting", "unknown")
    assert world.shown.cancel().state == "cancelled"
    told = history(world)
    assert REVERSING in told
    assert told.index(REVERSING) < told.index("closed")


def test_what_a_manager_saw_is_not_proved_by_money_that_is_being_reversed(
    world: World, clock: Clock
):
    in_doubt(world, Fault.LOSE_ANSWER)
    vouch(world.shown.till, world.shown)
    clock.ahead_ms += FIVE_MINUTES
    world.shop.desk.payments.sweep()
    attempt = world.shop.desk.payments.find(world.shown.key)
    assert (attempt.received, attempt.vouched) == (0, "denied")
    assert tasks(world) == [("unproven", "open", world.shown.order.total)]


# --- money that went back although it counted ------------------------------------------------------


def paid_and_sold(world: World) -> None:
    world.start("alipay")
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)
    world.deliver(world.providers.alipay.outbox[-1])
    push_sale(world.shown.till, sold(world.shown))
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_that_booked_money_went_back_is_an_error_and_a_task_once(
    world: World, caplog: pytest.LogCaptureFixture
):
    paid_and_sold(world)
    assert tasks(world) == []
    gateway = world.shop.desk.gateways.named("alipay")
    gateway.cancel(
        world.shown.key
    )  # in the provider's console, or a call of ours that came so late
    for _ in range(2):
        world.shop.desk.payments.heard(world.shown.key, gateway.query(world.shown.key), "alipay")
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert "counts as paid" in caplog.text
    assert tasks(world) == [(TAKEN_BACK, "open", world.shown.order.total)]
    assert world.state == ("confirmed", world.shown.order.total, []), "a success is never undone"


def test_money_that_we_refunded_is_not_missed(world: World):
    paid_and_sold(world)
    asked = wish(world.shown, world.shown.order.total)
    assert world.shop.desk.giving_back.give_back(asked).standing == "done"
    answer = world.shop.desk.gateways.named("alipay").query(world.shown.key)
    assert answer.standing == "reversed"
    world.shop.desk.payments.heard(world.shown.key, answer, "alipay")
    assert tasks(world) == []


def test_a_reversal_that_arrives_after_all_is_heard_at_the_last_look(world: World, clock: Clock):
    in_doubt(world, Fault.LOSE_REQUEST)
    clock.ahead_ms += UNDER_WAY_MS
    world.deliver(world.providers.alipay.outbox[-1])
    push_sale(world.shown.till, sold(world.shown))
    world.shop.desk.gateways.named("alipay").cancel(world.shown.key)
    clock.ahead_ms += FIVE_MINUTES + LAST_LOOK_MS
    world.shop.desk.payments.sweep()
    assert tasks(world) == [(TAKEN_BACK, "open", world.shown.order.total)]
