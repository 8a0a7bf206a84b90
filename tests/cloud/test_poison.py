"""Records nobody can make sense of: kept, flagged, and in no other record's way."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.money import MAX_MINOR
from app.wire.bodies import MovementV1, PaymentStepV1, StockAdjustmentV1
from cloud.bootstrap import Cloud
from cloud.db import tables
from tests.cloud.books import count, exceptions, on_hand
from tests.cloud.device import Device, a_refund, a_sale
from tests.cloud.tillside import told


@pytest.mark.fault(28, "nothing; it is booked once the cloud is updated")
def test_a_kind_of_tomorrow_is_kept_unprojected(cloud: Cloud, device: Device) -> None:
    device.write("closing", b'{"id":"x"}')
    device.write("sale", a_sale())
    answer = device.push()
    assert [r.verdict for r in answer.results] == ["accepted_unprojected", "applied"]
    assert (count(cloud, tables.journal), exceptions(cloud)) == (2, [])
    (task,) = told(device)
    assert (task.code, task.detail, task.state) == ("waits_for_update", "1", "open")


POISON = [
    b"",
    b"not json",
    b"\xff\xfe\x00",
    b"null",
    b'{"id": 1}',
    b'{"id":"\\ud800"}',
    b'{"total": 99999999999999999999999999999999}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", POISON)
@pytest.mark.fault(27, "the record waits for a manager; later ones are booked")
def test_poison_is_kept_as_an_exception_and_later_records_flow(
    cloud: Cloud, device: Device, body: bytes
) -> None:
    device.write("sale", body, rec_id="poison")
    device.write("sale", a_sale())
    answer = device.push()
    assert [r.verdict for r in answer.results] == ["accepted_exception", "applied"]
    assert (answer.results[0].code, bool(answer.results[0].exception_id)) == ("bad_body", True)
    assert (answer.hwm, count(cloud, tables.sale), exceptions(cloud)) == (2, 1, ["bad_body"])


@pytest.mark.fault(27, "the record waits for a manager; later ones are booked")
def test_values_that_fit_no_column_spoil_only_their_own_record(
    cloud: Cloud, device: Device
) -> None:
    sale = a_sale()
    bad_line = msgspec.structs.replace(sale.lines[0], no=2**70)
    huge = msgspec.structs.replace(sale, lines=(bad_line, sale.lines[1]))
    twice = msgspec.structs.replace(a_sale(), lines=(sale.lines[0], sale.lines[0]))
    vast = msgspec.structs.replace(a_sale(), total=2**63)
    for body in (a_sale(), huge, twice, vast, a_sale()):
        device.write("sale", body)
    late = PaymentStepV1(
        id="p1", attempt="a", sale="s", step=1, state="created", amount=1, currency="CNY"
    )
    device.write("payment_step", msgspec.structs.replace(late, expires_ms=2**70))
    answer = device.push()
    verdicts = [(r.verdict, r.code) for r in answer.results]
    flagged = [("accepted_exception", "bad_body")] * 3
    unfit = ("accepted_exception", "unprojectable")
    assert verdicts == [("applied", ""), *flagged, ("applied", ""), unfit]
    assert (count(cloud, tables.journal), count(cloud, tables.sale)) == (6, 2)
    assert on_hand(cloud, "SKU-1") == -2


def test_text_with_nul_is_kept_in_the_journal_whatever_the_engine_can_project(
    cloud: Cloud, device: Device
) -> None:
    sale = a_sale()
    device.write("sale", msgspec.structs.replace(sale, reference="a\0b"))
    device.write("sale", a_sale())
    answer = device.push()
    assert (answer.hwm, answer.results[1].verdict) == (2, "applied")
    assert count(cloud, tables.journal) == 2


def test_sums_that_do_not_hold_are_flagged_and_the_sale_stands(
    cloud: Cloud, device: Device
) -> None:
    change, sale = msgspec.structs.replace, a_sale()
    paid_more = change(sale, id="s1", total=sale.total + 1)
    reasonless = change(sale, id="s2", lines=(change(sale.lines[0], gross=1), sale.lines[1]))
    moved_less = change(sale, id="s3", movements=sale.movements[:1])
    generous = change(sale, id="s4", commissions=(change(sale.commissions[0], amount=9_999),))
    cash = change(sale, id="s5", tenders=(change(sale.tenders[0], change=5),))
    bodies = (paid_more, reasonless, moved_less, generous, cash)
    for body in bodies:
        device.write("sale", body)
    answer = device.push()
    assert [r.code for r in answer.results] == [
        "sale_unbalanced",
        "sale_unbalanced",
        "stock_mismatch",
        "commission_mismatch",
        "sale_unbalanced",
    ]
    assert {r.verdict for r in answer.results} == {"accepted_exception"}
    assert (count(cloud, tables.sale), len(exceptions(cloud))) == (5, 5)


@pytest.mark.parametrize("body", [b"", b"1"])
def test_an_empty_record_twice_in_one_batch_blocks_no_queue(
    cloud: Cloud, device: Device, body: bytes
) -> None:
    for _ in range(2):
        device.write("of tomorrow", body, rec_id="r1")
    device.write("sale", a_sale())
    verdicts = [each.verdict for each in device.push().results]
    assert verdicts == ["accepted_unprojected", "duplicate", "applied"]
    assert count(cloud, tables.journal) == 3


def test_figures_so_vast_that_they_would_break_sums_are_kept_out_of_them(
    cloud: Cloud, device: Device
) -> None:
    change, sale, vast = msgspec.structs.replace, a_sale(), MAX_MINOR + 1
    bodies = (
        change(sale, id="s1", movements=(change(sale.movements[0], delta=vast),)),
        change(sale, id="s2", tenders=(change(sale.tenders[0], amount=-vast),)),
        change(sale, id="s3", commissions=(change(sale.commissions[0], amount=vast),)),
        change(sale, id="s4", lines=(change(sale.lines[0], gross=vast),)),
    )
    for body in bodies:
        device.write("sale", body)
    moved = MovementV1(sku="SKU-1", delta=-vast, kind="write_off")
    device.write(
        "stock_adjustment",
        StockAdjustmentV1(id="a1", business_date="2026-03-01", reason="x", movements=(moved,)),
    )
    step = PaymentStepV1(
        id="p1", attempt="a", sale="s", step=1, state="created", amount=vast, currency="CNY"
    )
    device.write("payment_step", step)
    assert {each.code for each in device.push().results} == {"bad_body"}
    assert count(cloud, tables.journal) == 6
    assert (count(cloud, tables.sale), count(cloud, tables.stock_movement)) == (0, 0)


@pytest.mark.parametrize("vast", [2**32 + 1, 2**31, -(2**31) - 1])
def test_a_number_no_column_holds_is_refused_and_never_cut_off(
    cloud: Cloud, device: Device, vast: int
) -> None:
    """2**32 + 1 cut to 32 bits is 1, which looks sound."""
    change, sale = msgspec.structs.replace, a_sale()
    line, entry = sale.lines[0], sale.commissions[0]
    back = a_refund(sale)
    origin = change(back.lines[0], origin_line=vast)
    bodies = [
        ("sale", change(sale, id="s0", lines=(change(line, no=vast), *sale.lines[1:]))),
        ("refund", change(back, id="r0", lines=(origin, *back.lines[1:]))),
    ]
    for name in ("line", "plan_version", "rate_bp", "weight_bp"):
        odd = change(entry, **{name: vast})
        bodies.append(("sale", change(sale, id=f"s {name}", commissions=(odd,))))
    step = PaymentStepV1(
        id="p1", attempt="a", sale="s", step=vast, state="created", amount=1, currency="CNY"
    )
    bodies.append(("payment_step", step))
    for kind, body in bodies:
        device.write(kind, body)
    device.write("sale", a_sale())
    *flagged, last = device.push().results
    assert {each.code for each in flagged} == {"bad_body"}
    assert last.verdict == "applied"
    assert count(cloud, tables.journal) == len(bodies) + 1
    assert (count(cloud, tables.sale), count(cloud, tables.refund)) == (1, 0)
    assert count(cloud, tables.payment_step) == 0
