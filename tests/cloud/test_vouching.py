"""A sale that only a revoked device has sent so far, and that a till we trust sends too: it is booked
once, whoever decides what meanwhile."""

from __future__ import annotations

from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.db.task_tables import quarantine
from tests.cloud.books import count, on_hand
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_refund, a_sale
from tests.cloud.test_quarantine import reinstate, revoke, settle, verdicts
from tests.cloud.test_tasks import told


def test_a_trusted_tills_own_copy_is_booked_and_leaves_the_rest_waiting(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    trusted, sale, more = enrol(), a_sale((19_900,)), a_sale((500,))
    revoke(cloud, device)
    device.write("sale", sale)
    device.write("sale", more)
    device.push()
    copy = device.records[0]
    trusted.write("sale", copy.body, rec_id=copy.header.rec_id)
    (result,) = trusted.push().results
    assert result.verdict == "applied"
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (1, -1)
    (task,) = told(trusted)
    assert (task.state, task.detail, task.amount) == ("open", "1", 500)
    settle(trusted, task, "released")
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (2, -2)


def test_when_all_of_it_is_vouched_for_nobody_has_to_decide(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    trusted, sale = enrol(), a_sale((19_900,))
    revoke(cloud, device)
    device.write("sale", sale)
    device.write("refund", a_refund(sale))
    device.push()
    for record in device.records:
        trusted.write(record.header.kind, record.body, rec_id=record.header.rec_id)
    assert [result.verdict for result in trusted.push().results] == ["applied", "applied"]
    (task,) = told(trusted)
    assert (task.state, task.resolution, task.detail) == ("settled", "by_itself", "0")
    assert (count(cloud, tables.sale), count(cloud, tables.refund)) == (1, 1)
    assert count(cloud, quarantine) == 0
    assert sorted(verdicts(cloud)) == ["applied", "applied", "duplicate", "duplicate"]


def test_it_is_booked_once_however_often_it_comes(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    first, second, sale = enrol(), enrol(), a_sale((19_900,))
    revoke(cloud, device)
    device.write("sale", sale)
    device.push()
    for till in (first, second):
        for _ in range(2):
            till.write("sale", device.records[0].body, rec_id=sale.id)
        till.push()
        till.push()
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (1, -1)


def test_what_was_released_before_is_not_booked_again(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    trusted, sale = enrol(), a_sale((19_900,))
    revoke(cloud, device)
    device.write("sale", sale)
    device.push()
    settle(trusted, told(trusted)[0], "released")
    trusted.write("sale", device.records[0].body, rec_id=sale.id)
    (result,) = trusted.push().results
    assert result.verdict == "duplicate"
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (1, -1)


def test_what_was_dropped_counts_when_a_trusted_till_says_it(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    trusted, sale = enrol(), a_sale((19_900,))
    revoke(cloud, device)
    device.write("sale", sale)
    device.push()
    dropped = settle(trusted, told(trusted)[0], "dropped")
    trusted.write("sale", device.records[0].body, rec_id=sale.id)
    trusted.push()
    assert count(cloud, tables.sale) == 1
    assert told(trusted) == [dropped]


def test_another_revoked_device_vouches_for_nothing(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    other, sale = enrol(), a_sale((19_900,))
    for each in (device, other):
        revoke(cloud, each)
        each.write("sale", a_sale((1,)))
    device.write("sale", sale)
    device.push()
    other.write("sale", device.records[-1].body, rec_id=sale.id)
    other.push()
    assert count(cloud, tables.sale) == 0
    reinstate(cloud, other)
    third = enrol()
    third.write("sale", device.records[-1].body, rec_id=sale.id)
    third.push()
    assert count(cloud, tables.sale) == 1
