"""A revoked till does nothing new, and yet forgets no money a customer has paid."""

from __future__ import annotations

import pytest

from app.domain.stock import MovementKind
from app.errors import Code, Trouble
from tests.unit.services.till import COAT, GUIDE, MANAGER, Till, ask, cancel, code_of, shown


def revoke(till: Till) -> None:
    till.do(lambda uow: uow.set_revoked(True))


def test_nothing_new_is_sold_taken_back_joined_or_moved(till: Till):
    sale = till.sell_for_cash(till.basket())
    member = till.members.join("林", "13800000000").result()
    revoke(till)
    refused = (
        lambda: till.sell_for_cash(till.basket()),
        lambda: till.payments.start(till.basket(), GUIDE).result(),
        lambda: till.refunds.of_sale(sale.sale_id, {1: 1}, reason="size", actor="m").result(),
        lambda: till.members.join("陈", "13900000000").result(),
        lambda: till.members.rename(member, "王").result(),
        lambda: till.stock.adjust(
            [(COAT, 1)], kind=MovementKind.RECEIVED, reason="found", actor="m"
        ).result(),
    )
    for act in refused:
        with pytest.raises(Trouble) as caught:
            act()
        assert code_of(caught) is Code.DEVICE_REVOKED
    assert till.sales() == [sale.sale_id]
    assert till.gateway.calls == []


def test_what_was_sold_before_is_still_answered(till: Till):
    priced = till.basket()
    sale = till.sell_for_cash(priced)
    revoke(till)
    assert till.sell_for_cash(priced) == sale


def test_money_a_customer_pays_now_becomes_its_sale_all_the_same(till: Till):
    attempt_id = shown(till)
    revoke(till)
    till.gateway.pay(attempt_id)
    assert ask(till, attempt_id).sale is not None


def test_late_money_is_not_delivered_from_a_revoked_till(till: Till):
    attempt_id = shown(till)
    cancel(till, attempt_id)
    till.gateway.pay(attempt_id)
    ask(till, attempt_id)
    revoke(till)
    with pytest.raises(Trouble) as caught:
        till.payments.deliver_now(attempt_id, MANAGER)
    assert code_of(caught) is Code.DEVICE_REVOKED
    till.do(lambda uow: uow.set_revoked(False))
    assert till.payments.deliver_now(attempt_id, MANAGER).sale is not None
