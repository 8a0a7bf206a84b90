"""A cloud's process is killed while a provider is being asked for money: another one begins on its books, and
the money has moved once or not at all, whichever the provider says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
import pytest

from app.domain.ids import new_id
from app.wire.messages import PaymentCode, PaymentView
from app.wire.refunds import RefundRequest, RefundView
from cloud.bootstrap import open_cloud, wall_clock
from cloud.fakes.faults import Lost, Reply
from cloud.fakes.serve import Providers, serving
from cloud.gateways.numbers import order_number
from cloud.main import app_of
from cloud.services.refund_answers import TURN_MS
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.device import Device
from tests.cloud.inprocess import running as in_process
from tests.cloud.paying import Shown, open_shop
from tests.cloud.program import LONG_S, Program, program
from tests.cloud.served import client_of
from tests.cloud.template import fresh_cloud, furnished
from tests.cloud.test_workers import until
from tests.cloud.tillside import push_sale, sold
from tests.cloud.worlds import World

REFUND, COLLECT = "/v3/refund/domestic/refunds", "/v3/pay/transactions/codepay"
HEARD = pytest.mark.parametrize("is_heard", [True, False], ids=["done", "never arrived"])
"""Whether the provider has done what it was asked for when the process ends."""

Answer = Callable[[str, str, dict[str, str], bytes], Reply]


@dataclass
class Counter:
    """A till whose cloud is a process of its own, with WeChat Pay behind it."""

    settings: Settings
    providers: Providers
    patch: pytest.MonkeyPatch
    shown: Shown

    @property
    def number(self) -> str:
        return order_number(self.shown.key)

    def kill_at(self, running: Program, path: str, *, is_heard: bool) -> None:
        """Let the cloud's process be killed by its next call there."""
        truly: Answer = self.providers.answer

        def answer(method: str, called: str, headers: dict[str, str], body: bytes) -> Reply:
            if method != "POST" or called != path or running.process.poll() is not None:
                return truly(method, called, headers, body)
            if is_heard:
                truly(method, called, headers, body)
            running.process.kill()
            running.ended()
            raise Lost

        self.patch.setattr(self.providers, "answer", answer)

    @contextmanager
    def till(self, running: Program) -> Iterator[Device]:
        """The till, on the line to a process."""
        with client_of(running.address, timeout=LONG_S) as client:
            yield replace(self.shown.till.device, client=client)


@pytest.fixture
def providers(settings: Settings) -> Iterator[Providers]:
    made = furnished()
    with serving(lambda base: made.providers(base, wall_clock)) as (base, opened):
        opened.deliver = False
        made.write(settings.accounts, base)
        yield opened


def counter_of(
    settings: Settings, providers: Providers, patch: pytest.MonkeyPatch, *, paid: bool
) -> Counter:
    """Show an order, and let it be paid and sold, at a cloud that is closed then."""
    cloud = fresh_cloud(settings)
    try:
        with open_shop(cloud) as shop:
            world = World(shop, providers)
            if paid:
                world.start("wechat")
                providers.wechat.pay(world.number)
                assert world.state[0] == "confirmed"
                push_sale(world.shown.till, sold(world.shown))
            return Counter(settings, providers, patch, world.shown)
    finally:
        cloud.close()


@contextmanager
def again(settings: Settings, counter: Counter, *, ahead_ms: int = 0) -> Iterator[Device]:
    """Begin another cloud, later, on what the dead one left; the till on the line to it."""
    clock = Clock()
    clock.ahead_ms = ahead_ms
    cloud = open_cloud(settings, clock=clock)
    try:
        with in_process(app_of(cloud)) as client:
            yield replace(counter.shown.till.device, client=client)
    finally:
        cloud.close()


@HEARD
def test_a_refund_goes_back_once_when_the_cloud_is_killed_over_it(
    settings: Settings, providers: Providers, monkeypatch: pytest.MonkeyPatch, is_heard: bool
) -> None:
    counter = counter_of(settings, providers, monkeypatch, paid=True)
    order = providers.wechat.orders[counter.number]
    asked = RefundRequest(
        number=new_id(),
        attempt_id=counter.shown.order.attempt_id,
        amount=100,
        currency="CNY",
        reason="size",
        document=new_id(),
    )
    log = settings.data / "killed.log"
    with program(settings, log=log) as running:
        counter.kill_at(running, REFUND, is_heard=is_heard)
        with counter.till(running) as till, pytest.raises(httpx.HTTPError):
            till.post("/v1/refunds", asked, RefundView)
    assert order.refunded == (100 if is_heard else 0)
    with again(settings, counter) as till:
        view = till.get(f"/v1/refunds/{asked.number}", RefundView)
        assert (view.state, view.back) == ("unknown", 0), "the dead process has its turn yet"
    with again(settings, counter, ahead_ms=TURN_MS) as till:
        # The sweep of this cloud may have the turn when the till asks.
        until(lambda: till.get(f"/v1/refunds/{asked.number}", RefundView).state == "done")
        view = till.post("/v1/refunds", asked, RefundView)
        assert (view.state, view.back) == ("done", 100)
    assert order.refunds == {asked.number: 100}


@HEARD
def test_what_was_collected_counts_once_when_the_cloud_is_killed_over_it(
    settings: Settings, providers: Providers, monkeypatch: pytest.MonkeyPatch, is_heard: bool
) -> None:
    counter = counter_of(settings, providers, monkeypatch, paid=False)
    path = f"/v1/payments/{counter.shown.order.attempt_id}"
    code = PaymentCode(code="130000000000000005", wallet="wechat")
    log = settings.data / "killed.log"
    with program(settings, log=log) as running:
        counter.kill_at(running, COLLECT, is_heard=is_heard)
        with counter.till(running) as till, pytest.raises(httpx.HTTPError):
            till.post(f"{path}/code", code, PaymentView)
    with program(settings, log=log) as running, counter.till(running) as till:
        view = till.get(path, PaymentView)
        assert view.state == ("confirmed" if is_heard else "waiting")
        again = till.post(f"{path}/code", code, PaymentView)
        assert (again.state, again.way) == (view.state, "code"), "one code collects once"
        view = till.post(f"{path}/cancel", code, PaymentView)
    if is_heard:
        assert (view.state, view.received) == ("confirmed", view.amount)
        assert providers.wechat.orders[counter.number].refunds == {}
    else:
        assert (view.state, view.received) == ("cancelled", 0)
        assert counter.number not in providers.wechat.orders
