"""Several processes behind one listening socket: starts them, replaces one that dies, stops them all.

The parent opens no database while it waits. A worker ends with its parent, however that ends.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from prometheus_client.multiprocess import mark_process_dead

from cloud.operation.metrics import FOLDER

Work = Callable[[socket.socket, Callable[[], None], int], int]
"""Serves on a socket; calls the second argument once it accepts requests, and ends when the pipe whose
file descriptor is the third is closed at its other end. Returns the exit status."""

START_S = 60
STOP_S = 30
"""How long workers may take to end what they are at."""
_CALM_S = 1.0
"""A worker that died is replaced after this, so that a broken set-up does not spin."""
_READY = b"ready"
_SPAWN = multiprocessing.get_context("spawn")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    line: Connection


@dataclass(slots=True)
class Workers:
    """A number of processes that do the same work on one socket."""

    count: int
    work: Work
    listener: socket.socket
    stopping: threading.Event = field(default_factory=threading.Event)
    _running: list[_Worker] = field(default_factory=list)

    def run(self, ready: Callable[[], None]) -> int:
        """Serve until SIGTERM, SIGINT or `stopping`; returns the exit status. Main thread only.

        Calls `ready` once all workers accept requests. A worker that cannot even start ends all.
        """
        with _figures_folder(), self._signals():
            try:
                self._running = [self._started() for _ in range(self.count)]
                if not all(self._accepts(worker) for worker in self._running):
                    return 1
                ready()
                while not self.stopping.is_set():
                    self._replace_the_dead()
                    self.stopping.wait(_CALM_S)
                return 0
            finally:
                self._stop()

    def _started(self) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(self.work, self.listener, theirs))
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _accepts(self, worker: _Worker) -> bool:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and not self.stopping.is_set():
            if worker.line in wait([worker.line, worker.process.sentinel], timeout=0.2):
                try:
                    return worker.line.recv_bytes() == _READY
                except EOFError:
                    return False
            if not worker.process.is_alive():
                return False
        return self.stopping.is_set()

    def _replace_the_dead(self) -> None:
        for place, worker in enumerate(self._running):
            if worker.process.is_alive() or self.stopping.is_set():
                continue
            _log.error("worker %s ended with %s", worker.process.pid, worker.process.exitcode)
            if worker.process.pid is not None:
                mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]
            worker.line.close()
            self._running[place] = self._started()

    def _stop(self) -> None:
        for worker in self._running:
            worker.process.terminate()
        deadline = time.monotonic() + STOP_S
        for worker in self._running:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.line.close()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        stops = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(stop, lambda *_: self.stopping.set()) for stop in stops]
        try:
            yield
        finally:
            for stop, handler in zip(stops, before, strict=True):
                signal.signal(stop, handler)


def _serve(work: Work, listener: socket.socket, line: Connection) -> None:
    """Run in the worker's process."""
    raise SystemExit(work(listener, lambda: line.send_bytes(_READY), line.fileno()))


@contextmanager
def _figures_folder() -> Iterator[None]:
    """Give all workers one folder for their figures; the library finds it by its environment variable."""
    with tempfile.TemporaryDirectory(prefix="guidepos-figures-") as folder:
        before = os.environ.get(FOLDER)
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            os.environ.pop(FOLDER)
            if before is not None:
                os.environ[FOLDER] = before
