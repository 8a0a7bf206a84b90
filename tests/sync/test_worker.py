"""The sync thread: prompt, patient, and gone when it is told to go."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator

import pytest

from app.errors import Code, Trouble
from app.sync.push import GENTLE_RECORDS
from app.sync.schedule import HELLO_EVERY_S, NEWS_EVERY_S, PULL_EVERY_S
from app.sync.worker import Phase, SyncWorker, WorkerStatus
from tests.sync.till import Till

LONG_S = 20
"""How long a test waits for what must come at once; only a hanging till makes it wait this long."""


class Watched:
    """A worker and the statuses it published."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.statuses: queue.Queue[WorkerStatus] = queue.Queue()
        self.worker = SyncWorker(
            till.engine, till.clock, self.statuses.put, draw=lambda low, high: high
        )

    def next(self, phase: Phase) -> WorkerStatus:
        """Return the next status of a phase; the ones before it are dropped."""
        while (status := self.statuses.get(timeout=LONG_S)).phase is not phase:
            pass
        return status


@pytest.fixture
def watched(till: Till) -> Iterator[Watched]:
    made = Watched(till)
    yield made
    assert made.worker.stop(LONG_S)


def test_the_first_round_begins_at_once_and_says_hello(watched: Watched):
    watched.till.record(2)
    watched.worker.start()
    status = watched.next(Phase.RESTING)
    assert status.report is not None
    assert (status.report.pushed, status.report.said_hello) == (2, True)
    assert status.trouble is None
    assert status.next_at == watched.till.clock.monotonic() + PULL_EVERY_S


def test_a_sale_is_sent_at_once_and_nothing_else_is_asked_for(watched: Watched):
    watched.worker.start()
    watched.next(Phase.RESTING)
    watched.till.transport.calls.clear()
    watched.till.record(1)
    watched.worker.wake()
    status = watched.next(Phase.RESTING)
    assert status.report is not None
    assert status.report.pushed == 1
    assert watched.till.transport.calls == ["push"]


def test_a_person_in_a_hurry_gets_a_whole_round(watched: Watched):
    watched.worker.start()
    watched.next(Phase.RESTING)
    watched.till.transport.calls.clear()
    watched.worker.hurry()
    watched.next(Phase.RESTING)
    assert watched.till.transport.calls[0] == "pull config"


def test_news_of_a_stream_bring_that_stream_and_nothing_else(watched: Watched):
    watched.worker.start()
    watched.next(Phase.RESTING)
    watched.till.clock.advance(NEWS_EVERY_S)
    watched.till.transport.calls.clear()
    watched.worker.tell("stock")
    status = watched.next(Phase.RESTING)
    assert watched.till.transport.calls == ["pull stock"]
    assert status.next_at == watched.till.clock.monotonic() + PULL_EVERY_S - NEWS_EVERY_S


def test_news_that_come_too_fast_wait_and_are_followed_once(watched: Watched):
    watched.worker.start()
    watched.next(Phase.RESTING)
    watched.till.transport.calls.clear()
    for _ in range(5):
        watched.worker.tell("stock")
    watched.till.record(1)
    watched.worker.wake()
    watched.next(Phase.RESTING)
    assert watched.till.transport.calls == ["push"]
    watched.till.clock.advance(NEWS_EVERY_S)
    watched.worker.tell("a stream of tomorrow")
    watched.next(Phase.RESTING)
    assert watched.till.transport.calls == ["push", "pull stock"]


def test_hello_is_said_again_after_an_hour(watched: Watched):
    watched.worker.start()
    watched.next(Phase.RESTING)
    watched.till.clock.advance(HELLO_EVERY_S)
    watched.worker.wake()
    status = watched.next(Phase.RESTING)
    assert status.report is not None
    assert status.report.said_hello


def test_trouble_is_backed_off_from_and_a_sale_does_not_break_the_wait(watched: Watched):
    watched.till.transport.down = True
    watched.worker.start()
    first = watched.next(Phase.BACKING_OFF)
    assert (first.failures, first.next_at) == (1, watched.till.clock.monotonic() + 1)
    watched.till.record(1)
    watched.worker.wake()
    watched.till.transport.down = False
    watched.worker.hurry()
    healed = watched.next(Phase.RESTING)
    assert healed.failures == 0
    assert watched.till.transport.calls.count("hello") == 2
    assert len(watched.till.at_cloud) == 1


def test_a_busy_cloud_is_not_asked_before_its_time(watched: Watched):
    busy = Trouble(Code.CLOUD_BUSY, retryable=True, retry_after_s=120)
    watched.till.transport.faults = [busy]
    watched.worker.start()
    status = watched.next(Phase.BACKING_OFF)
    assert status.trouble is busy
    assert status.next_at == watched.till.clock.monotonic() + 121
    watched.worker.hurry()
    watched.till.clock.advance(120)
    watched.worker.hurry()
    watched.next(Phase.RESTING)


def test_a_bug_in_a_round_is_logged_and_does_not_end_sync(watched: Watched, monkeypatch, caplog):
    engine = watched.till.engine
    run, broken = engine.run, [True]

    def breaks_once(**options):
        if broken.pop() if broken else False:
            raise ZeroDivisionError
        return run(**options)

    monkeypatch.setattr(engine, "run", breaks_once)
    with caplog.at_level(logging.ERROR):
        watched.worker.start()
        status = watched.next(Phase.BACKING_OFF)
    assert status.failures == 1
    assert "a sync round broke" in caplog.text
    watched.worker.hurry()
    assert watched.next(Phase.RESTING).trouble is None


def test_a_broken_listener_does_not_end_sync(till: Till, caplog):
    done = threading.Event()

    def listen(status: WorkerStatus) -> None:
        if status.phase is Phase.RESTING:
            done.set()
        raise ZeroDivisionError

    worker = SyncWorker(till.engine, till.clock, listen)
    worker.start()
    assert done.wait(LONG_S)
    assert worker.stop(LONG_S)
    assert "a listener to sync broke" in caplog.text


def test_stopping_ends_the_thread_while_it_waits(till: Till):
    watched = Watched(till)
    watched.worker.start()
    watched.next(Phase.RESTING)
    assert watched.worker.stop(LONG_S)
    assert watched.next(Phase.STOPPED).failures == 0


def test_stopping_a_worker_that_never_started_is_nothing(till: Till):
    assert SyncWorker(till.engine, till.clock).stop()


def test_stopping_cuts_a_long_round_short(watched: Watched, monkeypatch):
    watched.till.record(1_000)
    inside, go_on = threading.Event(), threading.Event()
    push = watched.till.cloud.push

    def slow(device, request):
        inside.set()
        assert go_on.wait(LONG_S)
        return push(device, request)

    monkeypatch.setattr(watched.till.cloud, "push", slow)
    watched.worker.start()
    assert inside.wait(LONG_S)
    assert not watched.worker.stop(0)
    go_on.set()
    assert watched.worker.stop(LONG_S)
    assert len(watched.till.at_cloud) == GENTLE_RECORDS
