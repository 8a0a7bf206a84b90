"""Tasks of the store, alarms of this till, and what a revoked till forgets; on a real file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from app.errors import Code, Trouble
from app.ports import Alarm
from app.wire.messages import MemberChange, MemberRow, MembersPage, PullAnswer, Row
from app.wire.tasks import CLAIMED, KEPT_DAYS, MONEY, PAYMENT, SETTLED, TaskRow
from offline_store import OfflineStore, migrations
from offline_store.connection import open_writer
from tests.fakes.clock import NOON
from tests.store.conftest import Opener
from tests.store.shop import KEY, sale_of

TASK = TaskRow(
    task_id="t1",
    kind="record",
    code="bad_body",
    subject="r1",
    device="dev-7",
    created_ms=NOON,
)


def page(*rows: TaskRow, gone: tuple[str, ...] = (), generation: int = 1) -> PullAnswer:
    told = [Row(key=row.task_id, body=msgspec.Raw(msgspec.json.encode(row))) for row in rows]
    told += [Row(key=key, deleted=True) for key in gone]
    return PullAnswer(
        stream="tasks",
        rows=told,
        cursor=f"c{len(told)}",
        more=False,
        feed_generation=generation,
        server_ms=NOON,
    )


def take(store: OfflineStore, answer: PullAnswer) -> None:
    store.run(lambda uow: uow.apply_page(answer)).result()


def test_tasks_come_with_their_cursor_newest_first(store: OfflineStore):
    later = replace(TASK, task_id="t2", created_ms=NOON + 1)
    take(store, page(TASK, later))
    assert store.reader.tasks() == (later, TASK)
    assert store.run(lambda uow: uow.cursor("tasks")).result() == "c2"
    claimed = replace(TASK, state=CLAIMED, claimed_by="m1")
    take(store, page(claimed, gone=("t2",)))
    assert store.reader.tasks() == (claimed,)


def test_a_task_that_is_none_spoils_its_page_and_moves_no_cursor(store: OfflineStore):
    broken = replace(page(TASK), rows=[Row(key="t1", body=msgspec.Raw(b'{"task_id": 1}'))])
    with pytest.raises(Trouble) as caught:
        take(store, broken)
    assert caught.value.code is Code.CLOUD_MESSAGE_INVALID
    assert store.run(lambda uow: uow.cursor("tasks")).result() == ""


def test_what_was_settled_long_ago_goes(store: OfflineStore):
    long_ago = NOON - max(KEPT_DAYS.values()) * 86_400_000
    old = replace(TASK, state=SETTLED, settled_ms=long_ago)
    payment = replace(TASK, task_id="p1", kind=PAYMENT, state=SETTLED, settled_ms=long_ago)
    money = replace(TASK, task_id="m1", kind=MONEY, state=SETTLED, settled_ms=long_ago)
    fresh = replace(TASK, task_id="t2", state=SETTLED, settled_ms=NOON - 1)
    take(store, page(old, payment, money, fresh))
    assert store.reader.tasks() == (money, fresh), "money given back elsewhere is never forgotten"


def test_a_feed_that_began_anew_forgets_what_only_the_old_one_knew(store: OfflineStore):
    take(store, page(TASK))
    other = replace(TASK, task_id="t2")
    take(store, page(other, generation=2))
    assert store.reader.tasks() == (other,)


def test_a_claim_has_one_name_until_its_task_is_settled(opened: Opener):
    store = opened()
    name = store.run(lambda uow: uow.claim_of("t1")).result()
    store.close()
    store = opened()
    assert store.run(lambda uow: uow.claim_of("t1")).result() == name
    assert store.run(lambda uow: uow.claim_of("t2")).result() != name
    settled = replace(TASK, state=SETTLED, settled_ms=NOON)
    store.run(lambda uow: uow.put_task(settled)).result()
    assert store.reader.tasks() == (settled,)
    assert store.run(lambda uow: uow.claim_of("t1")).result() != name


def test_an_alarm_is_raised_once_and_again_only_for_something_new(store: OfflineStore):
    def sound(detail: str, at_ms: int = NOON) -> None:
        store.run(lambda uow: uow.raise_alarm("books_differ", "2026-03-01", detail, at_ms)).result()

    sound("1 sale")
    sound("1 sale", NOON + 9)
    assert store.reader.alarms() == (Alarm("books_differ", "2026-03-01", "1 sale", NOON),)
    store.run(lambda uow: uow.settle_alarm("books_differ", "2026-03-01")).result()
    sound("1 sale", NOON + 10)
    assert store.reader.alarms() == ()
    sound("2 sales", NOON + 11)
    (alarm,) = store.reader.alarms()
    assert (alarm.detail, alarm.at_ms) == ("2 sales", NOON + 11)
    store.run(lambda uow: uow.settle_alarm("nothing", "")).result()
    assert len(store.reader.alarms()) == 1


def test_a_revoked_till_forgets_its_members_and_nothing_else(opened: Opener):
    store = opened()
    row = MemberRow(member_ref="m1", revision=1, name="林晚", phone="13812345678")
    members = MembersPage(rows=[row], cursor="c1", more=False, server_ms=NOON)
    change = MemberChange(
        change_id="c1", member_ref="m1", field="note", value="x", base_revision=1, t_ms=NOON
    )
    sale = sale_of()
    store.run(lambda uow: uow.apply_members(members)).result()
    store.run(lambda uow: uow.change_member(change)).result()
    store.run(lambda uow: uow.record(sale)).result()
    assert store.reader.find_members("138")
    store.run(lambda uow: uow.set_revoked(True)).result()
    store.close()
    store = opened()
    reader = store.reader
    assert reader.is_revoked()
    assert (reader.find_members("138"), reader.find_members("林"), reader.member("m1")) == (
        (),
        (),
        None,
    )
    assert store.run(lambda uow: uow.cursor("members")).result() == ""
    assert store.run(lambda uow: uow.member_queue(9)).result() == (change,)
    assert reader.document(sale.sale_id) == sale
    assert reader.sync_status().unsent == 1
    store.run(lambda uow: uow.set_revoked(False)).result()
    assert not store.reader.is_revoked()
    store.run(lambda uow: uow.apply_members(members)).result()
    (member,) = store.reader.find_members("138")
    assert member.note == "x", "a change that is still unsent shows again"


def test_a_file_of_the_version_before_gets_its_tables(opened: Opener, file: Path):
    shipped = migrations.steps
    names = [step.name for step in shipped()._migrations]
    before = next(i for i, name in enumerate(names) if name.endswith("tasks and alarms"))

    def older_steps():
        steps = shipped()
        del steps._migrations[before:]
        return steps

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "steps", older_steps)
        patch.setattr(migrations, "VERSION", before)
        patch.setattr("offline_store.store.VERSION", before)
        patch.setattr("offline_store.journal.NUMBERED", ("document", "payment_step"))
        store = opened()
        sale = sale_of()
        store.run(lambda uow: uow.record(sale)).result()
        store.close()
    store = opened()
    assert store.reader.document(sale.sale_id) == sale
    take(store, page(TASK))
    assert store.reader.tasks() == (TASK,)
    store.close()
    connection = open_writer(file, KEY)
    assert migrations.version_of(connection) == migrations.VERSION
    connection.close()
