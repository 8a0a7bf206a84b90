"""Orders of tills that were offline: the page works from the token alone, at the shop's own prices, and
what is paid there is proved to the till."""

from __future__ import annotations

import base64
import random

import msgspec
import pytest

from app.domain.payment import State
from app.errors import Code, RuleBroken
from app.wire.messages import Order, PaymentIntent, PaymentView
from app.wire.tokens import b64, new_nonce
from cloud.services.devices import revoke
from cloud.services.feed import drop_skus as shop_drop
from cloud.services.portable_orders import HEARD_TOLERANCE_MS, PRICES_STAND_MS
from tests.cloud.conftest import Clock
from tests.cloud.offline import COAT, publish
from tests.cloud.paying import FIVE_MINUTES
from tests.cloud.tillside import attempt_of

HOUR = 3_600_000


# --- an order nobody has heard of -----------------------------------------------------------------


def test_the_page_shows_the_order_from_the_token_alone(shop, offline):
    shown = offline.show()
    text = shop.phone("zh-CN").open(shown.page).text
    for word in (
        "您的订单已备好",
        "双面羊毛大衣",
        "羊绒围巾",
        "×2",
        "会员等级 9 折",
        "陈美",
        "墨岚",
    ):
        assert word in text
    attempt = attempt_of(shop, shown)
    order = msgspec.json.decode(attempt.order_bytes, type=Order)
    lines = [(line.sku, line.quantity, line.gross, line.net) for line in order.lines]
    assert lines == [(COAT, 1, 189_900, 170_910), ("MD2002-RED-F", 2, 79_800, 79_800)]
    assert (order.total, attempt.amount) == (shown.priced.total, shown.priced.total)
    assert attempt.sale_id == shown.priced.cart.cart_id
    assert attempt.payment.state is State.WAITING


def test_opening_it_again_and_on_another_phone_is_one_attempt(shop, offline):
    shown = offline.show()
    first, second = shop.phone(), shop.phone()
    for phone in (first, second, first):
        assert phone.open(shown.page).status_code == 200
    assert attempt_of(shop, shown).version == 2  # opened, looked at
    first.tap("/take")
    assert second.open(shown.page).status_code == 403
    assert "coat" not in second.here.text


def test_names_may_change_between_two_looks(shop, offline):
    shown = offline.show()
    shop.phone().open(shown.page)
    publish(shop, MD1001_CAM_M=200_000)
    again = PaymentIntent(token=shown.token, order=b"")
    answer = offline.till.send(shop.client, again)
    assert answer.status_code == 200
    assert msgspec.json.decode(answer.content, type=PaymentView).amount == shown.priced.total


def test_the_till_that_is_back_registers_asks_and_closes_it(shop, offline):
    shown = offline.show()
    path = f"/v1/payments/{shown.claims.attempt_id}"
    assert shop.client.get(path, headers=offline.till.headers).status_code == 404
    intent = PaymentIntent(token=shown.token, order=b"")
    assert offline.till.send(shop.client, intent).status_code == 200
    closed = shop.client.post(f"{path}/cancel", headers=offline.till.headers)
    assert msgspec.json.decode(closed.content, type=PaymentView).state == "cancelled"
    assert shop.phone().open(shown.page).status_code == 410
    other = shop.till()
    assert other.send(shop.client, intent).status_code == 403


def test_the_till_is_told_when_its_prices_are_too_old_to_be_taken(shop, offline, clock: Clock):
    publish(shop, MD1001_CAM_M=209_900)
    offline.as_of_ms = shop.cloud.clock() + 2 * HEARD_TOLERANCE_MS
    refused = offline.till.send(shop.client, PaymentIntent(token=offline.show().token, order=b""))
    assert (refused.status_code, refused.json()["code"]) == (409, "prices_old")


def test_an_expired_code_is_refused_before_anything_is_written(shop, offline, clock: Clock):
    shown = offline.show()
    clock.ahead_ms += 3 * FIVE_MINUTES + 1
    phone = shop.phone()
    assert phone.open(shown.page).status_code == 410
    assert "This code has expired" in phone.here.text
    assert "<form" not in phone.here.text
    with pytest.raises(RuleBroken) as unknown:
        attempt_of(shop, shown)
    assert unknown.value.code is Code.PAYMENT_UNKNOWN


def test_a_till_with_a_clock_far_ahead_gets_two_hours_at_most(shop, offline):
    shown = offline.show(expires_s=(shop.cloud.clock() + 100 * HOUR) // 1_000)
    shop.phone().open(shown.page)
    assert attempt_of(shop, shown).expires_ms <= shop.cloud.clock() + 2 * HOUR


def test_a_revoked_till_sells_nothing(shop, offline):
    shown = offline.show()
    me = offline.till.device.me
    shop.cloud.db.write(lambda c: revoke(c, me.tenant, me.device, now_ms=shop.cloud.clock()))
    assert shop.phone().open(shown.page).status_code == 403


def test_a_sale_is_paid_by_one_code(shop, offline):
    """A second code of a cart, as a restored or a cheating till might make it."""
    first = offline.show()
    second = offline.show(first.priced)
    assert shop.phone().open(first.page).status_code == 200
    phone = shop.phone()
    assert phone.open(second.page).status_code == 409
    assert "another code for this order" in phone.here.text
    first.paid_by(shop.phone())
    assert phone.open(second.page).status_code == 410
    assert "Already paid" in phone.here.text


def test_an_order_whose_answer_was_lost_gives_way_to_the_code_made_offline(shop, offline):
    """The till asked us, heard nothing, never showed that code, and made another that travels."""
    order = offline.till.order()
    lost = offline.till.show(shop.client, order)
    shown = offline.show(offline.cart(sale_id=order.sale_id))
    assert shop.phone().open(shown.page).status_code == 200
    assert lost.view().state == "cancelled"


def test_an_order_that_was_seen_does_not_give_way(shop, offline):
    order = offline.till.order()
    seen = offline.till.show(shop.client, order)
    shop.phone().open(seen.page)
    shown = offline.show(offline.cart(sale_id=order.sale_id))
    assert shop.phone().open(shown.page).status_code == 409
    assert seen.view().state == "waiting"


# --- prices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after_ms", "status"),
    [(PRICES_STAND_MS - FIVE_MINUTES, 200), (PRICES_STAND_MS + FIVE_MINUTES, 409)],
    ids=["within three days", "after them"],
)
def test_a_price_stands_for_three_days_after_it_was_replaced(
    shop, offline, clock: Clock, after_ms: int, status: int
):
    publish(shop, MD1001_CAM_M=209_900)
    clock.ahead_ms += after_ms
    phone = shop.phone()
    assert phone.open(offline.show().page).status_code == status
    if status == 409:
        assert "not up to date" in phone.here.text
        assert "<form" not in phone.here.text


def test_a_price_that_was_gone_when_the_till_last_heard_is_not_its_lists(
    shop, offline, clock: Clock
):
    publish(shop, MD1001_CAM_M=209_900)
    clock.ahead_ms += HEARD_TOLERANCE_MS + FIVE_MINUTES
    stale = offline.show()
    offline.as_of_ms = shop.cloud.clock()
    lying = offline.show()
    honest = offline.show(offline.cart(MD1001_CAM_M=209_900))
    statuses = [shop.phone().open(each.page).status_code for each in (stale, lying, honest)]
    assert statuses == [200, 409, 200]


def test_a_price_the_shop_never_asked_is_refused(shop, offline):
    assert shop.phone().open(offline.show(offline.cart(MD1001_CAM_M=1_900)).page).status_code == 409


def test_goods_we_do_not_sell_are_refused(shop, offline):
    tenant, now_ms = shop.tenant, shop.cloud.clock()
    shop.cloud.db.write(lambda conn: shop_drop(conn, tenant, [COAT], now_ms=now_ms))
    assert shop.phone().open(offline.show().page).status_code == 409


def test_an_amount_that_its_lines_do_not_come_to_is_refused(shop, offline):
    shown = offline.show(amount=offline.cart().total - 1)
    assert shop.phone().open(shown.page).status_code == 400


# --- forgeries ------------------------------------------------------------------------------------


def test_mutations_of_a_token_are_all_refused_and_logged(
    shop, offline, caplog: pytest.LogCaptureFixture
):
    """Two hundred and forty: letters exchanged, and whole fields under the old signature."""
    shown, chance = offline.show(), random.Random(5)
    other = offline.show(offline.cart(MD1001_CAM_M=1))
    forged = {_with_body_of(shown.token, other.token), _with_body_of(other.token, shown.token)}
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    while len(forged) < 240:
        place = chance.randrange(3, len(shown.token))
        forged.add(shown.token[:place] + chance.choice(letters) + shown.token[place + 1 :])
        forged.discard(shown.token)
    statuses = {shop.client.get(f"/o/{each}").status_code for each in forged}
    assert statuses <= {400, 403}
    assert caplog.text.count("a code was refused") == len(forged)
    with pytest.raises(RuleBroken):
        attempt_of(shop, shown)


def _with_body_of(token: str, other: str) -> str:
    """Return what `other` says under the signature of `token`."""

    def raw(text: str) -> bytes:
        return base64.b32decode(text + "=" * (-len(text) % 8))

    return base64.b32encode(raw(other)[:-64] + raw(token)[-64:]).rstrip(b"=").decode()


def test_the_same_attempt_in_another_token_is_no_genuine_code(shop, offline):
    shown = offline.show()
    shop.phone().open(shown.page)
    cheaper = offline.show(attempt_id=shown.claims.attempt_id, nonce=new_nonce())
    assert shop.phone().open(cheaper.page).status_code == 400
    assert attempt_of(shop, shown).token == shown.token


def test_an_order_in_our_books_is_not_made_of_what_a_stranger_sends(shop, offline):
    shown = offline.show()
    for text in (
        "AEB",
        "AEB2",
        b64(b"\1\2" + bytes(90)),
        shown.token[:-8],
        shown.token + "AAAAAAAA",
    ):
        assert shop.client.get(f"/o/{text}").status_code == 400
