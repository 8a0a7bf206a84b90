"""What is paid for a till that was offline is proved to it, resolves whichever side hears first, and does not
go back behind its back."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.payment import State
from app.errors import Code, RuleBroken
from app.wire.bodies import PaymentStepV1, TenderV1
from app.wire.proofs import PROOF_MS, read_proof, spoken_code
from app.wire.tasks import TaskClaim, TaskSettlement
from cloud.db.task_tables import task
from cloud.gateways.base import Answer, Money, Standing
from cloud.services.judging import ORPHAN_MS
from cloud.services.proofs import refuse_refund
from tests.cloud.conftest import Clock
from tests.cloud.device import a_sale
from tests.cloud.offline import OfflineTill, ShownOffline, claims_of, scanned, spoken
from tests.cloud.paying import FIVE_MINUTES, Phone, Shop
from tests.cloud.tillside import attempt_of, told

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


def test_a_spoken_code_whose_money_never_came_is_a_task_until_it_does(shop, offline, clock: Clock):
    """Eight digits can be guessed, or be told by somebody who should not know them."""
    shown = offline.show()
    shop.phone().open(shown.page)
    push_sale(offline, shown, proved=False)
    (row,) = told(offline.till.device)
    assert row.kind == "payment"  # the customer may be paying right now
    clock.ahead_ms += 3 * FIVE_MINUTES + 1
    shop.desk.payments.sweep()
    (row,) = told(offline.till.device)
    assert (row.kind, row.code, row.state) == ("money", "unproven", "open")
    assert row.amount == shown.priced.total
    money = (Money(new_id(), shown.priced.total, shop.cloud.clock()),)
    shop.desk.payments.heard(shown.key, Answer(Standing.PAID, money))
    (row,) = told(offline.till.device)
    assert row.state == "settled"


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
    asked = TaskClaim(task_id=shown.claims.attempt_id, claim_id="c1", person="M01")
    done = TaskSettlement(task_id=asked.task_id, claim_id="c1", resolution="refunded")
    assert post(other, "/v1/tasks/claim", asked).status_code == 200
    refused = post(other, "/v1/tasks/settle", done)
    assert (refused.status_code, refused.json()["code"]) == (409, "proof_out")
    assert refund_refusal(shop, shown, offline.till.device.me.device) is None
    clock.ahead_ms += 2 * PROOF_MS
    assert refund_refusal(shop, shown, other.device.me.device) is None


def post(till, path: str, message: msgspec.Struct):
    return till.device.client.post(path, content=msgspec.json.encode(message), headers=till.headers)
