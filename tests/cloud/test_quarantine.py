"""Revoked tills: what they still send is kept aside, and a person of the store releases or drops it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from app.domain.ids import new_id
from app.wire.messages import HelloAnswer
from app.wire.tasks import TaskRow, TaskSettlement
from cloud.__main__ import main
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.services import devices
from tests.cloud.books import count, on_hand
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_refund, a_sale
from tests.cloud.test_tasks import claim, refused
from tests.cloud.tillside import told


def revoke(cloud: Cloud, device: Device) -> None:
    cloud.db.write(
        lambda conn: devices.revoke(conn, device.me.tenant, device.me.device, now_ms=cloud.clock())
    )


def reinstate(cloud: Cloud, device: Device) -> None:
    cloud.db.write(lambda conn: devices.reinstate(conn, device.me.tenant, device.me.device))


def settle(device: Device, task: TaskRow, resolution: str) -> TaskRow:
    held = claim(device, task, claim_id := new_id(), "m1")
    assert held.state == "claimed"
    asked = TaskSettlement(task_id=task.task_id, claim_id=claim_id, resolution=resolution)
    return device.post("/v1/tasks/settle", asked, TaskRow)


@pytest.fixture
def other(enrol: Enrol) -> Device:
    return enrol()


@pytest.fixture
def aside(cloud: Cloud, device: Device, other: Device) -> TaskRow:
    """The task of two sales and a refund that a revoked till sent in two pushes."""
    sale = a_sale((19_900,))
    revoke(cloud, device)
    device.write("sale", sale)
    device.push()
    device.write("refund", a_refund(sale))
    device.write("sale", a_sale((5_000,)))
    device.push()
    (task,) = told(other)
    return task


def verdicts(cloud: Cloud) -> list[str]:
    query = tables.journal.select().order_by(tables.journal.c.seq)
    with cloud.db.reading() as conn:
        return [row.verdict for row in conn.execute(query)]


def test_hello_says_where_a_revoked_till_stands(cloud: Cloud, device: Device) -> None:
    assert device.post("/v1/sync/hello", device.hello(), HelloAnswer).standing == "current"
    revoke(cloud, device)
    assert device.post("/v1/sync/hello", device.hello(), HelloAnswer).standing == "revoked"
    reinstate(cloud, device)
    assert device.post("/v1/sync/hello", device.hello(), HelloAnswer).standing == "current"


def test_one_task_stands_for_all_a_revoked_till_sent(cloud: Cloud, aside: TaskRow) -> None:
    assert (aside.code, aside.detail, aside.amount) == ("device_revoked", "3", 5_000)
    assert (aside.device_code, aside.seq) == ("01", 3)
    assert (count(cloud, tables.journal), count(cloud, tables.sale)) == (3, 0)


def test_released_records_go_on_the_books_as_if_they_had_just_come(
    cloud: Cloud, other: Device, aside: TaskRow
) -> None:
    done = settle(other, aside, "released")
    assert (done.state, done.resolution, done.claimed_by) == ("settled", "released", "m1")
    assert (count(cloud, tables.sale), count(cloud, tables.refund)) == (2, 1)
    assert on_hand(cloud, "SKU-1") == -1
    assert verdicts(cloud) == ["applied"] * 3
    assert told(other) == [done]


def test_a_release_asked_for_twice_happens_once(
    cloud: Cloud, other: Device, aside: TaskRow
) -> None:
    claim(other, aside, claim_id := new_id(), "m1")
    asked = TaskSettlement(task_id=aside.task_id, claim_id=claim_id, resolution="released")
    first = other.post("/v1/tasks/settle", asked, TaskRow)
    assert other.post("/v1/tasks/settle", asked, TaskRow) == first
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (2, -1)


def test_dropped_records_stay_in_the_journal_and_on_no_books(
    cloud: Cloud, other: Device, aside: TaskRow
) -> None:
    settle(other, aside, "dropped")
    assert (count(cloud, tables.journal), count(cloud, tables.sale)) == (3, 0)
    assert verdicts(cloud) == ["accepted_unprojected"] * 3


def test_a_released_record_is_checked_like_any_other(
    cloud: Cloud, device: Device, other: Device
) -> None:
    revoke(cloud, device)
    sale = a_sale((100,))
    device.write("sale", msgspec.structs.replace(sale, total=101))
    device.write("sale", b"not json", rec_id="poison")
    device.write("sale", a_sale((100,)))
    device.push()
    settle(other, told(other)[0], "released")
    assert {task.code for task in told(other)} == {
        "device_revoked",
        "sale_unbalanced",
        "bad_body",
    }
    assert count(cloud, tables.sale) == 2
    assert verdicts(cloud) == ["accepted_exception", "accepted_exception", "applied"]


def test_what_comes_after_a_decision_is_another_decision(
    cloud: Cloud, device: Device, other: Device, aside: TaskRow
) -> None:
    settle(other, aside, "dropped")
    device.write("sale", a_sale((700,)))
    device.push()
    first, second = told(other)
    assert (first.resolution, second.state, second.detail) == ("dropped", "open", "1")
    settle(other, second, "released")
    assert count(cloud, tables.sale) == 1


def test_a_reinstated_till_sells_on_and_what_it_sent_meanwhile_still_waits(
    cloud: Cloud, device: Device, other: Device, aside: TaskRow
) -> None:
    reinstate(cloud, device)
    device.write("sale", a_sale((900,)))
    assert device.push().results[-1].verdict == "applied"
    assert count(cloud, tables.sale) == 1
    settle(device, aside, "released")
    assert count(cloud, tables.sale) == 3


def test_a_quarantine_cannot_be_put_away_as_merely_seen(other: Device, aside: TaskRow) -> None:
    claim(other, aside, claim_id := new_id(), "m1")
    asked = TaskSettlement(task_id=aside.task_id, claim_id=claim_id, resolution="seen")
    assert refused(other, "/v1/tasks/settle", asked)[0] == 422


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_operator_s_commands(
    cloud: Cloud, device: Device, settings, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(settings.data)]
    assert main(["devices", *data, "--json"]) == 0
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["device_id"], line["store_id"], line["revoked_ms"]) == (
        device.me.device,
        "S001",
        0,
    )
    assert main(["revoke", device.me.device, *data]) == 0
    device.write("sale", a_sale((100,)))
    device.push()
    capsys.readouterr()
    assert main(["devices", *data]) == 0
    assert "revoked" in capsys.readouterr().out
    assert main(["tasks", "--store", "S001", *data, "--json"]) == 0
    (task,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (task["code"], task["store"]) == ("device_revoked", "S001")
    assert main(["tasks", *data]) == 0
    assert task["task_id"] in capsys.readouterr().out
    assert main(["settle", task["task_id"], "--resolution", "released", *data]) == 0
    assert count(cloud, tables.sale) == 1
    assert main(["reinstate", device.me.device, *data]) == 0
    assert device.post("/v1/sync/hello", device.hello(), HelloAnswer).standing == "current"
    capsys.readouterr()
    for mistaken in (
        ["revoke", "nobody"],
        ["settle", "nothing", "--resolution", "seen"],
        ["settle", task["task_id"], "--resolution", "released"],
    ):
        assert main([*mistaken, *data]) == 1
        assert capsys.readouterr().err
    assert Path(settings.data).exists()
