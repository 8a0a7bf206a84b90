"""A device is remembered for its signature alone: what it may do is read anew with each push."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from app.wire.messages import Problem
from cloud.bootstrap import Cloud
from cloud.db import tables
from tests.cloud.books import count
from tests.cloud.device import Device, a_sale
from tests.cloud.test_quarantine import revoke


def refusal(device: Device) -> tuple[int, str]:
    answer = device.send_push(device.batch(device.records))
    return answer.status_code, msgspec.json.decode(answer.content, type=Problem).code


def test_a_revocation_counts_with_the_very_next_push(cloud: Cloud, device: Device) -> None:
    device.write("sale", a_sale())
    device.push()
    revoke(cloud, device)
    device.write("sale", a_sale())
    answer = device.push(device.records[1:])
    assert [result.verdict for result in answer.results] == ["accepted_unprojected"]
    assert count(cloud, tables.sale) == 1


def test_a_device_that_is_gone_is_let_in_no_more(cloud: Cloud, device: Device) -> None:
    device.write("sale", a_sale())
    device.push()
    with cloud.db.begin() as connection:
        connection.execute(sa.delete(tables.device))
    assert refusal(device) == (403, "device_not_enrolled")


def test_a_device_with_another_key_is_asked_to_come_again_and_then_judged_by_that_key(
    cloud: Cloud, device: Device
) -> None:
    device.write("sale", a_sale())
    device.push()
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.device).values(public_key=b"k" * 32))
    assert refusal(device) == (503, "busy")
    assert refusal(device) == (422, "malformed")
