"""Any story a counter can live through: whatever happens in whatever order, the books come out right."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.payment import (
    OPEN,
    TABLE,
    Anomaly,
    Event,
    PaymentState,
    Refuse,
    State,
    judge_amount,
)
from app.errors import RuleBroken, Trouble
from app.services.hearing import events_of, is_credible, next_step
from app.wire.messages import PaymentView
from tests.unit.services.till import GUIDE, MANAGER, PowerCut, Till
from tests.unit.wire.samples import AT, STEP

STORY = st.lists(
    st.sampled_from(
        [
            "show", "show", "ask", "ask", "cancel", "cash",
            "pays", "pays", "pays a part", "pays too much", "declines",
            "request lost", "answer lost", "provider silent",
            "time passes", "power cut before", "power cut after", "restart", "deliver", "vouch",
        ]
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


@contextlib.contextmanager
def opened() -> Iterator[Till]:
    with tempfile.TemporaryDirectory() as folder:
        till = Till(Path(folder) / "till.db")
        try:
            yield till
        finally:
            till.close()


class Counter:
    """One cart and everything that may happen around it."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.priced = till.basket()
        self.vouched = False

    def live(self, what: str) -> None:
        with contextlib.suppress(RuleBroken, Trouble):
            try:
                self._live(what)
            except PowerCut:
                self.till.restart()

    def _live(self, what: str) -> None:
        till, gateway = self.till, self.till.gateway
        last = gateway.attempt_ids[-1] if gateway.attempt_ids else "none"
        call = "create" if last == "none" else "query"
        happen: dict[str, Callable[[], object]] = {
            "show": lambda: till.payments.start(self.priced, GUIDE).result(),
            "ask": lambda: till.payments.refresh(last).result(),
            "cancel": lambda: till.payments.cancel(last).result(),
            "cash": lambda: till.sell_for_cash(self.priced),
            "pays": lambda: gateway.pay(last),
            "pays a part": lambda: gateway.pay(last, 100),
            "pays too much": lambda: gateway.pay(last, self.priced.total + 1),
            "declines": lambda: gateway.decline(last),
            "request lost": lambda: setattr(gateway, "lose_requests", 1),
            "answer lost": lambda: setattr(gateway, "lose_answers", 1),
            "provider silent": lambda: gateway.lose_provider(last),
            "time passes": lambda: till.clock.advance(301),
            "power cut before": lambda: setattr(gateway, "cut_before", call),
            "power cut after": lambda: setattr(gateway, "cut_after", call),
            "restart": till.restart,
            "deliver": lambda: till.payments.deliver_now(last, GUIDE),
            "vouch": lambda: till.payments.vouch(last, MANAGER).result(),
        }
        happen[what]()
        self.vouched = self.vouched or what == "vouch"

    def settle_down(self) -> None:
        """The network heals, the till asks about everything it ever showed."""
        gateway = self.till.gateway
        gateway.lose_requests = gateway.lose_answers = 0
        gateway.cut_before = gateway.cut_after = ""
        self.till.restart()
        for attempt in self.till.store.reader.open_attempts():
            self.till.payments.refresh(attempt.attempt_id).result()
        for attempt_id in gateway.attempt_ids:
            self.till.payments.refresh(attempt_id).result()


@given(STORY)
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
def test_no_story_loses_or_doubles_money(story: list[str]) -> None:
    with opened() as till:
        counter = Counter(till)
        for what in story:
            counter.live(what)
        counter.settle_down()

        sale = till.do(lambda uow: uow.sale(counter.priced.cart.cart_id))
        assert len(till.sales()) == (sale is not None)
        paying = sale.tenders[0].attempt_id if sale else ""
        uneasy = set(till.uneasy())
        for attempt_id, held in till.gateway._held.items():
            mine = till.attempt(attempt_id).last
            assert mine.received == held.received
            if held.received and attempt_id != paying:
                assert attempt_id in uneasy, "money nobody looks after"
            if held.received > mine.amount:
                assert attempt_id in uneasy, "too much money nobody looks after"
            if not counter.vouched:
                assert (mine.after.state in OPEN) == (held.payment.state in OPEN) or (
                    mine.after.state is State.FAILED
                )
        if paying and not counter.vouched:
            assert till.gateway._held[paying].received >= counter.priced.total
        if sale is None:
            waiting = till.store.reader.open_attempts()
            assert waiting or uneasy or till.sell_for_cash(counter.priced)
        assert till.store.verify_journal() is None


# --- hearing, without a store ---------------------------------------------------------------------


MOVES = st.lists(
    st.one_of(
        st.sampled_from(
            [Event.DECLINED, Event.TIMED_OUT, Event.CLOSED, Event.LOST, Event.STILL_WAITING]
        ),
        st.sampled_from([Event.REFUND_ASKED, Event.REFUND_DONE, Event.REFUND_REFUSED]),
        st.integers(1, 2 * STEP.amount),
        st.just(STEP.amount),
    ),
    max_size=8,
)


@given(MOVES, st.sets(st.integers(0, 8)))
def test_whenever_the_till_listens_it_ends_where_the_cloud_is(
    moves: list[Event | int], listens: set[int]
) -> None:
    """The cloud lives through anything; the till asks now and then, and once at the end."""
    cloud, received = PaymentState().after(Event.SHOWN), 0
    till = _made(PaymentState())
    for number, move in enumerate(moves):
        if isinstance(move, int):
            received += move
            move = judge_amount(STEP.amount, received)
        if not isinstance(TABLE[cloud.state, move], Refuse):
            cloud = cloud.after(move)
        if number in listens:
            till = _listen(till, cloud, received)
    till = _listen(till, cloud, received)
    assert till.after.state is cloud.state or cloud.state is State.CREATED
    assert till.after.anomalies == cloud.anomalies
    assert till.received == received
    assert _listen(till, cloud, received) is till, "the same news twice is no news"


def test_a_refund_that_was_refused_after_all_leaves_the_money_where_it_was() -> None:
    cloud = PaymentState().after(Event.SHOWN)
    for event in (Event.TIMED_OUT, Event.PAID, Event.REFUND_ASKED):
        cloud = cloud.after(event)
    till = _listen(_made(PaymentState()), cloud, STEP.amount)
    assert till.after.state is State.REFUND_PENDING
    till = _listen(till, cloud.after(Event.REFUND_REFUSED), STEP.amount)
    assert (till.after.state, till.after.anomalies) == (State.CONFIRMED, {Anomaly.LATE})


@given(MOVES, st.sampled_from([State.FAILED, State.EXPIRED, State.CANCELLED]))
def test_what_closed_here_and_was_paid_there_is_late(
    moves: list[Event | int], closed: State
) -> None:
    cloud, received = PaymentState().after(Event.SHOWN), 0
    for move in [*moves, STEP.amount]:
        if isinstance(move, int):
            received += move
            move = judge_amount(STEP.amount, received)
        if not isinstance(TABLE[cloud.state, move], Refuse):
            cloud = cloud.after(move)
    till = _listen(_made(PaymentState(closed)), cloud, received)
    assert Anomaly.LATE in till.after.anomalies
    assert till.received == received


def _made(state: PaymentState):
    return replace(STEP, after=state, received=0, event="", step=1, provider="", provider_ref="")


def _listen(till, cloud: PaymentState, received: int):
    view = PaymentView(
        attempt_id=STEP.attempt_id,
        state=cloud.state.value,
        anomalies=sorted(a.value for a in cloud.anomalies),
        amount=STEP.amount,
        received=received,
        provider="sandbox",
        provider_ref="",
        expires_ms=0,
        changed_ms=0,
        server_ms=0,
        version=1,
    )
    assert is_credible(view, till)
    for event in events_of(view, till):
        till = next_step(till, event, view, AT, "")
    return till
