"""Late, partial, surplus and orphan money as tasks of the store, and how payments of other tills stand."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.payment import PaymentState, State
from app.wire.bodies import PaymentStepV1
from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement
from cloud.db.task_tables import task as task_table
from cloud.services.answered import NO_WORDS
from cloud.services.feed import pull
from cloud.services.given_back import Given
from cloud.services.judging import ORPHAN_MS, judge
from cloud.services.money_facts import Known, Sold
from cloud.services.money_tasks import review
from cloud.services.streams import DAY_MS
from cloud.services.tokens import DevicePrincipal
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, Shop, Till
from tests.cloud.tillside import push_sale, receive, sold, the_row, told


@pytest.fixture
def other(shop: Shop) -> Till:
    return shop.till()


def test_another_tablet_sees_how_a_payment_stands(shop, shown, till, other):
    row = the_row(other)
    attempt = shown.order.attempt_id
    assert (row.task_id, row.kind, row.code, row.state) == (attempt, "payment", "waiting", "open")
    assert (row.device, row.other, row.amount) == (
        till.device.me.device,
        shown.order.sale_id,
        shown.order.total,
    )
    receive(shop, shown, shown.order.total)
    row = the_row(other)
    assert (row.kind, row.code, row.state) == ("payment", "confirmed", "settled")


def test_what_nobody_need_act_on_cannot_be_claimed(shown, till):
    asked = TaskClaim(task_id=shown.order.attempt_id, claim_id=new_id(), person="g1")
    answer = till.device.client.post(
        "/v1/tasks/claim", content=msgspec.json.encode(asked), headers=till.headers
    )
    assert answer.status_code == 404


def test_late_money_with_a_surplus_waits_whole_until_its_sale_is_made(shop, shown, till, other):
    shown.cancel()
    receive(shop, shown, shown.order.total)
    receive(shop, shown, shown.order.total)
    row = the_row(other)
    assert (row.code, row.amount) == ("late", 2 * shown.order.total)
    push_sale(till, sold(shown))
    row = the_row(other)
    assert (row.code, row.state, row.amount) == ("over", "open", shown.order.total)


def test_late_money_is_one_task_that_settles_itself_when_it_becomes_its_sale(
    shop, shown, till, other
):
    shown.cancel()
    receive(shop, shown, shown.order.total)
    row = the_row(other)
    assert (row.kind, row.code, row.state) == ("money", "late", "open")
    assert (row.amount, row.detail) == (shown.order.total, str(shown.order.total))
    late = PaymentStepV1(
        id=new_id(),
        attempt=shown.order.attempt_id,
        sale=shown.order.sale_id,
        step=4,
        event="paid",
        state="confirmed",
        anomalies=("late",),
        amount=shown.order.total,
        received=shown.order.total,
        currency="CNY",
    )
    till.device.write("payment_step", late)
    till.device.push()
    assert the_row(other) == row, "what the till knows of it is the same task"
    sale = sold(shown)
    push_sale(till, sale)
    row = the_row(other)
    assert (row.kind, row.state, row.resolution) == ("money", "settled", "by_itself")
    assert row.receipt_no == sale.receipt_no


def test_a_claimed_task_closes_too_when_its_sale_comes(shop, shown, till, other):
    shown.cancel()
    receive(shop, shown, shown.order.total)
    claim = TaskClaim(task_id=shown.order.attempt_id, claim_id=new_id(), person="g1")
    till.device.post("/v1/tasks/claim", claim, TaskRow)
    push_sale(till, sold(shown))
    delivered = TaskSettlement(
        task_id=shown.order.attempt_id, claim_id=claim.claim_id, resolution="delivered"
    )
    answer = till.device.client.post(
        "/v1/tasks/settle", content=msgspec.json.encode(delivered), headers=till.headers
    )
    assert answer.status_code == 409
    assert the_row(other).resolution == "by_itself"


def test_late_money_of_a_cart_that_was_sold_otherwise_names_that_receipt(shop, shown, till):
    shown.cancel()
    sale = sold(shown, attempt="another attempt")
    push_sale(till, sale)
    receive(shop, shown, shown.order.total)
    row = the_row(till)
    assert (row.code, row.state, row.receipt_no) == ("late", "open", sale.receipt_no)


def test_too_little_and_too_much_say_so_and_the_sale_does_not_settle_too_much(shop, shown, till):
    receive(shop, shown, 1_000)
    row = the_row(till)
    assert (row.kind, row.code, row.amount) == ("money", "partial", 1_000)
    receive(shop, shown, shown.order.total)
    row = the_row(till)
    assert (row.code, row.amount, row.state) == ("over", 1_000, "open")
    push_sale(till, sold(shown))
    assert (the_row(till).state, the_row(till).code) == ("open", "over")


def test_what_a_person_settled_stays_settled_until_other_money_comes(shop, shown, till):
    shown.cancel()
    receive(shop, shown, shown.order.total)
    claim = TaskClaim(task_id=shown.order.attempt_id, claim_id=new_id(), person="m1")
    till.device.post("/v1/tasks/claim", claim, TaskRow)
    back = TaskSettlement(
        task_id=shown.order.attempt_id, claim_id=claim.claim_id, resolution="refunded"
    )
    settled = till.device.post("/v1/tasks/settle", back, TaskRow)
    own = (till.device.me.tenant, "S001")
    with shop.cloud.db.begin() as conn:
        review(conn, own, [shown.order.attempt_id], shop.cloud.clock())
    assert the_row(till) == settled
    receive(shop, shown, 500)
    row = the_row(till)
    assert (row.code, row.state, row.claimed_by, row.amount) == ("partial", "open", "", 500)


def test_paid_money_without_a_sale_is_an_orphan_after_a_while_and_its_sale_takes_it_home(
    shop, shown, till, other, clock: Clock
):
    receive(shop, shown, shown.order.total)
    clock.ahead_ms += FIVE_MINUTES + ORPHAN_MS - 60_000
    shop.desk.payments.sweep()
    assert the_row(other).kind == "payment"
    clock.ahead_ms += 120_000
    till.device.sign_in()
    other.device.sign_in()
    shop.desk.payments.sweep()
    row = the_row(other)
    assert (row.kind, row.code, row.state) == ("money", "no_sale", "open")
    push_sale(till, sold(shown))
    assert the_row(other).resolution == "by_itself"


def test_a_paid_attempt_with_its_sale_is_nobodys_orphan(shop, shown, till, clock: Clock):
    receive(shop, shown, shown.order.total)
    push_sale(till, sold(shown))
    clock.ahead_ms += FIVE_MINUTES + 2 * ORPHAN_MS
    till.device.sign_in()
    shop.desk.payments.sweep()
    shop.desk.payments.sweep()
    assert the_row(till).kind == "payment"


def test_a_sale_that_came_in_while_an_orphan_was_looked_for_is_found_at_the_second_look(
    shop, shown, till, clock: Clock, monkeypatch
):
    """The sweep's snapshot is older than the sale's transaction, which knows of no task yet."""
    receive(shop, shown, shown.order.total)
    clock.ahead_ms += FIVE_MINUTES + 2 * ORPHAN_MS
    till.device.sign_in()
    with shop.cloud.db.begin() as conn:  # as if written by a sweep that saw no sale
        review(conn, (till.device.me.tenant, "S001"), [shown.order.attempt_id], clock())
    assert the_row(till).code == "no_sale"
    monkeypatch.setattr("cloud.services.ingest.note_arrivals", lambda *_: None)
    push_sale(till, sold(shown))
    shop.desk.payments._lost_sales[0].seen = [
        ((till.device.me.tenant, "S001"), shown.order.attempt_id)
    ]
    shop.desk.payments.sweep()
    assert the_row(till).state == "settled"


def test_a_till_that_knows_of_odd_money_the_cloud_forgot_makes_the_task(shop, till, other):
    step = PaymentStepV1(
        id=new_id(),
        attempt=new_id(),
        sale=new_id(),
        step=3,
        event="paid_partial",
        state="waiting",
        anomalies=("partial",),
        amount=1_000,
        received=400,
        currency="CNY",
    )
    till.device.write("payment_step", step)
    till.device.push()
    row = the_row(other)
    assert (row.task_id, row.kind, row.code, row.amount) == (step.attempt, "money", "partial", 400)


def test_words_of_another_version_in_a_step_make_no_task_and_stop_nothing(shop, till):
    step = PaymentStepV1(
        id=new_id(),
        attempt=new_id(),
        sale=new_id(),
        step=1,
        state="of tomorrow",
        anomalies=("strange",),
        amount=1,
        currency="CNY",
    )
    till.device.write("payment_step", step)
    assert till.device.push().hwm == 1
    assert told(till.device) == []


def test_a_silent_provider_is_seen_at_the_other_tablets(shop, shown, other):
    shop.paying(shown).tap("/stall")
    assert shown.view().state == State.UNKNOWN
    assert (the_row(other).code, the_row(other).state) == ("unknown", "open")


def test_money_is_told_for_ever_and_an_ordinary_payment_for_a_day(shop, till, clock: Clock):
    late, usual = till.show(shop.client), till.show(shop.client)
    late.cancel()
    for each in (late, usual):
        receive(shop, each, each.order.total)
        push_sale(till, sold(each))
    assert {row.state for row in told(till.device)} == {"settled"}
    me = DevicePrincipal(till.device.me.tenant, "S001", till.device.me.device, "01", b"", False)
    later = clock() + 400 * DAY_MS
    with shop.cloud.db.reading() as conn:
        page = pull(conn, me, "tasks", "", 100, now_ms=later)
    assert [row.key for row in page.rows] == [late.order.attempt_id]


def test_no_store_hears_of_anothers_payments(shop, shown):
    assert told(shop.till("S002").device) == []
    with shop.cloud.db.reading() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(task_table)) == 1


@pytest.mark.parametrize("state", [State.REFUNDED, State.REFUND_PENDING])
def test_what_came_on_top_waits_though_the_goods_were_given_back(state: State):
    """Paid at two wallets, and the return gives back what the goods were paid with, once."""
    facts = Known(
        "a1", "d1", "s1", PaymentState(state), 1_000, 2_000, 0, 0, given=Given(of_sale=True)
    )
    found = judge(facts, Sold("R-1", own=True), NO_WORDS, 1)
    assert (found.kind, found.code, found.amount, found.settled) == ("money", "over", 1_000, False)
    found = judge(replace(facts, received=1_000), Sold("R-1", own=True), NO_WORDS, 1)
    assert (found.kind, found.settled) == ("payment", True)
