"""What a manager confirmed by hand: it stands at the cloud too, its provider is asked until it has said
something final, and where that is "never paid" a person hears of it."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.payment import Anomaly, Event, State
from app.wire.bodies import PaymentStepV1
from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement
from cloud.db import payment_tables as books
from cloud.db.task_tables import task
from cloud.gateways.base import Answer, Offer, Standing
from cloud.services.afterwards import LAST_LOOK_MS
from cloud.services.attempts import Vouched
from cloud.services.turns import EVERY_MS, SELDOM_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, Shop, Shown, Till
from tests.cloud.tillside import attempt_of, receive, sold, the_row


def vouched_step(attempt: str, sale: str, amount: int, state: str = "confirmed") -> PaymentStepV1:
    return PaymentStepV1(
        id=new_id(),
        attempt=attempt,
        sale=sale,
        step=3,
        event="vouched",
        state=state,
        anomalies=("by_hand",),
        amount=amount,
        currency="CNY",
    )


def vouch(till: Till, shown: Shown) -> None:
    """Let the till tell that a manager saw the money, and of the sale that became of it."""
    order = shown.order
    step = vouched_step(order.attempt_id, order.sale_id, order.total)
    till.device.write("payment_step", step)
    till.device.write("sale", sold(shown))
    till.device.push()


def after_its_end(shop: Shop, clock: Clock) -> None:
    clock.ahead_ms += FIVE_MINUTES + 1
    shop.desk.payments.sweep()


def test_it_stands_at_the_cloud_and_nobody_can_pay_it_again_from_the_page(shop, till, shown):
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    vouch(till, shown)
    attempt = attempt_of(shop, shown)
    assert attempt.payment.state is State.CONFIRMED
    assert attempt.payment.anomalies == {Anomaly.BY_HAND}
    assert (attempt.received, attempt.is_awaited) == (0, True)
    row = the_row(till)
    assert (row.kind, row.code, row.state) == ("payment", "confirmed", "settled")
    assert not phone.at(shown.page).can("/pay")
    assert shop.desk.proofs.of(attempt) is None, "nobody has signed for it"


def test_the_provider_is_asked_until_it_has_an_answer_and_the_order_is_closed_there(
    shop, till, shown, clock: Clock
):
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    phone.tap("/pay")
    phone.tap("/stall")
    vouch(till, shown)
    after_its_end(shop, clock)
    assert attempt_of(shop, shown).is_awaited, "silence is no answer"
    assert the_row(till).kind == "payment"
    with shop.cloud.db.reading() as conn:
        (order,) = conn.execute(sa.select(books.sandbox_order)).all()
    shop.cloud.db.write(
        lambda conn: conn.execute(sa.update(books.sandbox_order).values(silent=False))
    )
    assert order.standing == Standing.OPEN
    clock.ahead_ms += EVERY_MS
    shop.desk.payments.sweep()
    with shop.cloud.db.reading() as conn:
        (order,) = conn.execute(sa.select(books.sandbox_order)).all()
    assert order.standing == Standing.CLOSED
    assert attempt_of(shop, shown).vouched is Vouched.DENIED


def test_a_payment_that_never_was_becomes_a_task_and_the_sale_stays(shop, till, shown, clock):
    vouch(till, shown)
    after_its_end(shop, clock)
    attempt = attempt_of(shop, shown)
    assert attempt.payment.state is State.CONFIRMED, "the hand's word is not taken back"
    row = the_row(till)
    assert (row.kind, row.code, row.state) == ("money", "unproven", "open")
    assert row.amount == shown.order.total
    for word, done in (("delivered", 422), ("refunded", 422), ("seen", 200)):
        assert settled(till, row, word) == done, word


def settled(till: Till, row: TaskRow, word: str) -> int:
    """Claim a task and say what became of it; return the status of the answer."""
    claim = TaskClaim(task_id=row.task_id, claim_id="mine", person="m1")
    till.device.post("/v1/tasks/claim", claim, TaskRow)
    said = TaskSettlement(task_id=row.task_id, claim_id="mine", resolution=word, person="m1")
    answer = till.device.client.post(
        "/v1/tasks/settle", content=msgspec.json.encode(said), headers=till.headers
    )
    return int(answer.status_code)


def test_money_that_comes_proves_it_and_is_neither_late_nor_too_much(shop, till, shown):
    vouch(till, shown)
    receive(shop, shown, shown.order.total)
    attempt = attempt_of(shop, shown)
    assert attempt.payment.anomalies == {Anomaly.BY_HAND}
    assert (attempt.received, attempt.is_unproven) == (shown.order.total, False)
    row = the_row(till)
    assert (row.kind, row.code, row.state) == ("payment", "confirmed", "settled")


def test_money_that_comes_after_the_end_settles_the_task_by_itself(shop, till, shown, clock):
    vouch(till, shown)
    after_its_end(shop, clock)
    receive(shop, shown, shown.order.total)
    assert attempt_of(shop, shown).payment.anomalies == {Anomaly.BY_HAND}
    row = the_row(till)
    assert (row.code, row.state, row.resolution) == ("confirmed", "settled", "by_itself")


def test_a_part_of_the_money_proves_that_much_and_no_more(shop, till, shown, clock: Clock):
    vouch(till, shown)
    receive(shop, shown, shown.order.total - 100)
    attempt = attempt_of(shop, shown)
    assert attempt.payment.anomalies == {Anomaly.BY_HAND}
    assert attempt.is_awaited
    after_its_end(shop, clock)
    assert the_row(till).code == "unproven"
    receive(shop, shown, 100)
    assert the_row(till).state == "settled"


def test_less_than_was_due_is_a_task_when_the_time_is_over_though_the_provider_says_paid(
    shop, till, shown, clock: Clock
):
    """The payer of a code that only shows types the amount."""
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    phone.tap("/pay")
    vouch(till, shown)
    with shop.cloud.db.reading() as conn:
        (order,) = conn.execute(sa.select(books.sandbox_order)).all()
    less = sa.update(books.sandbox_order).values(amount=2_500)
    shop.cloud.db.write(lambda conn: conn.execute(less))
    shop.desk.sandbox.approve(order.payment_id)
    shop.desk.payments.current(shown.key)
    assert shop.desk.sandbox.query(shown.key).standing is Standing.PAID
    assert (attempt_of(shop, shown).received, attempt_of(shop, shown).is_awaited) == (2_500, True)
    after_its_end(shop, clock)
    assert attempt_of(shop, shown).vouched is Vouched.DENIED
    assert (the_row(till).code, the_row(till).state) == ("unproven", "open")
    receive(shop, shown, shown.order.total - 2_500)
    assert the_row(till).state == "settled"


def test_money_on_top_of_it_waits_for_a_person(shop, till, shown):
    vouch(till, shown)
    receive(shop, shown, shown.order.total)
    receive(shop, shown, 500)
    row = the_row(till)
    assert (row.kind, row.code, row.amount) == ("money", "over", 500)


def test_what_had_ended_unpaid_before_the_till_told_of_it_is_a_task_at_once(
    shop, till, shown, clock: Clock
):
    after_its_end(shop, clock)
    vouch(till, shown)
    attempt = attempt_of(shop, shown)
    assert (attempt.payment.state, attempt.vouched) == (State.CONFIRMED, Vouched.DENIED)
    assert the_row(till).code == "unproven"
    receive(shop, shown, shown.order.total)
    assert the_row(till).state == "settled", "its goods went out long ago"


def chosen_and_ended(shop: Shop, shown: Shown, clock: Clock) -> None:
    """The customer went to a wallet and did nothing there; the cloud has called it expired."""
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    phone.tap("/pay")
    after_its_end(shop, clock)
    assert attempt_of(shop, shown).payment.state is State.EXPIRED


def test_a_hands_word_that_comes_after_the_end_is_final_where_the_provider_says_nothing(
    shop, till, shown, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """The till was offline, or two seconds slower than the cloud."""
    chosen_and_ended(shop, shown, clock)
    sandbox = shop.desk.gateways.named("sandbox")
    monkeypatch.setattr(type(sandbox), "offers", frozenset({Offer.QR, Offer.BY_HAND}))
    monkeypatch.setattr(sandbox, "query", lambda key: Answer(Standing.OPEN))
    vouch(till, shown)
    assert the_row(till).kind == "payment", "nobody has denied it"
    clock.ahead_ms += SELDOM_MS
    shop.desk.payments.sweep()
    assert attempt_of(shop, shown).vouched is Vouched.SILENT
    row = the_row(till)
    assert (row.kind, row.code, row.state) == ("payment", "confirmed", "settled")


def test_a_hands_word_that_comes_after_the_end_is_denied_by_a_provider_that_says_so(
    shop, till, shown, clock: Clock
):
    chosen_and_ended(shop, shown, clock)
    vouch(till, shown)
    assert the_row(till).kind == "payment"
    clock.ahead_ms += SELDOM_MS
    shop.desk.payments.sweep()
    assert attempt_of(shop, shown).vouched is Vouched.DENIED
    assert (the_row(till).code, the_row(till).state) == ("unproven", "open")


def test_the_wallet_is_asked_a_last_time_where_a_notice_was_lost(shop, till, shown, clock: Clock):
    phone = shop.phone()
    phone.open(shown.page)
    phone.tap("/take")
    phone.tap("/pay")
    vouch(till, shown)
    after_its_end(shop, clock)
    shop.desk.sandbox.notify = lambda attempt, answer: None
    with shop.cloud.db.reading() as conn:
        (order,) = conn.execute(sa.select(books.sandbox_order)).all()
    shop.desk.sandbox.pay_late(order.payment_id)
    assert the_row(till).code == "unproven"
    clock.ahead_ms += LAST_LOOK_MS
    shop.desk.payments.sweep()
    assert attempt_of(shop, shown).received == shown.order.total
    with shop.cloud.db.reading() as conn:
        (row,) = conn.execute(sa.select(task)).all()
    assert row.state == "settled"


def test_the_same_record_again_changes_nothing(shop, till, shown):
    vouch(till, shown)
    before = attempt_of(shop, shown)
    order = shown.order
    again = vouched_step(order.attempt_id, order.sale_id, order.total)
    till.device.write("payment_step", again)
    till.device.push()
    assert attempt_of(shop, shown) == before


def test_what_the_provider_had_confirmed_before_is_proved_from_the_beginning(shop, till, shown):
    receive(shop, shown, shown.order.total)
    vouch(till, shown)
    attempt = attempt_of(shop, shown)
    assert attempt.payment.anomalies == frozenset()
    assert attempt.vouched is Vouched.NOT


# --- a code that was made offline ------------------------------------------------------------------


def test_a_code_made_offline_that_was_confirmed_by_hand_cannot_be_paid_by_its_first_scan(
    shop, till, offline
):
    shown = offline.show()
    step = vouched_step(shown.claims.attempt_id, shown.priced.cart.cart_id, shown.claims.amount)
    till.device.write("payment_step", step)
    till.device.push()
    row = the_row(till)
    assert (row.code, row.state) == ("unproven", "open"), "nobody can have paid what nobody scanned"
    phone = shop.phone()
    phone.open(shown.page)
    attempt = shop.desk.payments.find(shown.key)
    assert attempt.payment.state is State.CONFIRMED
    assert attempt.is_awaited
    assert not phone.at(shown.page).can("/take")


def test_the_history_tells_who_said_what(shop, till, shown, clock: Clock):
    vouch(till, shown)
    after_its_end(shop, clock)
    with shop.cloud.db.reading() as conn:
        query = sa.select(books.event.c.event, books.event.c.source).order_by(books.event.c.version)
        told_by = [tuple(row) for row in conn.execute(query)]
    assert told_by == [
        (Event.SHOWN.value, "till"),
        (Event.VOUCHED.value, "till"),
        ("denied", "provider"),
    ]
