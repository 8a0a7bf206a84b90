"""The cloud on PostgreSQL under load: what it takes for a minute, flat out, and at ten times of that.

Workers, database, load and this program are processes of their own on one machine. Everything sent is
counted afterwards in the books.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import requests
import sqlalchemy as sa

from benchmarks import ROOT, bare
from benchmarks.load import SALES, Phase, Plan, Told
from benchmarks.postgresql import Place, enrol_code, opened, private_place
from benchmarks.processor import load_average, seconds_of
from benchmarks.searches import quantile
from cloud.bootstrap import Cloud
from cloud.db import tables

TILLS = 32
STORES = 8
CROWD = 320
"""Tills of the overload: the same rate from few could not come before it was answered."""
_ALLOWED = {"200", "429", "503"}
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long and how much. `rate` in sales a second is offered, not hoped for."""

    rate: int = 3_700
    seconds: int = 60
    flat_batches: int = 384
    overload_s: int = 6
    bare_batches: int = 400
    workers: int = 2
    pushes: int = 4

    @property
    def steady(self) -> int:
        """Batches of the steady minute."""
        return self.rate * self.seconds // SALES

    @property
    def overload(self) -> int:
        """Batches that fall due within `overload_s` at ten times the rate."""
        return int(10 * self.rate * self.overload_s) // SALES


QUICK = Sizes(rate=1_000, seconds=5, flat_batches=64, overload_s=1, bare_batches=40)


@dataclass(slots=True)
class _Watch:
    """Asks for the cloud's health all the while, as a load balancer does."""

    url: str
    took: list[float] = field(default_factory=list)
    failed: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stop.wait(0.25):
            started = time.perf_counter()
            try:
                self.failed += requests.get(f"{self.url}/v1/health", timeout=30).status_code != 200
            except requests.RequestException:
                self.failed += 1
            self.took.append(time.perf_counter() - started)


def measure(sizes: Sizes) -> Figures:
    """Measure on a private PostgreSQL; return flat figures. Raises LookupError without its programs."""
    with private_place() as place:
        before = bare.rate(place, sizes.bare_batches)
        figures = _loaded(place, sizes)
        after = bare.rate(place, sizes.bare_batches)
    figures["cloud_bare_sales_per_s"] = round((before + after) / 2)
    figures["cloud_bare_before_after"] = round(before / after, 2)
    ratio = figures["cloud_flat_out_sales_per_s"] / figures["cloud_bare_sales_per_s"]
    return {**figures, "cloud_ratio_to_bare": round(ratio, 3)}


def _loaded(place: Place, sizes: Sizes) -> Figures:
    with (
        opened(place.settings) as cloud,
        place.served(sizes.workers, sizes.pushes) as (url, server),
    ):
        phases = [
            Phase("warm", TILLS, TILLS * 2),
            Phase("steady", TILLS, sizes.steady, sizes.rate / SALES),
            Phase("flat_out", TILLS, sizes.flat_batches),
            Phase("overload", CROWD, sizes.overload, 10 * sizes.rate / SALES, since=TILLS),
        ]
        codes = [enrol_code(cloud, f"S{turn % STORES:02}") for turn in range(TILLS + CROWD)]
        return _driven(Plan(url, codes, phases), server, place.postmaster(), cloud)


def _driven(plan: Plan, server: int, postmaster: int, cloud: Cloud) -> Figures:
    figures: Figures = {}
    total = 0
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as load:
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(msgspec.json.encode(plan).decode() + "\n")
        load.stdin.flush()
        for phase in plan.phases:
            assert load.stdout.readline().split() == ["ready", phase.name]
            groups = {"python": server, "postgresql": postmaster, "load": load.pid}
            used = {name: seconds_of(pid) for name, pid in groups.items()}
            with _watching(plan.url) as watch:
                load.stdin.write("go\n")
                load.stdin.flush()
                told = msgspec.json.decode(load.stdout.readline(), type=Told)
            used = {name: seconds_of(pid) - used[name] for name, pid in groups.items()}
            total += told.sales
            figures |= _figures(told, used, watch)
    figures["cloud_lost"] = total - _booked(cloud)
    figures["cloud_sales_per_s"] = figures.pop("cloud_steady_sales_per_s")
    figures["cloud_batch_p99_s"] = figures.pop("cloud_steady_p99_s")
    return figures


def _figures(told: Told, used: dict[str, float], watch: _Watch) -> Figures:
    if told.name == "warm":
        return {}
    name, busy = f"cloud_{told.name}", sum(used.values())
    foreign = sum(count for status, count in told.statuses.items() if status not in _ALLOWED)
    refused = sum(count for status, count in told.statuses.items() if status in ("429", "503"))
    figures: Figures = {
        f"{name}_sales_per_s": round(told.sales / told.seconds),
        f"{name}_p50_s": told.p50_s,
        f"{name}_p99_s": told.p99_s,
        f"{name}_worst_s": told.worst_s,
        f"{name}_refusals": refused,
        f"{name}_health_p95_s": round(quantile(watch.took, 95), 3) if watch.took else 0.0,
        f"{name}_health_failed": watch.failed,
        f"{name}_core_ms_per_batch": round(busy * 1e3 * SALES / told.sales, 1),
        f"{name}_load_average": load_average(),
    }
    if told.name == "steady":
        figures |= {f"{name}_{who}_share": round(s / busy, 3) for who, s in used.items()}
        figures |= {f"{name}_{who}_cores": round(s / told.seconds, 2) for who, s in used.items()}
    if told.name == "overload":
        figures["cloud_foreign_errors"] = foreign
    return figures


@contextlib.contextmanager
def _watching(url: str) -> Iterator[_Watch]:
    watch = _Watch(url)
    thread = threading.Thread(target=watch.run, name="health")
    thread.start()
    try:
        yield watch
    finally:
        watch.stop.set()
        thread.join()


def _booked(cloud: Cloud) -> int:
    """Return how many sales are on the books, certain that every table tells the same story."""

    def count(connection: sa.Connection) -> int:
        def number(table: sa.Table) -> int:
            counted = connection.scalar(sa.select(sa.func.count()).select_from(table))
            return int(counted or 0)

        sales = number(tables.sale)
        assert number(tables.journal) == sales == number(tables.tender)
        lines = number(tables.sale_line)
        assert lines == number(tables.stock_movement) == number(tables.commission)
        moved = connection.scalar(sa.select(sa.func.sum(tables.stock.c.quantity)))
        assert int(moved or 0) == -lines
        return sales

    return cloud.db.read(count)
