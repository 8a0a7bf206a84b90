"""A payment through HTTP, on both engines: registered, asked about, closed, paid, late, twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.messages import PaymentIntent, PaymentView, Problem
from app.wire.tokens import order_hash
from cloud.db import payment_tables as tables
from cloud.gateways.base import Answer, Money, Standing
from tests.cloud.conftest import Clock
from tests.cloud.paying import COAT, FIVE_MINUTES, SCARF, Shown, history

MINUTE = 60_000


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, msgspec.json.decode(answer.content, type=Problem).code


# --- registering ----------------------------------------------------------------------------------


def test_a_registered_order_waits_and_its_address_opens(shop, till):
    shown = till.show(shop.client)
    view = shown.view()
    assert (view.state, view.amount, view.received) == ("waiting", shown.order.total, 0)
    assert view.url == f"http://shop.example/o/{shown.token}"
    assert view.expires_ms == shown.order.expires_ms // 1000 * 1000
    assert not view.looked_at
    assert shop.phone().open(shown.page).status_code == 200


def test_the_same_intent_again_gets_the_same_answer(shop, till):
    intent = till.intent()
    views = [
        msgspec.json.decode(till.send(shop.client, intent).content, type=PaymentView)
        for _ in range(3)
    ]
    assert len({(v.attempt_id, v.version, v.state, v.url) for v in views}) == 1


def test_an_attempt_may_not_be_reused_for_other_bytes(shop, till):
    order = till.order()
    till.show(shop.client, order)
    other = msgspec.structs.replace(order, guide_name="李雷")
    assert refused(till.send(shop.client, till.intent(other))) == (409, "reference_already_used")


def test_a_token_of_another_till_is_refused(shop, till):
    other = shop.till()
    assert refused(till.send(shop.client, other.intent())) == (403, "token_foreign")


def test_an_order_for_another_store_is_refused(shop, till):
    order = till.order(store="S999")
    assert refused(till.send(shop.client, till.intent(order))) == (403, "token_foreign")


def test_token_and_order_must_belong_together(shop, till):
    order = till.order()
    data = msgspec.json.encode(order)
    dearer = msgspec.json.encode(msgspec.structs.replace(order, total=order.total + 1))
    wrong = [
        PaymentIntent(token=till.token(order, data), order=dearer),
        PaymentIntent(token=till.token(order, data, amount=order.total - 1), order=data),
        PaymentIntent(token=till.token(order, data, attempt_id=new_id()), order=data),
        PaymentIntent(token=till.token(order, data, order_hash=order_hash(b"")), order=data),
    ]
    for intent in wrong:
        assert refused(till.send(shop.client, intent)) == (422, "token_invalid")


@pytest.mark.parametrize("total", [0, -100])
def test_an_order_over_nothing_is_malformed(shop, till, total):
    data = msgspec.json.encode(till.order(total=total))
    token = till.token(till.order(total=abs(total)), data)
    answer = till.send(shop.client, PaymentIntent(token=token, order=data))
    assert answer.status_code == 422


@pytest.mark.parametrize("odd", [{"total": 2**63}, {"sale_id": ""}, {"sale_id": "a\0b"}])
def test_an_order_no_database_could_keep_is_malformed(shop, till, odd):
    answer = till.send(shop.client, till.intent(till.order(**odd)))
    assert refused(answer) == (422, "cloud_message_invalid")


@pytest.mark.parametrize("junk", [b"", b"{}", b"\xff\xfe", b"[1,2]", b"null"])
def test_an_order_that_is_none_is_malformed(shop, till, junk):
    token = till.token(till.order(), junk)
    answer = till.send(shop.client, PaymentIntent(token=token, order=junk))
    assert refused(answer) == (422, "cloud_message_invalid")


def test_an_order_that_has_already_run_out_is_not_taken(shop, till):
    order = till.order(life_ms=-1_000)
    assert refused(till.send(shop.client, till.intent(order))) == (410, "token_expired")


def test_no_clock_of_a_till_can_keep_an_order_payable_for_days(shop, till):
    view = till.show(shop.client, till.order(life_ms=9 * 24 * 60 * MINUTE)).view()
    assert view.expires_ms <= view.server_ms + 120 * MINUTE


def test_without_an_access_token_nothing_is_said(shop, shown):
    path = f"/v1/payments/{shown.order.attempt_id}"
    assert shop.client.get(path).status_code == 401
    assert shop.client.post(f"{path}/cancel").status_code == 401
    assert shop.client.post("/v1/payments", content=b"{}").status_code == 401


# --- one open attempt per sale --------------------------------------------------------------------


def test_a_sale_has_one_open_attempt_at_a_time(shop, till, shown):
    again = till.order(sale_id=shown.order.sale_id)
    assert refused(till.send(shop.client, till.intent(again))) == (409, "payment_already_open")
    shown.cancel()
    assert till.show(shop.client, again).view().state == "waiting"


def test_an_attempt_that_ran_out_makes_room_for_the_next(shop, till, shown, clock: Clock):
    clock.ahead_ms += FIVE_MINUTES
    again = till.order(sale_id=shown.order.sale_id)
    assert till.show(shop.client, again).view().state == "waiting"
    assert shown.view().state == "expired"


def test_a_paid_sale_gets_no_second_code(shop, till, shown):
    shop.paying(shown).tap("/approve")
    again = till.order(sale_id=shown.order.sale_id)
    assert refused(till.send(shop.client, till.intent(again))) == (409, "order_paid")


def test_of_two_tills_that_show_one_sale_at_once_one_wins(shop, till):
    tills = [till, shop.till(), shop.till(), shop.till()]
    sale_id = new_id()
    intents = [t.intent(t.order(sale_id=sale_id)) for t in tills]
    with ThreadPoolExecutor(len(tills)) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[0].send(shop.client, pair[1]), zip(tills, intents, strict=True)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


# --- who may ask ----------------------------------------------------------------------------------


def test_every_till_of_the_store_may_ask_and_close(shop, shown):
    neighbour = Shown(shop.till(), shop.client, shown.order, shown.token)
    assert neighbour.view().state == "waiting"
    assert neighbour.cancel().state == "cancelled"


def test_for_another_store_the_attempt_does_not_exist(shop, shown):
    stranger = shop.till("S002")
    path = f"/v1/payments/{shown.order.attempt_id}"
    assert shop.client.get(path, headers=stranger.headers).status_code == 404
    assert shop.client.post(f"{path}/cancel", headers=stranger.headers).status_code == 404
    assert shown.view().state == "waiting"


def test_one_id_in_two_stores_is_two_attempts(shop, till, shown):
    stranger = shop.till("S002")
    theirs = stranger.show(shop.client, stranger.order(attempt_id=shown.order.attempt_id))
    shop.paying(theirs).tap("/approve")
    assert (theirs.view().state, shown.view().state) == ("confirmed", "waiting")


def test_an_attempt_nobody_made_is_unknown(shop, till):
    answer = shop.client.get(f"/v1/payments/{new_id()}", headers=till.headers)
    assert refused(answer) == (404, "payment_unknown")


# --- the money ------------------------------------------------------------------------------------


def test_an_approved_payment_is_confirmed(shop, shown):
    shop.paying(shown).tap("/approve")
    view = shown.view()
    assert (view.state, view.received, view.anomalies) == ("confirmed", shown.order.total, [])
    assert view.provider == "sandbox"
    assert view.provider_ref


def test_a_declined_payment_has_failed(shop, shown):
    shop.paying(shown).tap("/decline")
    assert shown.view().state == "failed"


@pytest.mark.fault(35, "one sale; the surplus waits for a decision")
def test_paying_twice_is_confirmed_once_and_marked_over(shop, shown):
    shop.paying(shown).tap("/twice")
    view = shown.view()
    assert (view.state, view.received) == ("confirmed", 2 * shown.order.total)
    assert view.anomalies == ["over"]


def test_a_stalled_payment_is_unknown_and_blocks_a_second_code(shop, till, shown):
    phone = shop.paying(shown)
    phone.tap("/stall")
    assert shown.view().state == "unknown"
    again = till.order(sale_id=shown.order.sale_id)
    assert refused(till.send(shop.client, till.intent(again))) == (409, "payment_already_open")
    phone.tap("/pay")
    phone.tap("/resume")
    view = shown.view()
    assert (view.state, view.anomalies) == ("confirmed", [])


def test_closing_a_stalled_payment_does_not_pretend(shop, shown, clock: Clock):
    phone = shop.paying(shown)
    phone.tap("/stall")
    assert shown.cancel().state == "unknown"
    clock.ahead_ms += FIVE_MINUTES
    assert shown.view().state == "unknown"


def test_closing_before_anybody_looked_is_cancelled(shown):
    assert shown.cancel().state == "cancelled"
    assert shown.cancel().state == "cancelled"


@pytest.mark.fault(36, "paid, although it was being cancelled")
def test_closing_after_the_customer_paid_says_paid(shop, shown):
    shop.paying(shown).tap("/approve")
    assert shown.cancel().state == "confirmed"


def test_closing_learns_of_a_payment_whose_notice_was_lost(shop, shown):
    shop.desk.sandbox.notify = lambda attempt, answer: None
    shop.paying(shown).tap("/approve")
    assert shown.cancel().state == "confirmed"


def test_asking_learns_of_a_payment_whose_notice_was_lost(shop, shown):
    phone = shop.paying(shown)
    shop.desk.sandbox.notify = lambda attempt, answer: None
    phone.tap("/approve")
    assert "Paid at" in phone.here.text
    assert shown.view().state == "confirmed"


@pytest.mark.fault(34, "one payment")
def test_a_notice_that_comes_again_counts_once(shop, shown):
    notice = Answer(Standing.PAID, (Money("ref-1", shown.order.total, 1),))
    for _ in range(3):
        shop.desk.payments.heard(shown.key, notice)
    view = shown.view()
    assert (view.received, view.anomalies, view.version) == (shown.order.total, [], 2)


@pytest.mark.fault(37, "not paid until the whole amount is there")
def test_too_little_money_stays_open_until_the_rest_is_there(shop, shown):
    total = shown.order.total
    shop.desk.payments.heard(shown.key, Answer(Standing.OPEN, (Money("a", 100, 1),)))
    view = shown.view()
    assert (view.state, view.received, view.anomalies) == ("waiting", 100, ["partial"])
    rest = Answer(Standing.PAID, (Money("a", 100, 1), Money("b", total - 100, 2)))
    shop.desk.payments.heard(shown.key, rest)
    view = shown.view()
    assert (view.state, view.received, view.anomalies) == ("confirmed", total, ["partial"])


# --- time -----------------------------------------------------------------------------------------


# --- history --------------------------------------------------------------------------------------


def test_every_change_is_one_line_of_history(shop, shown):
    shop.paying(shown).tap("/twice")
    rows, view = history(shop, shown), shown.view()
    assert [row.event for row in rows] == ["shown", "looked", "started", "paid", "paid_over"]
    assert [row.version for row in rows] == [1, 2, 3, 4, 5]
    assert (view.version, view.state) == (rows[-1].version, rows[-1].state)
    assert rows[-1].received == view.received


@pytest.mark.parametrize("table", [tables.event, tables.money, tables.sandbox_money])
def test_history_and_money_can_be_neither_changed_nor_removed(shop, shown, table):
    shop.paying(shown).tap("/approve")
    for statement in (table.update().values(at_ms=1), table.delete()):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), shop.cloud.db.begin() as conn:
            conn.execute(statement)


# --- races ----------------------------------------------------------------------------------------


def test_many_taps_at_once_pay_once(shop, shown):
    phone = shop.paying(shown)
    payment_id = str(phone.here.url).rsplit("/", 1)[1]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: shop.desk.sandbox.approve(payment_id), range(24)))
    view = shown.view()
    assert (view.state, view.received, view.anomalies) == ("confirmed", shown.order.total, [])


def test_cancel_and_approval_at_once_never_lose_money(shop, till):
    for _ in range(10):
        shown = till.show(shop.client, till.order(COAT, SCARF))
        phone = shop.paying(shown)
        payment_id = str(phone.here.url).rsplit("/", 1)[1]
        with ThreadPoolExecutor(2) as pool:
            paid = pool.submit(shop.desk.sandbox.approve, payment_id)
            closed = pool.submit(shown.cancel)
            paid.result()
            answer = closed.result()
        took = shop.desk.sandbox.order(payment_id).standing is Standing.PAID
        view = shown.view()
        assert view.received == (shown.order.total if took else 0)
        # A wallet that finds its order closed says so at once, and may be heard before the till is.
        assert view.state in ({"confirmed"} if took else {"cancelled", "expired"})
        assert "late" not in view.anomalies
        assert answer.state == view.state
