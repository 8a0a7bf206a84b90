"""The journal upwards: kept once, in order, whatever it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import zstandard

from app.wire.bodies import MovementV1, PaymentStepV1, StockAdjustmentV1
from app.wire.journal import Record, first_broken, make_record, read_header
from app.wire.messages import HelloAnswer, Problem, PushRequest
from cloud.bootstrap import Cloud
from cloud.db import tables
from tests.cloud.books import count, exceptions, on_hand
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_refund, a_sale, proven, pushed


def refused(device: Device, request: PushRequest) -> tuple[int, Problem]:
    answer = device.send_push(request)
    assert proven(answer, device.me)
    return answer.status_code, msgspec.json.decode(answer.content, type=Problem)


def test_sales_are_kept_and_projected_once(cloud: Cloud, device: Device) -> None:
    for _ in range(3):
        device.write("sale", a_sale())
    answer = device.push()
    assert (answer.hwm, answer.hwm_hash) == (3, device.hash.hex())
    assert [result.verdict for result in answer.results] == ["applied"] * 3
    again = device.push()
    assert (again.hwm, again.hwm_hash) == (answer.hwm, answer.hwm_hash)
    assert [result.verdict for result in again.results] == ["duplicate"] * 3
    counts = {t.name: count(cloud, t) for t in (tables.journal, tables.sale, tables.sale_line)}
    assert counts == {"journal": 3, "sale": 3, "sale_line": 6}
    assert (count(cloud, tables.tender), count(cloud, tables.commission)) == (3, 6)
    assert on_hand(cloud, "SKU-1") == -3


def test_the_kept_journal_verifies_byte_for_byte(cloud: Cloud, device: Device) -> None:
    for _ in range(3):
        device.write("sale", a_sale())
    device.push()
    query = sa.select(tables.journal).order_by(tables.journal.c.seq)
    rows = cloud.db.read(lambda connection: connection.execute(query).all())
    kept = [Record(read_header(row.header), row.prev_hash, row.body, row.hash) for row in rows]
    assert first_broken(kept, device.chain.genesis(), 0) is None
    assert kept == device.records


@pytest.mark.fault(14, "nothing")
def test_a_batch_that_overlaps_what_is_known_adds_only_the_rest(
    cloud: Cloud, device: Device
) -> None:
    for _ in range(4):
        device.write("sale", a_sale())
    device.push(device.records[:3])
    answer = device.push(device.records[1:])
    assert [r.verdict for r in answer.results] == ["duplicate", "duplicate", "applied"]
    assert count(cloud, tables.sale) == 4


def test_hello_tells_where_the_cloud_stands(device: Device) -> None:
    before = device.post("/v1/sync/hello", device.hello(), HelloAnswer)
    device.write("sale", a_sale())
    device.push()
    after = device.post("/v1/sync/hello", device.hello(), HelloAnswer)
    assert (before.hwm, before.hwm_hash) == (0, "")
    assert (after.hwm, after.hwm_hash) == (1, device.hash.hex())
    assert before.timeline == after.timeline == device.me.timeline


@pytest.mark.fault(14, "nothing")
def test_a_hole_is_a_gap_and_names_the_mark(cloud: Cloud, device: Device) -> None:
    for _ in range(3):
        device.write("sale", a_sale())
    device.push(device.records[:1])
    status, problem = refused(device, device.batch(device.records[2:]))
    assert (status, problem.code, problem.hwm) == (409, "gap", 1)
    assert problem.hwm_hash == device.records[0].hash.hex()
    assert count(cloud, tables.journal) == 1


def test_another_past_is_a_fork(cloud: Cloud, device: Device) -> None:
    device.write("sale", a_sale())
    other = device.records[0]
    device.push()
    device.seq, device.hash, device.records = 0, b"", []
    device.write("sale", a_sale())
    device.write("sale", a_sale())
    for batch in (device.records, device.records[:1], device.records[1:]):
        status, problem = refused(device, device.batch(batch))
        assert (status, problem.code, problem.hwm) == (409, "fork", 1)
        assert problem.hwm_hash == other.hash.hex()
    assert count(cloud, tables.journal) == 1


def test_a_journal_that_was_never_opened_is_a_fork(device: Device) -> None:
    device.me = msgspec.structs.replace(device.me, epoch="00" * 8)
    device.write("sale", a_sale())
    status, problem = refused(device, device.batch(device.records))
    assert (status, problem.code, problem.hwm) == (409, "fork", 0)


@pytest.mark.fault(26, "what was changed on the way is not taken")
def test_a_push_that_was_tampered_with_is_malformed_and_leaves_nothing(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    device.write("sale", a_sale())
    device.write("sale", a_sale())
    good = device.batch(device.records)
    first, second = good.records
    change = msgspec.structs.replace
    stranger = enrol("S002")
    foreign = replace(device.records[0].header, store="S002")
    other = make_record(foreign, device.chain.genesis(), b"{}")
    bad = [
        change(good, records=[]),
        change(good, head_sig=b"\0" * 64),
        change(good, prev_hash="00" * 32),
        change(good, prev_hash="zz"),
        change(good, records=[second, first]),
        change(good, records=[change(first, body=first.body + b" "), second]),
        change(good, records=[change(first, kind="refund"), second]),
        change(good, records=[change(first, header=first.header + b"\0\0"), second]),
        change(good, records=[change(first, header=b"\xff\xff"), second]),
        change(good, records=[pushed(other)]),
        stranger.batch(device.records),
    ]
    for request in bad:
        status, problem = refused(device, request)
        assert (status, problem.code) == (422, "malformed"), request
    assert count(cloud, tables.journal) == 0


@pytest.mark.parametrize(
    "header",
    [
        {"v": 2},
        {"seq": 2**63},
        {"rec_id": "x" * 65},
        {"rec_id": "a\0b"},
        {"actor": "g\0"},
        {"t_device": 2**64},
    ],
)
def test_headers_no_database_could_keep_are_malformed(
    device: Device, header: dict[str, Any]
) -> None:
    device.write("sale", a_sale(), **header)
    status, problem = refused(device, device.batch(device.records))
    assert (status, problem.code) == (422, "malformed")


def test_a_journal_cannot_be_passed_off_under_another_spelling_of_its_name(
    cloud: Cloud, device: Device
) -> None:
    device.write("sale", a_sale())
    device.me = msgspec.structs.replace(device.me, epoch=device.me.epoch + "\0")
    forged = replace(device.records[0].header, epoch=device.me.epoch)
    record = make_record(forged, device.records[0].prev_hash, device.records[0].body)
    assert refused(device, device.batch([record]))[0] == 422
    assert count(cloud, tables.journal) == 0


def test_a_bomb_is_stopped_and_plain_bodies_are_welcome(device: Device) -> None:
    bomb = zstandard.ZstdCompressor().compress(b" " * (200 * 1024 * 1024))
    answer = device.client.post("/v1/sync/push", content=bomb, headers=device.headers())
    assert answer.status_code == 413
    answer = device.client.post(
        "/v1/sync/push", content=bomb[:9] + b"x" * 50, headers=device.headers()
    )
    assert answer.status_code == 422
    device.write("sale", a_sale())
    assert device.send_push(device.batch(device.records), compressed=False).status_code == 200


def test_a_body_too_big_even_as_sent_is_refused(device: Device) -> None:
    body = b"x" * (17 * 1024 * 1024)
    answer = device.client.post("/v1/sync/push", content=body, headers=device.headers())
    assert answer.status_code == 413


@pytest.mark.fault(25, "the first content stands; the other waits for a manager")
def test_the_same_id_with_another_body_never_overwrites(cloud: Cloud, device: Device) -> None:
    sale = a_sale((100,))
    device.write("sale", sale)
    device.push()
    device.write("sale", msgspec.structs.replace(sale, reference="other"))
    device.write("sale", sale)
    answer = device.push(device.records[1:])
    assert [(r.verdict, r.code) for r in answer.results] == [
        ("accepted_exception", "conflicting_duplicate"),
        ("duplicate", ""),
    ]
    assert (count(cloud, tables.journal), count(cloud, tables.sale)) == (3, 1)
    assert exceptions(cloud) == ["conflicting_duplicate"]
    assert on_hand(cloud, "SKU-1") == -1


def test_two_tills_of_one_store_share_ids_and_two_stores_do_not(cloud: Cloud, enrol: Enrol) -> None:
    sale = a_sale((100,))
    verdicts = []
    for store in ("S001", "S001", "S002"):
        device = enrol(store)
        device.write("sale", sale)
        verdicts.append(device.push().results[0].verdict)
    assert verdicts == ["applied", "duplicate", "applied"]
    assert count(cloud, tables.sale) == 2


def test_a_record_twice_in_one_batch_is_applied_once(cloud: Cloud, device: Device) -> None:
    sale = a_sale((100,))
    device.write("sale", sale)
    device.write("sale", sale)
    assert [r.verdict for r in device.push().results] == ["applied", "duplicate"]
    assert count(cloud, tables.sale) == 1


@pytest.mark.fault(38, "both refunds stand; the one too many waits for a manager")
def test_goods_given_back_return_to_stock_and_more_than_was_sold_is_flagged(
    cloud: Cloud, device: Device
) -> None:
    sale = a_sale((100, 200))
    device.write("sale", sale)
    device.write("refund", a_refund(sale))
    device.write("refund", a_refund(sale, 2, net=150))
    answer = device.push()
    assert {r.verdict for r in answer.results} == {"applied"}
    assert (on_hand(cloud, "SKU-1"), on_hand(cloud, "SKU-2")) == (0, 0)
    device.write("refund", a_refund(sale))
    device.write("refund", a_refund(a_sale()))
    answer = device.push(device.records[3:])
    assert [r.code for r in answer.results] == ["refund_exceeds_sale", ""]
    assert count(cloud, tables.refund) == 4


def test_payment_steps_and_adjustments_are_projected(cloud: Cloud, device: Device) -> None:
    step = PaymentStepV1(
        id="p1", attempt="a1", sale="s1", step=1, state="created", amount=5, currency="CNY",
        anomalies=("late", "over"),
    )  # fmt: skip
    found = StockAdjustmentV1(
        id="m1",
        business_date="2026-03-01",
        reason="found",
        movements=(MovementV1(sku="SKU-9", delta=4, kind="found"),),
    )
    device.write("payment_step", step)
    device.write("stock_adjustment", found)
    assert {r.verdict for r in device.push().results} == {"applied"}
    query = sa.select(tables.payment_step.c.anomalies)
    assert cloud.db.read(lambda connection: connection.scalar(query)) == "late over"
    assert on_hand(cloud, "SKU-9") == 4
    assert count(cloud, tables.stock_adjustment) == 1


@pytest.mark.fault(21, "a revoked tablet's sales wait for a manager's release")
def test_a_revoked_till_s_records_are_kept_in_quarantine(cloud: Cloud, device: Device) -> None:
    device.write("sale", a_sale())
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.device).values(revoked_ms=1))
    result = device.push().results[0]
    assert (result.verdict, result.code) == ("accepted_unprojected", "device_revoked")
    assert (count(cloud, tables.journal), count(cloud, tables.sale)) == (1, 0)
