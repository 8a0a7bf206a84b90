"""The store's one inbox: what is listed, in which order, and who may do what about it."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from app.domain.money_back import Back
from app.services.inbox import PAYMENTS_SHOWN_MS, Entry, Hold, inbox
from app.wire.messages import PullAnswer, Row
from app.wire.tasks import CLAIM_MINUTES, CLAIMED, MONEY, PAYMENT, RECORD, SETTLED, TaskRow
from tests.unit.services.test_giving_back import Counter
from tests.unit.services.test_late_money import closed_and_paid
from tests.unit.services.test_tasks import LEAVES
from tests.unit.services.till import GUIDE, MANAGER, Till, shown

ELSEWHERE = "SH01-B2"


def now(till: Till) -> int:
    return till.clock.now().server_ms


def tell(till: Till, *rows: TaskRow) -> None:
    """Let the cloud tell of tasks."""
    page = PullAnswer(
        stream="tasks",
        rows=[Row(key=r.task_id, body=msgspec.Raw(msgspec.json.encode(r))) for r in rows],
        cursor="c",
        more=False,
        feed_generation=1,
        server_ms=now(till),
    )
    till.do(lambda uow: uow.apply_page(page))


def task(kind: str = RECORD, code: str = "bad_body", **more: object) -> TaskRow:
    values: dict[str, object] = {
        "task_id": f"{kind}-{code}",
        "kind": kind,
        "code": code,
        "subject": "r1",
        "device": ELSEWHERE,
        **more,
    }
    return TaskRow(**values)  # type: ignore[arg-type]


def listed(till: Till) -> tuple[Entry, ...]:
    return inbox(till.store.reader, now(till))


def test_nothing_waits(till: Till):
    assert listed(till) == ()


def test_money_first_then_exceptions_then_alarms_then_payments_elsewhere(till: Till):
    own = closed_and_paid(till)
    payment = task(PAYMENT, "waiting", task_id="p1", created_ms=now(till))
    tell(till, task(), payment, task(MONEY, "late", task_id="a9"))
    till.do(lambda uow: uow.raise_alarm("second_copy_missing", "sd", "", 1))
    entries = listed(till)
    assert [entry.key for entry in entries] == [
        own,
        "a9",
        "record-bad_body",
        "alarm second_copy_missing sd",
        "p1",
    ]
    assert [entry.needs_a_person for entry in entries] == [True] * 4 + [False]


def test_what_both_sides_know_of_own_money_is_one_entry(till: Till):
    own = closed_and_paid(till)
    tell(till, task(MONEY, "late", task_id=own, device="SH01-A1"))
    (entry,) = listed(till)
    assert entry.money is not None
    assert entry.task is not None
    assert entry.can_deliver()
    assert entry.can_ask()


@pytest.mark.parametrize("code", [*LEAVES, "partial", "waiting", "a word of next year"])
def test_goods_do_not_go_out_for_money_that_leaves_or_is_not_there(till: Till, code: str):
    attempt_id = closed_and_paid(till)
    tell(till, task(MONEY, code, task_id=attempt_id))
    (entry,) = listed(till)
    assert not entry.can_deliver()


def test_own_money_that_was_given_back_at_another_tablet_waits_here_no_more(till: Till):
    own = closed_and_paid(till)
    tell(
        till,
        task(
            MONEY, "late", task_id=own, state=SETTLED, settled_ms=now(till), resolution="refunded"
        ),
    )
    assert listed(till) == ()


def test_what_another_tablet_holds_can_only_be_watched(till: Till):
    own = closed_and_paid(till)
    until = now(till) + CLAIM_MINUTES * 60_000
    held = task(
        MONEY,
        "late",
        task_id=own,
        state=CLAIMED,
        claimed_device=ELSEWHERE,
        claimed_by="p-chen",
        claim_until_ms=until,
    )
    tell(till, held)
    (entry,) = listed(till)
    assert entry.hold is Hold.TAKEN
    assert not entry.can_deliver()
    assert not entry.can_claim()
    assert entry.resolutions(MANAGER) == ()
    till.clock.advance(CLAIM_MINUTES * 60)
    (entry,) = listed(till)
    assert entry.hold is Hold.FREE
    assert entry.can_deliver()
    tell(till, replace(held, claimed_device="SH01-A1"))
    (entry,) = listed(till)
    assert entry.hold is Hold.MINE
    assert entry.can_deliver()


def test_money_of_another_tablet_can_be_given_back_here_and_not_delivered(till: Till):
    tell(till, task(MONEY, "late", task_id="a9"))
    (entry,) = listed(till)
    assert not entry.can_deliver()
    assert not entry.can_ask()
    assert entry.can_claim()
    assert entry.resolutions(GUIDE) == ()
    assert entry.resolutions(None) == ()
    assert entry.resolutions(MANAGER) == ("refunded", "seen")


def test_a_payment_under_way_here_is_no_task_though_the_cloud_tells_of_it(till: Till):
    own = shown(till)
    tell(till, task(PAYMENT, "waiting", task_id=own, device="SH01-A1", created_ms=now(till)))
    (entry,) = listed(till)
    assert entry.money is not None
    assert entry.task is None
    assert entry.resolutions(MANAGER) == ()


def test_payments_elsewhere_go_when_they_are_old_and_decided(till: Till):
    at = now(till)
    tell(
        till,
        task(PAYMENT, "confirmed", task_id="p1", state=SETTLED, settled_ms=at, created_ms=at),
        task(PAYMENT, "unknown", task_id="p2", created_ms=at - PAYMENTS_SHOWN_MS - 1),
        task(
            PAYMENT,
            "confirmed",
            task_id="p3",
            state=SETTLED,
            settled_ms=at,
            created_ms=at - PAYMENTS_SHOWN_MS - 1,
        ),
    )
    assert [entry.key for entry in listed(till)] == ["p2", "p1"]
    assert listed(till)[0].resolutions(MANAGER) == ()


def test_alarms_are_put_away_by_managers(till: Till):
    till.do(lambda uow: uow.raise_alarm("sealed_damaged", "7", "", 1))
    (entry,) = listed(till)
    assert (entry.resolutions(GUIDE), entry.resolutions(MANAGER)) == ((), ("seen",))


# --- money that this till itself is sending back ---------------------------------------------------


def in_doubt(counter: Counter, attempt_id: str) -> Entry:
    """Give late money back, and lose the answer; return its entry."""
    row = task(MONEY, "late", task_id=attempt_id, subject=attempt_id, device="SH01-A1")
    row = replace(row, amount=counter.till.attempt(attempt_id).last.received)
    counter.tasks.device = row.device
    counter.book.put(row)
    tell(counter.till, row)
    counter.desk.lose_requests = 1
    counter.job.late_money(attempt_id, MANAGER).result()
    (entry,) = listed(counter.till)
    return entry


def test_nothing_that_would_be_refused_is_offered_while_a_refund_from_here_is_in_doubt(till: Till):
    counter = Counter(till)
    attempt_id = closed_and_paid(till)
    entry = in_doubt(counter, attempt_id)
    assert entry.back is not None
    assert entry.back.standing is Back.UNKNOWN
    assert not entry.can_deliver()
    assert not entry.can_give_back(MANAGER)
    assert entry.can_ask()
    assert entry.resolutions(MANAGER) == ("seen",), "whether it was given back nobody knows"
    counter.job.refresh(entry.back.number).result()
    tell(till, replace(counter.book.rows[attempt_id], state=SETTLED, resolution="refunded"))
    assert listed(till) == ()


@pytest.mark.parametrize(
    ("standing", "words"), [(Back.PENDING, ("seen",)), (Back.STUCK, ("refunded", "seen"))]
)
def test_of_a_refund_from_here_that_is_stuck_a_manager_may_say_that_it_was_given(
    till: Till, standing: Back, words: tuple[str, ...]
):
    """While one is asked about nobody knows; what is stuck waits for a person, at this tablet as at any."""
    counter = Counter(till)
    entry = in_doubt(counter, closed_and_paid(till))
    assert entry.back is not None
    counter.desk.next = [standing]
    counter.job.refresh(entry.back.number).result()
    (entry,) = listed(till)
    assert entry.back is not None
    assert entry.back.standing is standing
    assert entry.resolutions(MANAGER) == words
    assert not entry.can_give_back(MANAGER)


def test_goods_may_go_out_again_once_the_refund_was_refused(till: Till):
    counter = Counter(till)
    attempt_id = closed_and_paid(till)
    entry = in_doubt(counter, attempt_id)
    assert entry.back is not None
    counter.desk.next = [Back.REFUSED]
    counter.job.refresh(entry.back.number).result()
    (entry,) = listed(till)
    assert entry.back is None
    assert entry.can_deliver()
    assert entry.can_give_back(MANAGER)


def test_money_of_an_order_nobody_knows_is_settled_by_hand_and_not_given_back_here(till: Till):
    tell(till, task(MONEY, "no_sale", task_id="a9", device=""))
    (entry,) = listed(till)
    assert entry.is_orphan
    assert not entry.can_give_back(MANAGER)
    assert entry.resolutions(MANAGER) == ("refunded", "seen")
