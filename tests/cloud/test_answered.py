"""Every fen of an attempt's money is named, or answered for by a word, or gone: never twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.wire.tasks import DELIVERED, LATE, OVER, REFUNDED, SEEN, TaskRow, TaskSettlement
from cloud.db.task_tables import task as task_table
from cloud.gateways.base import Answer, Money, Standing
from cloud.services.answered import after_word, waits_of
from cloud.services.money_tasks import ORPHAN_MS, review
from tests.cloud.conftest import Clock
from tests.cloud.paying import FIVE_MINUTES, Shop, Shown, Till
from tests.cloud.tillside import claimed, push_sale, sold, task_of, wish

DUE = 100


@dataclass
class Purse:
    """Money of an attempt nobody sold, beside a plain count of what was answered for."""

    there: int = 0
    answered: int = 0

    def named(self) -> tuple[str, int]:
        return waits_of(LATE, self.there, DUE, self.answered)

    def come(self, amount: int) -> None:
        self.there += amount

    def leave(self, amount: int) -> None:
        self.there -= min(amount, self.there)
        self.answered = min(self.answered, self.there)

    def say(self, word: str) -> None:
        code, amount = self.named()
        if amount:
            self.answered = after_word(word, code, amount, DUE, self.answered)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(1, 250)),
        st.tuples(st.just("leave"), st.integers(1, 250)),
        st.tuples(st.just("say"), st.sampled_from([DELIVERED, SEEN, REFUNDED])),
    ),
    max_size=12,
)


@given(STEPS)
def test_what_is_there_is_named_or_answered_for(steps: list[tuple[str, Any]]):
    money = Purse()
    for step, what in steps:
        before, answered = money.named()[1], money.answered
        getattr(money, step)(what)
        code, named = money.named()
        assert named + money.answered == money.there
        assert code == (OVER if money.answered >= DUE else LATE)
        if step == "come":
            assert named == before + what, "a word is about what was there when it was said"
        if step == "say" and what == DELIVERED:
            assert named == max(0, money.there - max(DUE, answered)), "goods are worth their price"
        elif step == "say":
            assert named == 0


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 300))
def test_of_a_sale_only_what_came_on_top_waits(answered: int, extra: int, more: int):
    answered = min(answered, DUE + extra)
    code, named = waits_of(OVER, extra, DUE, answered)
    assert (code, named) == (OVER, DUE + extra - max(DUE, answered))
    if named:
        said = after_word(SEEN, OVER, named, DUE, answered)
        assert waits_of(OVER, extra, DUE, said) == (OVER, 0)
        assert waits_of(OVER, extra + more, DUE, said) == (OVER, more)


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
    assert looked_at_again(shop, twice) == (OVER, "open", total)


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


def test_what_is_answered_for_is_nobodys_business_but_the_clouds(
    shop: Shop, till: Till, twice: Shown
):
    settle(till, twice, DELIVERED)
    with shop.cloud.db.reading() as conn:
        assert conn.scalar(sa.select(task_table.c.answered)) == twice.order.total
    assert "answered" not in TaskRow.__struct_fields__
