"""Payment attempts: their steps, and which of them wait for money or for a person."""

from __future__ import annotations

from app.domain.payment import Anomaly, PaymentState, State
from tests.store.shop import COAT, cart_of, sale_of, step_of


def record(store, *facts):
    store.run(lambda uow: [uow.record(fact) for fact in facts]).result()


def state(state: State, *anomalies: Anomaly) -> PaymentState:
    return PaymentState(state, frozenset(anomalies))


def test_an_attempt_is_what_its_last_step_says(store):
    waiting = step_of("a", 2, state(State.WAITING), event="shown")
    record(store, step_of("a", 1), waiting)
    store.run(lambda uow: uow.keep_token("a", "token")).result()
    attempt = store.run(lambda uow: uow.attempt("a")).result()
    assert (attempt.last, attempt.token) == (waiting, "token")
    assert store.run(lambda uow: uow.attempts_of("s")).result() == (attempt,)
    assert store.run(lambda uow: uow.attempts_of("t")).result() == ()


def test_open_attempts_are_those_that_may_still_be_paid(store):
    record(
        store,
        step_of("created", 1),
        step_of("waiting", 1, state(State.WAITING)),
        step_of("unknown", 1, state(State.UNKNOWN)),
        step_of("paid", 1, state(State.CONFIRMED)),
        step_of("gone", 1, state(State.EXPIRED)),
    )
    names = [attempt.attempt_id for attempt in store.reader.open_attempts()]
    assert names == ["created", "waiting", "unknown"]


def test_money_without_a_sale_is_uneasy_until_the_sale_is_recorded(store):
    record(store, step_of("a", 1, state(State.CONFIRMED)))
    assert [a.attempt_id for a in store.reader.uneasy_attempts()] == ["a"]
    record(store, sale_of(cart_of((COAT, 1)), attempt_id="a"))
    assert store.reader.uneasy_attempts() == ()


def test_late_money_is_uneasy_until_it_was_given_back(store):
    late = state(State.CONFIRMED, Anomaly.LATE)
    record(store, step_of("a", 1, late), sale_of(cart_of((COAT, 1)), attempt_id="a"))
    assert [a.attempt_id for a in store.reader.uneasy_attempts()] == ["a"]
    record(store, step_of("a", 2, state(State.REFUNDED, Anomaly.LATE)))
    assert store.reader.uneasy_attempts() == ()


def test_money_by_hand_alone_is_not_uneasy(store):
    by_hand = state(State.CONFIRMED, Anomaly.BY_HAND)
    record(store, step_of("a", 1, by_hand), sale_of(cart_of((COAT, 1)), attempt_id="a"))
    assert store.reader.uneasy_attempts() == ()


def test_part_of_the_money_is_uneasy(store):
    record(store, step_of("a", 1, state(State.WAITING, Anomaly.PARTIAL), received=500))
    assert [a.last.received for a in store.reader.uneasy_attempts()] == [500]


def test_the_lists_of_attempts_use_their_indexes(store):
    from offline_store.attempts import _ATTEMPT, _OPEN, _UNEASY

    for where, index in ((_OPEN, "attempt_open"), (_UNEASY, "attempt_uneasy")):
        plan = store.reader._connection.execute("EXPLAIN QUERY PLAN " + _ATTEMPT + where)
        assert any(index in row[-1] for row in plan.fetchall())
