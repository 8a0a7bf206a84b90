"""Payment attempts as the till asks about them: the stand-in and the real cloud keep the same rules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from app.devices.clock import SystemClock
from app.domain.ids import new_id
from app.errors import Code, RuleBroken
from app.ports import PaymentGateway
from app.remote.payments import CloudPayments
from app.wire.messages import Order, OrderLine, OwnCode, PaymentCode, PaymentIntent
from app.wire.tokens import OrderToken, new_nonce, order_hash
from tests.fakes.gateway import FakeGateway
from tests.fakes.store import FakeStore
from tests.sync.clouds import RealServer
from tests.sync.till import become_device

MINUTE_MS = 60_000


@dataclass
class Counter:
    """A till that may ask for payments."""

    gateway: PaymentGateway
    device: str
    key: bytes
    store: str
    clock: SystemClock

    def intent(self, *, sale_id: str = "", attempt_id: str = "", minutes: int = 5) -> PaymentIntent:
        """Return a signed order over one dress."""
        now_ms = self.clock.now().server_ms
        line = OrderLine(
            sku="SKU-1",
            name="连衣裙",
            name_en="Dress",
            colour="雾蓝",
            colour_en="Mist blue",
            colour_hex="#8aa2b8",
            size="M",
            drawing="dress",
            quantity=1,
            gross=59_900,
            net=59_900,
        )
        order = Order(
            attempt_id=attempt_id or new_id(),
            sale_id=sale_id or new_id(),
            store=self.store,
            guide_name="林晓雨",
            guide_name_en="",
            currency="CNY",
            total=59_900,
            lines=[line],
            reasons=[],
            created_ms=now_ms,
            expires_ms=now_ms + minutes * MINUTE_MS,
        )
        content = msgspec.json.encode(order)
        token = OrderToken(
            device=self.device,
            attempt_id=order.attempt_id,
            nonce=new_nonce(),
            amount=order.total,
            expires_s=order.expires_ms // 1_000,
            order_hash=order_hash(content),
        ).sign(Ed25519PrivateKey.from_private_bytes(self.key))
        return PaymentIntent(token=token, order=content)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    server = RealServer(tmp_path_factory.mktemp("pay") / "data")
    server.start()
    store, clock = FakeStore(), SystemClock()
    become_device(store, server.enrolment(), server.code())
    gateway = CloudPayments(server.connect(store, clock))
    who = store.held.who
    yield Counter(gateway, who.device, store.held.key, who.store, clock)
    server.close()


@pytest.fixture(params=["memory", "server"])
def counter(request: pytest.FixtureRequest) -> Counter:
    if request.param == "server":
        made: Counter = request.getfixturevalue("real")
        return made
    clock = SystemClock()
    own = [OwnCode(provider="sandbox")]
    gateway = FakeGateway(now_ms=lambda: clock.now().server_ms, shows=own)
    return Counter(gateway, "d1", os.urandom(32), "s1", clock)


def order_of(intent: PaymentIntent) -> Order:
    return msgspec.json.decode(intent.order, type=Order)


def refused(act) -> Code:
    with pytest.raises(RuleBroken) as caught:
        act()
    return caught.value.code


def test_a_registered_order_waits_for_its_money(counter: Counter):
    intent = counter.intent()
    order = order_of(intent)
    view = counter.gateway.create(intent)
    assert (view.attempt_id, view.state, view.amount, view.received) == (
        order.attempt_id,
        "waiting",
        59_900,
        0,
    )
    assert view.expires_ms == order.expires_ms // 1_000 * 1_000  # the token's word, in seconds
    assert view.url.endswith(f"/o/{intent.token}")
    assert counter.gateway.query(order.attempt_id).state == "waiting"


def test_the_same_bytes_again_change_nothing(counter: Counter):
    intent = counter.intent()
    first = counter.gateway.create(intent)
    assert counter.gateway.create(intent).version == first.version


def test_other_bytes_under_one_id_are_refused(counter: Counter):
    first = counter.intent()
    counter.gateway.create(first)
    other = counter.intent(attempt_id=order_of(first).attempt_id)
    assert refused(lambda: counter.gateway.create(other)) is Code.REFERENCE_ALREADY_USED


def test_a_second_code_for_a_sale_waits_until_the_first_is_closed(counter: Counter):
    first = counter.intent()
    counter.gateway.create(first)
    second = counter.intent(sale_id=order_of(first).sale_id)
    assert refused(lambda: counter.gateway.create(second)) is Code.PAYMENT_ALREADY_OPEN
    assert counter.gateway.cancel(order_of(first).attempt_id).state == "cancelled"
    assert counter.gateway.create(second).state == "waiting"


def test_cancelling_twice_is_cancelling_once(counter: Counter):
    intent = counter.intent()
    counter.gateway.create(intent)
    first = counter.gateway.cancel(order_of(intent).attempt_id)
    again = counter.gateway.cancel(order_of(intent).attempt_id)
    assert (again.state, again.version) == ("cancelled", first.version)


def test_an_attempt_nobody_registered_is_unknown(counter: Counter):
    assert refused(lambda: counter.gateway.query(new_id())) is Code.PAYMENT_UNKNOWN
    assert refused(lambda: counter.gateway.cancel(new_id())) is Code.PAYMENT_UNKNOWN


def test_an_order_whose_time_is_over_is_not_shown(counter: Counter):
    assert refused(lambda: counter.gateway.create(counter.intent(minutes=0))) is Code.TOKEN_EXPIRED


def test_a_token_for_another_order_is_refused(counter: Counter):
    intent = counter.intent()
    cheaper = msgspec.json.encode(replace(order_of(intent), total=100))
    tampered = PaymentIntent(token=intent.token, order=cheaper)
    assert refused(lambda: counter.gateway.create(tampered)) is Code.TOKEN_INVALID


# --- we scan them ---------------------------------------------------------------------------------

PAYS, DECLINES, PASSWORD = (f"99000000000000000{digit}" for digit in "012")


def registered(counter: Counter) -> str:
    intent = counter.intent()
    counter.gateway.create(intent)
    return order_of(intent).attempt_id


@pytest.mark.parametrize(
    ("code", "state"), [(PAYS, "confirmed"), (DECLINES, "failed"), (PASSWORD, "waiting")]
)
def test_a_code_ends_as_its_wallet_says_and_is_collected_once(
    counter: Counter, code: str, state: str
):
    attempt_id = registered(counter)
    assert counter.gateway.query(attempt_id).way == ""
    first = counter.gateway.collect(attempt_id, PaymentCode(code=code, wallet="alipay"))
    again = counter.gateway.collect(attempt_id, PaymentCode(code=PAYS, wallet="alipay"))
    assert (first.state, first.way, first.provider) == (state, "code", "sandbox")
    assert (again.state, again.received) == (state, first.received)
    assert again.received == (59_900 if state == "confirmed" else 0)


def test_a_password_nobody_types_can_be_given_up(counter: Counter):
    attempt_id = registered(counter)
    counter.gateway.collect(attempt_id, PaymentCode(code=PASSWORD, wallet="wechat"))
    assert counter.gateway.cancel(attempt_id).state == "cancelled"


def test_a_code_for_an_attempt_nobody_registered_is_unknown(counter: Counter):
    asked = PaymentCode(code=PAYS, wallet="wechat")
    assert refused(lambda: counter.gateway.collect(new_id(), asked)) is Code.PAYMENT_UNKNOWN


def test_the_ways_to_pay_name_whose_codes_are_taken_and_whose_can_be_shown(counter: Counter):
    ways = counter.gateway.ways()
    assert ways.collects == [""]
    assert [(own.provider, own.wallet, own.by_hand) for own in ways.shows] == [
        ("sandbox", "", False)
    ]


def test_a_providers_own_code_is_shown_for_an_open_attempt_alone(counter: Counter):
    attempt_id = registered(counter)
    shown = counter.gateway.own_code(attempt_id, "sandbox")
    assert shown.text
    assert (shown.payment.state, shown.payment.way) == ("waiting", "qr")
    assert counter.gateway.own_code(attempt_id, "sandbox").text == shown.text
    assert (
        refused(lambda: counter.gateway.own_code(attempt_id, "nobody")) is Code.PAYMENT_NOT_OFFERED
    )
    counter.gateway.cancel(attempt_id)
    assert refused(lambda: counter.gateway.own_code(attempt_id, "sandbox")) is Code.ORDER_CLOSED
