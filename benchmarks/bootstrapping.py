"""How long a new till takes to hold a whole shop, from an embedded cloud that is another process.

Prints JSON when run: `python -m benchmarks.bootstrapping HOME CLOUD_DATA SKUS MEMBERS`.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from app.remote.sync import CloudSync
from app.sync.engine import SyncEngine
from app.wire.messages import MEMBERS
from app.wire.snapshot import SNAPSHOTS, SnapshotBegin
from benchmarks.memory import peak_mb
from guidepos import VERSION
from guidepos.bootstrap import open_till
from guidepos.cloud_link import enrolled_cloud
from guidepos.embedded_cloud import embedded_cloud
from guidepos.online import enrol_till
from offline_store.worker import StoreWorker
from resources.demo.shop import demo_shop


class _Watched(CloudSync):
    """Notes when the snapshot of each stream begins."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.began: dict[str, float] = {}

    def begin_snapshot(self, stream: str) -> SnapshotBegin:
        self.began[stream] = time.perf_counter()
        return super().begin_snapshot(stream)


def measure(home: Path, data: Path, skus: int, members: int) -> dict[str, float]:
    """Fill a new till in `home` and return seconds, rows and the longest store job."""
    with embedded_cloud(data) as cloud:
        cloud.load_demo(skus=skus, members=members)
        till = open_till(home)
        try:
            enrol_till(till, cloud.url, cloud.enrol_code(demo_shop(members=0).stores[0].store))
            line = _Watched(enrolled_cloud(till.store, till.clock))
            engine = SyncEngine(till.store, line, till.clock, app_version=VERSION, snapshots=True)
            with _timed_jobs() as jobs:
                started, worked = time.perf_counter(), time.process_time()
                report = engine.run()
                ended, worked = time.perf_counter(), time.process_time() - worked
            if report.trouble is not None:
                raise report.trouble
            assert not report.mismatched, report
            assert all(feed.is_whole for feed in till.store.reader.feeds())
        finally:
            till.close()
    marks = [line.began[stream] for stream in SNAPSHOTS]
    spent = {
        f"bootstrap_{stream}_s": round(end - start, 2)
        for stream, start, end in zip(SNAPSHOTS, marks, [*marks[1:], ended], strict=True)
    }
    jobs.sort()
    return {
        "bootstrap_s": round(ended - started, 2),
        "bootstrap_selling_s": round(line.began[MEMBERS] - started, 2),
        **spent,
        "bootstrap_rows": sum(report.snapshots.values()),
        "bootstrap_job_max_ms": round(jobs[-1] * 1_000, 1),
        "bootstrap_job_p99_ms": round(jobs[len(jobs) * 99 // 100] * 1_000, 1),
        "bootstrap_jobs": len(jobs),
        "bootstrap_store_busy_s": round(sum(jobs), 2),
        "bootstrap_till_cpu_s": round(worked, 2),
        "bootstrap_peak_rss_mb": peak_mb(),
    }


@contextlib.contextmanager
def _timed_jobs() -> Iterator[list[float]]:
    """Yield a list that fills with the seconds each store job holds the writer, COMMIT included."""
    took: list[float] = []
    do = StoreWorker._do

    def timed(self: StoreWorker, job: Callable[[Any], Any], future: Future[Any]) -> None:
        start = time.perf_counter()
        do(self, job, future)
        took.append(time.perf_counter() - start)

    with mock.patch.object(StoreWorker, "_do", timed):
        yield took


if __name__ == "__main__":
    folder, kept, goods, people = sys.argv[1:]
    figures = measure(Path(folder), Path(kept), int(goods), int(people))
    print(msgspec.json.encode(figures).decode())
