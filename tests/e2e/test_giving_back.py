"""Money given back by the way it came, on a real cloud: in parts, from a second tablet, with answers lost and
the till restarted in between. No window: services, stores and HTTP as they are."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.domain.people import Role
from app.domain.sale import Sale, TenderKind
from app.errors import Code, RuleBroken, Trouble
from app.services.giving_back import BackNews
from app.wire.refunds import RefundRequest, RefundView
from guidepos.bootstrap import open_till
from guidepos.customer import Phone
from guidepos.till import Till
from tests.e2e.test_two_tablets import cart, pay_late, person, seen, shop, sync, tablets

__all__ = ["shop", "tablets"]


def sell_by_qr(till: Till, pieces: int = 1) -> Sale:
    guide = person(till, Role.GUIDE)
    priced = cart(till)
    for _ in range(pieces - 1):
        priced = till.checkout.add(priced, priced.cart.lines[0].sku)
    attempt = till.payments.start(priced, guide).result().attempt
    phone = Phone()
    phone.open(till.payments.qr_text(attempt))
    for step in ("/take", "/pay", "/approve"):
        phone.press(step)
    phone.close()
    sale = till.payments.refresh(attempt.attempt_id).result().sale
    assert sale is not None
    return sale


def give(till: Till, sale: Sale, pieces: int, refund_id: str = "") -> BackNews:
    return till.giving_back.of_sale(
        sale.sale_id,
        {1: pieces},
        reason="return_size",
        manager=person(till, Role.MANAGER),
        refund_id=refund_id or new_id(),
    ).result()


def by_wallet(news: BackNews) -> int:
    assert news.refund is not None
    return sum(part.amount for part in news.refund.tenders if part.kind is TenderKind.QR)


def test_part_then_the_rest_then_no_more(tablets: tuple[Till, Till]):
    till, _ = tablets
    sale = sell_by_qr(till, 3)
    first, rest = give(till, sale, 1), give(till, sale, 2)
    assert by_wallet(first) + by_wallet(rest) == sale.total
    assert {first.step.standing, rest.step.standing} == {Back.DONE}
    with pytest.raises(RuleBroken) as refused:
        give(till, sale, 1)
    assert refused.value.code is Code.REFUND_EXCEEDS_SALE
    sync(till)
    assert till.store.reader.sync_status().unsent == 0
    attempt = sale.tenders[0].attempt_id
    with pytest.raises(RuleBroken) as refused:  # nor behind the till's back
        till.giving_back._desk.give_back(
            RefundRequest(
                number=new_id(),
                attempt_id=attempt,
                amount=1,
                currency=sale.currency,
                reason="return_size",
                person=person(till, Role.MANAGER).person_id,
                document=new_id(),
            )
        )
    assert refused.value.code is Code.REFUND_EXCEEDS_PAYMENT


class Cut:
    """A desk whose answers, or whose requests, are lost."""

    def __init__(self, real: Any, *, arrives: bool) -> None:
        self._real, self._arrives = real, arrives

    def give_back(self, asked: RefundRequest) -> RefundView:
        if self._arrives:
            self._real.give_back(asked)
        raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)

    def query(self, number: str) -> RefundView:
        raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)


@pytest.mark.parametrize("arrives", [True, False])
def test_without_an_answer_the_sale_is_held_until_there_is_one_after_a_restart_too(
    shop: Any, tmp_path: Path, arrives: bool
):
    from guidepos.demo_home import enrol_with

    refund_id = new_id()
    with closing(open_till(tmp_path / "a")) as till:
        enrol_with(till, shop)
        sync(till)
        sale = sell_by_qr(till, 2)
        till.giving_back._desk = Cut(till.giving_back._desk, arrives=arrives)
        news = give(till, sale, 1, refund_id)
        assert (news.step.standing, news.refund) == (Back.UNKNOWN, None)
        with pytest.raises(RuleBroken) as refused:
            give(till, sale, 1)
        assert refused.value.code is Code.REFUND_UNDER_WAY
    with closing(open_till(tmp_path / "a")) as till:
        (step,) = till.giving_back.not_ended()
        after = till.giving_back.refresh(step.number).result()
        assert (after.step.standing, by_wallet(after)) == (Back.DONE, sale.total // 2)
        assert after.refund is not None
        assert after.refund.refund_id == refund_id
        assert by_wallet(give(till, sale, 1)) == sale.total - sale.total // 2


def test_late_money_of_one_tablet_goes_back_from_the_other_and_settles_by_itself(
    tablets: tuple[Till, Till],
):
    one, other = tablets
    attempt_id = pay_late(one)
    manager = person(other, Role.MANAGER)
    entry = seen(other)[attempt_id]
    assert entry.can_give_back(manager)
    assert not entry.can_give_back(person(other, Role.GUIDE))
    news = other.giving_back.late_money(attempt_id, manager).result()
    assert (news.step.standing, news.refund) == (Back.DONE, None)
    assert attempt_id not in seen(other)
    assert attempt_id not in seen(one)
    with pytest.raises(RuleBroken) as refused:
        one.giving_back.late_money(attempt_id, person(one, Role.MANAGER)).result()
    assert refused.value.code is Code.TASK_SETTLED
    with pytest.raises(RuleBroken) as refused:
        one.tasks.deliver(attempt_id, person(one, Role.GUIDE)).result()
    assert refused.value.code is Code.TASK_SETTLED
    one.payments.refresh(attempt_id).result()
    assert one.store.reader.uneasy_attempts() == ()
    for till in tablets:
        assert till.store.reader.documents() == ()
        sync(till)
        assert till.store.reader.sync_status().unsent == 0
