"""What people said of money counts once, for what it was about: no fen is named twice or nowhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.domain.payment import Anomaly, PaymentState, State
from app.errors import Code
from app.wire.tasks import (
    DELIVERED,
    GIVES_BACK,
    GOODS_FOR,
    OVER,
    REFUNDED,
    SEEN,
    STUCK,
    TaskRow,
    TaskSettlement,
)
from cloud.db.task_tables import task as task_table
from cloud.gateways.base import Answer, Money, Standing
from cloud.services.answered import NO_WORDS, Words, kept_words, read_words
from cloud.services.given_back import Given
from cloud.services.judging import ORPHAN_MS, Finding, judge, still_good
from cloud.services.money_facts import Known, Sold
from cloud.services.money_tasks import review
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, Shop, Shown, Till
from tests.cloud.tillside import claimed, push_sale, sold, task_of, wish

DUE = 100
LATE_MONEY = Known(
    "a", "d", "s", PaymentState(State.CONFIRMED, frozenset({Anomaly.LATE})), DUE, DUE, 0, 0
)


@dataclass
class Counter:
    """A shop's own count, beside the cloud's: what came, and what for."""

    came: int = DUE
    back: int = 0
    by_hand: int = 0
    goods_out: bool = False

    @property
    def held(self) -> int:
        """What the shop holds and nobody has accounted for."""
        return self.came - self.back - self.by_hand - (DUE if self.goods_out else 0)


@dataclass
class Books:
    """The cloud's side: facts, the sale and people's words."""

    facts: Known = LATE_MONEY
    sold: Sold | None = None
    words: Words = NO_WORDS

    def look(self) -> Finding:
        self.words = read_words(kept_words(still_good(self.words, self.facts, self.sold)))
        return judge(self.facts, self.sold, self.words, 1)

    def come(self, amount: int) -> None:
        self.facts = replace(self.facts, received=self.facts.received + amount)

    def give_back(self, amount: int) -> None:
        given = replace(self.facts.given, done=self.facts.given.done + amount)
        self.facts = replace(self.facts, given=given)

    def say(self, word: str, found: Finding) -> None:
        self.words = self.words.after(word, found.code, found.amount, DUE)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(1, 250)),
        st.tuples(st.just("give_back"), st.integers(1, 250)),
        st.tuples(st.just("by_hand"), st.sampled_from([SEEN, REFUNDED])),
        st.tuples(st.just("deliver"), st.booleans()),
        st.tuples(st.just("its_sale_comes"), st.none()),
    ),
    max_size=14,
)


def play(books: Books, counter: Counter, step: str, what: Any) -> None:
    """Let one thing happen to both, if a shop could do it now."""
    found = books.look()
    if step == "come":
        books.come(what)
        counter.came += what
    elif step == "give_back" and found.waits and found.code in GIVES_BACK:
        part = min(what, found.amount)
        books.give_back(part)
        counter.back += part
    elif step == "by_hand" and found.waits:
        books.say(what, found)
        counter.by_hand += found.amount
    elif step == "deliver" and found.waits and found.code in GOODS_FOR and not counter.goods_out:
        sale_first = what
        counter.goods_out = True
        if sale_first:
            books.sold = Sold("R-1", own=True)
            found = books.look()
        books.say(DELIVERED, found)
    elif step == "its_sale_comes" and counter.goods_out:
        books.sold = Sold("R-1", own=True)


@given(STEPS)
def test_what_the_shop_holds_without_a_reason_is_named_and_nothing_else(
    steps: list[tuple[str, Any]],
):
    books, counter = Books(), Counter()
    for step, what in steps:
        play(books, counter, step, what)
        found = books.look()
        assert (found.amount if found.waits else 0) == counter.held, (step, what, books)
        if found.waits and counter.goods_out:
            assert found.code == OVER
        if found.waits and not counter.goods_out and found.amount < DUE and counter.by_hand:
            assert found.code not in GOODS_FOR, "no goods for less than they cost"


def test_money_that_was_taken_back_takes_its_word_with_it():
    books = Books()
    books.say(SEEN, books.look())
    books.facts = replace(books.facts, taken_back=DUE)
    found = books.look()
    assert (found.code, found.amount, found.waits) == ("taken_back", DUE, True)
    books.say(SEEN, found)
    assert not books.look().waits
    books.come(DUE)
    assert (books.look().code, books.look().amount) == ("late", DUE)


@pytest.mark.parametrize(
    ("given", "code"),
    [(Given(stuck=30), STUCK), (Given(owed=30, owed_for="r"), "refund_refused")],
)
def test_a_refund_a_person_ended_hides_no_later_money(given: Given, code: str):
    books = Books(replace(LATE_MONEY, given=given), Sold("R-1", own=True))
    found = books.look()
    assert (found.code, found.amount) == (code, 30)
    books.say(REFUNDED, found)
    assert not books.look().waits
    books.come(70)
    found = books.look()
    assert (found.code, found.amount) == (OVER, 70)
    books.say(SEEN, found)
    assert not books.look().waits, "neither comes back for the other"


def test_goods_that_came_back_leave_later_money_whole():
    """Delivered, partly returned by the wallet, its sale not in the books yet; then a second payment."""
    books = Books()
    books.say(DELIVERED, books.look())
    books.facts = replace(books.facts, given=Given(of_sale=True, returned=43))
    assert not books.look().waits
    books.come(DUE)
    assert (books.look().code, books.look().amount) == (OVER, DUE)


def test_seen_money_whose_sale_comes_after_all_hides_no_surplus():
    books = Books()
    books.say(SEEN, books.look())
    books.sold = Sold("R-1", own=True)
    assert not books.look().waits
    books.come(DUE)
    assert (books.look().code, books.look().amount) == (OVER, DUE)


# --- in the books ---------------------------------------------------------------------------------


def settle(till: Till, shown: Shown, word: str) -> TaskRow:
    """A manager settles the money's task by a word; return how it stands then."""
    asked = TaskSettlement(
        task_id=shown.order.attempt_id,
        claim_id=claimed(till, shown),
        resolution=word,
        person="m1",
    )
    return till.device.post("/v1/tasks/settle", asked, TaskRow)


def pay_again(shop: Shop, shown: Shown) -> None:
    money = Money(new_id(), shown.order.total, shop.cloud.clock())
    shop.desk.payments.heard(shown.key, Answer(Standing.PAID, (money,)))


def looked_at_again(shop: Shop, shown: Shown) -> tuple[str, str, int]:
    """Return code, state and amount of an attempt's task after one more review that has no news."""
    own = (shown.till.device.me.tenant, shown.till.store)
    with shop.cloud.db.begin() as conn:
        review(conn, own, [shown.order.attempt_id], shop.cloud.clock())
    row = task_of(shop, shown)
    return row.code, row.state, row.amount


@pytest.fixture(params=["late", "no_sale"])
def twice(request, shop: Shop, till: Till, clock: Clock) -> Shown:
    """An order without its sale that was paid at two wallets: after its end, or in time by a lost tablet."""
    shown = till.show(shop.client)
    phone = shop.paying(shown)
    if request.param == "late":
        shown.cancel()
        phone.tap("/late")
        pay_again(shop, shown)
    else:
        phone.tap("/approve")
        pay_again(shop, shown)
        clock.ahead_ms += FIVE_MINUTES + ORPHAN_MS + 1
        till.device.sign_in()
        shop.desk.payments.sweep()
    total = shown.order.total
    assert looked_at_again(shop, shown) == (request.param, "open", 2 * total)
    return shown


def test_once_the_goods_went_out_only_the_surplus_waits_and_goes_back(
    shop: Shop, till: Till, twice: Shown
):
    code, total = task_of(shop, twice).code, twice.order.total
    settle(till, twice, DELIVERED)
    for _ in range(2):
        assert looked_at_again(shop, twice) == (OVER, "open", total)
    asked = wish(twice, total, document="", claim_id=claimed(till, twice))
    assert shop.desk.giving_back.give_back(asked).standing is Back.DONE
    for _ in range(2):
        assert looked_at_again(shop, twice) == (code, "settled", total)
    assert task_of(shop, twice).resolution == DELIVERED


@pytest.mark.parametrize("word", [SEEN, REFUNDED])
def test_a_word_about_all_of_it_is_asked_for_once(shop: Shop, till: Till, twice: Shown, word: str):
    code, total = task_of(shop, twice).code, twice.order.total
    settle(till, twice, word)
    for _ in range(2):
        assert looked_at_again(shop, twice) == (code, "settled", 2 * total)
    pay_again(shop, twice)
    assert looked_at_again(shop, twice) == (code, "open", total)


def test_a_sale_that_comes_in_before_the_word_that_its_goods_went_out_leaves_the_surplus(
    shop: Shop, till: Till, twice: Shown
):
    """A tablet delivers, and its journal is quicker than its word."""
    claimed(till, twice)
    push_sale(till, sold(twice))
    row = settle(till, twice, DELIVERED)
    assert (row.code, row.state, row.amount) == (OVER, "open", twice.order.total)
    assert looked_at_again(shop, twice) == (OVER, "open", twice.order.total)


def test_money_that_went_back_takes_no_later_money_with_it(shop: Shop, till: Till):
    """The first payment goes back as the inbox gives it back; two more come, and both of them wait."""
    shown = till.show(shop.client)
    phone = shop.paying(shown)
    shown.cancel()
    phone.tap("/late")
    total = shown.order.total
    asked = wish(shown, total, document="", claim_id=claimed(till, shown))
    assert shop.desk.giving_back.give_back(asked).standing is Back.DONE
    assert looked_at_again(shop, shown)[:2] == ("refunded", "settled")
    pay_again(shop, shown)
    pay_again(shop, shown)
    code, state, amount = looked_at_again(shop, shown)
    assert (state, amount) == ("open", 2 * total), code


def test_a_surplus_that_was_settled_is_not_named_with_the_next(
    shop: Shop, till: Till, shown: Shown
):
    shop.paying(shown).tap("/approve")
    pay_again(shop, shown)
    push_sale(till, sold(shown))
    settle(till, shown, SEEN)
    assert looked_at_again(shop, shown) == (OVER, "settled", shown.order.total)
    pay_again(shop, shown)
    assert looked_at_again(shop, shown) == (OVER, "open", shown.order.total)


def test_goods_for_the_second_payment_after_cash_for_the_first_leave_nothing_to_give(
    shop: Shop, till: Till
):
    """Late money, given back in cash; the customer pays once more and takes the goods along."""
    shown = till.show(shop.client)
    phone = shop.paying(shown)
    shown.cancel()
    phone.tap("/late")
    settle(till, shown, REFUNDED)
    pay_again(shop, shown)
    total = shown.order.total
    assert looked_at_again(shop, shown) == ("late", "open", total)
    row = settle(till, shown, DELIVERED)
    assert (row.state, row.resolution) == ("settled", DELIVERED)
    push_sale(till, sold(shown))
    assert looked_at_again(shop, shown)[1] == "settled"


def test_a_claim_does_not_hold_for_money_that_came_after_it(shop: Shop, till: Till):
    shown = till.show(shop.client)
    phone = shop.paying(shown)
    shown.cancel()
    phone.tap("/late")
    claim = claimed(till, shown)
    pay_again(shop, shown)
    asked = TaskSettlement(
        task_id=shown.order.attempt_id, claim_id=claim, resolution=SEEN, person="m1"
    )
    answer = till.device.client.post(
        "/v1/tasks/settle", content=msgspec.json.encode(asked), headers=till.headers
    )
    assert answer.status_code == 409
    assert looked_at_again(shop, shown) == ("late", "open", 2 * shown.order.total)


def test_no_word_settles_money_whose_order_can_still_be_paid(shop: Shop, till: Till):
    shown = till.show(shop.client)
    shop.paying(shown)
    some = Money(new_id(), 40, shop.cloud.clock())
    shop.desk.payments.heard(shown.key, Answer(Standing.PAID, (some,)))
    claim = claimed(till, shown)
    asked = TaskSettlement(
        task_id=shown.order.attempt_id, claim_id=claim, resolution=REFUNDED, person="m1"
    )
    answer = till.device.client.post(
        "/v1/tasks/settle", content=msgspec.json.encode(asked), headers=till.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, Code.PAYMENT_ALREADY_OPEN.value)
    shown.cancel()
    assert settle(till, shown, REFUNDED).state == "settled"


def test_what_was_said_is_nobodys_business_but_the_clouds(shop: Shop, till: Till, twice: Shown):
    row = settle(till, twice, DELIVERED)
    assert (row.state, row.resolution) == ("open", ""), "an open task has no resolution"
    with shop.cloud.db.reading() as conn:
        words = read_words(conn.scalar(sa.select(task_table.c.words)) or "")
    assert words == Words(goods=twice.order.total, said=DELIVERED)
    assert "words" not in TaskRow.__struct_fields__
