"""Refunds of which somebody has forgotten something, or should not have asked for: a restored cloud, a person
who is no manager, a provider that raises where nobody expected it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.wire.bodies import RefundStepV1
from app.wire.messages import PersonRow
from cloud.bootstrap import Cloud
from cloud.errors import Refused
from cloud.services.feed import put_people
from tests.cloud.paying import Shop, Shown, Till, open_shop
from tests.cloud.test_giving_back import task_of, wish
from tests.cloud.test_money_tasks import push_sale, receive, sold


@pytest.fixture
def shop(cloud: Cloud) -> Iterator[Shop]:
    with open_shop(cloud) as opened:
        yield opened


@pytest.fixture
def till(shop: Shop) -> Till:
    return shop.till()


@pytest.fixture
def paid(shop: Shop, till: Till) -> Shown:
    shown = till.show(shop.client)
    shop.paying(shown).tap("/approve")
    push_sale(till, sold(shown))
    return shown


@pytest.fixture
def late(shop: Shop, till: Till) -> Shown:
    shown = till.show(shop.client)
    shown.cancel()
    receive(shop, shown, shown.order.total)
    assert task_of(shop, shown).code == "late"
    return shown


def told(shown: Shown, standing: str, step: int, number: str, amount: int) -> RefundStepV1:
    """What a till has written down of money it gave back."""
    return RefundStepV1(
        id=new_id(),
        number=number,
        step=step,
        standing=standing,
        attempt=shown.order.attempt_id,
        amount=amount,
        currency="CNY",
        business_date="2026-11-26",
        reason="late_money",
    )


def test_late_money_that_only_its_till_remembers_as_given_back_is_no_task(
    shop: Shop, till: Till, late: Shown
):
    """The cloud was restored and has forgotten the refund; the till pushes its journal again."""
    number, total = new_id(), late.order.total
    till.device.write("refund_step", told(late, "unknown", 1, number, total))
    till.device.push()
    assert task_of(shop, late).state == "open"  # nobody is sure yet
    till.device.write("refund_step", told(late, "done", 2, number, total))
    till.device.push()
    task = task_of(shop, late)
    assert (task.code, task.state, task.amount) == ("refunded", "settled", total)


def test_what_a_till_remembers_is_counted_once_and_leaves_the_rest_waiting(
    shop: Shop, till: Till, paid: Shown
):
    receive(shop, paid, paid.order.total)
    assert (task_of(shop, paid).code, task_of(shop, paid).amount) == ("over", paid.order.total)
    number = new_id()
    for step in (1, 2):
        till.device.write("refund_step", told(paid, "done", step, number, 500))
        till.device.push()
    task = task_of(shop, paid)
    assert (task.code, task.state, task.amount) == ("over", "open", paid.order.total - 500)


@pytest.mark.parametrize("who", ["g1", "nobody", ""])
def test_only_a_manager_gives_the_money_of_a_sale_back(shop: Shop, paid: Shown, who: str):
    people = [
        PersonRow(person_id=each, name=each, name_en=each, role=role, pin="")
        for each, role in (("m1", "manager"), ("g1", "guide"))
    ]
    tenant = paid.till.device.me.tenant
    shop.cloud.db.write(lambda conn: put_people(conn, tenant, people))
    desk = shop.desk.giving_back
    with pytest.raises(Refused, match="not_a_manager"):
        desk.give_back(wish(paid, 100, person=who))
    assert desk.give_back(wish(paid, 100, person="m1")).standing is Back.DONE
