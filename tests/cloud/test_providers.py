"""The whole cloud with providers behind it over real sockets: notifications, changing wallets, doubt."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from app.errors import RuleBroken, Trouble
from cloud.fakes.faults import Fault, Letter
from cloud.services.afterwards import LAST_LOOK_MS
from cloud.services.attempts import find
from cloud.services.turns import EVERY_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES
from tests.cloud.served import client_of
from tests.cloud.worlds import World

Pay = Callable[[World], Letter]


def at_alipay(world: World) -> Letter:
    world.start("alipay")
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)
    return world.providers.alipay.outbox[-1]


def at_wechat(world: World) -> Letter:
    world.start("wechat")
    world.providers.wechat.pay(world.number)
    return world.providers.wechat.outbox[-1]


BOTH = pytest.mark.parametrize("pay", [at_alipay, at_wechat])


@pytest.mark.fault(34, "one payment")
@BOTH
def test_a_notification_makes_the_order_paid_once(world: World, pay: Pay):
    letter = pay(world)
    for _ in range(3):  # duplicated on the way
        taken = world.deliver(letter)
        assert taken.status_code == 204 or taken.text == "success"
    due = world.shown.order.total
    assert world.state == ("confirmed", due, [])


@pytest.mark.fault(34, "one payment")
@BOTH
def test_a_lost_notification_is_made_up_for_by_asking(world: World, pay: Pay):
    pay(world)
    assert world.state == ("confirmed", world.shown.order.total, [])


@pytest.mark.fault(36, "late money lies on the desk and waits for a decision")
@BOTH
def test_money_after_the_close_is_late_and_never_lost(world: World, pay: Pay):
    if pay is at_alipay:
        world.start("alipay")
        world.providers.alipay.scan(world.number)
        assert world.shown.cancel().state == "cancelled"
        world.providers.alipay.pay(world.number)
        letter = world.providers.alipay.outbox[-1]
    else:
        world.start("wechat")
        assert world.shown.cancel().state == "cancelled"
        world.providers.wechat.pay(world.number)
        letter = world.providers.wechat.outbox[-1]
    assert world.deliver(letter).status_code in (200, 204)
    assert world.state == ("confirmed", world.shown.order.total, ["late"])


@pytest.mark.fault(37, "not paid until the whole amount is there")
def test_a_wrong_amount_is_partial_and_the_order_stays_open(world: World):
    world.start("alipay")
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number, world.shown.order.total - 1)
    world.deliver(world.providers.alipay.outbox[-1])
    state, received, anomalies = world.state
    assert (state, received, anomalies) == (
        "waiting",
        world.shown.order.total - 1,
        ["partial"],
    )


@pytest.mark.fault(37, "nothing: a forged notice is not believed")
@BOTH
def test_forged_notifications_change_nothing_and_are_told_to_come_again(world: World, pay: Pay):
    letter = pay(world)
    with client_of(world.shop.base) as stranger:
        path = urlsplit(letter.url).path
        for body in (letter.body[:-1], letter.body.replace(b"1", b"2"), b"", b"x" * 5_000):
            answer = stranger.post(path, content=body, headers=dict(letter.headers))
            assert answer.text != "success"
            assert answer.status_code != 204
        assert stranger.post("/notify/nobody", content=letter.body).status_code == 404
        assert stranger.post(path, content=b"x" * 100_000).status_code == 413
    with world.shop.cloud.db.reading() as conn:
        assert find(conn, world.shown.key).received == 0


def test_a_genuine_notification_about_an_attempt_we_have_lost_comes_again(world: World):
    letter = at_wechat(world)
    provider = world.providers.wechat
    order = provider.orders[world.number]
    order.out_trade_no = "0" * 31 + "1"
    provider.orders[order.out_trade_no] = order
    provider.pay(order.out_trade_no)
    answer = world.deliver(provider.outbox[-1])
    assert answer.status_code == 500
    assert world.deliver(letter).status_code == 204


@pytest.mark.parametrize("fault", [Fault.SYSTEM_ERROR, Fault.LOSE_ANSWER, Fault.WRONG_SIGNATURE])
def test_doubt_is_shown_as_doubt_and_ends_with_the_truth(world: World, clock: Clock, fault: Fault):
    def asked() -> str:
        """How it stands when the provider's turn has come again."""
        clock.ahead_ms += EVERY_MS
        return world.state[0]

    world.start("wechat")
    world.providers.wechat.faults.then(fault)
    assert asked() == "unknown"
    assert asked() == "waiting"
    world.providers.wechat.pay(world.number)
    world.providers.wechat.faults.then(fault)
    assert asked() == "unknown"
    assert asked() == "confirmed"
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_who_changes_the_wallet_leaves_the_first_one_closed(world: World):
    world.start("wechat")
    world.start("alipay")
    assert world.providers.wechat.orders[world.number].state == "CLOSED"
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)
    world.deliver(world.providers.alipay.outbox[-1])
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_who_has_paid_at_the_first_wallet_is_not_sent_to_a_second_one(world: World):
    world.start("wechat")
    world.providers.wechat.pay(world.number)
    with pytest.raises(RuleBroken):
        world.start("alipay")
    assert world.providers.alipay.trades == {}
    assert world.state == ("confirmed", world.shown.order.total, [])


def test_a_first_wallet_that_does_not_answer_is_not_left(world: World):
    world.start("wechat")
    world.providers.wechat.faults.then(Fault.LOSE_REQUEST)
    with pytest.raises(Trouble):
        world.start("alipay")
    assert world.providers.alipay.trades == {}


@pytest.mark.fault(35, "one sale; the surplus waits for a decision")
def test_money_at_both_wallets_is_too_much_and_all_of_it_is_booked(world: World):
    world.start("alipay")  # a code nobody has scanned cannot be closed
    world.start("wechat")
    world.providers.wechat.pay(world.number)
    world.deliver(world.providers.wechat.outbox[-1])
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)
    world.deliver(world.providers.alipay.outbox[-1])
    assert world.state == ("confirmed", 2 * world.shown.order.total, ["over"])


def test_late_money_at_a_wallet_that_was_left_is_found_by_asking(world: World):
    world.start("alipay")
    world.start("wechat")
    assert world.shown.cancel().state == "cancelled"
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)  # and the notification is lost
    assert world.state == ("confirmed", world.shown.order.total, ["late"])


LAST_LOOK = LAST_LOOK_MS + FIVE_MINUTES


@BOTH
def test_money_nobody_told_us_of_is_found_when_nothing_can_come_any_more(
    world: World, clock: Clock, pay: Pay
):
    provider = "alipay" if pay is at_alipay else "wechat"
    world.start(provider)
    if provider == "alipay":
        world.providers.alipay.scan(world.number)
    assert world.shown.cancel().state == "cancelled"
    getattr(world.providers, provider).pay(world.number)  # and the notification is lost for good
    clock.ahead_ms += LAST_LOOK
    world.shop.desk.payments.sweep()
    assert booked(world) == world.shown.order.total


def test_money_at_a_wallet_that_was_left_is_found_although_another_one_paid(
    world: World, clock: Clock
):
    world.start("alipay")
    world.start("wechat")
    world.providers.wechat.pay(world.number)
    world.deliver(world.providers.wechat.outbox[-1])
    world.providers.alipay.scan(world.number)
    world.providers.alipay.pay(world.number)  # and the notification is lost for good
    clock.ahead_ms += LAST_LOOK
    world.providers.alipay.faults.then(Fault.LOSE_ANSWER)
    world.shop.desk.payments.sweep()
    assert booked(world) == world.shown.order.total
    world.shop.desk.payments.sweep()
    assert booked(world) == 2 * world.shown.order.total
    asked = len(world.providers.alipay.calls)
    world.shop.desk.payments.sweep()
    assert len(world.providers.alipay.calls) == asked


def booked(world: World) -> int:
    """What the ledger holds, without asking anybody."""
    with world.shop.cloud.db.reading() as conn:
        return find(conn, world.shown.key).received
