"""Acting on what a person must see: claimed first, settled by managers, never done twice."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.payment import Event
from app.errors import Code, RuleBroken, Trouble
from app.services.inbox import inbox
from app.services.tasks import StoreTasks, resolutions_of
from app.wire.messages import StockRow
from app.wire.tasks import CLAIM_MINUTES, MONEY, QUARANTINE, RECORD, UNPROVEN, TaskRow
from tests.fakes.tasks import FakeTaskDesk, TaskBook
from tests.unit.services.offline import pin, proof_for, prove, shown_offline
from tests.unit.services.test_late_money import closed_and_paid
from tests.unit.services.till import COAT, GUIDE, MANAGER, InlinePool, Till, cancel, code_of, shown


@pytest.fixture
def book(till: Till) -> TaskBook:
    book = TaskBook(now_ms=lambda: till.clock.now().server_ms, codes={"d1": "01", "d2": "02"})
    book.put(TaskRow(task_id="t1", kind=RECORD, code="bad_body", subject="r1", device="d9"))
    return book


@pytest.fixture
def desk(book: TaskBook) -> FakeTaskDesk:
    return FakeTaskDesk(book)


@pytest.fixture
def tasks(till: Till, desk: FakeTaskDesk) -> StoreTasks:
    return StoreTasks(till.store, desk, till.payments, InlinePool())


def of_other_tablet(till: Till, book: TaskBook) -> StoreTasks:
    """The same store's other tablet; its own file would only keep its claims apart."""
    other = FakeTaskDesk(book, "d2")
    return StoreTasks(till.store, other, till.payments, InlinePool())


def test_a_claim_is_kept_and_shown_before_the_stream_tells_it(till: Till, tasks: StoreTasks):
    row = tasks.claim("t1", GUIDE).result()
    assert (row.state, row.claimed_by) == ("claimed", GUIDE.person_id)
    assert till.store.reader.tasks() == (row,)


def test_a_lost_answer_is_asked_for_again_under_the_same_name(
    till: Till, book: TaskBook, desk: FakeTaskDesk, tasks: StoreTasks
):
    desk.lose_answers = 1
    with pytest.raises(Trouble):
        tasks.claim("t1", GUIDE).result()
    name = book.claims["t1"]
    till.restart()
    again = StoreTasks(till.store, desk, till.payments, InlinePool())
    assert again.claim("t1", GUIDE).result().state == "claimed"
    assert book.claims["t1"] == name
    desk.lose_answers = 1
    with pytest.raises(Trouble):
        again.settle("t1", "seen", MANAGER, amount=0).result()
    assert again.settle("t1", "seen", MANAGER, amount=0).result().resolution == "seen"


def test_what_another_tablet_holds_stays_its_own_until_the_time_is_up(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    of_other_tablet(till, book).claim("t1", MANAGER).result()
    with pytest.raises(RuleBroken) as caught:
        tasks.settle("t1", "seen", MANAGER, amount=0).result()
    assert code_of(caught) is Code.TASK_TAKEN
    assert caught.value.facts == {"till": "02", "person": MANAGER.person_id}
    till.clock.advance(CLAIM_MINUTES * 60)
    assert tasks.settle("t1", "seen", MANAGER, amount=0).result().claimed_device == "d1"


def test_guides_see_and_managers_settle(tasks: StoreTasks, desk: FakeTaskDesk, till: Till):
    with pytest.raises(RuleBroken) as caught:
        tasks.settle("t1", "seen", GUIDE, amount=0).result()
    assert code_of(caught) is Code.MANAGER_NEEDED
    assert desk.calls == []
    till.do(lambda uow: uow.raise_alarm("second_copy_missing", "", "", 1))
    with pytest.raises(RuleBroken) as caught:
        tasks.settle_alarm("second_copy_missing", "", GUIDE).result()
    assert code_of(caught) is Code.MANAGER_NEEDED
    assert till.store.reader.alarms()
    tasks.settle_alarm("second_copy_missing", "", MANAGER).result()
    assert till.store.reader.alarms() == ()


def test_without_the_cloud_nothing_is_claimed_and_nothing_done(
    till: Till, desk: FakeTaskDesk, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    desk.down = True
    for act in (
        lambda: tasks.claim("t1", GUIDE).result(),
        lambda: tasks.settle("t1", "seen", MANAGER, amount=0).result(),
        lambda: tasks.deliver(attempt_id, GUIDE).result(),
    ):
        with pytest.raises(Trouble) as caught:
            act()
        assert code_of(caught) is Code.CLOUD_UNREACHABLE
    assert till.sales() == []


def money(attempt_id: str) -> TaskRow:
    return TaskRow(task_id=attempt_id, kind=MONEY, code="late", subject=attempt_id, device="d1")


def test_delivering_claims_first_and_says_so_afterwards(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    book.put(money(attempt_id))
    news = tasks.deliver(attempt_id, GUIDE).result()
    assert news.sale is not None
    assert till.sales() == [news.sale.sale_id]
    row = book.rows[attempt_id]
    assert (row.state, row.resolution) == ("settled", "delivered")


def test_money_another_tablet_is_giving_back_is_not_delivered_here(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    book.put(money(attempt_id))
    of_other_tablet(till, book).claim(attempt_id, MANAGER).result()
    with pytest.raises(RuleBroken) as caught:
        tasks.deliver(attempt_id, GUIDE).result()
    assert code_of(caught) is Code.TASK_TAKEN
    assert till.sales() == []


def test_money_that_was_given_back_is_not_delivered_any_more(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    book.put(money(attempt_id))
    of_other_tablet(till, book).settle(attempt_id, "refunded", MANAGER, amount=0).result()
    with pytest.raises(RuleBroken) as caught:
        tasks.deliver(attempt_id, GUIDE).result()
    assert code_of(caught) is Code.TASK_SETTLED
    assert till.sales() == []


LEAVES = ("refund_pending", "refund_stuck", "refund_refused", "refund_after_all")
"""What the cloud may say of money that leaves or has left, written out: no list is asked about itself."""


@pytest.mark.parametrize("code", LEAVES)
def test_money_that_leaves_is_not_delivered_though_its_claim_has_run_out(
    till: Till, book: TaskBook, tasks: StoreTasks, code: str
):
    """A wallet may take days to give it back, and this till may not have heard of it yet."""
    attempt_id = closed_and_paid(till)
    book.put(money(attempt_id))
    of_other_tablet(till, book).claim(attempt_id, MANAGER).result()
    book.put(msgspec.structs.replace(book.rows[attempt_id], code=code))
    till.clock.advance(CLAIM_MINUTES * 60)
    with pytest.raises(RuleBroken) as caught:
        tasks.deliver(attempt_id, GUIDE).result()
    assert code_of(caught) is Code.REFUND_UNDER_WAY
    assert till.sales() == []


@pytest.mark.parametrize("code", ["partial", "waiting", "a word of next year"])
def test_goods_go_out_for_no_code_that_is_not_known_to_allow_it(
    till: Till, book: TaskBook, tasks: StoreTasks, code: str
):
    attempt_id = closed_and_paid(till)
    book.put(msgspec.structs.replace(money(attempt_id), code=code))
    with pytest.raises(RuleBroken) as caught:
        tasks.deliver(attempt_id, GUIDE).result()
    assert code_of(caught) is Code.PAYMENT_NOT_CONFIRMED
    assert till.sales() == []


@pytest.mark.parametrize("code", ["late", "no_sale", "over"])
def test_goods_go_out_for_money_that_is_here(
    till: Till, book: TaskBook, tasks: StoreTasks, code: str
):
    attempt_id = closed_and_paid(till)
    book.put(msgspec.structs.replace(money(attempt_id), code=code))
    assert tasks.deliver(attempt_id, GUIDE).result().sale is not None
    assert book.rows[attempt_id].resolution == "delivered"


def test_without_the_cloud_late_goods_go_out_for_money_our_signature_proves(
    till: Till, desk: FakeTaskDesk, tasks: StoreTasks
):
    pin(till)
    till.gateway.lose_requests = 10**6
    attempt_id = shown_offline(till)
    text = proof_for(till, attempt_id)
    till.payments.note(attempt_id, Event.TIMED_OUT, "")
    assert prove(till, attempt_id, text).sale is None
    desk.down = True
    assert tasks.deliver(attempt_id, GUIDE).result().sale is not None


def test_what_the_cloud_does_not_know_as_a_task_nobody_can_be_quicker_at(
    till: Till, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    assert tasks.deliver(attempt_id, GUIDE).result().sale is not None


def test_a_delivery_stands_even_if_saying_so_is_lost(
    till: Till, book: TaskBook, desk: FakeTaskDesk, tasks: StoreTasks, monkeypatch
):
    attempt_id = closed_and_paid(till)
    book.put(money(attempt_id))

    def lost(_asked):
        raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)

    monkeypatch.setattr(desk, "settle", lost)
    assert tasks.deliver(attempt_id, GUIDE).result().sale is not None
    assert book.rows[attempt_id].state == "claimed", "its sale settles it at the cloud"


def short_of(till: Till, pieces: int) -> None:
    """Let the cloud tell how many coats are left."""
    store = till.store.reader.identity().store
    row = StockRow(store=store, sku_id=COAT, quantity=pieces, as_of_ms=1)
    till.store.run(lambda uow: uow.put_stock([row])).result()


def test_goods_that_were_sold_meanwhile_are_named_before_they_are_delivered(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    book.put(money(attempt_id))
    short_of(till, 0)
    (entry,) = inbox(till.store.reader, 0)
    (short,) = entry.short
    assert (short.sku.sku_id, short.wanted, short.here) == (COAT, 1, 0)
    with pytest.raises(RuleBroken) as caught:
        tasks.deliver(attempt_id, GUIDE).result()
    assert (code_of(caught), caught.value.facts["sku"]) == (Code.STOCK_SHORT, COAT)
    assert till.sales() == []
    assert book.rows[attempt_id].state == "open", "nobody has claimed it: it may go back instead"
    news = tasks.deliver(attempt_id, GUIDE, although_short=True).result()
    assert till.sales() == [news.attempt.last.sale_id]


def test_goods_for_money_that_never_came_leave_its_task_to_the_manager(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    attempt_id = shown(till)
    cancel(till, attempt_id)
    till.payments.vouch(attempt_id, MANAGER).result()
    book.put(msgspec.structs.replace(money(attempt_id), code=UNPROVEN))
    assert tasks.deliver(attempt_id, GUIDE).result().sale is not None
    assert book.rows[attempt_id].state == "claimed"
    assert tasks.settle(attempt_id, "seen", MANAGER, amount=0).result().state == "settled"


def test_goods_that_are_here_or_have_no_figure_are_delivered_at_once(till: Till, tasks: StoreTasks):
    first = closed_and_paid(till)
    assert inbox(till.store.reader, 0)[0].short == ()
    assert tasks.deliver(first, GUIDE).result().sale is not None
    short_of(till, 1)
    assert tasks.deliver(closed_and_paid(till), GUIDE).result().sale is not None


def test_a_word_is_for_the_amount_that_was_seen_and_not_for_what_the_claim_tells(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    book.put(msgspec.structs.replace(money(attempt_id), amount=2_500))
    seen = tasks.claim(attempt_id, MANAGER).result()
    more = msgspec.structs.replace(seen, state="open", claimed_device="", amount=5_000)
    book.put(more)  # paid again
    with pytest.raises(RuleBroken) as caught:
        tasks.settle(attempt_id, "refunded", MANAGER, amount=seen.amount).result()
    assert code_of(caught) is Code.TASK_CHANGED
    assert book.rows[attempt_id].resolution == ""
    (kept,) = till.store.reader.tasks()
    assert (kept.state, kept.amount) == ("claimed", 5_000), "what is seen next is the new amount"
    done = tasks.settle(attempt_id, "refunded", MANAGER, amount=kept.amount).result()
    assert done.state == "settled"


def test_goods_go_out_though_more_has_come_than_was_seen(
    till: Till, book: TaskBook, tasks: StoreTasks
):
    attempt_id = closed_and_paid(till)
    book.put(msgspec.structs.replace(money(attempt_id), amount=5_000))
    assert tasks.deliver(attempt_id, GUIDE).result().sale is not None
    assert book.rows[attempt_id].resolution == "delivered"


def test_words_for_each_kind_of_task():
    task = TaskRow(task_id="t", kind=RECORD, code=QUARANTINE, subject="r", device="d")
    assert resolutions_of(task) == ("released", "dropped")
    task = TaskRow(task_id="t", kind=RECORD, code="oversell", subject="r", device="d")
    assert resolutions_of(task) == ("seen", "corrected")
    assert resolutions_of(money("a")) == ("refunded", "seen")
