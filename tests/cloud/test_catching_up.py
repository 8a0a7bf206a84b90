"""Records of a till that is newer than the cloud: kept, told to a manager, and booked once the cloud knows
their kind and the form of their bodies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from app.wire.bodies import BODIES
from app.wire.versions import SCHEMA
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.services import catching_up, ingest
from cloud.services.catching_up import catch_up
from cloud.services.release import book_kept
from tests.cloud.books import count, on_hand
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_refund, a_sale
from tests.cloud.test_quarantine import revoke, settle, verdicts
from tests.cloud.tillside import told


@contextmanager
def knowing_no(kind: str) -> Iterator[None]:
    """Let the cloud be of a time before a kind."""
    known = {name: shape for name, shape in BODIES.items() if name != kind}
    with patch.object(ingest, "BODIES", known), patch.object(catching_up, "BODIES", known):
        yield


def caught_up(cloud: Cloud) -> int:
    return catch_up(cloud.db, now_ms=cloud.clock())


@pytest.mark.fault(28, "nothing; it is booked once the cloud is updated")
def test_what_waited_is_booked_once_by_the_version_that_knows_it(
    cloud: Cloud, device: Device
) -> None:
    sale = a_sale((19_900,))
    device.write("sale", sale)
    with knowing_no("refund"):
        device.push()
        for _ in range(2):
            device.write("refund", a_refund(sale))
            device.push(device.records[-1:])
        assert (caught_up(cloud), count(cloud, tables.refund)) == (0, 0)
        (task,) = told(device)
        assert (task.code, task.detail) == ("waits_for_update", "2")
    assert caught_up(cloud) == 2
    assert (count(cloud, tables.refund), on_hand(cloud, "SKU-1")) == (2, 1)
    assert {each.code: each.state for each in told(device)} == {
        "waits_for_update": "settled",
        "refund_exceeds_sale": "open",
    }
    assert verdicts(cloud) == ["applied", "accepted_exception", "accepted_exception"]
    assert (caught_up(cloud), count(cloud, tables.refund)) == (0, 2)


@pytest.mark.fault(28, "nothing; it is booked once the cloud is updated")
def test_a_body_of_a_newer_form_waits_instead_of_being_misread(
    cloud: Cloud, device: Device
) -> None:
    device.write("sale", a_sale((100,)), schema_ver=2)
    (result,) = device.push().results
    assert (result.verdict, count(cloud, tables.sale)) == ("accepted_unprojected", 0)
    assert caught_up(cloud) == 0
    with patch.dict(SCHEMA, {"sale": 2}):
        assert caught_up(cloud) == 1
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (1, -1)


def test_many_are_booked_in_batches_that_may_be_stopped(
    cloud: Cloud, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    with knowing_no("sale"):
        for _ in range(5):
            device.write("sale", a_sale((100,)))
        device.push()
    monkeypatch.setattr(catching_up, "AT_ONCE", 2)
    batches: list[object] = []

    def dies_at_the_second(*args: Any) -> None:
        batches.append(args)
        if len(batches) == 2:
            raise KeyboardInterrupt
        book_kept(*args)

    monkeypatch.setattr(catching_up, "book_kept", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        caught_up(cloud)
    assert count(cloud, tables.sale) == 2
    assert caught_up(cloud) == 3
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (5, -5)


def test_what_a_revoked_till_sent_still_waits_for_a_person(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    other = enrol()
    revoke(cloud, device)
    with knowing_no("sale"):
        device.write("sale", a_sale((100,)))
        device.write("refund", a_refund(a_sale((100,))))
        device.push()
    assert (caught_up(cloud), count(cloud, tables.sale)) == (0, 0)
    with knowing_no("sale"):
        settle(other, told(other)[0], "released")
    assert (count(cloud, tables.sale), count(cloud, tables.refund)) == (0, 1)
    assert (caught_up(cloud), count(cloud, tables.sale)) == (1, 1)


def test_what_was_dropped_stays_dropped(cloud: Cloud, device: Device, enrol: Enrol) -> None:
    other = enrol()
    revoke(cloud, device)
    device.write("sale", a_sale((100,)))
    device.push()
    settle(other, told(other)[0], "dropped")
    assert (caught_up(cloud), count(cloud, tables.sale)) == (0, 0)
