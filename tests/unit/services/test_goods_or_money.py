"""For late money the goods go out or it goes back, never both, however little the till can hear."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from msgspec.structs import replace

from app.domain.money_back import Back
from app.domain.payment import Event
from app.errors import Code, RuleBroken
from app.services.payments import PaymentNews
from app.services.tasks import StoreTasks
from tests.unit.services.offline import pin, proof_for, prove, shown_offline
from tests.unit.services.test_giving_back import Counter, late
from tests.unit.services.test_tasks import money
from tests.unit.services.till import GUIDE, MANAGER, InlinePool, Till, code_of


@pytest.fixture
def counter(till: Till) -> Counter:
    return Counter(till)


def deliver(counter: Counter, attempt_id: str) -> Future[PaymentNews]:
    till = counter.till
    return StoreTasks(till.store, counter.tasks, till.payments, InlinePool()).deliver(
        attempt_id, GUIDE
    )


def proved_late(counter: Counter) -> str:
    """Return an attempt that was paid after its end, by what our signature on the customer's phone says."""
    till = counter.till
    pin(till)
    till.gateway.lose_requests = 10**6
    attempt_id = shown_offline(till)
    text = proof_for(till, attempt_id)
    till.payments.note(attempt_id, Event.TIMED_OUT, "")
    assert prove(till, attempt_id, text).sale is None
    last = till.attempt(attempt_id).last
    counter.desk.received = lambda attempt_id: last.amount
    counter.book.put(replace(money(attempt_id), amount=last.amount))
    return attempt_id


def refused(counter: Counter, attempt_id: str) -> Code:
    with pytest.raises(RuleBroken) as caught:
        deliver(counter, attempt_id).result()
    assert counter.till.sales() == []
    return code_of(caught)


@pytest.mark.parametrize("lost", ["lose_answers", "lose_requests"])
def test_no_goods_for_proved_money_this_till_is_giving_back_though_there_is_no_line(
    counter: Counter, lost: str
):
    """Nobody at the cloud can say so, and the provider may have done it already."""
    attempt_id = proved_late(counter)
    setattr(counter.desk, lost, 1)
    begun = counter.job.late_money(attempt_id, MANAGER).result()
    assert begun.step.standing is Back.UNKNOWN
    counter.tasks.down = True
    assert refused(counter, attempt_id) is Code.REFUND_UNDER_WAY
    counter.till.restart()
    assert refused(counter, attempt_id) is Code.REFUND_UNDER_WAY
    counter.open()
    assert counter.job.refresh(begun.step.number).result().step.standing is Back.DONE
    assert refused(counter, attempt_id) is Code.REFUND_UNDER_WAY


@pytest.mark.parametrize("standing", [Back.PENDING, Back.DONE, Back.STUCK])
def test_no_goods_for_money_given_back_though_a_restored_cloud_knows_of_no_task(
    counter: Counter, standing: Back
):
    attempt_id = late(counter)
    counter.desk.next = [standing]
    assert counter.job.late_money(attempt_id, MANAGER).result().step.standing is standing
    counter.book.rows.clear()
    assert refused(counter, attempt_id) is Code.REFUND_UNDER_WAY


def test_goods_go_out_once_it_is_certain_that_the_money_stayed(counter: Counter):
    attempt_id = proved_late(counter)
    counter.desk.next = [Back.REFUSED]
    assert counter.job.late_money(attempt_id, MANAGER).result().step.standing is Back.REFUSED
    assert deliver(counter, attempt_id).result().sale is not None


@pytest.mark.parametrize("code", ["late", "no_sale"])
def test_no_money_goes_back_once_its_goods_went_out_though_the_cloud_has_not_heard(
    counter: Counter, code: str
):
    attempt_id = proved_late(counter)
    counter.tasks.down = True
    assert deliver(counter, attempt_id).result().sale is not None
    counter.tasks.down = False
    counter.book.put(replace(counter.book.rows[attempt_id], code=code))
    with pytest.raises(RuleBroken) as caught:
        counter.job.late_money(attempt_id, MANAGER).result()
    assert code_of(caught) is Code.SALE_ALREADY_RECORDED
    assert counter.desk.calls == []


def test_what_came_on_top_of_delivered_goods_goes_back(counter: Counter):
    attempt_id = proved_late(counter)
    assert deliver(counter, attempt_id).result().sale is not None
    counter.book.put(replace(money(attempt_id), code="over", amount=100))
    assert counter.job.late_money(attempt_id, MANAGER).result().step.standing is Back.DONE
