"""Returns whose money went back and whose document never came: one task each, until it comes or a person
has settled it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from app.domain.ids import new_id
from app.domain.money_back import Back
from app.errors import Code, Trouble
from app.wire.bodies import RefundV1, TenderV1
from app.wire.tasks import (
    QUARANTINE,
    RETURN_LOST,
    SETTLED,
    TaskClaim,
    TaskRow,
    TaskSettlement,
)
from cloud.bootstrap import open_cloud
from cloud.db import refund_tables
from cloud.db.task_tables import task as task_table
from cloud.gateways.base import AttemptKey
from cloud.services import lost_returns
from cloud.services.lost_returns import LOOK_BACK_MS, LOST_MS, LostReturns
from cloud.services.release import settle_as_operator
from cloud.services.tasks import task_row
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.device import a_refund
from tests.cloud.paying import FIVE_MINUTES, Shop, Shown, Till
from tests.cloud.test_quarantine import revoke
from tests.cloud.tillside import claimed, push_sale, sold, task_of, told, wish
from tests.unit.tables import table

MINUTE_MS = 60_000


def given_back(shop: Shop, shown: Shown, amount: int, document: str = "") -> str:
    """Give some of a sale's money back for a return; return the id of the return."""
    asked = wish(shown, amount, document=document or new_id())
    assert shop.desk.giving_back.give_back(asked).standing is Back.DONE
    return asked.document


def sold_one(shop: Shop, till: Till) -> Shown:
    """Sell one more cart, paid in time and on the books."""
    shown = till.show(shop.client)
    shop.paying(shown).tap("/approve")
    push_sale(till, sold(shown))
    return shown


def the_return(shown: Shown, document: str, amount: int) -> RefundV1:
    """Return the document its till made of it."""
    tender = TenderV1(
        id=new_id(),
        kind="qr",
        amount=amount,
        attempt=shown.order.attempt_id,
        provider="sandbox",
    )
    whole = a_refund(sold(shown), net=amount)
    return msgspec.structs.replace(whole, id=document, tenders=(tender,))


def push_return(till: Till, document: RefundV1) -> None:
    till.device.write("refund", document)
    till.device.push()


def look(shop: Shop, clock: Clock, after_ms: int = LOST_MS + MINUTE_MS) -> list[TaskRow]:
    """Let some time pass and the sweep look; return the store's tasks about returns."""
    clock.ahead_ms += after_ms
    shop.desk.giving_back.sweep()
    return missed(shop)


def missed(shop: Shop) -> list[TaskRow]:
    query = sa.select(task_table).where(
        task_table.c.store_id == "S001", task_table.c.code == RETURN_LOST
    )
    with shop.cloud.db.reading() as conn:
        rows = conn.execute(query.order_by(task_table.c.created_ms, task_table.c.task_id))
        return [task_row(row) for row in rows.mappings()]


def test_a_return_that_never_came_is_a_task_on_every_tablet(
    shop: Shop, paid: Shown, till: Till, clock: Clock
):
    other = shop.till()
    document = given_back(shop, paid, 4_300)
    (row,) = look(shop, clock)
    assert (row.task_id, row.subject, row.other) == (document, document, paid.order.attempt_id)
    assert (row.kind, row.code, row.state, row.amount) == ("record", RETURN_LOST, "open", 4_300)
    assert (row.device, row.receipt_no != "") == (till.device.me.device, True)
    assert row.device_code
    other.device.sign_in()
    assert row in told(other.device)


def test_the_return_that_comes_later_settles_its_task(
    shop: Shop, paid: Shown, till: Till, clock: Clock
):
    document = given_back(shop, paid, 4_300)
    look(shop, clock)
    till.device.sign_in()
    push_return(till, the_return(paid, document, 4_300))
    (row,) = missed(shop)
    assert (row.state, row.resolution) == (SETTLED, "by_itself")
    assert row in told(till.device)
    assert [each.state for each in look(shop, clock)] == [SETTLED]


def test_a_return_that_came_in_time_is_no_task(shop: Shop, paid: Shown, till: Till, clock: Clock):
    document = given_back(shop, paid, 4_300)
    push_return(till, the_return(paid, document, 4_300))
    assert look(shop, clock) == []
    assert look(shop, clock) == []


@pytest.mark.parametrize("row", table("PAYMENTS.md", "Which return is missed"))
def test_which_return_is_missed(
    shop: Shop, paid: Shown, till: Till, clock: Clock, row: dict[str, str]
):
    document = new_id()
    refunds = refund_tables.refund
    for part in row["refunds"].split(", "):
        standing, amount = part.split()
        asked = wish(paid, int(amount), document=document)
        shop.desk.giving_back.give_back(asked)
        none = row["return"] == "there is none"
        with shop.cloud.db.begin() as conn:
            conn.execute(
                refunds.update()
                .where(refunds.c.store_id == "S001", refunds.c.number == asked.number)
                .values(standing=standing, document_id="" if none else document)
            )
    if row["return"] == "came":
        push_return(till, the_return(paid, document, 4_300))
    found = look(shop, clock, int(row["minutes"]) * MINUTE_MS)
    due = [] if row["task"] == "–" else [int(row["task"])]
    assert [task.amount for task in found] == due


def test_money_that_went_although_it_was_called_refused_has_its_own_task_alone(
    shop: Shop, paid: Shown, clock: Clock
):
    given_back(shop, paid, 4_300)
    with shop.cloud.db.begin() as conn:
        columns = refund_tables.refund.c
        belied = refund_tables.refund.update().where(columns.store_id == "S001")
        conn.execute(belied.values(belied_ms=clock()))
    assert look(shop, clock) == []


def test_each_return_of_a_sale_is_a_task_of_its_own(shop: Shop, paid: Shown, clock: Clock):
    documents = {given_back(shop, paid, amount): amount for amount in (100, 200)}
    assert {row.task_id: row.amount for row in look(shop, clock)} == documents


def test_of_two_returns_the_one_that_comes_settles_only_its_own(
    shop: Shop, paid: Shown, till: Till, clock: Clock
):
    first, second = (given_back(shop, paid, 100) for _ in range(2))
    look(shop, clock)
    till.device.sign_in()
    push_return(till, the_return(paid, first, 100))
    assert {row.task_id: row.state for row in missed(shop)} == {first: SETTLED, second: "open"}


@pytest.mark.parametrize("word", ["seen", "corrected"])
def test_a_manager_settles_it_by_hand_and_it_stays_so(
    shop: Shop, paid: Shown, till: Till, clock: Clock, word: str
):
    document = given_back(shop, paid, 100)
    look(shop, clock)
    till.device.sign_in()
    claim = TaskClaim(task_id=document, claim_id=new_id(), person="m1")
    till.device.post("/v1/tasks/claim", claim, TaskRow)
    said = TaskSettlement(task_id=document, claim_id=claim.claim_id, resolution=word)
    till.device.post("/v1/tasks/settle", said, TaskRow)
    afresh(shop)
    (row,) = look(shop, clock)
    assert (row.state, row.resolution) == (SETTLED, word)
    assert look(shop, clock) == [row]


def test_its_money_can_neither_be_sent_back_again_nor_its_goods_handed_over(
    shop: Shop, paid: Shown, till: Till, clock: Clock
):
    document = given_back(shop, paid, 100)
    look(shop, clock)
    till.device.sign_in()
    claim = TaskClaim(task_id=document, claim_id=new_id(), person="m1")
    till.device.post("/v1/tasks/claim", claim, TaskRow)
    for word in ("refunded", "delivered"):
        said = TaskSettlement(task_id=document, claim_id=claim.claim_id, resolution=word)
        answer = till.device.client.post(
            "/v1/tasks/settle", content=msgspec.json.encode(said), headers=till.headers
        )
        assert answer.status_code == 422


def test_a_cloud_that_starts_looks_back_and_makes_the_task_once(
    shop: Shop, paid: Shown, clock: Clock
):
    given_back(shop, paid, 100)
    clock.ahead_ms += 13 * 24 * 60 * MINUTE_MS
    afresh(shop)
    (row,) = look(shop, clock)
    afresh(shop)
    assert look(shop, clock) == [row]


def test_a_look_takes_a_page_at_a_time_and_forgets_nobody(
    shop: Shop, till: Till, clock: Clock, monkeypatch
):
    monkeypatch.setattr(lost_returns, "MOST", 2)
    documents = {given_back(shop, sold_one(shop, till), 10) for _ in range(5)}
    with shop.cloud.db.begin() as conn:  # all at one moment, so that their time tells none apart
        mine = refund_tables.refund.update().where(refund_tables.refund.c.store_id == "S001")
        conn.execute(mine.values(changed_ms=clock()))
    assert [len(look(shop, clock)) for _ in range(4)] == [2, 4, 5, 5]
    assert {row.task_id for row in missed(shop)} == documents


def test_a_clock_that_was_ahead_leaves_nothing_out(shop: Shop, paid: Shown, clock: Clock):
    day_ms = 24 * 60 * MINUTE_MS
    assert look(shop, clock, day_ms) == []
    given_back(shop, paid, 50)
    look(shop, clock)
    clock.ahead_ms -= day_ms
    document = given_back(shop, paid, 100)
    assert document in {row.task_id for row in look(shop, clock)}


@pytest.mark.parametrize("looks", [0, 3], ids=["at once", "much later"])
@pytest.mark.parametrize("restart", [False, True], ids=["same process", "another process"])
def test_a_return_that_came_in_while_its_task_was_written_settles_it_at_a_later_look(
    shop: Shop, paid: Shown, till: Till, clock: Clock, monkeypatch, restart: bool, looks: int
):
    """The look's snapshot is older than the return's transaction, which knows of no task yet."""
    document = given_back(shop, paid, 100)
    for _ in range(1 + looks):
        assert [row.state for row in look(shop, clock)] == ["open"]
    till.device.sign_in()
    monkeypatch.setattr("cloud.services.lost_returns.note_arrivals", lambda *_: None)
    push_return(till, the_return(paid, document, 100))
    assert [row.state for row in missed(shop)] == ["open"]
    if restart:
        afresh(shop)
    (row,) = look(shop, clock, MINUTE_MS)
    assert (row.state, row.resolution) == (SETTLED, "by_itself")
    assert row in told(till.device)
    assert look(shop, clock, MINUTE_MS) == [row]


def of_four_one_fails(
    shop: Shop, till: Till, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> tuple[set[str], list[None]]:
    """Make four returns that are missed; the second one's review fails until the list is emptied."""
    documents = {given_back(shop, sold_one(shop, till), 10) for _ in range(4)}
    with shop.cloud.db.reading() as conn:
        mine = refund_tables.refund.c.store_id == "S001"
        query = sa.select(refund_tables.refund.c.attempt_id).where(mine)
        ids: list[str] = sorted(conn.scalars(query))
    truly, failing = lost_returns.review, [None]

    def review(conn: sa.Connection, attempt: AttemptKey, now_ms: int) -> bool:
        if failing and attempt.attempt_id == ids[1]:
            raise fault
        return truly(conn, attempt, now_ms)

    monkeypatch.setattr(lost_returns, "review", review)
    return documents, failing


def test_one_return_that_cannot_be_reviewed_keeps_no_other_from_its_task(
    shop: Shop, till: Till, clock: Clock, monkeypatch
):
    documents, failing = of_four_one_fails(shop, till, monkeypatch, ValueError("a bug"))
    assert len(look(shop, clock)) == 3
    assert len(look(shop, clock, 2_000)) == 3
    failing.clear()
    assert {row.task_id for row in look(shop, clock, MINUTE_MS)} == documents


def test_what_a_trouble_left_unreviewed_is_reviewed_by_the_next_look(
    shop: Shop, till: Till, clock: Clock, monkeypatch
):
    documents, failing = of_four_one_fails(shop, till, monkeypatch, Trouble(Code.CLOUD_UNREACHABLE))
    for _ in range(3):
        with pytest.raises(Trouble):
            look(shop, clock)
    failing.clear()
    assert {row.task_id for row in look(shop, clock, 2_000)} == documents


def test_a_clock_that_is_put_back_does_not_keep_what_came_waiting(
    shop: Shop, paid: Shown, till: Till, clock: Clock, monkeypatch
):
    document = given_back(shop, paid, 100)
    day_ms = 24 * 60 * MINUTE_MS
    look(shop, clock, day_ms)
    clock.ahead_ms -= day_ms
    monkeypatch.setattr("cloud.services.lost_returns.note_arrivals", lambda *_: None)
    push_return(till, the_return(paid, document, 100))
    assert [row.state for row in look(shop, clock, MINUTE_MS)] == [SETTLED]


def test_the_return_of_a_revoked_till_settles_it_once_it_is_on_the_books(
    shop: Shop, paid: Shown, till: Till, clock: Clock
):
    """What waits in quarantine is on no books, and may be dropped there."""
    document = given_back(shop, paid, 100)
    revoke(shop.cloud, till.device)
    push_return(till, the_return(paid, document, 100))
    assert [row.state for row in look(shop, clock)] == ["open"]
    aside = next(row for row in told(shop.till().device) if row.code == QUARANTINE)
    with shop.cloud.db.begin() as conn:
        settle_as_operator(
            conn, till.device.me.tenant, "S001", aside.task_id, "released", now_ms=clock()
        )
    assert [row.state for row in missed(shop)] == [SETTLED]


def test_of_a_sale_that_is_lost_with_its_return_only_the_rest_is_without_a_sale(
    shop: Shop, till: Till, clock: Clock
):
    shown = till.show(shop.client)
    shop.paying(shown).tap("/approve")
    given_back(shop, shown, 4_300)
    clock.ahead_ms += FIVE_MINUTES
    (row,) = look(shop, clock)
    assert (row.amount, row.receipt_no) == (4_300, "")
    shop.desk.payments.sweep()
    without = task_of(shop, shown)
    assert (without.code, without.amount) == ("no_sale", shown.order.total - 4_300)
    till.device.sign_in()
    claim = claimed(till, shown)
    rest = wish(shown, without.amount, document="", claim_id=claim)
    assert shop.desk.giving_back.give_back(rest).standing is Back.DONE
    assert task_of(shop, shown).state == SETTLED


def test_the_look_reads_its_own_index_alone(tmp_path: Path):
    cloud = open_cloud(Settings(data=tmp_path / "c"))
    query = lost_returns.page_of((1, "t", "s", "n"), 2, 10)
    text = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with cloud.db.reading() as conn:
        plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    cloud.close()
    index = "ix_payment_refund_of_a_return (standing=? AND changed_ms>? AND changed_ms<?)"
    assert index in plan[0], plan
    assert not any(line.startswith(("SCAN", "USE TEMP")) for line in plan), plan


def afresh(shop: Shop) -> None:
    """Let the looks begin as another process of the cloud would."""
    desk = shop.desk.giving_back
    began = desk._payments.now_ms() - LOOK_BACK_MS
    desk._lost_returns = LostReturns(desk._database, lambda _: None, began)
