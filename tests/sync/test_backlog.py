"""A long backlog leaves batch by batch: what the till holds in memory is one batch, however much waits,
and a sale made meanwhile goes in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.ports import Priority, UnitOfWork
from app.sync.push import MOST_BYTES, MOST_RECORDS
from app.wire.messages import PushAnswer, PushRequest
from offline_store import OfflineStore, open_store
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud
from tests.fakes.transport import FakeTransport
from tests.sync.till import STORE_KEY, become_device, engine_of, received, record

BACKLOG = 3_000


class SellingLine(FakeTransport):
    """A line to the cloud on which the shop sells while a batch is on its way."""

    def __init__(self, cloud: FakeCloud, store: OfflineStore, clock: FakeClock) -> None:
        super().__init__(cloud)
        self.store, self.clock = store, clock
        self.sizes: list[int] = []
        self.left: list[int] = []

    def push(self, request: PushRequest) -> PushAnswer:
        self.sizes.append(sum(len(each.header) + len(each.body) for each in request.records))
        self.left.append(self.store.reader.sync_status().unsent)
        if len(self.left) <= 3:
            self.store.run(self._sell, priority=Priority.SALE).result(60)
        return super().push(request)

    def _sell(self, uow: UnitOfWork) -> None:
        uow.record(received(self.clock))


@pytest.mark.fault(31, "the chip counts down; the shop sells on and its sales follow")
def test_a_long_backlog_leaves_in_batches_while_the_shop_sells(tmp_path: Path):
    clock, cloud = FakeClock(), FakeCloud()
    with open_store(tmp_path / "till.db", STORE_KEY, clock) as store:
        become_device(store, cloud)
        record(store, clock, BACKLOG)
        line = SellingLine(cloud, store, clock)
        assert engine_of(store, line, clock).run(pull=False).trouble is None
        assert store.reader.sync_status().unsent == 0
        assert store.verify_journal() is None
    assert len(line.batches) >= BACKLOG // MOST_RECORDS
    assert max(line.batches) <= MOST_RECORDS
    assert max(line.sizes) <= MOST_BYTES
    assert line.left == sorted(line.left, reverse=True)
    assert len(cloud.devices["d1"].records) == BACKLOG + 3
