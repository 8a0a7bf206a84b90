"""Reference and members come in by cursor, in pieces short enough to let a sale through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import new_id
from app.errors import Code, Trouble
from app.ports import Priority
from app.sync.jobs import JOB_S
from app.sync.pull import PAGE_BYTES, rows_for
from app.wire.messages import STREAMS, MemberChange, MemberRow, MembersPage, PullAnswer, Row
from tests.fakes.transport import Fault
from tests.sync.till import Till, stock_rows

BAD_PAGE = Trouble(Code.CLOUD_MESSAGE_INVALID, detail="bad row")


def change(till: Till, value: str = "13800000000") -> MemberChange:
    made = MemberChange(
        change_id=new_id(),
        member_ref="m1",
        field="phone",
        value=value,
        base_revision=1,
        t_ms=till.clock.wall_ms,
    )
    till.store.run(lambda uow: uow.change_member(made)).result()
    return made


def test_all_streams_come_in_the_order_a_new_till_needs_them(till: Till):
    till.engine.run()
    assert till.transport.calls == [
        "hello",
        *(f"pull {stream}" for stream in STREAMS),
        "pull members",
        "books",
    ]


def test_a_feed_comes_in_page_by_page(till: Till):
    till.cloud.put("stock", *stock_rows(1_050))
    report = till.engine.run()
    assert report.trouble is None
    assert report.pulled["stock"] == 1_050
    assert len(till.store.held.rows["stock"]) == 1_050
    assert till.transport.calls.count("pull stock") > 2


def test_a_second_round_pulls_nothing_that_is_here_already(till: Till):
    till.cloud.put("stock", *stock_rows(30))
    till.engine.run()
    report = till.engine.run()
    assert sum(report.pulled.values()) == 0
    till.cloud.put("stock", *stock_rows(2, first=30))
    assert till.engine.run().pulled["stock"] == 2


def test_deleted_rows_leave_the_till(till: Till):
    till.cloud.put("stock", *stock_rows(2))
    till.engine.run()
    till.cloud.put("stock", Row(key="s1/SKU-0", deleted=True))
    till.engine.run()
    assert list(till.store.held.rows["stock"]) == ["s1/SKU-1"]


def test_a_round_that_only_sends_pulls_nothing(till: Till):
    till.record(1)
    till.engine.run(hello=False, pull=False)
    assert till.transport.calls == ["push"]


def test_store_jobs_shrink_until_they_let_a_sale_through(till: Till):
    till.cloud.put("stock", *stock_rows(1_000))
    sizes: list[int] = []
    apply = type(till.store.held).apply_page

    class Slow(type(till.store.held)):  # type: ignore[misc] # the class of a fake, made slow
        def apply_page(self, page: PullAnswer) -> None:
            if page.stream == "stock":
                sizes.append(len(page.rows))
            till.clock.advance(len(page.rows) * 0.000_4)
            apply(self, page)

    till.store.held.__class__ = Slow
    report = till.engine.run()
    assert report.pulled["stock"] == 1_000
    assert len(till.store.held.rows["stock"]) == 1_000
    assert sizes[0] == 50
    assert max(sizes) * 0.000_4 <= JOB_S


def test_store_jobs_grow_while_the_store_is_quick(till: Till):
    till.engine.run()
    till.store.priorities.clear()
    till.engine.run()
    a_round_with_nothing = len(till.store.priorities)
    till.cloud.put("stock", *stock_rows(3_000))
    till.store.priorities.clear()
    till.engine.run()
    assert len(till.store.priorities) - a_round_with_nothing < 20
    assert set(till.store.priorities) == {Priority.SYNC}


def test_a_quick_feed_makes_no_large_jobs_for_a_slow_one(till: Till):
    till.cloud.put("stock", *stock_rows(3_000))
    till.cloud.members.extend(MemberRow(member_ref=f"m{n}", revision=1) for n in range(600))
    sizes: dict[str, list[int]] = {"stock": [], "members": []}
    held = type(till.store.held)

    class Counting(held):  # type: ignore[misc, valid-type] # the class of a fake, made to count
        def apply_page(self, page: PullAnswer) -> None:
            sizes.setdefault(page.stream, []).append(len(page.rows))
            held.apply_page(self, page)

        def apply_members(self, page: MembersPage) -> None:
            sizes["members"].append(len(page.rows))
            held.apply_members(self, page)

    till.store.held.__class__ = Counting
    till.engine.run()
    assert sizes["members"][0] == 50
    assert max(sizes["stock"]) == 300


def test_a_till_that_dies_inside_a_page_takes_the_page_again(till: Till):
    till.cloud.put("stock", *stock_rows(500))

    class KilledError(BaseException):
        """Nothing in the house may catch this."""

    def die(job: int) -> None:
        if 0 < len(till.store.held.rows.get("stock", {})) < 500:
            raise KilledError

    till.store.before_job = die
    with pytest.raises(KilledError):
        till.engine.run()
    till.store.before_job = lambda job: None
    till.restart()
    till.engine.run()
    assert len(till.store.held.rows["stock"]) == 500


def test_a_cloud_that_no_longer_knows_a_cursor_starts_the_feed_over(till: Till):
    till.cloud.put("stock", *stock_rows(5))
    till.engine.run()
    till.cloud.forgets_cursors = True
    till.cloud.put("stock", *stock_rows(1, first=5))
    report = till.engine.run()
    assert report.trouble is None
    assert len(till.store.held.rows["stock"]) == 6


def test_a_strangers_status_starts_no_feed_over(till: Till):
    till.cloud.put("stock", *stock_rows(5))
    till.engine.run()
    cursors = dict(till.store.held.cursors)
    portal = Trouble(Code.CLOUD_NOT_OURS, retryable=True, status=410)
    till.transport.faults = [None, portal]
    assert till.engine.run().trouble is portal
    assert till.store.held.cursors == cursors
    assert till.transport.calls.count("pull config") == 2


def test_a_cloud_that_knows_not_even_the_first_page_is_trouble(till: Till):
    gone = Trouble(Code.CLOUD_REFUSED, status=410, problem="start_over")
    till.transport.faults = [None, gone]
    report = till.engine.run()
    assert report.trouble is gone


@pytest.mark.fault(22, "goods and prices come again from the start")
def test_a_restored_cloud_is_followed_from_the_first_page(till: Till):
    till.cloud.put("stock", *stock_rows(5))
    till.cloud.members = [MemberRow(member_ref="m1", revision=1)]
    till.engine.run()
    till.cloud.feed_generation = 2
    till.cloud.feeds["stock"] = stock_rows(3)
    till.transport.faults = [None, None, Fault.REQUEST_LOST]
    assert till.engine.run().trouble is not None
    report = till.engine.run()
    assert (report.pulled["stock"], report.members_received) == (3, 1)
    assert till.store.held.states["feed_generation"] == "2"
    assert till.engine.run().pulled["stock"] == 0


def test_a_bad_page_of_one_feed_does_not_hold_up_the_others(till: Till):
    till.cloud.put("stock", *stock_rows(5))
    till.transport.faults = [None, BAD_PAGE]
    report = till.engine.run()
    assert report.trouble is BAD_PAGE
    assert report.pulled["stock"] == 5


def test_too_old_to_pull_is_not_too_old_to_push(till: Till):
    ids = till.record(2)
    too_old = Trouble(Code.CLOUD_REFUSED, status=426, problem="too_old")
    till.transport.faults = [None, None, *[too_old] * 5]
    report = till.engine.run()
    assert report.trouble is too_old
    assert till.at_cloud == ids


def test_no_network_ends_the_round_at_the_first_feed(till: Till):
    till.transport.faults = [None, Fault.REQUEST_LOST]
    till.engine.run()
    assert till.transport.calls == ["hello", "pull config"]


def test_a_page_of_another_feed_is_not_applied(till: Till, monkeypatch):
    pull = till.cloud.pull
    monkeypatch.setattr(
        till.cloud, "pull", lambda stream, cursor, limit, check: pull("stock", "", 1)
    )
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.code is Code.CLOUD_MESSAGE_INVALID
    assert set(till.store.held.rows) == {"stock"}


def test_a_cursor_that_stands_still_is_not_followed_for_ever(till: Till, monkeypatch):
    def still(stream: str, cursor: str, limit: int, *, check: bool) -> PullAnswer:
        return PullAnswer(
            stream=stream, rows=[], cursor=cursor, more=True, feed_generation=1, server_ms=0
        )

    monkeypatch.setattr(till.cloud, "pull", still)
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.facts["detail"] == "the cursor stands still"


@given(st.integers(1, 5_000), st.lists(st.integers(0, 400_000), max_size=50))
def test_a_page_is_asked_for_that_stays_under_its_limit(limit, sizes):
    rows = rows_for(limit, sizes)
    assert rows >= 1
    if sizes:
        mean = max(1, sum(sizes) // len(sizes))
        assert rows <= 10 or rows * mean <= PAGE_BYTES
        assert rows <= max(10, limit * 2)
    else:
        assert rows == limit


def test_members_come_in_and_changes_go_out_once(till: Till):
    till.cloud.members = [MemberRow(member_ref=f"m{n}", revision=1, name="林") for n in range(450)]
    sent = [change(till) for _ in range(201)]
    report = till.engine.run()
    assert report.trouble is None
    assert (report.members_sent, report.members_received) == (201, 450)
    assert list(till.cloud.changes) == [item.change_id for item in sent]
    assert len(till.store.held.members) == 450
    assert till.store.held.changes == []
    assert not till.engine.run().changed


def test_a_lost_answer_to_changes_of_members_changes_nothing_twice(till: Till):
    change(till)
    till.transport.faults = [None, Fault.ANSWER_LOST]
    assert till.engine.run().trouble is not None
    assert till.engine.run().members_sent == 1
    assert len(till.cloud.changes) == 1


def test_an_answer_that_settles_nothing_is_not_asked_for_ever(till: Till, monkeypatch):
    change(till)
    answer = till.cloud.push_members([])
    monkeypatch.setattr(till.cloud, "push_members", lambda changes: answer)
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.facts["detail"] == "no change settled"
    assert till.transport.calls.count("push members") == 1
