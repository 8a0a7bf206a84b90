"""The honest table: a verdict for everything in every condition, and the same one that permits."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.times import Moment, TimeQuality
from app.errors import Code, Trouble
from app.ports import JournalMark, SyncStatus
from app.services.honesty import Conditions, Operation, Standing, judge, require, table

NOW = Moment(1_000_000, 1, "b", 1_000_000, TimeQuality.ANCHORED)


def conditions(
    *,
    enrolled: bool = True,
    reachable: bool = True,
    drain_only: bool = False,
    open_payments: int = 0,
    unsent: int = 0,
    oldest_ms: int = 0,
    pulled_ms: int = 400_000,
    member_changes: int = 0,
    member_refused: int = 0,
    unreachable: Code | None = None,
    revoked: bool = False,
) -> Conditions:
    mark = JournalMark("e", unsent, bytes(32))
    sync = SyncStatus(unsent, oldest_ms, 0, pulled_ms, member_changes, mark, member_refused)
    return Conditions(
        enrolled,
        reachable,
        drain_only,
        sync,
        open_payments,
        NOW,
        unreachable=unreachable,
        revoked=revoked,
    )


EVERY = [
    conditions(
        enrolled=e,
        reachable=r,
        drain_only=d,
        open_payments=2 * p,
        unsent=u,
        oldest_ms=u * 900_000,
        revoked=v,
    )
    for e, r, d, p, u, v in product([True, False], repeat=6)
]


@pytest.mark.parametrize("operation", Operation)
def test_the_table_and_the_permission_never_disagree(operation: Operation) -> None:
    for now in EVERY:
        (shown,) = [verdict for verdict in table(now) if verdict.operation is operation]
        assert shown == judge(operation, now)
        if shown.standing is Standing.BLOCKED:
            with pytest.raises(Trouble) as error:
                require(operation, now)
            assert error.value.code is shown.reason
        else:
            require(operation, now)


def test_every_operation_has_its_row() -> None:
    for now in EVERY:
        assert [verdict.operation for verdict in table(now)] == list(Operation)


def test_what_is_not_simply_now_says_why() -> None:
    for now in EVERY:
        for verdict in table(now):
            assert (verdict.standing is Standing.NOW) == (verdict.reason is None)


def test_with_everything_in_order_everything_works_now() -> None:
    assert {verdict.standing for verdict in table(conditions())} == {Standing.NOW}


@pytest.mark.parametrize(
    ("operation", "standing"),
    [
        (Operation.SELL_CASH, Standing.NOW),
        (Operation.LOOK_UP_GOODS, Standing.AGED),
        (Operation.OWN_STOCK, Standing.AGED),
        (Operation.OTHER_STORES_STOCK, Standing.AGED),
        (Operation.FIND_MEMBER, Standing.AGED),
        (Operation.JOIN_MEMBER, Standing.QUEUED),
        (Operation.REFUND_CASH, Standing.NOW),
        (Operation.REFUND_QR, Standing.BLOCKED),
        (Operation.COMMISSION_TODAY, Standing.NOW),
        (Operation.SEND_SALES, Standing.QUEUED),
        (Operation.PRINT_RECEIPT, Standing.NOW),
        (Operation.CLOSE_PROGRAM, Standing.NOW),
    ],
)
def test_what_works_without_the_network(operation: Operation, standing: Standing) -> None:
    for now in (conditions(reachable=False), conditions(enrolled=False)):
        assert judge(operation, now).standing is standing


def test_without_a_line_a_code_carries_the_order_and_without_a_cloud_there_is_none() -> None:
    assert judge(Operation.SELL_QR, conditions(reachable=False)).standing is Standing.AGED
    collect = judge(Operation.COLLECT, conditions(reachable=False))
    assert (collect.standing, collect.reason) == (Standing.BLOCKED, Code.CLOUD_UNREACHABLE)
    new = conditions(enrolled=False, reachable=False)
    assert judge(Operation.SELL_QR, new).standing is Standing.BLOCKED


def test_why_differs_between_a_new_till_and_a_cut_line() -> None:
    new, cut = conditions(enrolled=False, reachable=False), conditions(reachable=False)
    assert judge(Operation.SELL_QR, new).reason is Code.DEVICE_NOT_ENROLLED
    assert judge(Operation.SELL_QR, cut).reason is Code.CLOUD_UNREACHABLE


def test_figures_tell_their_age_and_queues_their_length() -> None:
    now = conditions(reachable=False, unsent=3, oldest_ms=250_000, member_changes=2)
    assert judge(Operation.OTHER_STORES_STOCK, now).age_ms == 600_000
    assert judge(Operation.JOIN_MEMBER, now).waiting == 2
    sending = judge(Operation.SEND_SALES, now)
    assert (sending.waiting, sending.age_ms) == (3, 750_000)
    assert judge(Operation.CLOSE_PROGRAM, now).waiting == 3
    never = conditions(reachable=False, pulled_ms=0)
    assert judge(Operation.OTHER_STORES_STOCK, never).age_ms is None


@given(st.integers(0, 2**44))
def test_a_clock_behind_the_figures_makes_no_negative_age(pulled_ms: int) -> None:
    verdict = judge(Operation.OWN_STOCK, conditions(reachable=False, pulled_ms=pulled_ms))
    assert verdict.age_ms is None or verdict.age_ms >= 0


def test_a_newer_file_takes_nothing_in_but_still_sends() -> None:
    now = conditions(drain_only=True)
    blocked = {v.operation for v in table(now) if v.standing is Standing.BLOCKED}
    assert blocked == {
        Operation.SELL_CASH,
        Operation.SELL_QR,
        Operation.COLLECT,
        Operation.JOIN_MEMBER,
        Operation.REFUND_CASH,
        Operation.REFUND_QR,
    }
    with pytest.raises(Trouble) as error:
        require(Operation.SELL_CASH, now)
    assert error.value.code is Code.STORE_NEWER
    assert not error.value.retryable, "trying again does not make the program newer"


@pytest.mark.fault(19, "the table of what works says: check the tablet's date and time")
def test_what_a_person_can_mend_is_told_apart_from_a_line_that_is_down() -> None:
    for code in (Code.CLOCK_WRONG, Code.CLOUD_NOT_OURS):
        now = conditions(reachable=False, unreachable=code)
        with pytest.raises(Trouble) as error:
            require(Operation.SELL_QR, now)
        assert (error.value.code, error.value.retryable) == (code, True)
        assert judge(Operation.SELL_CASH, now).standing is Standing.NOW
    busy = conditions(reachable=False, unreachable=Code.CLOUD_BUSY)
    assert judge(Operation.SELL_QR, busy).reason is Code.CLOUD_UNREACHABLE


@pytest.mark.parametrize("reachable", [True, False])
def test_changes_the_cloud_refuses_are_told_and_block_nothing(reachable: bool) -> None:
    now = conditions(member_refused=2, reachable=reachable)
    verdict = judge(Operation.JOIN_MEMBER, now)
    assert (verdict.reason, verdict.waiting) == (Code.MEMBER_CHANGE_REFUSED, 2)
    require(Operation.JOIN_MEMBER, now)


def test_nobody_closes_over_an_open_payment() -> None:
    with pytest.raises(Trouble) as error:
        require(Operation.CLOSE_PROGRAM, conditions(open_payments=1))
    assert error.value.code is Code.PAYMENT_UNRESOLVED
    assert error.value.retryable


def test_a_revoked_till_only_sends_and_says_why() -> None:
    rows = {verdict.operation: verdict for verdict in table(conditions(revoked=True, unsent=3))}
    blocked = {op for op, row in rows.items() if row.standing is Standing.BLOCKED}
    reasons = {row.reason for op, row in rows.items() if op in blocked}
    assert reasons == {Code.DEVICE_REVOKED}
    assert blocked == {
        Operation.SELL_CASH,
        Operation.SELL_QR,
        Operation.COLLECT,
        Operation.JOIN_MEMBER,
        Operation.FIND_MEMBER,
        Operation.REFUND_CASH,
        Operation.REFUND_QR,
    }
    assert rows[Operation.SEND_SALES].standing is Standing.NOW
    assert rows[Operation.OWN_STOCK].standing is Standing.AGED, "nothing comes in any more"
    with pytest.raises(Trouble) as error:
        require(Operation.SELL_CASH, conditions(revoked=True))
    assert not error.value.retryable
