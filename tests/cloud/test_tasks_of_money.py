"""What a till may say became of money: that its goods went out, only of money that is here and stays."""

from __future__ import annotations

import pytest

from app.domain.ids import new_id
from app.wire.messages import PersonRow
from app.wire.tasks import MONEY, TaskRow, TaskSettlement
from cloud.bootstrap import Cloud
from cloud.services.feed import put_people
from cloud.services.tasks import open_tasks
from tests.cloud.device import Device
from tests.cloud.test_tasks import claim, refused
from tests.cloud.tillside import told


@pytest.fixture
def staffed(cloud: Cloud, device: Device) -> Device:
    chen = PersonRow(person_id="m1", name="m1", name_en="m1", role="manager", pin="")
    cloud.db.write(lambda conn: put_people(conn, device.me.tenant, [chen]))
    return device


def held(cloud: Cloud, till: Device, code: str) -> TaskSettlement:
    """Open a task about late money, let a guide claim it, and return what she says became of it."""
    attempt_id, claim_id = new_id(), new_id()
    row = {
        "tenant_id": till.me.tenant,
        "store_id": "S001",
        "task_id": attempt_id,
        "kind": MONEY,
        "code": code,
        "subject": attempt_id,
        "device_id": till.me.device,
        "device_code": "01",
        "epoch": "",
        "seq": 0,
        "amount": 250_000,
        "detail": "250000",
        "created_ms": cloud.clock(),
        "change": 1,
    }
    cloud.db.write(lambda conn: open_tasks(conn, [row]))
    (task,) = told(till)
    claim(till, task, claim_id)
    return TaskSettlement(
        task_id=task.task_id, claim_id=claim_id, resolution="delivered", person="g1"
    )


@pytest.mark.parametrize("code", ["late", "no_sale", "over"])
def test_goods_go_out_for_money_that_is_here(cloud: Cloud, staffed: Device, code: str) -> None:
    said = held(cloud, staffed, code)
    assert staffed.post("/v1/tasks/settle", said, TaskRow).resolution == "delivered"


@pytest.mark.parametrize(
    "code",
    ["refund_pending", "refund_stuck", "refund_refused", "refund_after_all", "partial", "unproven"],
)
def test_nobody_says_that_goods_went_out_for_money_that_leaves_or_never_came(
    cloud: Cloud, staffed: Device, code: str
) -> None:
    """Whatever an older till may think: the task stays, and a manager looks at it."""
    said = held(cloud, staffed, code)
    assert refused(staffed, "/v1/tasks/settle", said)[:2] == (422, "malformed")
    assert told(staffed)[0].state == "claimed"
    seen = TaskSettlement(
        task_id=said.task_id, claim_id=said.claim_id, resolution="seen", person="m1"
    )
    assert staffed.post("/v1/tasks/settle", seen, TaskRow).state == "settled"
