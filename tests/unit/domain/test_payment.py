"""The payment table: complete, equal to PAYMENTS.md, and never undoing a success."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.payment import (
    EVIDENCE,
    PAID_STATES,
    TABLE,
    Anomaly,
    Event,
    Move,
    PaymentState,
    Refuse,
    State,
    judge_amount,
)
from app.errors import RuleBroken
from tests.unit.tables import table

events = st.lists(st.sampled_from(Event), max_size=12)


def test_every_pair_has_an_outcome() -> None:
    assert set(TABLE) == {(state, event) for state in State for event in Event}


@pytest.mark.parametrize("row", table("PAYMENTS.md", "The table"), ids=lambda row: row["state"])
def test_the_table_is_the_one_people_read(row: dict[str, str]) -> None:
    state = State(row["state"])
    for event in Event:
        assert row[event.value] == _cell(state, event), event


def _cell(state: State, event: Event) -> str:
    outcome = TABLE[state, event]
    if isinstance(outcome, Refuse):
        return f"✗ {outcome.code.value}"
    moved = [f"→ {outcome.state.value}"] if outcome.state is not state else []
    return " ".join([*moved, *sorted(f"+{a.value}" for a in outcome.anomalies)]) or "·"


@pytest.mark.parametrize(
    "row", table("PAYMENTS.md", "Stories"), ids=lambda row: row["what happens"]
)
def test_the_stories_end_as_told(row: dict[str, str]) -> None:
    state = PaymentState()
    for word in row["what happens"].split(", "):
        state = state.after(Event(word))
    assert state.state.value == row["state"]
    assert ", ".join(sorted(a.value for a in state.anomalies)) == row["anomalies"]


@pytest.mark.parametrize("row", table("PAYMENTS.md", "Amounts"))
def test_amounts_are_judged(row: dict[str, str]) -> None:
    assert judge_amount(int(row["due"]), int(row["received"])).value == row["event"]


@given(events)
def test_money_once_confirmed_is_never_lost_again(told: list[Event]) -> None:
    state = PaymentState()
    was_paid = False
    for event in told:
        try:
            after = state.after(event)
        except RuleBroken:
            assert isinstance(TABLE[state.state, event], Refuse)
            continue
        assert state.anomalies <= after.anomalies
        was_paid = was_paid or after.state in PAID_STATES
        assert not was_paid or after.state in PAID_STATES
        state = after


@given(events, st.sampled_from(Event))
def test_the_same_news_twice_changes_nothing(told: list[Event], last: Event) -> None:
    state = PaymentState()
    for event in [*told, last]:
        if isinstance(TABLE[state.state, event], Move):
            state = state.after(event)
    if last in (Event.PAID, Event.LOST, Event.CLOSED, Event.STILL_WAITING, Event.TIMED_OUT):
        assert state.after(last) is state or last is Event.PAID


def test_what_needs_a_person_and_what_is_open() -> None:
    late = PaymentState(State.CONFIRMED, frozenset({Anomaly.LATE}))
    assert late.needs_a_person
    for mark in EVIDENCE.values():
        assert not PaymentState(State.CONFIRMED, frozenset({mark})).needs_a_person
    assert PaymentState(State.UNKNOWN).is_open
    assert not late.is_open
