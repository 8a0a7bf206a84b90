"""Money after the end of its order, and the clock that ends orders."""

from __future__ import annotations

import pytest

from cloud.gateways.base import AttemptKey
from cloud.services.payments import LATE_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, history


def test_money_after_the_till_cancelled_is_late_and_not_lost(shop, shown):
    phone = shop.paying(shown)
    assert shown.cancel().state == "cancelled"
    phone.open(str(phone.here.url))
    phone.tap("/late")
    view = shown.view()
    assert (view.state, view.received, view.anomalies) == ("confirmed", shown.order.total, ["late"])


def test_late_money_whose_notice_was_lost_is_heard_of_when_the_till_asks(shop, shown, clock: Clock):
    phone = shop.paying(shown)
    shown.cancel()
    shop.desk.sandbox.notify = lambda attempt, answer: None
    phone.open(str(phone.here.url))
    phone.tap("/late")
    phone.open(shown.page)
    assert shop.desk.payments.find(shown.key).received == 0
    view = shown.view()
    assert (view.state, view.received, view.anomalies) == ("confirmed", shown.order.total, ["late"])


def test_nobody_is_asked_for_ever_about_an_attempt_that_closed(shop, shown, clock: Clock):
    shop.paying(shown)
    shown.cancel()
    clock.ahead_ms += LATE_MS + FIVE_MINUTES
    shop.desk.sandbox.query = None  # to ask it would be a bug
    assert shop.desk.payments.looked_after(shown.key).payment.state == "cancelled"


@pytest.mark.fault(36, "late money lies on the desk and waits for a decision")
def test_money_after_the_order_ran_out_is_late_and_not_lost(shop, shown):
    shop.paying(shown).tap("/late")
    view = shown.view()
    assert (view.state, view.anomalies) == ("confirmed", ["late"])
    assert [row.state for row in history(shop, shown)][-2:] == ["expired", "confirmed"]


def test_an_approval_of_a_closed_order_takes_no_money(shop, shown):
    phone = shop.paying(shown)
    shown.cancel()
    phone.tap("/approve")
    assert "Closed by the shop" in phone.here.text
    assert (shown.view().state, shown.view().received) == ("cancelled", 0)


def test_asking_after_the_end_says_expired(shown, clock: Clock):
    clock.ahead_ms += FIVE_MINUTES
    assert shown.view().state == "expired"


def test_the_sweep_closes_what_nobody_asks_about(shop, till, clock: Clock):
    open_ones = [till.show(shop.client) for _ in range(3)]
    shop.paying(open_ones[0])
    clock.ahead_ms += FIVE_MINUTES
    shop.desk.payments.sweep()  # or the server's own, if it is quicker
    assert shop.desk.payments.sweep() == 0
    for each in open_ones:
        assert [row.event for row in history(shop, each)].count("timed_out") == 1
        assert shop.desk.payments.find(each.key).payment.state == "expired"


def test_one_attempt_that_cannot_be_settled_holds_up_no_other(
    shop, till, clock, monkeypatch, caplog
):
    bad, good = till.show(shop.client), till.show(shop.client)
    clock.ahead_ms += FIVE_MINUTES
    current = shop.desk.payments.current

    def settle(key: AttemptKey):
        if key == bad.key:
            raise ZeroDivisionError
        return current(key)

    monkeypatch.setattr(type(shop.desk.payments), "current", lambda _, key: settle(key))
    assert shop.desk.payments.sweep() == 1
    assert shop.desk.payments.find(good.key).payment.state == "expired"
    assert "could not be settled" in caplog.text


def test_silent_attempts_do_not_crowd_out_those_that_ran_out(shop, till, clock, monkeypatch):
    silent = till.show(shop.client)
    shop.paying(silent).tap("/stall")
    assert silent.view().state == "unknown"
    late = till.show(shop.client, till.order(life_ms=2 * FIVE_MINUTES))
    clock.ahead_ms += 3 * FIVE_MINUTES
    monkeypatch.setattr("cloud.services.overdue.MOST", 1)
    assert shop.desk.payments.sweep() == 1
    assert late.view().state == "expired"


def test_an_order_that_runs_out_at_the_wallet_is_closed_there_too(shop, shown, clock: Clock):
    phone = shop.paying(shown)
    clock.ahead_ms += FIVE_MINUTES
    phone.tap("/approve")
    assert "Closed by the shop" in phone.here.text
    assert (shown.view().state, shown.view().received) == ("expired", 0)
