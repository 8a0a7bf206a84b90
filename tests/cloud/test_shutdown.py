"""A server that stops while a push is in flight: the push is answered, or repeated; nothing is half."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from cloud.bootstrap import Cloud
from cloud.db import tables
from tests.cloud.books import count
from tests.cloud.conftest import new_code
from tests.cloud.device import Device, a_sale, enrolled
from tests.cloud.program import LONG_S, program
from tests.cloud.served import client_of
from tests.cloud.test_workers import until

FACTS = (tables.journal, tables.sale, tables.tender)


def a_till(cloud: Cloud, client: httpx.Client, sales: int = 5) -> Device:
    till = enrolled(client, new_code(cloud))
    for _ in range(sales):
        till.write("sale", a_sale())
    return till


def test_a_push_in_flight_is_answered_before_the_server_ends(cloud: Cloud, tmp_path: Path) -> None:
    with (
        program(cloud.settings, log=tmp_path / "log") as running,
        client_of(running.address, timeout=LONG_S) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        till = a_till(cloud, client)
        with cloud.db.begin() as connection:  # holds what the push needs
            connection.execute(sa.update(tables.device_epoch).values(opened_ms=1))
            pushing = pool.submit(till.send_push, till.batch(till.records))
            until(lambda: at_work(cloud, client))
            running.process.send_signal(signal.SIGTERM)
            until(lambda: _refuses(running.address))
        assert pushing.result(LONG_S).status_code == 200
        assert running.ended() == 0
    assert [count(cloud, table) for table in FACTS] == [5, 5, 5]


def test_a_push_that_was_cut_off_is_whole_or_nothing_and_goes_through_again(
    cloud: Cloud, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with (
        program(cloud.settings, log=log) as running,
        client_of(running.address, timeout=LONG_S) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        till = a_till(cloud, client)
        with cloud.db.begin() as connection:
            connection.execute(sa.update(tables.device_epoch).values(opened_ms=1))
            pushing = pool.submit(till.send_push, till.batch(till.records))
            until(lambda: at_work(cloud, client))
            running.process.kill()
            running.ended()
        with pytest.raises(httpx.TransportError):
            pushing.result(LONG_S)
    assert {count(cloud, table) for table in FACTS} in ({0}, {5})
    with (
        program(cloud.settings, log=log) as again,
        client_of(again.address, timeout=LONG_S) as client,
    ):
        till.client = client
        assert till.push().hwm == 5
    assert [count(cloud, table) for table in FACTS] == [5, 5, 5]


def _refuses(address: str) -> bool:
    try:
        httpx.get(f"{address}/v1/keys", timeout=5)
    except httpx.TransportError:
        return True
    return False


def at_work(cloud: Cloud, client: httpx.Client) -> bool:
    """Tell whether the program is at a push."""
    token = {"Authorization": f"Bearer {cloud.keys.metrics_token()}"}
    return "guidepos_pushes_at_work 1.0" in client.get("/metrics", headers=token).text
