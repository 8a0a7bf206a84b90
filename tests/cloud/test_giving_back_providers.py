"""Money given back at the make-believe providers, over real sockets: whatever is lost on the way and in any
order of parts, never more goes back than came, and what our books say is what the provider's say."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.money_back import Back
from app.errors import Code, RuleBroken
from cloud.fakes.faults import Fault, Work
from cloud.services import refund_ledger
from cloud.services.giving_back import GivingBack
from cloud.services.refund_answers import SELDOM_MS, SOON_MS, TURN_MS
from tests.cloud.conftest import Clock, migrated_database
from tests.cloud.tillside import wish
from tests.cloud.worlds import World, open_world

BOTH = pytest.mark.parametrize("provider", ["alipay", "wechat"])


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> Iterator[World]:
    data = Path(tmp_path_factory.mktemp("world")) / "cloud"
    with ExitStack() as stack:
        url = ""
        if request.param == "postgres":
            server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(migrated_database(server))
        yield stack.enter_context(open_world(data, clock, db_url=url))


@pytest.fixture
def desk(world: World, clock: Clock) -> Iterator[GivingBack]:
    yield world.shop.desk.giving_back
    clock.ahead_ms = 0  # tills' tokens live half an hour
    world.providers.wechat.refunds_are = "SUCCESS"
    for made in (world.providers.wechat, world.providers.alipay):
        made.faults.waiting.clear()
        made.work.finish()
        made.work = Work()


def pay(world: World, provider: str) -> int:
    """Let another order be paid; return what came."""
    world.shown = world.shown.till.show(world.shop.client)
    world.start(provider)
    if provider == "alipay":
        world.providers.alipay.scan(world.number)
        world.providers.alipay.pay(world.number)
    else:
        world.providers.wechat.pay(world.number)
    assert world.state[0] == "confirmed"
    return world.shown.order.total


def gone(world: World, provider: str) -> int:
    """What the provider's own books say has gone back."""
    if provider == "alipay":
        return world.providers.alipay.trades[world.number].refunded
    return world.providers.wechat.orders[world.number].refunded


@BOTH
def test_in_parts_until_nothing_is_left(world: World, desk: GivingBack, provider: str):
    total = pay(world, provider)
    assert desk.give_back(wish(world.shown, 100)).standing is Back.DONE
    assert desk.give_back(wish(world.shown, total - 100)).standing is Back.DONE
    with pytest.raises(RuleBroken) as refused:
        desk.give_back(wish(world.shown, 1))
    assert refused.value.code is Code.REFUND_EXCEEDS_PAYMENT
    assert (gone(world, provider), world.state[0]) == (total, "refunded")


@BOTH
@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.SYSTEM_ERROR])
def test_without_an_answer_it_is_in_doubt_and_then_done_once(
    world: World, desk: GivingBack, clock: Clock, provider: str, fault: Fault
):
    pay(world, provider)
    asked = wish(world.shown, 100)
    getattr(world.providers, provider).faults.then(fault)
    assert desk.give_back(asked).standing is Back.UNKNOWN
    assert (
        desk.give_back(asked).standing is Back.UNKNOWN
    )  # asked about too soon, silence proves nothing
    clock.ahead_ms += SOON_MS
    assert desk.give_back(asked).standing is Back.DONE
    assert gone(world, provider) == 100


@BOTH
def test_a_refund_that_is_worked_at_slowly_is_never_called_refused(
    world: World, desk: GivingBack, clock: Clock, provider: str
):
    """The till sends again, then a process that knows of nobody at it does; both while the first waits."""
    pay(world, provider)
    asked, made = wish(world.shown, 100), getattr(world.providers, provider)
    made.work.slowly = 1
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.give_back, asked)
        assert made.work.begun.wait(60)
        assert desk.give_back(asked).standing is Back.UNKNOWN
        clock.ahead_ms += TURN_MS
        assert desk.give_back(asked).standing is Back.UNKNOWN
        assert gone(world, provider) == 0
        made.work.finish()
        assert first.result().standing is Back.DONE
    assert desk.give_back(asked).standing is Back.DONE
    assert gone(world, provider) == 100


def test_an_account_that_may_not_give_back_says_so_at_once(
    world: World, desk: GivingBack, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """Not even the question is allowed there. What was sent before the permission went stays in doubt."""
    pay(world, "alipay")
    alipay, no = world.providers.alipay, ("40006", "isv.insufficient-isv-permissions")
    methods = ("alipay.trade.refund", "alipay.trade.fastpay.refund.query")
    sent, new = wish(world.shown, 100), wish(world.shown, 200)
    alipay.faults.then(Fault.LOSE_ANSWER)
    assert desk.give_back(sent).standing is Back.UNKNOWN
    with monkeypatch.context() as patch:
        patch.setattr(alipay, "turns_away", dict.fromkeys(methods, no))
        refused = desk.give_back(new)
        assert (refused.standing, refused.first.word) == (Back.REFUSED, no[1])
        clock.ahead_ms += SOON_MS
        assert desk.current(sent.key).standing is Back.UNKNOWN
    clock.ahead_ms += SOON_MS
    assert desk.current(sent.key).standing is Back.DONE
    assert gone(world, "alipay") == 100


def test_accepted_then_done(world: World, desk: GivingBack, clock: Clock):
    pay(world, "wechat")
    world.providers.wechat.refunds_are = "PROCESSING"
    asked = wish(world.shown, 100)
    assert desk.give_back(asked).standing is Back.PENDING
    clock.ahead_ms += SOON_MS
    assert desk.current(asked.key).standing is Back.PENDING
    world.providers.wechat.refunds_are = "SUCCESS"
    clock.ahead_ms += SOON_MS
    assert desk.current(asked.key).standing is Back.DONE


def test_a_card_that_is_gone_is_stuck_until_somebody_has_acted(
    world: World, desk: GivingBack, clock: Clock
):
    pay(world, "wechat")
    world.providers.wechat.refunds_are = "ABNORMAL"
    asked = wish(world.shown, 100)
    stuck = desk.give_back(asked)
    assert (stuck.standing, stuck.first.word) == (Back.STUCK, "ABNORMAL")
    world.providers.wechat.refunds_are = "SUCCESS"
    clock.ahead_ms += SELDOM_MS
    assert desk.current(asked.key).standing is Back.DONE


def test_a_provider_that_is_not_connected_any_more_is_asked_when_it_is(
    world: World, desk: GivingBack, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    pay(world, "wechat")
    asked = wish(world.shown, 100)
    without = {
        name: made for name, made in world.shop.desk.gateways.by_name.items() if name != "wechat"
    }
    with monkeypatch.context() as patch:
        patch.setattr(desk, "_gateways", replace(world.shop.desk.gateways, by_name=without))
        assert desk.give_back(asked).standing is Back.UNKNOWN
    clock.ahead_ms += SOON_MS
    assert desk.current(asked.key).standing is Back.DONE


MOVES = st.lists(
    st.tuples(
        st.integers(0, 120),
        st.sampled_from([None, None, *Fault]),
        st.booleans(),
    ),
    max_size=7,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(provider=st.sampled_from(["alipay", "wechat"]), moves=MOVES)
def test_never_more_than_came_whatever_is_lost(
    world: World, desk: GivingBack, clock: Clock, provider: str, moves: list
):
    clock.ahead_ms = 0
    total = pay(world, provider)
    made = getattr(world.providers, provider)
    for percent, fault, again in moves:
        asked = wish(world.shown, total * percent // 100)
        if fault is not None:
            made.faults.then(fault)
        try:
            desk.give_back(asked)
            if again:
                clock.ahead_ms += SOON_MS
                desk.current(asked.key)
        except RuleBroken as refused:
            if refused.code not in (Code.REFUND_EXCEEDS_PAYMENT, Code.AMOUNT_INVALID):
                raise
        assert gone(world, provider) <= total
    made.faults.waiting.clear()
    with world.shop.cloud.db.reading() as conn:
        numbers = [row.request for row in refund_ledger.of_attempt(conn, world.shown.key)]
    for number in numbers:
        key = refund_ledger.RefundKey(world.shown.key.tenant, world.shown.key.store, number)
        for _ in range(2):  # a refusal under doubt is looked at twice
            clock.ahead_ms += SELDOM_MS
            desk.current(key)
        assert desk.current(key).standing in (Back.DONE, Back.REFUSED, Back.STUCK)
    with world.shop.cloud.db.reading() as conn:
        rows = refund_ledger.of_attempt(conn, world.shown.key)
    books = sum(row.amount for row in rows if row.standing in (Back.DONE, Back.STUCK))
    assert books == gone(world, provider)
