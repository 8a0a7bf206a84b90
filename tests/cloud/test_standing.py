"""Where a device stands: hello, another epoch, sealed records, books, and what is odd about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.bodies import EPOCH_OPENED, EpochOpenedV1
from app.wire.messages import HelloAnswer, HelloRequest, Problem, PushAnswer, PushedRecord
from app.wire.upkeep import BooksAnswer, EpochAnswer, EpochMark, EpochRequest
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.services import devices
from cloud.services.release import settle_as_operator
from tests.cloud.books import count, exceptions
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_refund, a_sale, pushed
from tests.cloud.tillside import told


def hello(device: Device, **changes: Any) -> HelloAnswer:
    said = msgspec.structs.replace(device.hello(), **changes)
    return device.post("/v1/sync/hello", said, HelloAnswer)


def asked(device: Device, reason: str = "forked", request_id: str = "", *marks: EpochMark):
    head = EpochMark(epoch=device.me.epoch, seq=device.seq, hash=device.hash.hex())
    return EpochRequest(
        request_id=request_id or new_id(), reason=reason, head=head, marks=list(marks)
    )


def rotate(device: Device, request: EpochRequest) -> EpochAnswer:
    return device.post("/v1/sync/epoch", request, EpochAnswer)


def go_on(device: Device, answer: EpochAnswer) -> None:
    """Continue in another epoch, as a till does."""
    device.me = msgspec.structs.replace(device.me, epoch=answer.epoch, epoch_ordinal=answer.ordinal)
    device.seq, device.hash, device.records = 0, b"", []


def test_hello_names_the_keys_that_count_and_a_device_in_good_standing(
    cloud: Cloud, device: Device
) -> None:
    answer = hello(device)
    assert answer.keys == cloud.keys.published().signing
    assert (answer.known, answer.standing) == (True, "current")
    assert not hello(device, epoch="00" * 8).known


def test_another_epoch_is_opened_once_per_request(cloud: Cloud, device: Device) -> None:
    device.write("sale", a_sale())
    device.write("sale", a_sale())
    device.push(device.records[:1])
    own = EpochMark(epoch=device.me.epoch, seq=1, hash=device.records[0].hash.hex())
    strange = EpochMark(epoch="00" * 8, seq=4)
    request = asked(device, "forked", "", own, strange)
    first, again = rotate(device, request), rotate(device, request)
    assert (first.epoch, first.ordinal) == (again.epoch, again.ordinal)
    assert first.ordinal == 2
    (held,) = first.held
    assert (held.epoch, held.hwm, held.hwm_hash) == (device.me.epoch, 1, own.hash)
    assert held.at_mark == own.hash
    assert count(cloud, tables.device_epoch) == 2
    assert exceptions(cloud) == ["epoch_forked"]
    other = rotate(device, asked(device, "restored"))
    assert (other.ordinal, other.held) == (3, [])


def test_a_till_that_asks_for_an_epoch_shows_a_cloud_what_it_lost(
    cloud: Cloud, device: Device
) -> None:
    before = hello(device)
    told = asked(device, "forked", "", EpochMark(epoch="00" * 8, seq=4, hash="ab" * 32))
    elsewhere = rotate(device, msgspec.structs.replace(told, timeline="another"))
    assert elsewhere.timeline == before.timeline
    here = msgspec.structs.replace(told, request_id=new_id(), timeline=before.timeline)
    assert rotate(device, here).timeline != before.timeline
    assert hello(device).feed_generation > before.feed_generation
    assert "cloud_lost_records" in exceptions(cloud)


def test_a_restored_cloud_gives_no_ordinal_that_stands_on_receipts_already(device: Device) -> None:
    request = msgspec.structs.replace(asked(device, "unknown"), ordinal=7)
    assert rotate(device, request).ordinal == 8
    assert rotate(device, asked(device)).ordinal == 9


def test_the_new_epoch_takes_the_same_records_once(cloud: Cloud, device: Device) -> None:
    sale = a_sale()
    device.write("sale", sale)
    device.push()
    before = device.me.epoch
    go_on(device, rotate(device, asked(device)))
    opened = EpochOpenedV1(id=new_id(), reason="forked", old_epoch=before, old_seq=1, old_hash="")
    device.write(EPOCH_OPENED, opened)
    device.write("sale", sale)
    device.write("sale", a_sale())
    answer = device.push()
    assert [result.verdict for result in answer.results] == ["applied", "duplicate", "applied"]
    assert count(cloud, tables.sale) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": ""},
        {"request_id": "x" * 65},
        {"request_id": "a\0"},
        {"reason": "because"},
        {"marks": [EpochMark(epoch="e", seq=-1)]},
        {"marks": [EpochMark(epoch="e", seq=1)] * 51},
    ],
)
def test_a_malformed_request_opens_nothing(
    cloud: Cloud, device: Device, changes: dict[str, Any]
) -> None:
    request = msgspec.structs.replace(asked(device), **changes)
    response = device.client.post(
        "/v1/sync/epoch", content=msgspec.json.encode(request), headers=device.headers()
    )
    assert response.status_code == 422
    assert msgspec.json.decode(response.content, type=Problem).code == "malformed"
    assert count(cloud, tables.device_epoch) == 1


def test_a_mark_ahead_of_ours_in_this_very_history_begins_another(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    before = hello(device)
    lost = hello(device, acked_seq=5, acked_hash="ab" * 32, timeline=before.timeline)
    assert lost.timeline != before.timeline
    assert lost.feed_generation > before.feed_generation
    assert exceptions(cloud) == ["cloud_lost_records"]
    # The others lost theirs in the same restore: one new history is enough.
    other = hello(enrol(), acked_seq=9, acked_hash="ab" * 32, timeline=before.timeline)
    assert other.timeline == lost.timeline
    assert exceptions(cloud) == ["cloud_lost_records"]


def test_a_devices_word_about_a_loss_counts_once_a_day_and_not_when_it_is_revoked(
    cloud: Cloud, device: Device
) -> None:
    first = hello(device, acked_seq=5, acked_hash="ab" * 32, timeline=hello(device).timeline)
    again = hello(device, acked_seq=9, acked_hash="ab" * 32, timeline=first.timeline)
    assert again.timeline == first.timeline
    with cloud.db.begin() as connection:  # a day later
        connection.execute(sa.update(tables.exception).values(created_ms=0))
        connection.execute(sa.update(tables.device).values(revoked_ms=1))
    revoked = hello(device, acked_seq=9, acked_hash="ab" * 32, timeline=first.timeline)
    assert revoked.timeline == first.timeline
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.device).values(revoked_ms=0))
    tomorrow = hello(device, acked_seq=9, acked_hash="ab" * 32, timeline=first.timeline)
    assert tomorrow.timeline != first.timeline


def test_marks_of_older_epochs_say_nothing_of_this_timeline(device: Device) -> None:
    before = hello(device)
    own, older = EpochMark(epoch=device.me.epoch, seq=0), EpochMark(epoch="00" * 8, seq=500)
    request = msgspec.structs.replace(
        asked(device, "forked", "", own, older), timeline=before.timeline
    )
    assert rotate(device, request).timeline == before.timeline


def test_a_device_opens_so_many_epochs_a_day_and_no_more(cloud: Cloud, device: Device) -> None:
    with cloud.db.begin() as connection:
        row = connection.execute(sa.select(tables.device_epoch)).mappings().one()
        more = [{**row, "epoch": f"{n:016x}", "ordinal": n} for n in range(2, 51)]
        connection.execute(sa.insert(tables.device_epoch), more)
    response = device.client.post(
        "/v1/sync/epoch", content=msgspec.json.encode(asked(device)), headers=device.headers()
    )
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0


def starts(device: Device, *nonces: str) -> HelloRequest:
    for nonce in nonces:
        hello(device, boot_nonce=nonce)
    return device.hello()


def test_two_programs_that_speak_in_turn_are_told_of_once(cloud: Cloud, device: Device) -> None:
    starts(device, "a", "a", "b", "b", "c")
    assert exceptions(cloud) == []
    starts(device, "b")  # a late copy of a lost request looks like this
    assert exceptions(cloud) == []
    starts(device, "c", "b", "c", "b")
    assert exceptions(cloud) == ["device_cloned"]


def sealed(device: Device, seq: int, hash_: bytes, header: bytes, body: bytes) -> PushedRecord:
    return PushedRecord(
        seq=seq,
        rec_id="",
        kind="",
        schema_ver=0,
        hash=hash_.hex(),
        header=header,
        body=body,
        sealed=True,
    )


def test_a_revoked_till_says_that_a_record_is_damaged(cloud: Cloud, device: Device) -> None:
    device.write("sale", a_sale())
    mine = tables.device.c.device_id == device.me.device
    cloud.db.write(lambda c: c.execute(sa.update(tables.device).where(mine).values(revoked_ms=1)))
    only = device.records[0]
    batch = msgspec.structs.replace(
        device.batch([only]), records=[sealed(device, 1, only.hash, b"", b"junk")]
    )
    answer = device.post("/v1/sync/push", batch, PushAnswer)
    assert [result.code for result in answer.results] == ["sealed_damaged"]
    assert exceptions(cloud) == ["sealed_damaged"]


def test_a_sealed_record_keeps_its_place_and_those_behind_it_count(
    cloud: Cloud, device: Device
) -> None:
    for _ in range(3):
        device.write("sale", a_sale())
    batch = device.batch(device.records)
    second = device.records[1]
    bad = sealed(device, 2, second.hash, b"\xff\x00junk", second.body[:9])
    answer = device.post(
        "/v1/sync/push",
        msgspec.structs.replace(
            batch, records=[pushed(device.records[0]), bad, pushed(device.records[2])]
        ),
        PushAnswer,
    )
    assert answer.hwm == 3
    assert [r.code for r in answer.results if r.verdict == "accepted_exception"] == [
        "sealed_damaged"
    ]
    assert count(cloud, tables.sale) == 2
    assert exceptions(cloud) == ["sealed_damaged"]


def test_a_sound_copy_that_turns_up_later_still_counts(cloud: Cloud, device: Device) -> None:
    sale = a_sale()
    record = device.write("sale", sale)
    batch = device.batch([record])
    bad = sealed(device, 1, record.hash, b"", b"")
    device.post("/v1/sync/push", msgspec.structs.replace(batch, records=[bad]), PushAnswer)
    go_on(device, rotate(device, asked(device)))
    device.write("sale", sale)
    assert [result.verdict for result in device.push().results] == ["applied"]
    assert count(cloud, tables.sale) == 1


def test_a_seal_without_the_devices_signature_is_malformed(cloud: Cloud, device: Device) -> None:
    record = device.write("sale", a_sale())
    bad = sealed(device, 1, b"\0" * 32, b"", b"")
    request = msgspec.structs.replace(device.batch([record]), records=[bad])
    assert device.send_push(request).status_code == 422
    short = msgspec.structs.replace(bad, hash="00")
    request = msgspec.structs.replace(request, records=[short])
    assert device.send_push(request).status_code == 422
    assert count(cloud, tables.journal) == 0


def test_books_are_the_devices_own_by_day_and_kind(device: Device, enrol: Enrol) -> None:
    sale = a_sale((100, 200), day="2026-03-01")
    device.write("sale", sale)
    device.write("sale", a_sale((50,), day="2026-03-02"))
    device.write("refund", replace_day(a_refund(sale), "2026-03-02"))
    device.push()
    other = enrol()
    other.write("sale", a_sale((999,), day="2026-03-01"))
    other.push()
    answer = device.get("/v1/sync/books", BooksAnswer, since="2026-03-01")
    days = [(d.business_date, d.kind, d.documents, d.total) for d in answer.days]
    assert days == [
        ("2026-03-01", "sale", 1, 300),
        ("2026-03-02", "refund", 1, 100),
        ("2026-03-02", "sale", 1, 50),
    ]
    assert answer.set_aside == 0
    later = device.get("/v1/sync/books", BooksAnswer, since="2026-03-02")
    assert len(later.days) == 2


def replace_day(refund: Any, day: str) -> Any:
    return msgspec.structs.replace(refund, business_date=day)


def test_books_say_how_much_was_set_aside(device: Device) -> None:
    device.write("sale", b"{}")
    device.push()
    assert device.get("/v1/sync/books", BooksAnswer, since="2026-01-01").set_aside == 1


def test_what_was_set_aside_before_that_time_or_is_settled_explains_nothing(
    cloud: Cloud, device: Device
) -> None:
    def aside(days: int) -> int:
        """Return what was set aside, asked for business dates from so many days ahead."""
        since = datetime.fromtimestamp(cloud.clock() / 1000, UTC) + timedelta(days=days)
        asked = f"{since:%Y-%m-%d}"
        return device.get("/v1/sync/books", BooksAnswer, since=asked).set_aside

    def put_away(task_id: str, word: str) -> None:
        cloud.db.write(
            lambda conn: settle_as_operator(
                conn, me.tenant, me.store, task_id, word, now_ms=cloud.clock()
            )
        )

    me = device.me
    device.write("sale", b"{}")
    device.push()
    cloud.db.write(lambda conn: devices.revoke(conn, me.tenant, me.device, now_ms=cloud.clock()))
    device.write("sale", a_sale())
    device.push()
    cloud.db.write(lambda conn: devices.reinstate(conn, me.tenant, me.device))
    assert [aside(days) for days in (-40, 0, 1, 2, 40)] == [2, 2, 2, 0, 0]
    assert device.get("/v1/sync/books", BooksAnswer, since="ever").set_aside == 2
    for task, word, left in zip(told(device), ("seen", "dropped"), (1, 0), strict=True):
        put_away(task.task_id, word)
        assert aside(0) == left
