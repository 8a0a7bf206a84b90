"""A sale that only a revoked device has sent so far, and that a till we trust sends too: it is booked
once, whoever decides what meanwhile."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.money import MAX_MINOR
from app.wire.bodies import PaymentStepV1
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.db.task_tables import quarantine
from tests.cloud.books import count, exceptions, on_hand
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_refund, a_sale
from tests.cloud.test_quarantine import reinstate, revoke, settle, verdicts
from tests.cloud.tillside import told
from tests.torture.invariants import Harm, Kind, harms_of


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


_STEP = PaymentStepV1(
    id="bad", attempt="a", sale="s", step=1, state="created", amount=1, currency="CNY"
)
UNREADABLE = [
    ("sale", b"[]", "bad_body"),
    ("refund", b"", "bad_body"),
    ("sale", b'{"id":"bad","total":1e400}', "bad_body"),
    ("sale", msgspec.json.encode(a_sale((100,))), "bad_body"),  # under another id than its own
    (
        "sale",
        msgspec.json.encode(msgspec.structs.replace(a_sale((100,)), id="bad", total=MAX_MINOR + 1)),
        "bad_body",
    ),
    (
        "payment_step",
        msgspec.json.encode(msgspec.structs.replace(_STEP, expires_ms=2**70)),
        "unprojectable",
    ),
]


def harms(cloud: Cloud) -> list[Harm]:
    with cloud.db.reading() as connection:
        owed = {row.rec_id: {row.body} for row in connection.execute(tables.journal.select())}
        return harms_of(connection, owed, (), {})


@pytest.mark.parametrize(("kind", "body", "code"), UNREADABLE)
def test_what_cannot_be_read_waits_for_a_person_once_and_keeps_nothing_off_the_books(
    cloud: Cloud, device: Device, enrol: Enrol, kind: str, body: bytes, code: str
) -> None:
    trusted, third, sale = enrol(), enrol(), a_sale((19_900,))
    revoke(cloud, device)
    device.write(kind, body, rec_id="bad")
    device.write("sale", sale)
    device.push()
    for till in (trusted, third):
        for record in device.records:
            till.write(record.header.kind, record.body, rec_id=record.header.rec_id)
    trusted.write("sale", a_sale((500,)))
    said = [(each.verdict, each.code) for each in trusted.push().results]
    assert said == [("accepted_exception", code), ("applied", ""), ("applied", "")]
    assert [each.verdict for each in third.push().results] == ["duplicate", "duplicate"]
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (2, -2)
    assert (exceptions(cloud), count(cloud, quarantine)) == ([code], 0)
    by_code = {task.code: task for task in told(trusted)}
    assert by_code.keys() == {"device_revoked", code}
    assert (by_code[code].state, by_code["device_revoked"].state) == ("open", "settled")
    assert harms(cloud) == []


def test_an_unreadable_record_that_nobody_was_told_of_is_noticed(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    trusted = enrol()
    revoke(cloud, device)
    for till in (device, trusted):
        till.write("sale", b"[]", rec_id="bad")
        till.push()
    assert harms(cloud) == []
    cloud.db.write(lambda connection: connection.execute(tables.exception.delete()))
    assert {harm.kind for harm in harms(cloud)} == {Kind.LOST}


@pytest.mark.parametrize(("copies", "kind"), [("duplicate", Kind.LOST), ("applied", Kind.DOUBLED)])
def test_a_record_that_left_quarantine_and_was_not_judged_once_is_noticed(
    cloud: Cloud, device: Device, enrol: Enrol, copies: str, kind: Kind
) -> None:
    tills, sale = (device, enrol(), enrol()), a_sale((19_900,))
    revoke(cloud, device)
    for till in tills:
        till.write("sale", sale)
        till.push()
    assert harms(cloud) == []
    journal = tables.journal
    tamper = journal.update().where(~journal.c.original).values(verdict=copies)
    cloud.db.write(lambda connection: connection.execute(tamper))
    assert {harm.kind for harm in harms(cloud)} == {kind}
