"""A day's bill compared with the ledger, on both engines, in a process that does nothing else.

    python -m benchmarks.reconciling DATA DB_URL prepare PAYMENTS
    python -m benchmarks.reconciling DATA DB_URL take

The first writes two days of a shop with differences in them and takes the first one's bill in; the second
takes in the other, which compares both days, and prints seconds, megabytes and what it found.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks import ROOT, memory
from benchmarks.postgresql import opened, private_place
from cloud.settings import Settings

LINES, FEWER = 100_000, 10_000
PLANTED = 50
REFUNDED = 1.1
"""Lines of a bill for each payment: one in ten goes back."""
PROVIDER = "alipay"
SEED = 20_261_126
_BILL = "bill.zip"


class Taken(msgspec.Struct):
    """What one taking in came to."""

    seconds: float
    cpu_s: float
    """Of our own process: the server's share is not in it."""
    more_mb: float
    lines: int
    found: int


def measure(lines: int = LINES, fewer: int = FEWER) -> dict[str, float]:
    """Measure both sizes on both engines. Raises LookupError without PostgreSQL's programs."""
    figures: dict[str, float] = {}
    with private_place() as place, tempfile.TemporaryDirectory() as folder:
        server = place.settings.db_url.rsplit("/", 1)[0]
        for engine in ("sqlite", "postgresql"):
            taken = []
            for size in (fewer, lines):
                name = f"{engine}_{size}"
                if engine == "postgresql":
                    with place.admin.connect() as admin:
                        admin.exec_driver_sql(f"CREATE DATABASE {name}")
                url = f"{server}/{name}" if engine == "postgresql" else ""
                taken.append(_taken(Path(folder) / name, url, size))
            figures |= _told(engine, *taken)
    return figures


def _told(engine: str, small: Taken, large: Taken) -> dict[str, float]:
    each = large.seconds / large.lines, small.seconds / small.lines
    return {
        f"reconcile_s_{engine}": round(large.seconds, 1),
        f"reconcile_cpu_s_{engine}": round(large.cpu_s, 1),
        f"reconcile_more_mb_{engine}": round(large.more_mb),
        f"reconcile_lines_{engine}": large.lines,
        f"reconcile_found_{engine}": large.found,
        f"reconcile_growth_{engine}": round(each[0] / each[1], 2),
    }


def _taken(data: Path, url: str, lines: int) -> Taken:
    _run(data, url, "prepare", str(round(lines / REFUNDED)))
    return msgspec.json.decode(_run(data, url, "take"), type=Taken)


def _run(data: Path, url: str, *asked: str) -> str:
    command = [sys.executable, "-m", "benchmarks.reconciling", str(data), url, *asked]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


# --- the process ----------------------------------------------------------------------------------


def prepare(settings: Settings, payments: int) -> None:
    """Live two days; take the first one's bill in, and keep the second's for later."""
    from tests.cloud.billing import days, open_account

    with opened(settings) as cloud:
        account = open_account(cloud, PROVIDER, SEED)
        first, second = (account.day(day, payments, PLANTED) for day in days(2))
        with cloud.db.begin() as books:
            books.exec_driver_sql("ANALYZE")  # as the server does by itself a minute later
        account.reconciliation.read(PROVIDER, account.file(first), "file", first.day)
        (settings.data / _BILL).write_bytes(account.file(second))


def take(settings: Settings) -> Taken:
    """Take the second day's bill in."""
    from tests.cloud.billing import days, open_account

    with opened(settings) as cloud:
        account = open_account(cloud, PROVIDER, SEED)
        file = (settings.data / _BILL).read_bytes()
        before, began, worked = memory.now_mb(), time.perf_counter(), time.process_time()
        result = account.reconciliation.read(PROVIDER, file, "file", days(2)[1])
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - worked
    return Taken(seconds, cpu_s, memory.peak_mb() - before, result.lines, result.found)


def main() -> int:
    """Do what the command line asks."""
    data, url, what, *more = sys.argv[1:]
    settings = Settings(data=Path(data), db_url=url)
    if what == "prepare":
        prepare(settings, int(more[0]))
    else:
        print(msgspec.json.encode(take(settings)).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
