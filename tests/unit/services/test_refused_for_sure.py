"""A refund the cloud refuses ends, unless the cloud came back from a backup since it was begun."""

from __future__ import annotations

import pytest

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.domain.sale import Sale, TenderKind
from app.errors import Code, RuleBroken
from app.ports import BOOKS_ANSWERED, BOOKS_ASKED
from app.services.giving_back import BackNews
from tests.unit.services.test_giving_back import Counter, late
from tests.unit.services.till import COAT, MANAGER, SCARF, Till, code_of, shown

CODES = [
    Code.PAYMENT_UNKNOWN,
    Code.PAYMENT_NOT_CONFIRMED,
    Code.PAYMENT_ALREADY_OPEN,
    Code.REFUND_EXCEEDS_PAYMENT,
    Code.PROOF_OUT,
    Code.TASK_UNKNOWN,
    Code.TASK_TAKEN,
    Code.NOT_A_MANAGER,
]


@pytest.fixture
def counter(till: Till) -> Counter:
    till.do(lambda uow: uow.pin_cloud("first books", ()))
    return Counter(till)


def greet(counter: Counter, books: str = "first books") -> None:
    """Do what a finished hello does: keep the cloud's timeline, and answer who asked about it."""
    counter.till.do(lambda uow: uow.pin_cloud(books, ()))
    counter.till.do(lambda uow: uow.set_state(BOOKS_ANSWERED, uow.state(BOOKS_ASKED)))


def ask_on(counter: Counter, number: str) -> BackNews:
    return counter.job.refresh(number).result()


def by_hand(counter: Counter) -> Sale:
    """Sell for money a manager has seen, and that no provider has told of."""
    attempt_id = shown(counter.till, counter.till.basket(COAT))
    sale = counter.till.payments.vouch(attempt_id, MANAGER).result().sale
    assert sale is not None
    return sale


@pytest.mark.parametrize("code", CODES)
def test_what_never_arrived_and_is_refused_ends_with_the_next_hello(counter: Counter, code: Code):
    sale, refund_id = by_hand(counter), new_id()
    counter.desk.refuses = code
    counter.desk.lose_requests = 1
    number = counter.give(sale, {1: 1}, refund_id).step.number
    for _ in range(3):
        assert ask_on(counter, number).step.standing is Back.UNKNOWN
    counter.restart()
    greet(counter)
    news = ask_on(counter, number)
    assert (news.step.standing, news.step.word) == (Back.REFUSED, code.value)
    assert counter.job.not_ended() == ()
    refund = counter.cash(sale, {1: 1}, "refused", refund_id)
    assert [tender.kind for tender in refund.tenders] == [TenderKind.CASH]


def test_nothing_is_kept_of_a_refund_that_ended(counter: Counter):
    sale = counter.sale(COAT, SCARF)
    counter.desk.lose_requests = 1
    number = counter.give(sale, {1: 1}).step.number

    def kept() -> list[str]:
        keys = (f"cloud.books.of.{number}", f"cloud.books.asked.{number}")
        return [key for key in keys if counter.till.store.reader.state(key)]

    assert kept() == [f"cloud.books.of.{number}"]
    assert ask_on(counter, number).step.standing is Back.DONE
    assert kept() == []


def test_late_money_whose_task_was_finished_elsewhere_meanwhile_is_refused(counter: Counter):
    attempt_id = late(counter)
    counter.desk.lose_requests = 1
    number = counter.job.late_money(attempt_id, MANAGER).result().step.number
    counter.desk.refuses = Code.TASK_TAKEN
    ask_on(counter, number)
    greet(counter)
    assert ask_on(counter, number).step.standing is Back.REFUSED


@pytest.mark.parametrize("code", CODES)
def test_a_cloud_that_has_other_books_since_is_never_believed(counter: Counter, code: Code):
    """The first answer was lost, and the money went: cash on top of it would be given twice."""
    sale = counter.sale(COAT)
    counter.desk.lose_answers = 1
    number = counter.give(sale, {1: 1}).step.number
    counter.desk.forget()
    counter.desk.refuses = code
    for books in ("first books", "restored", "restored", "restored again"):
        assert ask_on(counter, number).step.standing is Back.UNKNOWN
        if books != "first books":
            greet(counter, books)
    assert ask_on(counter, number).step.standing is Back.UNKNOWN
    with pytest.raises(RuleBroken) as refused:
        counter.cash(sale, {1: 1}, "wish")
    assert code_of(refused) is Code.REFUND_UNDER_WAY
    counter.desk.refuses = None
    assert ask_on(counter, number).step.standing is Back.DONE
    assert counter.desk.gone(sale.tenders[0].attempt_id) == sale.total


def test_a_hello_from_before_the_refusal_proves_nothing(counter: Counter):
    sale, other = by_hand(counter), by_hand(counter)
    counter.desk.refuses = Code.PAYMENT_NOT_CONFIRMED
    counter.desk.lose_requests = 1
    first = counter.give(sale, {1: 1}).step.number
    ask_on(counter, first)
    greet(counter)
    counter.desk.lose_requests = 1
    second = counter.give(other, {1: 1}).step.number
    for _ in range(2):
        assert ask_on(counter, second).step.standing is Back.UNKNOWN
    assert ask_on(counter, first).step.standing is Back.REFUSED
    greet(counter)
    assert ask_on(counter, second).step.standing is Back.REFUSED


def test_an_answer_lost_between_two_refusals_begins_the_proof_anew(counter: Counter):
    sale = by_hand(counter)
    counter.desk.refuses = Code.PAYMENT_NOT_CONFIRMED
    counter.desk.lose_requests = 1
    number = counter.give(sale, {1: 1}).step.number
    ask_on(counter, number)
    counter.desk.lose_requests = 1
    ask_on(counter, number)
    greet(counter)
    assert ask_on(counter, number).step.standing is Back.UNKNOWN
    greet(counter)
    assert ask_on(counter, number).step.standing is Back.REFUSED


def test_what_a_cloud_has_accepted_it_cannot_refuse_by_forgetting_it(counter: Counter):
    sale = counter.sale(COAT)
    counter.desk.next = [Back.PENDING]
    number = counter.give(sale, {1: 1}).step.number
    counter.desk.forget()
    counter.desk.refuses = Code.PAYMENT_UNKNOWN
    for _ in range(2):
        assert ask_on(counter, number).step.standing is Back.PENDING
        greet(counter)
