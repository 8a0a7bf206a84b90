"""Every toxic of the line once: afterwards everything is at the cloud exactly once and unaltered, and the
till is the device it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud.conftest import postgres_server, postgres_url
from tests.torture.proxy.run import EVERYTHING, run
from tests.torture.proxy.shop import Shop, open_shop
from tests.torture.proxy.toxics import TOXICS

__all__ = ["postgres_server", "postgres_url"]

SENT_LATER = "the chip counts what waits; it is sent by itself"
SLOW = (17, "syncing takes longer, selling does not")
LOST_ACK = (12, "nothing: the sale is sent again and stands once")
LOST_REQUEST = (13, SENT_LATER)
LATE = (14, "nothing: what comes twice or late changes nothing")
STORM = (16, SENT_LATER)
PORTAL = (18, "offline, perhaps a Wi-Fi sign-in page; nobody is signed out, nothing is wiped")

FAULTS = {
    "latency": SLOW,
    "jitter": SLOW,
    "bandwidth": SLOW,
    "slicer": SLOW,
    "blackhole": (20, SENT_LATER),
    "answer_too_late": LOST_ACK,
    "refused": LOST_REQUEST,
    "half_request": LOST_REQUEST,
    "half_answer": LOST_ACK,
    "reset_inside": LOST_ACK,
    "lost_ack": LOST_ACK,
    "portal_200": PORTAL,
    "portal_302": PORTAL,
    "portal_401": PORTAL,
    "portal_403": PORTAL,
    "portal_511": PORTAL,
    "other_server": PORTAL,
    "replayed_answer": LATE,
    "garbled_answer": LOST_ACK,
    "garbled_request": LOST_REQUEST,
    "doubled": LATE,
    "again_later": LATE,
    "out_of_order": LATE,
    "stuck_arrives_first": LATE,
    "balancer_502": STORM,
    "balancer_503": STORM,
    "cloud_500": STORM,
    "cloud_503": STORM,
    "cloud_503_silent": STORM,
    "cloud_429": STORM,
    "cloud_429_odd": STORM,
    EVERYTHING: STORM,
}


def marked(*names: str) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.fault(*FAULTS[name])) for name in names]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("line")) as opened:
        yield opened


def test_every_toxic_has_its_fault() -> None:
    assert set(FAULTS) == {*TOXICS, EVERYTHING}


@pytest.mark.parametrize("name", marked(*FAULTS))
def test_nothing_is_lost_doubled_or_altered(shop: Shop, name: str) -> None:
    tally = run(shop, name, seed=1)
    assert tally.is_clean, tally.failures
    assert tally.injected > 0


@pytest.mark.postgres
@pytest.mark.parametrize("name", marked("lost_ack", "half_request", "out_of_order", EVERYTHING))
def test_nor_on_postgres(tmp_path, postgres_url: str, name: str) -> None:
    with open_shop(tmp_path, db_url=postgres_url) as shop:
        tally = run(shop, name, seed=1)
        assert tally.is_clean, tally.failures
        assert tally.injected > 0
