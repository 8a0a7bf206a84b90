"""Places of a journal that hold a damaged record: the record itself takes its place when it turns up."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from app.wire.journal import Record, header_bytes, lost_hash
from app.wire.messages import Problem, PushAnswer, PushedRecord, SealedPlace
from app.wire.tasks import BY_ITSELF, QUARANTINE, SETTLED
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.services import seals
from cloud.services.backups import confirm, durable_seq, register
from tests.cloud.books import count, exceptions, on_hand
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_sale, pushed
from tests.cloud.test_quarantine import revoke
from tests.cloud.test_standing import hello, sealed
from tests.cloud.tillside import told


def send(device: Device, *records: PushedRecord) -> PushAnswer:
    """Push records of which some may be sealed, vouched for by what the last one says of itself."""
    batch = device.batch(device.records)
    return device.post(
        "/v1/sync/push", msgspec.structs.replace(batch, records=list(records)), PushAnswer
    )


def give_back(device: Device, record: Record) -> tuple[str, int]:
    """Push a record alone; return its verdict and the mark."""
    answer = device.push([record])
    (result,) = answer.results
    return result.verdict, answer.hwm


def sealed_second(device: Device) -> Record:
    """Push three sales of which the second is sealed; return the second."""
    first, second, third = (device.write("sale", a_sale()) for _ in range(3))
    send(device, pushed(first), sealed(device, 2, second.hash, b"", b"junk"), pushed(third))
    return second


def kept_bytes(cloud: Cloud, seq: int) -> tuple[bytes, bytes]:
    row = tables.journal.c
    query = sa.select(row.header, row.body).where(row.seq == seq)
    row_ = cloud.db.read(lambda c: c.execute(query).one())
    return bytes(row_.header), bytes(row_.body)


def test_a_record_takes_the_place_of_its_sealed_stand_in(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    second = sealed_second(device)
    (place,) = hello(device).sealed
    assert place == SealedPlace(epoch=device.me.epoch, seq=2, hash=second.hash.hex())
    assert on_hand(cloud, "SKU-1") == -2
    assert give_back(device, second) == ("applied", 3)
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (3, -3)
    assert kept_bytes(cloud, 2) == (header_bytes(second.header), second.body)
    assert hello(device).sealed == []
    (task,) = told(enrol())
    assert (task.code, task.state, task.resolution) == ("sealed_damaged", SETTLED, BY_ITSELF)
    resolved = sa.select(tables.exception.c.resolved_ms)
    assert cloud.db.read(lambda c: list(c.scalars(resolved))) == [task.settled_ms]
    assert give_back(device, second) == ("duplicate", 3)
    assert count(cloud, tables.sale) == 3


def test_a_record_that_came_by_another_way_meanwhile_counts_once(
    cloud: Cloud, device: Device
) -> None:
    second = sealed_second(device)
    device.write("sale", second.body, second.header.rec_id)
    device.push([device.records[-1]])
    assert give_back(device, second) == ("duplicate", 4)
    assert count(cloud, tables.sale) == 3
    assert hello(device).sealed == []


def test_another_record_does_not_get_the_place(cloud: Cloud, device: Device) -> None:
    second = sealed_second(device)
    device.seq, device.hash = 1, device.records[0].hash
    other = device.draft("sale", a_sale())
    answer = device.send_push(device.batch([other]))
    problem = msgspec.json.decode(answer.content, type=Problem)
    assert (answer.status_code, problem.code) == (409, "fork")
    (place,) = hello(device).sealed
    assert place.hash == second.hash.hex()


def test_a_whole_record_tells_the_hash_of_a_sealed_one_before_it(
    cloud: Cloud, device: Device
) -> None:
    first, second, third, fourth = (device.write("sale", a_sale()) for _ in range(4))
    guessed = lost_hash(device.me.epoch, 2)
    send(
        device,
        pushed(first),
        sealed(device, 2, guessed, b"", b""),
        sealed(device, 3, third.hash, b"", b"junk"),
        pushed(fourth),
    )
    told_of = {place.seq: place.hash for place in hello(device).sealed}
    assert told_of == {3: third.hash.hex(), 2: guessed.hex()}
    assert give_back(device, third) == ("applied", 4)
    (place,) = hello(device).sealed
    assert (place.seq, place.hash) == (2, second.hash.hex())
    assert give_back(device, second) == ("applied", 4)
    assert hello(device).sealed == []
    assert count(cloud, tables.sale) == 4
    links = sa.select(tables.journal.c.prev_hash, tables.journal.c.hash).order_by("seq")
    rows = cloud.db.read(lambda c: [tuple(row) for row in c.execute(links)])
    assert rows == [(record.prev_hash, record.hash) for record in device.records]


def test_what_a_revoked_till_gives_back_waits_for_a_person(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    second = sealed_second(device)
    revoke(cloud, device)
    assert give_back(device, second) == ("accepted_unprojected", 3)
    assert count(cloud, tables.sale) == 2
    assert sorted(task.code for task in told(enrol())) == [QUARANTINE, seals.SEALED]


def test_no_backup_so_far_is_believed_to_hold_what_was_given_back(
    cloud: Cloud, device: Device
) -> None:
    second, me = sealed_second(device), device.me

    def durable() -> int:
        return cloud.db.read(lambda c: durable_seq(c, me.tenant, me.store, me.device, me.epoch))

    cloud.db.write(lambda c: register(c, "b1", "b1", now_ms=1))
    cloud.db.write(lambda c: confirm(c, "b1", now_ms=2))
    assert durable() == 3
    give_back(device, second)
    assert durable() == 1


def test_a_device_hears_of_its_own_places_only(cloud: Cloud, device: Device, enrol: Enrol) -> None:
    sealed_second(device)
    assert hello(enrol()).sealed == []
    assert exceptions(cloud) == ["sealed_damaged"]
