"""Refunds as the till asks for them: the stand-in and the real cloud keep the same rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from app.devices.clock import SystemClock
from app.domain.ids import new_id
from app.errors import Code
from app.ports import RefundDesk
from app.remote.payments import CloudPayments
from app.remote.refunds import CloudRefunds
from app.wire.refunds import RefundRequest
from guidepos.customer import Phone
from tests.fakes.gateway import FakeGateway
from tests.fakes.refunds import FakeRefundDesk
from tests.fakes.store import FakeStore
from tests.sync.clouds import RealServer
from tests.sync.test_gateway_contract import Counter, order_of, refused
from tests.sync.till import become_device


@dataclass
class Desk:
    """A till that gives money back, and a customer who has paid."""

    desk: RefundDesk
    pay: Callable[[], str]
    """Let an order of 599.00 be paid; return its attempt."""


def wish(attempt_id: str, amount: int) -> RefundRequest:
    return RefundRequest(
        number=new_id(),
        attempt_id=attempt_id,
        amount=amount,
        currency="CNY",
        reason="size",
        document=new_id(),
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    server = RealServer(tmp_path_factory.mktemp("refunds") / "data")
    server.start()
    store, clock = FakeStore(), SystemClock()
    become_device(store, server.enrolment(), server.code())
    cloud, who = server.connect(store, clock), store.held.who
    counter = Counter(CloudPayments(cloud), who.device, store.held.key, who.store, clock)

    def pay() -> str:
        intent = counter.intent()
        phone = Phone()
        phone.open(counter.gateway.create(intent).url)
        for step in ("/take", "/pay", "/approve"):
            phone.press(step)
        phone.close()
        return order_of(intent).attempt_id

    yield Desk(CloudRefunds(cloud), pay)
    server.close()


@pytest.fixture(params=["memory", "server"])
def desk(request: pytest.FixtureRequest) -> Desk:
    if request.param == "server":
        made: Desk = request.getfixturevalue("real")
        return made
    clock = SystemClock()
    gateway = FakeGateway(now_ms=lambda: clock.now().server_ms)
    counter = Counter(gateway, "d1", os.urandom(32), "s1", clock)

    def pay() -> str:
        attempt_id = order_of(counter.intent()).attempt_id
        gateway.create(counter.intent(attempt_id=attempt_id))
        gateway.pay(attempt_id)
        return attempt_id

    return Desk(FakeRefundDesk(lambda attempt_id: gateway.query(attempt_id).received), pay)


def test_what_is_asked_for_is_told_as_it_stands(desk: Desk) -> None:
    asked = wish(desk.pay(), 100)
    view = desk.desk.give_back(asked)
    assert (view.number, view.attempt_id, view.document) == (
        asked.number,
        asked.attempt_id,
        asked.document,
    )
    assert (view.state, view.amount, view.back, view.currency) == ("done", 100, 100, "CNY")
    assert (view.provider, bool(view.ref)) == ("sandbox", True)
    again = desk.desk.query(asked.number)
    assert replace(again, server_ms=0) == replace(view, server_ms=0)


def test_the_same_number_is_the_same_money(desk: Desk) -> None:
    asked = wish(desk.pay(), 59_900)
    first = desk.desk.give_back(asked)
    assert desk.desk.give_back(asked).version == first.version
    other = replace(asked, amount=59_899)
    assert refused(lambda: desk.desk.give_back(other)) is Code.REFERENCE_ALREADY_USED


def test_never_more_than_came(desk: Desk) -> None:
    attempt_id = desk.pay()
    desk.desk.give_back(wish(attempt_id, 50_000))
    too_much = wish(attempt_id, 9_901)
    assert refused(lambda: desk.desk.give_back(too_much)) is Code.REFUND_EXCEEDS_PAYMENT
    assert desk.desk.give_back(wish(attempt_id, 9_900)).state == "done"


def test_what_nobody_knows_is_said_to_be_unknown(desk: Desk) -> None:
    assert refused(lambda: desk.desk.query(new_id())) is Code.REFUND_UNKNOWN
    assert refused(lambda: desk.desk.give_back(wish(new_id(), 1))) is Code.PAYMENT_UNKNOWN
