"""Money given back by the way it came: the original tender first, once, and never without an answer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.domain.payment import Event, State
from app.domain.sale import Sale, TenderKind
from app.errors import Code, RuleBroken
from app.services.giving_back import BackNews, GivingBack
from app.services.late_money import waiting_money
from app.services.refund_watch import SELDOM_S, RefundWatch
from app.services.tasks import StoreTasks
from app.wire.tasks import MONEY, TaskRow
from tests.fakes.refunds import FakeRefundDesk
from tests.fakes.tasks import FakeTaskDesk, TaskBook
from tests.unit.services.test_late_money import closed_and_paid
from tests.unit.services.till import (
    COAT,
    GUIDE,
    MANAGER,
    SCARF,
    InlinePool,
    Till,
    ask,
    code_of,
    shown,
)


class Counter:
    """A till that gives money back, and the desk at the cloud that it asks."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.book = TaskBook(now_ms=lambda: till.clock.now().server_ms)
        self.tasks = FakeTaskDesk(self.book)
        self.desk = FakeRefundDesk(self._received)
        self.open()

    def open(self) -> None:
        till, pool = self.till, InlinePool()
        tasks = StoreTasks(till.store, self.tasks, till.payments, pool)
        self.job = GivingBack(
            till.store, self.desk, till.refunds, tasks, till.payments, till.clock, pool
        )

    def restart(self) -> None:
        self.till.restart()
        self.open()

    def _received(self, attempt_id: str) -> int:
        return self.till.gateway.query(attempt_id).received

    def sale(self, *codes: str) -> Sale:
        """Sell by QR."""
        attempt_id = shown(self.till, self.till.basket(*codes))
        self.till.gateway.pay(attempt_id)
        sale = ask(self.till, attempt_id).sale
        assert sale is not None
        return sale

    def give(self, sale: Sale, pieces: dict[int, int], refund_id: str = "") -> BackNews:
        return self.job.of_sale(
            sale.sale_id,
            pieces,
            reason="size",
            manager=MANAGER,
            refund_id=refund_id or new_id(),
        ).result()

    def cash(self, sale: Sale, pieces: dict[int, int], why: str = "", refund_id: str = ""):
        return self.till.refunds.at_the_counter(
            sale.sale_id,
            pieces,
            reason="size",
            manager=MANAGER,
            refund_id=refund_id or new_id(),
            cash_reason=why,
        ).result()

    def documents(self) -> int:
        return sum(row.kind == "refund" for row in self.till.store.reader.documents(limit=500))


@pytest.fixture
def counter(till: Till) -> Counter:
    return Counter(till)


def test_what_was_paid_by_phone_goes_back_by_phone(counter: Counter):
    sale = counter.sale(COAT, SCARF)
    news = counter.give(sale, {1: 1})
    assert news.refund is not None
    (tender,) = news.refund.tenders
    paid = sale.tenders[0]
    assert (tender.kind, tender.amount) == (TenderKind.QR, sale.lines[0].net)
    assert (tender.attempt_id, tender.provider) == (paid.attempt_id, "sandbox")
    assert news.step.standing is Back.DONE
    assert counter.desk.gone(paid.attempt_id) == sale.lines[0].net
    assert counter.job.not_ended() == ()


def test_part_then_rest_then_nothing_more(counter: Counter):
    sale = counter.sale(COAT, SCARF)
    counter.give(sale, {2: 1})
    assert (
        counter.job.outlook(sale.sale_id).result().way(sale.lines[0].net).wallet
        == sale.lines[0].net
    )
    counter.give(sale, {1: 1})
    with pytest.raises(RuleBroken) as refused:
        counter.give(sale, {1: 1})
    assert code_of(refused) is Code.REFUND_EXCEEDS_SALE
    assert counter.desk.gone(sale.tenders[0].attempt_id) == sale.total
    assert len(counter.desk.numbers) == 2


def test_the_request_is_on_record_before_it_is_made(counter: Counter):
    sale = counter.sale(COAT)
    counter.desk.lose_requests = 1
    news = counter.give(sale, {1: 1})
    assert (news.step.standing, news.refund, counter.documents()) == (Back.UNKNOWN, None, 0)
    counter.restart()
    (step,) = counter.job.not_ended()
    assert (step.number, step.lines, step.amount) == (news.step.number, ((1, 1),), sale.total)
    after = counter.job.refresh(step.number).result()
    assert after.refund is not None
    assert (after.step.standing, after.refund.refund_id) == (Back.DONE, step.refund_id)
    assert counter.job.refresh(step.number).result().refund == after.refund
    assert counter.documents() == 1


def test_while_there_is_no_answer_nothing_else_of_the_sale_goes_back(counter: Counter):
    sale = counter.sale(COAT, COAT, SCARF)
    counter.desk.lose_answers = 1
    news = counter.give(sale, {1: 1})
    assert news.step.standing is Back.UNKNOWN
    assert counter.job.outlook(sale.sale_id).result().held == news.step
    for again in (lambda: counter.give(sale, {2: 1}), lambda: counter.cash(sale, {2: 1}, "wish")):
        with pytest.raises(RuleBroken) as refused:
            again()
        assert code_of(refused) is Code.REFUND_UNDER_WAY
    counter.job.refresh(news.step.number).result()
    assert counter.job.outlook(sale.sale_id).result().held is None
    assert counter.give(sale, {2: 1}).refund is not None
    left = counter.job.outlook(sale.sale_id).result().way(sale.total).wallet
    assert counter.desk.gone(sale.tenders[0].attempt_id) == sale.total - left


def test_refused_means_nothing_is_given_back_and_cash_is_open(counter: Counter):
    sale = counter.sale(COAT)
    counter.desk.next = [Back.REFUSED]
    refund_id = new_id()
    news = counter.give(sale, {1: 1}, refund_id)
    assert (news.step.standing, news.refund, counter.documents()) == (Back.REFUSED, None, 0)
    with pytest.raises(RuleBroken) as refused:
        counter.cash(sale, {1: 1}, refund_id=refund_id)
    assert code_of(refused) is Code.CASH_NEEDS_REASON
    refund = counter.cash(sale, {1: 1}, "refused", refund_id)
    assert (refund.tenders[0].kind, refund.cash_reason) == (TenderKind.CASH, "refused")
    assert counter.till.store.reader.document(refund_id) == refund


def test_whoever_gives_cash_instead_says_why(counter: Counter):
    sale = counter.sale(COAT)
    asked = {"reason": "size", "actor": MANAGER.person_id}
    with pytest.raises(RuleBroken) as refused:
        counter.till.refunds.of_sale(sale.sale_id, {1: 1}, **asked).result()
    assert code_of(refused) is Code.CASH_NEEDS_REASON
    asked["cash_reason"] = "cash_wish"
    assert counter.till.refunds.of_sale(sale.sale_id, {1: 1}, **asked).result().total == sale.total


def test_what_the_cloud_will_not_do_is_refused_and_not_in_doubt(counter: Counter):
    sale = counter.sale(COAT)
    counter.desk.refuses = Code.PROOF_OUT
    news = counter.give(sale, {1: 1})
    assert (news.step.standing, news.step.word) == (Back.REFUSED, "proof_out")
    assert counter.job.not_ended() == ()
    counter.desk.refuses = None
    assert counter.give(sale, {1: 1}).refund is not None


def test_accepted_is_on_the_books_and_followed_to_its_end(counter: Counter):
    sale = counter.sale(COAT)
    counter.desk.next = [Back.PENDING]
    news = counter.give(sale, {1: 1})
    assert news.refund is not None
    assert news.step.standing is Back.PENDING
    counter.desk.say(news.step.number, Back.STUCK, "abnormal")
    assert counter.job.refresh(news.step.number).result().step.word == "abnormal"
    counter.desk.say(news.step.number, Back.DONE)
    done = counter.job.refresh(news.step.number).result()
    assert (done.step.standing, done.refund) == (Back.DONE, news.refund)
    steps = counter.till.store.reader.money_back_of(news.refund.refund_id)
    assert [step.standing for step in steps] == [Back.DONE]
    assert counter.documents() == 1


def test_a_cloud_that_was_restored_is_asked_again_under_the_same_number(counter: Counter):
    sale = counter.sale(COAT)
    counter.desk.next = [Back.PENDING]
    news = counter.give(sale, {1: 1})
    counter.desk.forget()
    after = counter.job.refresh(news.step.number).result()
    assert after.step.standing is Back.DONE
    assert counter.desk.numbers == (news.step.number,)
    assert counter.documents() == 1


@pytest.mark.parametrize(
    "code",
    [
        Code.PAYMENT_UNKNOWN,
        Code.PAYMENT_NOT_CONFIRMED,
        Code.TASK_UNKNOWN,
        Code.TASK_TAKEN,
        Code.NOT_A_MANAGER,
    ],
)
def test_a_restored_cloud_that_knows_nothing_does_not_make_a_sent_refund_refused(
    counter: Counter, code: Code
):
    """The first answer was lost, and the money went: cash on top of it would be given twice."""
    sale = counter.sale(COAT)
    counter.desk.lose_answers = 1
    news = counter.give(sale, {1: 1})
    assert news.step.standing is Back.UNKNOWN
    counter.desk.forget()
    counter.desk.refuses = code
    for _ in range(2):
        after = counter.job.refresh(news.step.number).result()
        assert (after.step.standing, after.refund) == (Back.UNKNOWN, None)
    counter.restart()
    again = counter.give(
        sale, {1: 1}, news.step.refund_id
    )  # it may have been sent before the restart
    assert again.step.standing is Back.UNKNOWN
    with pytest.raises(RuleBroken) as refused:
        counter.cash(sale, {1: 1}, "wish")
    assert code_of(refused) is Code.REFUND_UNDER_WAY
    counter.desk.refuses = None
    assert counter.job.refresh(news.step.number).result().step.standing is Back.DONE
    assert counter.desk.gone(sale.tenders[0].attempt_id) == sale.total


def test_an_answer_about_something_else_is_no_answer(counter: Counter, monkeypatch):
    sale = counter.sale(COAT)
    truly = counter.desk.give_back
    for wrong in ({"number": new_id()}, {"amount": 1}, {"state": "perhaps"}, {"currency": "USD"}):
        monkeypatch.setattr(
            counter.desk, "give_back", lambda asked, wrong=wrong: replace(truly(asked), **wrong)
        )
        news = counter.give(sale, {1: 1}, "r-1")
        assert (news.step.standing, news.refund) == (Back.UNKNOWN, None)
    monkeypatch.setattr(counter.desk, "give_back", truly)
    assert counter.give(sale, {1: 1}, "r-1").refund is not None


def test_only_a_manager_gives_back_and_cash_sales_have_no_way_back(counter: Counter):
    sale = counter.sale(COAT)
    asked = {"reason": "size", "refund_id": new_id()}
    with pytest.raises(RuleBroken) as refused:
        counter.job.of_sale(sale.sale_id, {1: 1}, manager=GUIDE, **asked).result()
    assert code_of(refused) is Code.MANAGER_NEEDED
    cash = counter.till.sell_for_cash(counter.till.basket(COAT))
    with pytest.raises(RuleBroken) as refused:
        counter.job.of_sale(cash.sale_id, {1: 1}, manager=MANAGER, **asked).result()
    assert code_of(refused) is Code.PAYMENT_NOT_CONFIRMED
    assert counter.cash(cash, {1: 1}).cash_reason == ""


# --- money no sale was made of --------------------------------------------------------------------


def late(counter: Counter) -> str:
    attempt_id = closed_and_paid(counter.till)
    last = counter.till.attempt(attempt_id).last
    counter.book.put(
        TaskRow(
            task_id=attempt_id,
            kind=MONEY,
            code="late",
            subject=attempt_id,
            device="d1",
            other=last.sale_id,
            amount=last.received,
        )
    )
    return attempt_id


def test_late_money_goes_back_under_a_claim_and_leaves_no_document(counter: Counter):
    attempt_id = late(counter)
    news = counter.job.late_money(attempt_id, MANAGER).result()
    asked = counter.desk.request(news.step.number)
    assert (asked.document, asked.claim_id) == ("", counter.book.claims[attempt_id])
    assert (news.step.standing, news.refund, counter.documents()) == (Back.DONE, None, 0)
    assert news.step.sale_id == counter.till.attempt(attempt_id).last.sale_id
    assert counter.desk.gone(attempt_id) == news.step.amount


def test_late_money_whose_answer_was_lost_goes_back_once(counter: Counter):
    attempt_id = late(counter)
    counter.desk.lose_answers = 1
    first = counter.job.late_money(attempt_id, MANAGER).result()
    assert first.step.standing is Back.UNKNOWN
    counter.restart()
    again = counter.job.late_money(attempt_id, MANAGER).result()
    assert (again.step.number, again.step.standing) == (first.step.number, Back.DONE)
    assert len(counter.desk.numbers) == 1


def test_late_money_whose_refund_is_refused_after_all_waits_at_its_till_again(counter: Counter):
    attempt_id, gateway = late(counter), counter.till.gateway
    counter.desk.next = [Back.PENDING]
    gateway.go_back(attempt_id, Event.REFUND_ASKED)
    number = counter.job.late_money(attempt_id, MANAGER).result().step.number
    assert counter.till.attempt(attempt_id).last.after.state is State.REFUND_PENDING
    counter.desk.say(number, Back.REFUSED, "closed")
    gateway.go_back(attempt_id, Event.REFUND_REFUSED)
    assert counter.job.refresh(number).result().step.standing is Back.REFUSED
    assert counter.till.attempt(attempt_id).last.after.state is State.CONFIRMED
    (money,) = waiting_money(counter.till.store.reader)
    assert money.can_become_sale


# --- following ------------------------------------------------------------------------------------


def test_unanswered_refunds_are_asked_about_each_turn_and_accepted_ones_seldom(counter: Counter):
    heard: list[BackNews] = []
    now = [0.0]
    watch = RefundWatch(counter.job, heard.append, lambda: now[0])
    sale, other = counter.sale(COAT), counter.sale(COAT)
    counter.desk.next = [Back.PENDING]
    pending = counter.give(sale, {1: 1}).step.number
    counter.desk.lose_requests = 1
    unknown = counter.give(other, {1: 1}).step.number
    counter.desk.lose_requests = 2
    watch.turn()
    watch.turn()
    asked = [number for _, number in counter.desk.calls[2:]]
    assert sorted(asked) == sorted([pending, unknown, unknown])
    now[0] += SELDOM_S
    counter.desk.say(pending, Back.DONE)
    watch.turn()
    assert counter.job.not_ended() == ()
    assert {news.step.number for news in heard} == {pending, unknown}
    calls = len(counter.desk.calls)
    watch.turn()
    watch.hinted(pending)
    watch.hinted("of another till")
    assert len(counter.desk.calls) == calls
