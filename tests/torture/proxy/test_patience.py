"""A till before a broken, busy, slow or silent cloud: it asks as seldom as it promised, moves forward only,
and goes on by itself when the line is well again."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import zstandard

from app.errors import Code
from app.sync.worker import Phase, SyncWorker, WorkerStatus
from app.wire.messages import PushRequest
from tests.fakes.clock import FakeClock
from tests.torture.proxy import toxics
from tests.torture.proxy.line import Asked, Exchange, Toxic, pass_on
from tests.torture.proxy.shop import Shop, Till, engine_of, open_shop
from tests.torture.proxy.toxics import RETRY_AFTER_S, TOXICS
from tests.torture.tally import Tally

LONG_S = 30
"""Only a hanging till makes a test wait this long."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("patience")) as opened:
        yield opened


@pytest.fixture
def till(shop: Shop) -> Till:
    return shop.till(clock=FakeClock(time.time_ns() // 1_000_000))


class Watched:
    """A till's sync thread on a clock that moves only when it is told to. Every wait is the longest."""

    def __init__(self, till: Till) -> None:
        assert isinstance(till.clock, FakeClock)
        self.till, self.clock = till, till.clock
        self._statuses: queue.Queue[WorkerStatus] = queue.Queue()
        self.worker = SyncWorker(
            till.engine, till.clock, self._statuses.put, draw=lambda low, high: high
        )
        self.worker.start()

    def rested(self) -> WorkerStatus:
        """Wait until the running round is over."""
        while (status := self._statuses.get(timeout=LONG_S)).phase is Phase.RUNNING:
            pass
        return status

    def tempt(self, status: WorkerStatus) -> None:
        """Sell until just before the next round is due: no sale may bring it forward."""
        self.clock.advance((status.next_at - self.clock.monotonic()) / 2)
        self.till.work(1)
        self.worker.wake()

    def go_on(self, status: WorkerStatus) -> WorkerStatus:
        """Let the clock reach the next round and wait for its end."""
        self.clock.advance(max(0.0, status.next_at - self.clock.monotonic()) + 0.001)
        self.worker.wake()
        return self.rested()


@pytest.fixture
def watched(till: Till) -> Iterator[Watched]:
    till.work(1)
    made = Watched(till)
    yield made
    assert made.worker.stop(LONG_S)


def everywhere(toxic: Toxic) -> Any:
    return lambda asked: toxic


STORMS = ["balancer_502", "balancer_503", "cloud_500", "cloud_503", "cloud_503_silent", "cloud_429"]


@pytest.mark.fault(16, "the chip counts what waits; it is sent by itself when the cloud is well")
@pytest.mark.parametrize("name", STORMS)
def test_a_storm_is_waited_out_and_every_call_is_counted(shop: Shop, till: Till, name: str) -> None:
    till.work(1)
    till.line.choose = everywhere(TOXICS[name])
    watched, waits = Watched(till), []
    try:
        status = watched.rested()
        for _ in range(11):
            waits.append(round(status.next_at - watched.clock.monotonic()))
            watched.tempt(status)
            status = watched.go_on(status)
        assert len(till.line.seen) == 12, "a till asked more often than it promised"
        asked = {"cloud_503": RETRY_AFTER_S, "cloud_429": RETRY_AFTER_S, "cloud_503_silent": 5}
        longest = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
        assert waits == [wait + asked.get(name, 0) for wait in longest]
        till.line.heal()
        for _ in range(3):
            status = watched.go_on(status)
            if status.phase is Phase.RESTING:
                break
        assert (status.phase, status.failures) == (Phase.RESTING, 0)
        judged(shop, till)
    finally:
        assert watched.worker.stop(LONG_S)


@pytest.mark.fault(
    16, "a person may ask for a round at any time, but not before the cloud's own time"
)
def test_a_person_in_a_hurry_ends_a_wait_of_ours_but_not_one_the_cloud_asked_for(
    watched: Watched,
) -> None:
    till = watched.till
    watched.rested()
    till.line.choose = everywhere(toxics.cloud_503)
    watched.worker.hurry()
    busy = watched.rested()
    calls = len(till.line.seen)
    watched.worker.hurry()  # too early: it waits for the time the cloud named, and no longer
    watched.clock.advance(RETRY_AFTER_S - 0.5)
    watched.worker.hurry()
    assert busy.phase is Phase.BACKING_OFF
    till.line.heal()
    watched.clock.advance(0.5)
    watched.worker.hurry()
    assert watched.rested().phase is Phase.RESTING
    assert len(till.line.seen) > calls
    paths = [asked.path for asked in till.line.seen[calls:]]
    assert paths[0] == "/v1/sync/hello"
    assert paths.count("/v1/sync/hello") == 1


def sizes(seen: list[Asked]) -> list[int]:
    """Return how many records each push held."""
    pushes = [asked.body for asked in seen if asked.path == "/v1/sync/push"]
    plain = [zstandard.ZstdDecompressor().decompressobj().decompress(body) for body in pushes]
    return [len(msgspec.json.decode(body, type=PushRequest).records) for body in plain]


@pytest.mark.fault(17, "syncing takes longer and moves forward; selling does not notice")
def test_on_a_thin_line_batches_shrink_and_the_mark_only_moves_forward(shop: Shop) -> None:
    till = shop.till(seed=7)
    till.work(100)

    def thin(exchange: Exchange) -> None:
        toxics.bandwidth(exchange, 8_000)

    till.line.choose = everywhere(thin)
    marks = [0]
    for _ in range(40):
        report = till.sync()
        marks.append(till.store.run(lambda uow: uow.acked()).result().seq)
        if report.trouble is None:
            break
        assert report.trouble.code is Code.CLOUD_UNREACHABLE
    assert report.trouble is None
    assert marks == sorted(marks)
    sent = sizes(till.line.seen)
    assert sent[0] == 200
    assert min(sent) <= 100, sent
    till.drain()
    judged(shop, till)


@pytest.mark.fault(20, "offline; the tablet sells on at once")
def test_a_half_open_line_holds_up_the_sync_thread_and_no_sale(shop: Shop) -> None:
    till = shop.till()
    inside, go = threading.Event(), threading.Event()

    def swallow(exchange: Exchange) -> None:
        inside.set()
        go.wait(LONG_S)
        exchange.hang_up()

    till.line.choose = everywhere(swallow)
    till.work(1)
    syncing = threading.Thread(target=till.sync)
    syncing.start()
    assert inside.wait(LONG_S)
    till.work(3)  # the request is out and nobody answers; this returns all the same
    assert till.waiting() == len(till.facts) + till.store.reader.sync_status().member_changes
    syncing.join(LONG_S)
    trouble = till.reports[-1].trouble
    assert trouble is not None
    assert (trouble.code, trouble.facts["timeout"]) == (Code.CLOUD_UNREACHABLE, True)
    go.set()
    till.line.heal()
    assert till.drain().trouble is None
    judged(shop, till)


@pytest.mark.fault(20, "offline; it is sent by itself when the name is found again")
def test_a_name_that_is_not_found_is_no_network(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = shop.till()
    till.work(1)
    good = till.engine
    till.engine = engine_of(till.store, "https://cloud.example", till.clock)

    def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", not_found)
        trouble = till.sync().trouble
    assert trouble is not None
    assert (trouble.code, trouble.retryable) == (Code.CLOUD_UNREACHABLE, True)
    till.engine = good
    assert till.drain().trouble is None
    judged(shop, till)


@pytest.mark.fault(20, "nothing: a connection the cloud has closed meanwhile is opened again")
def test_a_kept_connection_that_died_is_opened_again(shop: Shop) -> None:
    till = shop.till()
    assert till.sync().trouble is None
    till.line.choose = everywhere(pass_on)
    till.work(1)
    till.line.cut_all()
    assert till.sync().trouble is None
    judged(shop, till)


def judged(shop: Shop, till: Till) -> None:
    tally = Tally("proxy")
    shop.judge(till, tally)
    assert tally.is_clean, tally
    assert shop.bugs == []
