"""The cloud on PostgreSQL under load: what it takes for a minute, flat out, and at ten times of that.

Workers, database, load and this program are processes of their own on one machine. Everything sent is
counted afterwards in the books.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import requests
import sqlalchemy as sa

from benchmarks import ROOT, bare
from benchmarks.load import SALES, Phase, Plan, Told
from benchmarks.processor import load_average, parent_of, seconds_of
from benchmarks.searches import quantile
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import tables
from cloud.services.enrol import make_enrol_code
from cloud.settings import Settings
from tests.cloud.postgres import binaries, private_server

POSTGRESQL = ("fsync=on", "shared_buffers=1GB", "max_wal_size=4GB", "wal_compression=on")
"""How the private server is set: durable, and with the two sizes every busy server is given."""

BUDGETS: dict[str, tuple[str, float]] = {
    "cloud_sales_per_s": ("≥", 3_500),
    "cloud_batch_p99_s": ("≤", 2),
    "cloud_ratio_to_bare": ("≥", 0.4),
    "cloud_lost": ("≤", 0),
    "cloud_foreign_errors": ("≤", 0),
}
TILLS = 32
STORES = 8
CROWD = 320
"""Tills of the overload: the same rate from few could not come before it was answered."""
_SERVE_S = 60
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
        return 10 * self.rate * self.overload_s // SALES


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
    bin_dir = binaries()
    if bin_dir is None:
        raise LookupError("PostgreSQL is not installed")
    with private_server(bin_dir, POSTGRESQL) as url, tempfile.TemporaryDirectory() as data:
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        settings = Settings(data=Path(data), db_url=url)
        before = bare.rate(settings, admin, sizes.bare_batches)
        figures = _loaded(settings, admin, sizes)
        after = bare.rate(settings, admin, sizes.bare_batches)
    figures["cloud_bare_sales_per_s"] = round((before + after) / 2)
    figures["cloud_bare_before_after"] = round(before / after, 2)
    ratio = figures["cloud_flat_out_sales_per_s"] / figures["cloud_bare_sales_per_s"]
    return {**figures, "cloud_ratio_to_bare": round(ratio, 3)}


def _loaded(settings: Settings, admin: sa.Engine, sizes: Sizes) -> Figures:
    cloud = open_cloud(settings)
    try:
        with _served(settings, sizes) as (url, server):
            phases = [
                Phase("warm", TILLS, TILLS * 2),
                Phase("steady", TILLS, sizes.steady, sizes.rate / SALES),
                Phase("flat_out", TILLS, sizes.flat_batches),
                Phase("overload", CROWD, sizes.overload, 10 * sizes.rate / SALES, since=TILLS),
            ]
            codes = [_code(cloud, f"S{place % STORES:02}") for place in range(TILLS + CROWD)]
            return _driven(Plan(url, codes, phases), server, admin, cloud)
    finally:
        cloud.close()


def _driven(plan: Plan, server: int, admin: sa.Engine, cloud: Cloud) -> Figures:
    with admin.connect() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        postmaster = parent_of(int(backend))
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


@contextlib.contextmanager
def _served(settings: Settings, sizes: Sizes) -> Iterator[tuple[str, int]]:
    """Serve from workers; yield the address and the process they descend from."""
    command = [sys.executable, "-m", "cloud", "serve", "--quiet", "--port", "0"]
    command += ["--data", str(settings.data), "--db", settings.db_url]
    command += ["--workers", str(sizes.workers), "--pushes", str(sizes.pushes)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline().split()
        try:
            assert said[:2] == ["listening", "on"], said
            yield said[2], server.pid
        finally:
            server.terminate()
            server.wait(_SERVE_S)


def _code(cloud: Cloud, store: str) -> str:
    return cloud.db.write(
        lambda connection: make_enrol_code(connection, store, now_ms=cloud.clock(), minutes=60)
    ).code


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


def told(figures: Figures) -> str:
    """Return the figures as lines, those with a budget first."""
    lines = []
    for name, (sign, limit) in BUDGETS.items():
        kept = figures[name] <= limit if sign == "≤" else figures[name] >= limit
        lines.append(
            f"{name:36} {figures[name]:>10,}   {sign} {limit:<7,} {'' if kept else 'MISSED'}"
        )
    rest = [name for name in figures if name not in BUDGETS]
    return "\n".join([*lines, "", *(f"{name:36} {figures[name]:>10,}" for name in rest)])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    print(told(measure(QUICK if "--quick" in sys.argv else Sizes())))
