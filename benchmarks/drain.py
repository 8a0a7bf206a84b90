"""A till that was offline for a year of sales comes back: how fast they leave, and what a guide notices.

    python -m benchmarks.drain HOME STEPS.json

plays searches in the real window while the sync thread of the same process drains what
waits in HOME, and prints the figures. `measure` makes such a home and a cloud on PostgreSQL first; the
cloud, which is another machine in a shop, gets one half of the cores, and the till may use them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import msgspec
import sqlalchemy as sa
from PySide6.QtCore import QObject, Qt, QTimer

from benchmarks import memory
from benchmarks.frames import BASE_LINES, WARM_UP, Floor
from benchmarks.lookups import LookUps
from benchmarks.postgresql import enrol_code, opened, private_place
from benchmarks.processor import load_average, on_cores
from benchmarks.searches import SCANS, SEARCHES, Step, quantile, steps
from benchmarks.shops import BENCH, copied, shop, template
from benchmarks.throughput import record_sales
from benchmarks.tills import run_python
from benchmarks.window import Seen, Watched, open_window
from cloud.db import tables
from cloud.db.base import Database
from cloud.services.demo import load_demo
from guidepos.bootstrap import open_till
from guidepos.online import enrol_till, sync_engine
from resources.demo.shop import demo_shop

SKUS = 100_000
Figures = dict[str, float]
_BEAT_MS = 5
_ALONE = 150
"""Searches before the till goes online, to compare with."""
_NAP = """import time
last = time.perf_counter()
while True:
    time.sleep(0.005)
    now = time.perf_counter()
    print(round((now - last - 0.005) * 1e3, 2), flush=True)
    last = now
"""


class Heart(QObject):
    """Beats in the window's event loop and notes every beat that came late, milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.late.append((now - self._last) * 1e3 - _BEAT_MS)
        self._last = now


@dataclass(slots=True)
class Machine:
    """How late this machine itself is: a process that only naps, beside the one that is measured."""

    late: list[float] = field(default_factory=list)

    @contextmanager
    def napping(self) -> Iterator[None]:
        """Note how much longer than asked the naps of another process take during a block."""
        with subprocess.Popen(
            [sys.executable, "-c", _NAP], stdout=subprocess.PIPE, text=True
        ) as nap:
            assert nap.stdout is not None
            nap.stdout.readline()
            reader = threading.Thread(target=self._read, args=(nap.stdout,))
            reader.start()
            try:
                yield
            finally:
                nap.kill()
                reader.join()

    def _read(self, lines: Iterator[str]) -> None:
        self.late.extend(float(line) for line in lines if line.endswith("\n"))


def measure(sales: int) -> Figures:
    """Make the till and the cloud, let the one drain into the other; return flat figures."""
    BENCH.mkdir(parents=True, exist_ok=True)
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        with on_cores(cores[len(cores) // 2 :]):
            place = stack.enter_context(private_place())
            url, _ = stack.enter_context(place.served(workers=2, pushes=4))
        cloud = stack.enter_context(opened(place.settings))
        run = stack.enter_context(tempfile.TemporaryDirectory(dir=BENCH))
        load_demo(cloud.db, cloud.clock(), skus=None, styles=None, members=2_000)
        home = copied(template(SKUS), Path(run) / "till")
        till = open_till(home)
        try:
            enrol_till(till, url, enrol_code(cloud, demo_shop(members=0).stores[0].store))
            report = sync_engine(till).run()
            if report.trouble is not None:
                raise report.trouble
            record_sales(till, sales)
        finally:
            till.close()
        plan = Path(run) / "steps.json"
        plan.write_bytes(msgspec.json.encode(steps(shop(SKUS), 60)))
        figures: Figures = json.loads(run_python("benchmarks.drain", [str(home), str(plan)], 3_600))
        figures["drain_lost"] = sales - _booked(cloud.db)
    figures["drain_sales_per_s"] = round(sales / figures["drain_s"], 1)
    return figures


def _booked(db: Database) -> int:
    query = sa.select(sa.func.count()).select_from(tables.sale)
    return int(db.read(lambda connection: connection.scalar(query)) or 0)


def drained(home: Path, played: list[Step]) -> Figures:
    """Open the till in `home`, play searches alone, then while it drains; return the figures."""
    searches = [step for step in played if step.kind in SEARCHES]
    with open_window(home) as watched:
        watched.sign_in()
        with LookUps() as look_ups:
            floor = Floor(watched, look_ups)
            floor.fill_cart([step.before for step in played if step.kind in SCANS][:BASE_LINES])
            for step in searches[:WARM_UP]:
                floor.play(step)
            quiet = [floor.play(step) for step in searches[:_ALONE]]
            before = memory.now_mb()
            machine = Machine()
            with machine.napping():
                heart, began = Heart(), time.perf_counter()
                watched.online()
                seen, sizes = _play(watched, floor, searches)
                seconds = time.perf_counter() - began
        late = heart.late[5:]
        return {
            "drain_s": round(seconds, 2),
            "drain_stall_max_ms": round(max(late), 1),
            "drain_stall_p99_ms": round(quantile(late, 99), 1),
            "drain_stalls_over_50_ms": sum(each > 50 for each in late),
            "drain_machine_stall_max_ms": round(max(machine.late), 1),
            "drain_machine_stalls_over_50_ms": sum(each > 50 for each in machine.late),
            **_searches("drain_search", seen),
            **_searches("drain_alone_search", quiet),
            "drain_before_mb": before,
            "drain_tenth_mb": sizes[len(sizes) // 10],
            "drain_end_mb": sizes[-1],
            "drain_more_mb": round(max(sizes) - before, 1),
            "drain_load_average": load_average(),
        }


def _play(watched: Watched, floor: Floor, searches: list[Step]) -> tuple[list[Seen], list[float]]:
    """Search until nothing waits any more; return what the searches took, and the memory over time."""
    seen: list[Seen] = []
    sizes: list[float] = []
    turns = cycle(searches)
    while watched.till.store.reader.sync_status().unsent:
        seen.append(floor.play(next(turns)))
        sizes.append(memory.now_mb())
    return seen, sizes


def _searches(name: str, seen: list[Seen]) -> Figures:
    times = [each.total for each in seen]
    return {
        f"{name}es": len(times),
        **{f"{name}_p{percent}_ms": round(quantile(times, percent), 2) for percent in (50, 95, 99)},
    }


def main() -> int:
    """Print the figures of a home as JSON."""
    home, plan = map(Path, sys.argv[1:3])
    json.dump(drained(home, msgspec.json.decode(plan.read_bytes(), type=list[Step])), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
