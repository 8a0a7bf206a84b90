"""A person's word about money is for the amount that was seen: what came meanwhile waits for another."""

from __future__ import annotations

import pytest

from app.errors import Code
from app.wire.tasks import DELIVERED, REFUNDED, SEEN, TaskRow, TaskSettlement
from cloud.__main__ import main
from tests.cloud.paying import Shop, Shown, Till
from tests.cloud.test_answered import looked_at_again, pay_again
from tests.cloud.test_tasks import refused
from tests.cloud.tillside import claimed, task_of

SETTLE = "/v1/tasks/settle"


@pytest.fixture
def late(shop: Shop, till: Till) -> Shown:
    """An order that was closed and paid all the same."""
    shown = till.show(shop.client)
    phone = shop.paying(shown)
    shown.cancel()
    phone.tap("/late")
    assert looked_at_again(shop, shown) == ("late", "open", shown.order.total)
    return shown


def say(till: Till, shown: Shown, word: str, amount: int) -> TaskSettlement:
    """A manager whose list may be old presses a word: her tablet claims and says the amount she saw."""
    return TaskSettlement(
        task_id=shown.order.attempt_id,
        claim_id=claimed(till, shown),
        resolution=word,
        person="m1",
        amount=amount,
    )


@pytest.mark.parametrize("word", [SEEN, REFUNDED])
def test_a_second_payment_is_not_settled_by_a_word_about_the_first(
    shop: Shop, till: Till, late: Shown, word: str
) -> None:
    total = late.order.total
    pay_again(shop, late)
    asked = say(till, late, word, total)
    assert refused(till.device, SETTLE, asked)[:2] == (409, Code.TASK_CHANGED)
    code, state, amount = looked_at_again(shop, late)
    assert (code, state, amount) == ("late", "claimed", 2 * total)
    assert task_of(shop, late).resolution == ""
    knowing = say(till, late, word, 2 * total)
    assert till.device.post(SETTLE, knowing, TaskRow).state == "settled"
    assert looked_at_again(shop, late)[1] == "settled"


def test_money_that_comes_between_claim_and_word_is_said_to_have_changed(
    shop: Shop, till: Till, late: Shown
) -> None:
    """Whether or not the claim has outlived it: no other tablet is at it."""
    asked = say(till, late, REFUNDED, late.order.total)
    pay_again(shop, late)
    assert refused(till.device, SETTLE, asked)[:2] == (409, Code.TASK_CHANGED)
    assert looked_at_again(shop, late)[1] != "settled"


@pytest.mark.parametrize("word", [SEEN, REFUNDED])
def test_what_has_become_less_is_looked_at_again_too(till: Till, late: Shown, word: str) -> None:
    asked = say(till, late, word, late.order.total + 1)
    assert refused(till.device, SETTLE, asked)[:2] == (409, Code.TASK_CHANGED)


def test_a_person_who_may_not_settle_hears_that_first(till: Till, late: Shown) -> None:
    asked = say(till, late, "nonsense", 1)
    assert refused(till.device, SETTLE, asked)[:2] == (422, "malformed")


def test_goods_that_went_out_say_so_whatever_came_meanwhile(
    shop: Shop, till: Till, late: Shown
) -> None:
    total = late.order.total
    pay_again(shop, late)
    asked = say(till, late, DELIVERED, total)
    done = till.device.post(SETTLE, asked, TaskRow)
    assert (done.state, done.amount) == ("open", total), "the second payment waits for a word"


def test_the_command_line_calls_settled_only_what_is_settled(
    shop: Shop, late: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    pay_again(shop, late)
    settings, name = shop.cloud.settings, late.order.attempt_id
    where = ["--data", str(settings.data), "--db", settings.db_url]

    def said(word: str) -> str:
        assert main(["settle", name, "--resolution", word, *where]) == 0
        return capsys.readouterr().out

    assert f"{name} is open: delivered is noted, {late.order.total} still waits" in said(DELIVERED)
    assert looked_at_again(shop, late)[1] == "open"
    assert f"{name} is settled: seen" in said(SEEN)
