"""Any order of taps, closings, silences and clocks: the money adds up and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.domain.ids import new_id
from app.domain.payment import PAID_STATES, PaymentState
from app.errors import Code, RuleBroken
from app.wire.messages import News
from cloud.db import payment_tables as tables
from cloud.gateways.base import AttemptKey, Charge
from cloud.gateways.registry import only
from cloud.gateways.sandbox import SandboxGateway
from cloud.services.attempts import Attempt
from cloud.services.live import LocalNewsroom
from cloud.services.payments import Payments
from cloud.settings import Settings
from tests.cloud.template import fresh_cloud

MINUTES_5 = 300_000
AMOUNT = 250_000


class Ears(LocalNewsroom):
    """A newsroom that remembers the versions it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[int] = []

    def publish(self, topics: Iterable[str], news: News, *, but: str = "") -> None:
        self.versions += [news.version] * (news.kind == "payment")
        super().publish(topics, news, but=but)


class Story(RuleBasedStateMachine):
    """One attempt on SQLite, played by till, customer, provider and clock at once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.now_ms = 1_730_000_000_000
        self.cloud = fresh_cloud(Settings(data=Path(self.folder.name)), clock=lambda: self.now_ms)
        self.ears = Ears()
        self.sandbox = SandboxGateway(self.cloud.db, self.cloud.clock)
        self.payments = Payments(self.cloud.db, only(self.sandbox), self.ears, self.cloud.clock)
        self.sandbox.notify = self.payments.heard
        self.wallet = ""
        self.said: list[str] = []

    def teardown(self) -> None:
        self.cloud.close()
        self.folder.cleanup()

    @initialize()
    def show(self) -> None:
        self.key = AttemptKey("t", "s", new_id())
        self.payments.register(
            Attempt(
                attempt_id=self.key.attempt_id,
                tenant=self.key.tenant,
                store=self.key.store,
                device="d",
                sale_id=new_id(),
                token=self.key.attempt_id,
                order_bytes=msgspec.json.encode({}),
                amount=AMOUNT,
                currency="CNY",
                created_ms=self.now_ms,
                expires_ms=self.now_ms + MINUTES_5,
                payment=PaymentState(),
            )
        )

    @rule()
    def customer_taps_pay(self) -> None:
        before = self.payments.current(self.key)
        if not before.payment.is_open or before.expires_ms <= self.now_ms:
            with pytest.raises(RuleBroken, match=Code.ORDER_CLOSED):
                self.payments.start(self.key, charge)
            return
        url = self.payments.start(self.key, charge).url
        assert self.wallet in ("", url)
        self.wallet = url

    @precondition(lambda self: self.wallet)
    @rule(deed=st.sampled_from(["approve", "decline", "stall", "resume", "pay_late", "pay_twice"]))
    def customer_acts_in_the_wallet(self, deed: str) -> None:
        getattr(self.sandbox, deed)(self.wallet.rsplit("/", 1)[1])

    @rule()
    def till_closes(self) -> None:
        self.said.append(self.payments.cancel(self.key).payment.state.value)

    @rule()
    def till_asks(self) -> None:
        self.payments.current(self.key)

    @rule()
    def customer_looks(self) -> None:
        self.payments.look(self.key)

    @rule(ms=st.sampled_from([1_000, MINUTES_5 - 1_000, MINUTES_5]))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    @rule()
    def clock_sweeps(self) -> None:
        self.payments.sweep()

    @precondition(lambda self: self.wallet)
    @rule()
    def provider_repeats_itself(self) -> None:
        if not self.order.silent:
            self.payments.heard(self.key, self.sandbox.query(self.key))

    @property
    def order(self):
        return self.sandbox.order(self.wallet.rsplit("/", 1)[1])

    @invariant()
    def the_money_adds_up(self) -> None:
        attempt = self.payments.find(self.key)
        with self.cloud.db.reading() as conn:
            booked = conn.execute(sa.select(sa.func.sum(tables.money.c.amount))).scalar() or 0
            taken = (
                conn.execute(sa.select(sa.func.sum(tables.sandbox_money.c.amount))).scalar() or 0
            )
        assert attempt.received == booked == taken
        assert (attempt.payment.state in PAID_STATES) == (taken > 0)
        assert ("over" in attempt.payment.anomalies) == (taken > AMOUNT)

    @invariant()
    def every_change_is_written_down_and_told_once(self) -> None:
        attempt = self.payments.find(self.key)
        with self.cloud.db.reading() as conn:
            rows = list(conn.execute(sa.select(tables.event).order_by(tables.event.c.version)))
        assert [row.version for row in rows] == list(range(1, attempt.version + 1))
        assert self.ears.versions == [row.version for row in rows]
        assert rows[-1].state == attempt.payment.state.value

    @invariant()
    def a_till_that_was_told_cancelled_hears_late_if_money_comes(self) -> None:
        attempt = self.payments.find(self.key)
        if "cancelled" in self.said and attempt.received:
            assert "late" in attempt.payment.anomalies


def charge(attempt: Attempt) -> Charge:
    return Charge(attempt.key, "shop", AMOUNT, "CNY", attempt.expires_ms, "/")


Story.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_any_story_ends_with_the_money_where_it_belongs = Story.TestCase
