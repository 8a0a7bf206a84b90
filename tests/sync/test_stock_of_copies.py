"""Two copies of one till, a real cloud: each shows the stock there is, whoever sent what both had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.devices.clock import SystemClock
from app.errors import Code, Trouble
from app.ports import Store
from offline_store import open_store
from tests.fakes.transport import BadLine
from tests.store.shop import sku_row
from tests.sync.clouds import RealServer
from tests.sync.till import become_device, engine_of, record, stock

CLOCK = SystemClock()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    made = RealServer(tmp_path / "cloud")
    made.start()
    made.put_skus([replace(sku_row("W1"), sku_id="SKU-1")])
    made.put_stock(stock(2))
    yield made
    made.close()


def shown(store: Store) -> int:
    matrix = store.reader.matrix("W1")
    assert matrix is not None
    (only,) = [cell for row in matrix.cells for cell in row if cell is not None]
    return only.own_quantity


@pytest.mark.fault(24, "each tablet shows the stock there is")
def test_a_movement_that_both_copies_had_counts_once_on_each(server: RealServer, tmp_path: Path):
    key, file, copy = os.urandom(32), tmp_path / "store.db", tmp_path / "copy.db"
    with open_store(file, key, CLOCK) as store:
        become_device(store, server.enrolment(), server.code())
        record(store, CLOCK, 2)
        assert engine_of(store, server.line(store, CLOCK), CLOCK).run().trouble is None
        record(store, CLOCK, 1)
    copy.write_bytes(file.read_bytes())
    with open_store(file, key, CLOCK) as store, open_store(copy, key, CLOCK) as clone:
        record(store, CLOCK, 1)
        assert engine_of(store, server.line(store, CLOCK), CLOCK).run(pull=False).pushed == 2
        # Another epoch is opened, but what both had is refused for now: the figures come before it.
        line = BadLine(server.line(clone, CLOCK))
        busy = Trouble(Code.CLOUD_REFUSED, status=413, problem="too_big")
        line.faults = [None, None, *[busy] * 3]
        engine = engine_of(clone, line, CLOCK)
        assert engine.run().trouble is busy
        assert line.calls.count("pull stock") == 1
        assert engine.run().trouble is None
        for each in (store, clone):
            ours = engine_of(each, server.line(each, CLOCK), CLOCK)
            report = ours.run()
            assert (report.trouble, report.epoch) == (None, "")
            assert shown(each) == 1 + 4


@pytest.mark.fault(23, "the tablet shows the stock there is")
def test_a_file_put_back_behind_everybodys_back_counts_nothing_twice(
    server: RealServer, tmp_path: Path
):
    key, file, copy = os.urandom(32), tmp_path / "store.db", tmp_path / "copy.db"
    with open_store(file, key, CLOCK) as store:
        become_device(store, server.enrolment(), server.code())
        record(store, CLOCK, 2)
    copy.write_bytes(file.read_bytes())
    with open_store(file, key, CLOCK) as store:
        record(store, CLOCK, 2)
        assert engine_of(store, server.line(store, CLOCK), CLOCK).run().trouble is None
        assert shown(store) == 1 + 4
    with open_store(copy, key, CLOCK) as store:
        record(store, CLOCK, 1)
        report = engine_of(store, server.line(store, CLOCK), CLOCK).run()
        assert (report.trouble, report.epoch) == (None, "restored")
        assert shown(store) == 1 + 5
