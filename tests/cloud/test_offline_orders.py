"""Orders of tills that were offline: the page works from the token alone, at the shop's own prices, and
what is paid there is proved to the till."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.payment import State
from app.errors import Code, RuleBroken
from app.wire.bodies import PaymentStepV1, TenderV1
from app.wire.messages import Order, PaymentIntent, PaymentView
from app.wire.proofs import PROOF_MS, read_proof, spoken_code
from app.wire.tasks import TaskClaim, TaskSettlement
from app.wire.tokens import b64, new_nonce
from cloud.bootstrap import Cloud
from cloud.db.task_tables import task
from cloud.gateways.base import Answer, Money, Standing
from cloud.services.devices import revoke
from cloud.services.feed import drop_skus as shop_drop
from cloud.services.money_tasks import ORPHAN_MS
from cloud.services.portable_orders import HEARD_TOLERANCE_MS, PRICES_STAND_MS
from cloud.services.proofs import refuse_refund
from tests.cloud.conftest import Clock
from tests.cloud.device import a_sale
from tests.cloud.offline import (
    COAT,
    OfflineTill,
    ShownOffline,
    claims_of,
    publish,
    scanned,
    spoken,
)
from tests.cloud.paying import FIVE_MINUTES, Phone, Shop, open_shop
from tests.cloud.test_tasks import told

HOUR = 3_600_000


@pytest.fixture
def shop(cloud: Cloud) -> Iterator[Shop]:
    with open_shop(cloud) as opened:
        publish(opened)
        yield opened


@pytest.fixture
def offline(shop: Shop) -> OfflineTill:
    """A till that heard of all prices a moment ago and is offline since."""
    return OfflineTill(shop.till(), shop, shop.cloud.clock())


def attempt_of(shop: Shop, shown: ShownOffline):
    return shop.desk.payments.find(shown.key)


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


# --- the proof ------------------------------------------------------------------------------------


@pytest.fixture
def paid(shop, offline) -> tuple[ShownOffline, Phone]:
    shown = offline.show()
    return shown, shown.paid_by(shop.phone())


def test_the_paid_page_shows_a_proof_the_till_can_verify(shop, offline, paid):
    shown, phone = paid
    assert "Show this to the guide" in phone.here.text
    assert "The shop is offline" in phone.here.text
    keys = {key.kid: key.key for key in offline.till.device.me.keys.signing}
    proof = read_proof(scanned(phone.here.text)).verify(keys)
    attempt = attempt_of(shop, shown)
    assert proof.attempt_id == shown.claims.attempt_id
    assert (proof.device, proof.nonce) == (shown.claims.device, shown.claims.nonce)
    assert (proof.amount, proof.currency) == (shown.priced.total, "CNY")
    assert (proof.provider, proof.provider_ref) == ("sandbox", attempt.provider_ref[:32])
    assert proof.expires_s * 1_000 >= shop.cloud.clock() + PROOF_MS - 1_000
    secret = offline.till.device.me.secret
    code = spoken_code(secret, proof.attempt_id, proof.nonce, proof.amount)
    assert spoken(phone.here.text) == code


def test_the_proof_stays_the_same_and_only_on_the_phone_that_paid(shop, paid):
    shown, phone = paid
    before = scanned(phone.here.text)
    assert scanned(phone.open(shown.page).text) == before
    stranger = shop.phone()
    assert stranger.open(shown.page).status_code == 410
    assert '<svg class="qr"' not in stranger.here.text
    assert spoken(phone.here.text)[:4] not in stranger.here.text


def test_an_order_that_is_not_paid_shows_no_proof(shop, offline):
    shown, phone = offline.show(), shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    assert 'svg class="qr"' not in phone.here.text


def test_the_page_of_an_ordinary_payment_keeps_the_proof_folded(shop, offline):
    shown = offline.till.show(shop.client)
    phone = shop.paying(shown)
    phone.tap("/approve")
    text = phone.open(shown.page).text
    assert "The guide has seen it already" in text
    assert "<summary>Is the shop offline?" in text
    assert read_proof(scanned(text)).claims.nonce == claims_of(shown.token).nonce


def test_once_the_till_has_told_the_page_no_longer_asks_for_the_guide(shop, offline, paid):
    shown, phone = paid
    push_sale(offline, shown)
    assert "The shop is offline" not in phone.open(shown.page).text


# --- both orders of events ------------------------------------------------------------------------


def push_sale(offline: OfflineTill, shown: ShownOffline, *, proved: bool = True) -> None:
    """Send what an offline till recorded: the step with its evidence, and the sale."""
    amount = shown.priced.total
    device = offline.till.device
    device.write(
        "payment_step",
        PaymentStepV1(
            id=new_id(),
            attempt=shown.claims.attempt_id,
            sale=shown.priced.cart.cart_id,
            step=3,
            event="proved" if proved else "spoken",
            state="confirmed",
            anomalies=("proved" if proved else "spoken",),
            amount=amount,
            received=amount,
            currency="CNY",
            evidence="GP1:6BF" if proved else "",
        ),
    )
    tender = TenderV1(
        id=new_id(), kind="qr", amount=amount, attempt=shown.claims.attempt_id, provider="sandbox"
    )
    sale = msgspec.structs.replace(
        a_sale((amount,)), id=shown.priced.cart.cart_id, tenders=(tender,)
    )
    device.write("sale", sale)
    device.push()


def test_paid_first_and_then_the_sale_arrives(shop, offline, paid, clock: Clock):
    shown, _ = paid
    clock.ahead_ms += 3 * FIVE_MINUTES + 2 * ORPHAN_MS
    offline.till.device.sign_in()
    shop.desk.payments.sweep()
    shop.desk.payments.sweep()
    (row,) = told(offline.till.device)
    assert (row.kind, row.code) == ("payment", "confirmed")  # nobody is asked yet
    push_sale(offline, shown)
    shop.desk.payments.sweep()
    rows = told(offline.till.device)
    assert {(row.kind, row.state) for row in rows if row.subject == shown.claims.attempt_id} <= {
        ("payment", "open"),
        ("payment", "settled"),
    }


def test_the_sale_arrives_first_and_the_notify_later(shop, offline):
    """Also the way of a cloud that came back from a backup and has never heard of the payment."""
    shown = offline.show()
    push_sale(offline, shown)
    assert [row for row in told(offline.till.device) if row.kind == "money"] == []
    phone = shop.phone()
    phone.open(shown.page)
    money = (Money(new_id(), shown.priced.total, shop.cloud.clock()),)
    shop.desk.payments.heard(shown.key, Answer(Standing.PAID, money))
    assert attempt_of(shop, shown).payment.state is State.CONFIRMED
    rows = [row for row in told(offline.till.device) if row.subject == shown.claims.attempt_id]
    assert [(row.kind, row.state) for row in rows] == [("payment", "settled")]


def test_a_payment_nobody_ever_told_of_becomes_a_task_when_its_proof_counts_no_more(
    shop, offline, paid, clock: Clock
):
    clock.ahead_ms += PROOF_MS + 3 * FIVE_MINUTES + 2 * ORPHAN_MS
    shop.desk.payments.sweep()
    with shop.cloud.db.reading() as conn:
        (row,) = conn.execute(sa.select(task)).all()
    assert (row.kind, row.code, row.state) == ("money", "no_sale", "open")


# --- a refund the shop did not start --------------------------------------------------------------


def refund_refusal(shop: Shop, shown: ShownOffline, asking: str) -> Code | None:
    try:
        with shop.cloud.db.reading() as conn:
            refuse_refund(conn, shown.key, asking, shop.cloud.clock())
    except RuleBroken as refusal:
        return refusal.code
    return None


def test_while_a_proof_may_be_out_only_its_own_till_gives_money_back(
    shop, offline, paid, clock: Clock
):
    shown, _ = paid
    other = shop.till()
    assert refund_refusal(shop, shown, "") is Code.PROOF_OUT
    assert refund_refusal(shop, shown, other.device.me.device) is Code.PROOF_OUT
    assert refund_refusal(shop, shown, offline.till.device.me.device) is None
    clock.ahead_ms += PROOF_MS + 4 * FIVE_MINUTES
    assert refund_refusal(shop, shown, "") is None


def test_once_the_till_has_told_anybody_of_the_shop_may(shop, offline, paid):
    shown, _ = paid
    push_sale(offline, shown)
    assert refund_refusal(shop, shown, shop.till().device.me.device) is None


def test_another_tablet_cannot_settle_the_money_as_given_back(shop, offline, clock: Clock):
    """Late money of an order shown offline: its task is there for all, the money is not."""
    shown = offline.show()
    shop.phone().open(shown.page)
    clock.ahead_ms += 3 * FIVE_MINUTES + 1
    shop.desk.payments.current(shown.key)
    money = (Money(new_id(), shown.priced.total, shop.cloud.clock()),)
    shop.desk.payments.heard(shown.key, Answer(Standing.PAID, money))
    other = shop.till()
    asked = TaskClaim(task_id=shown.claims.attempt_id, claim_id="c1", person="G02")
    done = TaskSettlement(task_id=asked.task_id, claim_id="c1", resolution="refunded")
    assert post(other, "/v1/tasks/claim", asked).status_code == 200
    refused = post(other, "/v1/tasks/settle", done)
    assert (refused.status_code, refused.json()["code"]) == (409, "proof_out")
    assert refund_refusal(shop, shown, offline.till.device.me.device) is None
    clock.ahead_ms += 2 * PROOF_MS
    assert refund_refusal(shop, shown, other.device.me.device) is None


def post(till, path: str, message: msgspec.Struct):
    return till.device.client.post(path, content=msgspec.json.encode(message), headers=till.headers)
