"""A provider that says there is no bill: true of an empty day, too early of one with payments."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

import pytest

from app.domain.payment import State
from app.domain.times import SHOP_ZONE
from app.errors import Trouble
from tests.cloud.conftest import Clock
from tests.cloud.worlds import World

DAY_MS = 24 * 60 * 60 * 1000
BOTH = pytest.mark.parametrize("provider", ["alipay", "wechat"])


@BOTH
def test_a_day_with_payments_is_not_believed_to_be_empty(world: World, clock: Clock, provider: str):
    made, bills = getattr(world.providers, provider), world.shop.desk.bills
    world.start(provider)
    if provider == "alipay":
        made.scan(world.number)
    made.pay(world.number)
    assert world.state[0] == "confirmed"
    today = datetime.fromtimestamp(clock() / 1000, SHOP_ZONE).date()
    clock.ahead_ms += DAY_MS
    made.has_billed = False
    with pytest.raises(Trouble):
        bills.reconciliation.fetch(provider, today)
    assert bills.rounds.kept(provider, today, today) == set()
    made.has_billed = True
    result = bills.reconciliation.fetch(provider, today)
    assert (result.lines, result.found) == (1, 0)
    assert bills.rounds.kept(provider, today, today) == {today}


def test_a_bill_that_was_kept_when_the_cloud_died_is_compared_by_the_next_round(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """A payment nobody told us of stands on it."""
    alipay, bills = world.providers.alipay, world.shop.desk.bills
    world.start("alipay")
    alipay.scan(world.number)
    alipay.pay(world.number)
    today = datetime.fromtimestamp(clock() / 1000, SHOP_ZONE).date()
    clock.ahead_ms += 2 * DAY_MS
    reconciliation = bills.reconciliation

    class Died(BaseException):
        """The process is gone."""

    def die(_kept: object) -> NoReturn:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(reconciliation, "_compare", die)
        with pytest.raises(Died):
            reconciliation.fetch("alipay", today)
    assert bills.rounds.kept("alipay", today, today) == set()
    assert today in [result.day for result in bills.rounds.run() if result.account == "alipay"]
    paid = world.shop.desk.payments.find(world.shown.key)
    assert paid.payment.state is State.CONFIRMED
    assert today in bills.rounds.kept("alipay", today, today)


@BOTH
def test_a_day_on_which_nothing_happened_here_is_empty(world: World, clock: Clock, provider: str):
    getattr(world.providers, provider).has_billed = False
    today = datetime.fromtimestamp(clock() / 1000, SHOP_ZONE).date()
    clock.ahead_ms += DAY_MS
    result = world.shop.desk.bills.reconciliation.fetch(provider, today)
    assert (result.lines, result.found) == (0, 0)
