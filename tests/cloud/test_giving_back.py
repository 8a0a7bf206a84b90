"""Money given back by the way it came: the cloud's ledger of it, on both engines, against the sandbox and
a provider that answers as a test tells it to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.domain.payment import State
from app.errors import Code, RuleBroken
from app.wire.proofs import PROOF_MS
from cloud.db import refund_tables
from cloud.errors import Refused
from cloud.gateways.base import Answer, Money, RefundAnswer, RefundStanding, Standing, unresolved
from cloud.services.judging import ORPHAN_MS
from cloud.services.refund_answers import SELDOM_MS, SOON_MS
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, Shop, Shown, Till
from tests.cloud.tillside import claimed, task_of, wish


class Script:
    """What the sandbox says to the next questions about refunds; what is left out it says by itself."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[RefundAnswer | None] = []
        self.asked: list[str] = []
        sandbox = shop.desk.sandbox
        truly = {name: getattr(sandbox, name) for name in ("refund", "refund_query")}

        def answering(name: str) -> Any:
            def answer(refund: Any) -> RefundAnswer:
                self.asked.append(name)
                if not self.answers:
                    return truly[name](refund)
                said = self.answers.pop(0)
                if said is None:
                    raise unresolved("sandbox", "the line broke")
                return said

            return answer

        for name in truly:
            monkeypatch.setattr(sandbox, name, answering(name))


@pytest.fixture
def script(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(shop, monkeypatch)


def refused_with(code: Code, work: Any) -> RuleBroken:
    with pytest.raises(RuleBroken) as caught:
        work()
    assert caught.value.code is code
    return caught.value


# --- of a sale ------------------------------------------------------------------------------------


def test_a_sale_goes_back_in_parts_and_never_more_than_came(shop: Shop, paid: Shown):
    desk, total = shop.desk.giving_back, paid.order.total
    first = desk.give_back(wish(paid, 100))
    assert (first.standing, first.amount) == (Back.DONE, 100)
    refusal = refused_with(
        Code.REFUND_EXCEEDS_PAYMENT, lambda: desk.give_back(wish(paid, total - 99))
    )
    assert refusal.facts["left"] == total - 100
    assert desk.give_back(wish(paid, total - 100)).standing is Back.DONE
    refused_with(Code.REFUND_EXCEEDS_PAYMENT, lambda: desk.give_back(wish(paid, 1)))
    assert paid.view().state == State.REFUNDED
    assert shop.desk.sandbox.query(paid.key).money


def test_the_same_number_is_the_same_money_once(shop: Shop, paid: Shown, script: Script):
    asked = wish(paid, 100)
    first = shop.desk.giving_back.give_back(asked)
    assert shop.desk.giving_back.give_back(asked) == first
    assert script.asked == ["refund"]
    for other in (replace(asked, amount=99), replace(asked, document=new_id())):
        refused_with(
            Code.REFERENCE_ALREADY_USED, lambda other=other: shop.desk.giving_back.give_back(other)
        )


def test_tills_that_want_the_rest_at_once_do_not_get_it_twice(shop: Shop, paid: Shown):
    def ask(_: int) -> Back | Code:
        try:
            return shop.desk.giving_back.give_back(wish(paid, paid.order.total)).standing
        except RuleBroken as refused:
            return refused.code

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(ask, range(4)))
    assert found == [Back.DONE, *[Code.REFUND_EXCEEDS_PAYMENT] * 3]


@pytest.mark.parametrize(
    "answers",
    [
        [None, None, None],
        [None, RefundAnswer(RefundStanding.ABSENT)],
        [RefundAnswer(RefundStanding.PENDING), None],
        [RefundAnswer(RefundStanding.PENDING), RefundAnswer(RefundStanding.ABSENT)],
    ],
)
def test_a_refund_is_followed_until_somebody_knows(
    shop: Shop, paid: Shown, script: Script, clock: Clock, answers: list[RefundAnswer | None]
):
    script.answers = list(answers)
    asked = wish(paid, 100)
    standing = shop.desk.giving_back.give_back(asked).standing
    assert standing is (Back.UNKNOWN if answers[0] is None else Back.PENDING)
    for _ in range(20):
        clock.ahead_ms += SOON_MS
        shop.desk.giving_back.sweep()
    assert shop.desk.giving_back.current(asked.key).standing is Back.DONE
    assert shop.desk.sandbox.query(paid.key).standing is Standing.PAID
    asked_so_far = len(script.asked)
    clock.ahead_ms += SELDOM_MS
    assert shop.desk.giving_back.sweep() == 0
    assert len(script.asked) == asked_so_far


def test_what_is_in_doubt_counts_as_gone_and_what_is_refused_does_not(
    shop: Shop, paid: Shown, script: Script
):
    desk, total = shop.desk.giving_back, paid.order.total
    script.answers = [None, RefundAnswer(RefundStanding.REFUSED, reason="balance")]
    doubtful = desk.give_back(wish(paid, total - 10))
    assert (doubtful.standing, paid.view().state) == (Back.UNKNOWN, State.CONFIRMED)
    refused_with(Code.REFUND_EXCEEDS_PAYMENT, lambda: desk.give_back(wish(paid, 11)))
    refused = desk.give_back(wish(paid, 10))
    assert (refused.standing, refused.first.word) == (Back.REFUSED, "balance")
    assert desk.give_back(wish(paid, 10)).standing is Back.DONE


def test_a_whole_refund_that_is_refused_leaves_the_payment_paid(
    shop: Shop, paid: Shown, script: Script, clock: Clock
):
    script.answers = [
        RefundAnswer(RefundStanding.PENDING),
        RefundAnswer(RefundStanding.REFUSED, reason="closed"),
    ]
    asked = wish(paid, paid.order.total)
    shop.desk.giving_back.give_back(asked)
    assert paid.view().state == State.REFUND_PENDING
    clock.ahead_ms += SOON_MS
    assert shop.desk.giving_back.current(asked.key).standing is Back.REFUSED
    assert paid.view().state == State.CONFIRMED


def test_a_promise_the_provider_breaks_becomes_a_task_until_it_is_kept(
    shop: Shop, till: Till, paid: Shown, script: Script, clock: Clock
):
    """The till has written "given back" down, because the provider had accepted it."""
    script.answers = [
        RefundAnswer(RefundStanding.PENDING),
        RefundAnswer(RefundStanding.REFUSED, reason="closed"),
    ]
    asked = wish(paid, 500)
    shop.desk.giving_back.give_back(asked)
    assert task_of(shop, paid).kind == "payment"
    clock.ahead_ms += SOON_MS
    shop.desk.giving_back.current(asked.key)
    task = task_of(shop, paid)
    assert (task.code, task.state, task.amount) == ("refund_refused", "open", 500)
    again = wish(paid, 500, document="", claim_id=claimed(till, paid), person="m1")
    kept = shop.desk.giving_back.give_back(again)
    assert (kept.standing, kept.first.document) == (Back.DONE, asked.document)
    assert task_of(shop, paid).state == "settled"


def test_a_refund_that_is_stuck_is_a_task_until_the_provider_has_done_it(
    shop: Shop, till: Till, paid: Shown, script: Script, clock: Clock
):
    script.answers = [RefundAnswer(RefundStanding.STUCK, reason="abnormal")]
    asked = wish(paid, 500)
    assert shop.desk.giving_back.give_back(asked).standing is Back.STUCK
    task = task_of(shop, paid)
    assert (task.code, task.state, task.amount) == ("refund_stuck", "open", 500)
    clock.ahead_ms += SOON_MS
    assert shop.desk.giving_back.sweep() == 0  # asked seldom
    script.answers = [RefundAnswer(RefundStanding.DONE, "r", 500)]
    clock.ahead_ms += SELDOM_MS
    shop.desk.giving_back.sweep()
    assert shop.desk.giving_back.current(asked.key).standing is Back.DONE
    assert task_of(shop, paid).state == "settled"


def test_another_amount_than_asked_for_is_nothing_to_be_sure_of(
    shop: Shop, paid: Shown, script: Script
):
    script.answers = [RefundAnswer(RefundStanding.DONE, "r", 499)]
    assert shop.desk.giving_back.give_back(wish(paid, 500)).standing is Back.STUCK


def test_nothing_goes_back_of_what_has_not_come(shop: Shop, till: Till):
    shown = till.show(shop.client)
    desk = shop.desk.giving_back
    refused_with(Code.PAYMENT_ALREADY_OPEN, lambda: desk.give_back(wish(shown, 1)))
    shown.cancel()
    refused_with(Code.PAYMENT_NOT_CONFIRMED, lambda: desk.give_back(wish(shown, 1)))


def test_money_does_not_go_back_behind_a_till_that_may_hold_a_proof(
    shop: Shop, till: Till, clock: Clock
):
    shown = till.show(shop.client)
    shop.paying(shown).tap("/approve")
    asked = wish(shown, 100, device=shop.till().device.me.device)
    refused_with(Code.PROOF_OUT, lambda: shop.desk.giving_back.give_back(asked))
    clock.ahead_ms += PROOF_MS + FIVE_MINUTES
    assert shop.desk.giving_back.give_back(asked).standing is Back.DONE


def test_history_is_kept_and_cannot_be_changed(
    shop: Shop, paid: Shown, script: Script, clock: Clock
):
    script.answers = [None, RefundAnswer(RefundStanding.PENDING)]
    asked = wish(paid, 100)
    shop.desk.giving_back.give_back(asked)
    for _ in range(2):
        clock.ahead_ms += SOON_MS
        shop.desk.giving_back.current(asked.key)
    events = refund_tables.event
    with shop.cloud.db.reading() as conn:
        own = sa.select(events).where(events.c.store_id == "S001").order_by(events.c.version)
        assert [row.standing for row in conn.execute(own)] == ["unknown", "pending", "done"]
    for statement in (events.update().values(at_ms=1), events.delete()):
        with (
            pytest.raises(sa.exc.DBAPIError, match="append-only"),
            shop.cloud.db.begin() as connection,
        ):
            connection.execute(statement)


# --- of money no sale was made of -----------------------------------------------------------------


def test_the_task_of_money_without_a_sale_names_no_more_than_is_left_of_it(
    shop: Shop, till: Till, clock: Clock
):
    shown = till.show(shop.client)
    shop.paying(shown).tap("/approve")
    clock.ahead_ms += FIVE_MINUTES + ORPHAN_MS + 1
    till.device.sign_in()
    shop.desk.payments.sweep()
    total, part = shown.order.total, 2_500
    assert (task_of(shop, shown).code, task_of(shop, shown).amount) == ("no_sale", total)
    claim = claimed(till, shown)
    for amount in (part, total - part):
        assert task_of(shop, shown).state == "claimed"
        asked = wish(shown, amount, document="", claim_id=claim)
        assert shop.desk.giving_back.give_back(asked).standing is Back.DONE
        if amount == part:
            left = task_of(shop, shown)
            assert (left.code, left.amount) == ("partial", total - part), "no goods for that"
    assert (task_of(shop, shown).code, task_of(shop, shown).state) == ("refunded", "settled")


def test_late_money_goes_back_from_whichever_tablet_claims_it(shop: Shop, till: Till, late: Shown):
    other = shop.till()
    claim = claimed(other, late)
    asked = wish(late, late.order.total, document="", claim_id=claim, device=other.device.me.device)
    stranger = replace(asked, number=new_id(), device=till.device.me.device)
    with pytest.raises(Refused, match="claimed"):
        shop.desk.giving_back.give_back(stranger)
    assert shop.desk.giving_back.give_back(asked).standing is Back.DONE
    task = task_of(shop, late)
    assert (task.code, task.state, task.resolution) == ("refunded", "settled", "refunded")
    assert late.view().state == State.REFUNDED


def test_only_what_was_too_much_of_a_sale_goes_back(shop: Shop, till: Till, paid: Shown):
    extra = Money("r-2", paid.order.total, shop.cloud.clock())
    shop.desk.payments.heard(paid.key, Answer(Standing.PAID, (extra,)))
    assert task_of(shop, paid).code == "over"
    claim = claimed(till, paid)
    too_much = wish(paid, paid.order.total + 1, document="", claim_id=claim)
    refused_with(Code.REFUND_EXCEEDS_PAYMENT, lambda: shop.desk.giving_back.give_back(too_much))
    asked = wish(paid, paid.order.total, document="", claim_id=claim)
    found = shop.desk.giving_back.give_back(asked)
    assert (found.first.payment_ref, found.amount) == ("r-2", paid.order.total)
    assert task_of(shop, paid).state == "settled"
    assert paid.view().state == State.CONFIRMED  # the sale keeps what it cost


def test_money_that_is_too_little_goes_back_only_once_nothing_more_can_come(shop: Shop, till: Till):
    shown = till.show(shop.client)
    shop.paying(shown)
    some = Money("r-1", 40, shop.cloud.clock())
    more = Money("r-2", 50, shop.cloud.clock() + 1)
    for piece in (some, more):
        shop.desk.payments.heard(shown.key, Answer(Standing.PAID, (piece,)))
    assert task_of(shop, shown).code == "partial"
    claim = claimed(till, shown)
    asked = wish(shown, 90, document="", claim_id=claim)
    found = shop.desk.giving_back.give_back(asked)
    assert [(row.payment_ref, row.amount) for row in found.rows if row.number == asked.number] == [
        ("r-2", 50)
    ]
    assert (found.amount, len(found.rows)) == (90, 2)
    assert shop.desk.payments.find(shown.key).payment.state is State.CANCELLED
