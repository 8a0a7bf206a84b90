"""A year of a busy store in one tablet: 250,000 sales of five lines behind 100,000 SKUs.

    python -m benchmarks.year HOME [--sales 250000] [--only size cold_start commit frames]

makes the store in HOME unless one is there already, everything in it long at the cloud, and prints
what a guide would feel: the file's size, the cold start, the durable commit against its own
statements, and searches on screen. Each figure is held to the budget a new till has.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from app.devices.secrets import STORE_KEY, choose_keeper
from app.domain.times import Moment, business_date
from app.ports import UnitOfWork
from benchmarks import cold_start, commit_ratio
from benchmarks.run import BUDGETS, Figures, is_kept
from benchmarks.searches import SEARCHES, quantile, steps
from benchmarks.shops import BENCH, copied, shop, template
from benchmarks.throughput import record_sales
from benchmarks.tills import run_python
from guidepos.bootstrap import open_till
from resources.demo.shop import demo_shop

SALES, SKUS = 250_000, 100_000
_DAY_MS = 86_400_000
_OPEN_MS = 12 * 3_600_000


def make(home: Path, sales: int, skus: int = SKUS) -> None:
    """Make the store in `home`: sales spread over the year before now, the cloud's mark at their end."""
    till = open_till(copied(template(skus), home))
    now = till.clock.now()
    per_day = max(1, sales // 365)

    def at(number: int) -> Moment:
        day, place = divmod(number, per_day)
        ms = now.server_ms - (sales // per_day - day) * _DAY_MS + place * _OPEN_MS // per_day
        return Moment(ms, now.mono_ms, now.boot_id, ms, now.quality)

    def all_sent(uow: UnitOfWork) -> None:
        head = uow.head()
        assert uow.mark_received(head.seq, head.hash, now.server_ms)

    try:
        record_sales(till, sales, at)
        till.store.run(all_sent).result()
    finally:
        till.close()


def _size(home: Path, sales: int) -> Figures:
    """The file, and what a sale takes of it."""
    size = (home / "store.db").stat().st_size
    empty = (template(SKUS) / "store.db").stat().st_size
    return {
        "year_file_mb": round(size / 1e6, 1),
        "year_bytes_per_sale": round((size - empty) / sales, 1),
    }


def _cold_start(home: Path, _sales: int) -> Figures:
    """Process start to a usable sell screen, in turn with the same shop on its first day."""
    homes = {"year": home, "new": template(SKUS)}
    took = {
        name: [each["sell"] for each in starts]
        for name, starts in cold_start.started(homes).items()
    }
    return {
        "cold_start_s_year": round(statistics.median(took["year"]), 3),
        "cold_start_s_same_shop_new": round(statistics.median(took["new"]), 3),
    }


def _commit(home: Path, _sales: int) -> Figures:
    """A durable sale of five lines against its own statements, both in copies of this store."""
    key = choose_keeper(home).read(STORE_KEY)
    assert key is not None
    goods = {sku.sku_id for sku in demo_shop(members=0).skus}
    rows = [row for row in commit_ratio.rows_in(home / "store.db", key) if row.sku_id in goods]
    figures = commit_ratio.measure_on(home / "store.db", key, rows, 1_500)
    return {f"{name}_year": figure for name, figure in figures.items()}


def _frames(home: Path, _sales: int) -> Figures:
    """Searches from the key to the frame, in the till's own window, beside the same shop when new."""
    plan = home.with_name(home.name + "-steps.json")
    searches = [step for step in steps(shop(SKUS), 230) if step.kind in SEARCHES]
    plan.write_bytes(msgspec.json.encode(searches))
    figures: Figures = {}
    for name, store in {"same_shop_new": template(SKUS), "year": home}.items():
        till = copied(store, home.with_name(f"{home.name}-frames"))  # a cart is left open in it
        told = json.loads(
            run_python("benchmarks.frames", [str(till), str(plan), "--offline"], 1_800)
        )
        shutil.rmtree(till)
        for percent in ("p50", "p95", "p99"):
            worst = max(told[kind][f"{percent}_ms"] for kind in SEARCHES)
            figures[f"search_{percent}_ms_{name}"] = worst
        looked = [told[kind]["mean_looking_up_ms"] for kind in SEARCHES]
        figures[f"search_mean_looking_up_ms_{name}"] = max(looked)
        figures[f"peak_rss_mb_{name}"] = told["peak_rss_mb"]
    return figures


def _look_ups(home: Path, _sales: int) -> Figures:
    """What the screens ask of the store, as time of the processor, beside the same shop when new: what
    else the machine does is left out of it."""
    took: dict[str, dict[str, list[float]]] = {}
    tills = {"same_shop_new": open_till(template(SKUS)), "year": open_till(home)}
    searches = [step.text for step in steps(shop(SKUS), 230) if step.kind in SEARCHES]
    try:
        for number, text in enumerate(searches):
            for name, till in tills.items():
                reader = till.store.reader
                now = till.clock.now()
                asked: dict[str, Callable[[], object]] = {
                    "search": lambda reader=reader, text=text: reader.style_cards(text=text),  # type: ignore[misc]
                    "status": reader.sync_status,
                }
                if number % 10 == 0:
                    day = business_date(now)
                    guide = reader.people()[number // 10 % 5].person_id
                    asked |= {
                        "history": reader.documents,
                        "history_of_day": lambda reader=reader, day=day: reader.documents(day=day),  # type: ignore[misc]
                        "receipt_end": lambda reader=reader: reader.documents(text="001234"),  # type: ignore[misc]
                        "my_sales": lambda reader=reader, guide=guide, day=day: reader.earnings(  # type: ignore[misc]
                            guide, day
                        ),
                    }
                for what, ask in asked.items():
                    start = time.thread_time()
                    ask()
                    spent = (time.thread_time() - start) * 1_000
                    took.setdefault(what, {}).setdefault(name, []).append(spent)
    finally:
        for till in tills.values():
            till.close()
    return {
        f"{what}_cpu_{percent}_ms_{name}": round(quantile(ms, int(percent[1:])), 2)
        for what, by_name in took.items()
        for name, ms in by_name.items()
        for percent in ("p50", "p95", "p99")
    }


PARTS: dict[str, Callable[[Path, int], Figures]] = {
    "size": _size,
    "cold_start": _cold_start,
    "commit": _commit,
    "look_ups": _look_ups,
    "frames": _frames,
}

_HELD_TO = {
    "cold_start_s_year": "cold_start_s_100k",
    "commit_ratio_p50_year": "commit_ratio_p50",
    "commit_ratio_p99_year": "commit_ratio_p99",
    "search_p95_ms_year": "search_p95_ms_100k",
    "search_p99_ms_year": "search_p99_ms_100k",
}
"""Which of a new till's budgets a figure is held to."""


def main() -> int:
    """Print the figures, one a line; status 1 if one misses its budget."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path, nargs="?", default=BENCH / "year")
    parser.add_argument("--sales", type=int, default=SALES)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    if not (options.home / "store.db").exists():
        started = time.monotonic()
        make(options.home, options.sales)
        took = time.monotonic() - started
        print(f"made {options.sales:,} sales in {took:.0f} s", file=sys.stderr)
    missed = 0
    for part in options.only:
        for name, figure in PARTS[part](options.home, options.sales).items():
            held_to = _HELD_TO.get(name, "")
            kept = not held_to or is_kept(held_to, figure)
            budget = " ".join(map(str, BUDGETS[held_to])) if held_to else ""
            print(f"{name:32} {figure:>10,}   {budget:10} {'' if kept else 'MISSED'}", flush=True)
            missed += not kept
    print(f"load average {', '.join(f'{load:.2f}' for load in os.getloadavg())}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
