"""What a person of a store must see: told to every till of the store, claimed by one, settled once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from app.domain.ids import new_id
from app.wire.messages import PersonRow, Problem, StockRow
from app.wire.tasks import (
    CLAIM_MINUTES,
    KEPT_DAYS,
    RECORD,
    TaskClaim,
    TaskRow,
    TaskSettlement,
)
from cloud.bootstrap import Cloud
from cloud.errors import Refused
from cloud.services import tasks
from cloud.services.feed import pull, put_people, put_stock
from cloud.services.release import settle_as_operator
from cloud.services.streams import DAY_MS
from cloud.services.tasks import Holder
from cloud.services.tokens import DevicePrincipal
from tests.cloud.books import exceptions
from tests.cloud.conftest import Clock, Enrol
from tests.cloud.device import Device, a_refund, a_sale, proven
from tests.cloud.tillside import told


def claim(device: Device, task: TaskRow, claim_id: str = "", person: str = "g1") -> TaskRow:
    asked = TaskClaim(task_id=task.task_id, claim_id=claim_id or new_id(), person=person)
    return device.post("/v1/tasks/claim", asked, TaskRow)


def refused(device: Device, path: str, asked: msgspec.Struct) -> tuple[int, str, str]:
    answer = device.client.post(path, content=msgspec.json.encode(asked), headers=device.headers())
    assert proven(answer, device.me)
    problem = msgspec.json.decode(answer.content, type=Problem)
    return answer.status_code, problem.code, problem.detail


def one_task(device: Device) -> TaskRow:
    """Let a till send a record nobody can read."""
    device.write("sale", b"not json", rec_id=f"poison {new_id()}")
    device.push()
    return told(device)[-1]


def test_a_flagged_record_is_a_task_of_its_own_store_and_of_no_other(
    device: Device, enrol: Enrol
) -> None:
    other, foreign = enrol(), enrol("S002")
    sale = a_sale()
    device.write("sale", msgspec.structs.replace(sale, total=sale.total + 1))
    answer = device.push()
    (task,) = told(other)
    assert (task.kind, task.code, task.state) == ("record", "sale_unbalanced", "open")
    assert (task.subject, task.receipt_no, task.amount) == (
        sale.id,
        sale.receipt_no,
        sale.total + 1,
    )
    assert (task.device, task.device_code, task.seq) == (device.me.device, "01", 1)
    assert task.task_id == answer.results[0].exception_id
    assert told(foreign) == []
    asked = TaskClaim(task_id=task.task_id, claim_id=new_id(), person="g9")
    assert refused(foreign, "/v1/tasks/claim", asked)[:2] == (404, "task_unknown")


@pytest.fixture
def staffed(cloud: Cloud, device: Device) -> Device:
    """A till of a brand with a manager and a guide, a manager who left, and one of another store."""
    people = [
        PersonRow(person_id=who, name=who, name_en=who, role=role, pin="", active=who != "gone")
        for who, role in (("m1", "manager"), ("g1", "guide"), ("gone", "manager"))
    ]
    other = PersonRow(person_id="m2", name="m2", name_en="m2", role="manager", pin="")
    tenant = device.me.tenant
    cloud.db.write(lambda c: put_people(c, tenant, people))
    cloud.db.write(lambda c: put_people(c, tenant, [other], "S002"))
    return device


@pytest.mark.parametrize("who", ["g1", "gone", "m2", "nobody", ""])
def test_only_a_manager_of_the_store_settles(staffed: Device, who: str) -> None:
    task, claim_id = one_task(staffed), new_id()
    claim(staffed, task, claim_id, "g1")
    asked = TaskSettlement(task_id=task.task_id, claim_id=claim_id, resolution="seen", person=who)
    assert refused(staffed, "/v1/tasks/settle", asked)[:2] == (403, "not_a_manager")
    assert told(staffed)[-1].state == "claimed"
    by_a_manager = msgspec.structs.replace(asked, person="m1")
    done = staffed.post("/v1/tasks/settle", by_a_manager, TaskRow)
    assert (done.state, done.claimed_by) == ("settled", "m1")


def test_an_older_till_is_taken_at_who_claimed(staffed: Device) -> None:
    task, claim_id = one_task(staffed), new_id()
    claim(staffed, task, claim_id, "m1")
    asked = TaskSettlement(task_id=task.task_id, claim_id=claim_id, resolution="seen")
    assert staffed.post("/v1/tasks/settle", asked, TaskRow).state == "settled"


def test_one_claims_and_settles_and_every_till_hears_of_it(device: Device, enrol: Enrol) -> None:
    other, task, claim_id = enrol(), one_task(device), new_id()
    held = claim(other, task, claim_id, "m1")
    assert (held.state, held.claimed_by, held.claimed_device) == ("claimed", "m1", other.me.device)
    assert claim(other, task, claim_id, "m1") == held
    (seen,) = told(device)
    assert (seen.state, seen.claimed_by) == ("claimed", "m1")
    mine = TaskClaim(task_id=task.task_id, claim_id=new_id(), person="g1")
    assert refused(device, "/v1/tasks/claim", mine) == (409, "claimed", "02 m1")
    settlement = TaskSettlement(task_id=task.task_id, claim_id=claim_id, resolution="seen")
    assert refused(device, "/v1/tasks/settle", settlement)[:2] == (409, "claimed")
    done = other.post("/v1/tasks/settle", settlement, TaskRow)
    assert other.post("/v1/tasks/settle", settlement, TaskRow) == done
    assert (done.state, done.resolution) == ("settled", "seen")
    assert told(device) == [done]
    assert refused(device, "/v1/tasks/claim", mine) == (409, "claimed", "settled")
    corrected = msgspec.structs.replace(settlement, resolution="corrected")
    assert refused(other, "/v1/tasks/settle", corrected)[:2] == (409, "claimed")


@pytest.mark.parametrize("resolution", ["delivered", "released", "", "nonsense"])
def test_a_word_that_makes_no_sense_for_a_task_settles_nothing(
    device: Device, resolution: str
) -> None:
    task, claim_id = one_task(device), new_id()
    claim(device, task, claim_id)
    asked = TaskSettlement(task_id=task.task_id, claim_id=claim_id, resolution=resolution)
    assert refused(device, "/v1/tasks/settle", asked)[:2] == (422, "malformed")
    assert told(device)[0].state == "claimed"


def test_a_claim_without_an_id_is_no_claim(device: Device) -> None:
    task = one_task(device)
    for claim_id in ("", "x" * 65):
        asked = TaskClaim(task_id=task.task_id, claim_id=claim_id, person="g1")
        assert refused(device, "/v1/tasks/claim", asked)[:2] == (422, "malformed")


def test_of_two_tills_that_claim_at_once_exactly_one_gets_it(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    tills = [device, *(enrol() for _ in range(3))]
    for _ in range(5):
        task = one_task(device)

        def ask(till: Device, task: TaskRow = task) -> str:
            holder = Holder(till.me.tenant, "S001", till.me.device, new_id(), "p")
            asked = TaskClaim(task_id=task.task_id, claim_id=holder.claim_id, person="p")
            try:
                cloud.db.write(lambda conn: tasks.claim(conn, holder, asked, now_ms=cloud.clock()))
            except Refused as no:
                return no.problem.code
            return "mine"

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, tills))
        assert sorted(answers) == ["claimed", "claimed", "claimed", "mine"]


def test_a_claim_held_too_long_may_be_taken_over(
    device: Device, enrol: Enrol, clock: Clock
) -> None:
    other, task, first = enrol(), one_task(device), new_id()
    claim(device, task, first)
    asked = TaskClaim(task_id=task.task_id, claim_id=new_id(), person="g2")
    assert refused(other, "/v1/tasks/claim", asked)[:2] == (409, "claimed")
    clock.ahead_ms += CLAIM_MINUTES * 60_000
    held = other.post("/v1/tasks/claim", asked, TaskRow)
    assert held.claimed_device == other.me.device
    late = TaskSettlement(task_id=task.task_id, claim_id=first, resolution="seen")
    assert refused(device, "/v1/tasks/settle", late) == (409, "claimed", "02 g2")


def test_an_old_claim_asked_for_again_holds_for_as_long_as_a_new_one(
    device: Device, enrol: Enrol, clock: Clock
) -> None:
    other, task, mine, theirs = enrol(), one_task(device), new_id(), new_id()
    first = claim(device, task, mine)
    minutes = CLAIM_MINUTES * 60_000
    clock.ahead_ms += minutes
    again = claim(device, task, mine)
    assert again.claim_until_ms >= first.claim_until_ms + minutes
    asked = TaskClaim(task_id=task.task_id, claim_id=theirs, person="g2")
    assert refused(other, "/v1/tasks/claim", asked)[:2] == (409, "claimed")
    clock.ahead_ms += minutes
    device.sign_in()
    other.sign_in()
    assert claim(other, task, theirs).claimed_device == other.me.device
    late = TaskClaim(task_id=task.task_id, claim_id=mine, person="g1")
    assert refused(device, "/v1/tasks/claim", late) == (409, "claimed", "02 g1")


def test_whoever_was_slow_may_still_settle_what_nobody_took_over(
    device: Device, clock: Clock
) -> None:
    task, claim_id = one_task(device), new_id()
    claim(device, task, claim_id)
    clock.ahead_ms += 2 * CLAIM_MINUTES * 60_000
    device.sign_in()
    asked = TaskSettlement(task_id=task.task_id, claim_id=claim_id, resolution="corrected")
    assert device.post("/v1/tasks/settle", asked, TaskRow).resolution == "corrected"


def test_a_till_that_forgot_its_claim_may_claim_again(device: Device) -> None:
    task = one_task(device)
    claim(device, task)
    again = claim(device, task, person="m1")
    assert (again.state, again.claimed_by) == ("claimed", "m1")


def test_what_was_settled_long_ago_is_told_to_nobody(cloud: Cloud, device: Device) -> None:
    task, waiting = one_task(device), one_task(device)
    cloud.db.write(
        lambda conn: settle_as_operator(
            conn, device.me.tenant, "S001", task.task_id, "seen", now_ms=cloud.clock()
        )
    )
    me = DevicePrincipal(device.me.tenant, "S001", device.me.device, "01", b"", False)
    later = cloud.clock() + KEPT_DAYS[RECORD] * DAY_MS + 1
    page = cloud.db.read(lambda conn: pull(conn, me, "tasks", "", 100, now_ms=later))
    assert [row.key for row in page.rows] == [waiting.task_id]


def test_a_till_that_was_away_hears_what_became_of_tasks_it_saw_open(
    cloud: Cloud, device: Device
) -> None:
    before, seen, unseen = (one_task(device) for _ in range(3))
    me = DevicePrincipal(device.me.tenant, "S001", device.me.device, "01", b"", False)
    began, days = cloud.clock(), (KEPT_DAYS[RECORD] + 1) * DAY_MS

    def put_away(task: TaskRow, now_ms: int) -> None:
        cloud.db.write(
            lambda conn: settle_as_operator(
                conn, me.tenant, "S001", task.task_id, "seen", now_ms=now_ms
            )
        )

    def heard(cursor: str, limit: int, now_ms: int) -> tuple[list[str], str]:
        page = cloud.db.read(lambda conn: pull(conn, me, "tasks", cursor, limit, now_ms=now_ms))
        return [row.key for row in page.rows], page.cursor

    put_away(before, began - days)
    first, cursor = heard("", 1, began)
    assert first == [seen.task_id]  # what was settled long ago is no page of the first walk
    put_away(unseen, began)
    put_away(seen, began)
    rest, _ = heard(cursor, 10, began + days)
    assert rest == [unseen.task_id, seen.task_id]
    assert heard("", 10, began + days)[0] == []


def test_the_operator_settles_over_the_head_of_a_till(cloud: Cloud, device: Device) -> None:
    task, claim_id = one_task(device), new_id()
    claim(device, task, claim_id)
    cloud.db.write(
        lambda conn: settle_as_operator(
            conn, device.me.tenant, "S001", task.task_id, "seen", now_ms=cloud.clock()
        )
    )
    asked = TaskSettlement(task_id=task.task_id, claim_id=claim_id, resolution="seen")
    assert refused(device, "/v1/tasks/settle", asked) == (409, "claimed", "settled")
    (row,) = told(device)
    assert (row.claimed_by, row.resolution) == ("operator", "seen")


# --- the last piece sold twice --------------------------------------------------------------------


def stocked(cloud: Cloud, device: Device, quantity: int, sku: str = "SKU-1") -> None:
    row = StockRow(store="S001", sku_id=sku, quantity=quantity, as_of_ms=cloud.clock())
    cloud.db.write(lambda conn: put_stock(conn, device.me.tenant, [row]))


@pytest.mark.fault(33, "both sales stand; the inbox names both receipts and says what to do")
def test_the_last_piece_sold_on_two_tills_names_both_receipts(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    other = enrol()
    stocked(cloud, device, 1)
    first, second = a_sale((100,)), a_sale((100,))
    device.write("sale", first)
    device.push()
    other.write("sale", second)
    answer = other.push()
    assert [result.verdict for result in answer.results] == ["applied"]
    (task,) = told(device)
    assert (task.code, task.detail) == ("oversell", "SKU-1")
    assert (task.receipt_no, task.other) == (second.receipt_no, first.receipt_no)
    assert (task.device, task.amount) == (other.me.device, 100)
    assert exceptions(cloud) == ["oversell"]


def test_one_warning_for_the_sale_that_went_below_and_none_for_those_after(
    cloud: Cloud, device: Device
) -> None:
    stocked(cloud, device, 1)
    sales = [a_sale((100,)) for _ in range(4)]
    for sale in sales[:3]:
        device.write("sale", sale)
    device.push()
    device.write("sale", sales[3])
    device.push()
    (task,) = told(device)
    assert (task.receipt_no, task.other) == (sales[1].receipt_no, "")


def test_what_came_back_may_be_oversold_again(cloud: Cloud, device: Device) -> None:
    stocked(cloud, device, 0)
    sale, again = a_sale((100,)), a_sale((100,))
    device.write("sale", sale)
    device.write("refund", a_refund(sale))
    device.write("sale", again)
    device.push()
    assert {task.receipt_no for task in told(device)} == {sale.receipt_no, again.receipt_no}


def test_goods_nobody_ever_counted_are_not_oversold(cloud: Cloud, device: Device) -> None:
    for _ in range(2):
        device.write("sale", a_sale((100,)))
        device.push()
    assert (told(device), exceptions(cloud)) == ([], [])
    stocked(cloud, device, 0)
    device.write("sale", a_sale((100,)))
    device.push()
    assert [task.code for task in told(device)] == ["oversell"]


def test_the_same_sale_again_is_not_oversold_again(cloud: Cloud, device: Device) -> None:
    stocked(cloud, device, 0)
    device.write("sale", a_sale((100,)))
    request = device.batch(device.records)
    for _ in range(2):
        assert device.send_push(request).status_code == 200
    assert len(told(device)) == 1
