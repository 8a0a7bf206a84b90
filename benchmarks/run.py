"""All figures of the till on this machine, by flat name, with what each is held to.

Each part runs in processes of its own, one after the other; the cloud is always another process. The
parts and what they measure are named in `PARTS`.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import cold_start, commit_ratio, throughput
from benchmarks.searches import SCANS, SEARCHES, steps
from benchmarks.shops import BENCH, SIZES, shop
from benchmarks.tills import Floor, floor, run_python

BUDGETS: dict[str, tuple[str, float]] = {
    "scan_row_p95_ms_1k": ("≤", 16),
    "scan_row_p95_ms_100k": ("≤", 16),
    "scan_row_p99_ms_100k": ("≤", 33),
    "search_p95_ms_100k": ("≤", 20),
    "search_p99_ms_100k": ("≤", 40),
    "pay_qr_ms": ("≤", 150),
    "confirmed_p95_ms": ("≤", 300),
    "confirmed_crowd_ratio": ("≤", 2),
    "commit_ratio_p50": ("≤", 1.5),
    "commit_ratio_p99": ("≤", 3),
    "cold_start_s_1k": ("≤", 1.2),
    "cold_start_s_100k": ("≤", 1.2),
    "cold_start_more_s_100k": ("≤", 0.1),
    "peak_rss_mb": ("≤", 200),
    "proof_verify_ms": ("≤", 5),
    "proof_verify_cpu_p95_ms": ("≤", 5),
    "order_qr_version_20": ("≤", 15),
    "replay_invoices_per_s": ("≥", 120),
    "push_sales_per_s": ("≥", 1_000),
    "bootstrap_s": ("≤", 15),
    "camera_frame_p50_ms": ("≤", 40),
    "camera_frame_p95_ms": ("≤", 80),
    "pictures_right": ("≥", 239),
    "pictures_wrong": ("≤", 1),
    "pictures_false": ("≤", 0),
    "cloud_sales_per_s": ("≥", 3_500),
    "cloud_batch_p99_s": ("≤", 2),
    "cloud_ratio_to_bare": ("≥", 0.4),
    "cloud_lost": ("≤", 0),
    "cloud_foreign_errors": ("≤", 0),
    "drain_s": ("≤", 180),
    "drain_stall_max_ms": ("≤", 50),
    "drain_search_p95_ms": ("≤", 20),
    "drain_more_mb": ("≤", 40),
    "drain_lost": ("≤", 0),
    "reconcile_s_sqlite": ("≤", 60),
    "reconcile_s_postgresql": ("≤", 60),
    "reconcile_more_mb_sqlite": ("≤", 400),
    "reconcile_more_mb_postgresql": ("≤", 400),
    "reconcile_growth_sqlite": ("≤", 2),
    "reconcile_growth_postgresql": ("≤", 2),
}
"""What a figure is held to; the others are told for understanding."""

REPETITIONS = 230
"""Of each of nine kinds, interleaved."""
PAYMENTS = 31

Figures = dict[str, float]


def run(only: Iterable[str] = (), *, quick: bool = False, folder: Path = BENCH) -> Figures:
    """Measure all parts, or only the named ones; return flat figures."""
    wanted = tuple(only) or tuple(PARTS)
    figures: Figures = {}
    with floor(folder) as ground:
        for name in wanted:
            _say(f"measuring {name} …")
            figures |= PARTS[name](ground, quick)
    return figures


def run_cloud(only: Iterable[str] = (), *, quick: bool = False) -> Figures:
    """Measure the cloud on a private PostgreSQL; return flat figures. Raises LookupError without one."""
    figures: Figures = {}
    for name in tuple(only) or tuple(CLOUD_PARTS):
        _say(f"measuring {name} …")
        figures |= CLOUD_PARTS[name](quick)
    return figures


def is_kept(name: str, figure: float) -> bool:
    """Tell whether a figure keeps its budget; one without a budget does."""
    sign, limit = BUDGETS.get(name, ("≤", float("inf")))
    return figure <= limit if sign == "≤" else figure >= limit


def _frames(ground: Floor, quick: bool) -> Figures:
    """Events to frames at both sizes, tap to QR, and the most memory, in the till's own process."""
    figures: Figures = {}
    for size, skus in SIZES.items():
        _say(f"  at {skus:,} SKUs …")
        told = _in_the_window(ground, skus, quick)
        for percent in ("p50", "p95", "p99"):
            worst = {
                name: max(told[k][f"{percent}_ms"] for k in kinds) for name, kinds in _WORST.items()
            }
            figures |= {f"{name}_{percent}_ms_{size}": ms for name, ms in worst.items()}
        for kind in (*SCANS, *SEARCHES, "floor"):
            figures |= {f"{kind}_{what}_{size}": ms for what, ms in told[kind].items()}
        figures[f"stalls_{size}"] = told["stalls"]
        figures[f"pay_qr_ms_{size}"] = round(statistics.median(told["pay_ms"]), 1)
        figures[f"peak_rss_mb_{size}"] = told["peak_rss_mb"]
        if size == "100k":
            figures["frame_floor_p95_ms"] = told["floor"]["p95_ms"]
            figures["pay_qr_ms"] = figures["pay_qr_ms_100k"]
            figures["peak_rss_mb"] = told["peak_rss_mb"]
    return figures


_WORST = {"scan_row": SCANS, "search": SEARCHES}


def _in_the_window(ground: Floor, skus: int, quick: bool) -> dict[str, Any]:
    home = ground.enrolled(f"frames-{skus}", skus)
    plan = ground.run / f"steps-{skus}.json"
    plan.write_bytes(msgspec.json.encode(steps(shop(skus), 20 if quick else REPETITIONS)))
    pictures = ground.folder / f"pictures-{skus}"
    told = run_python(
        "benchmarks.frames",
        [str(home), str(plan), "--pay", str(5 if quick else PAYMENTS), "--pictures", str(pictures)],
    )
    return dict(msgspec.json.decode(told))


def _commit(_ground: Floor, quick: bool) -> Figures:
    """A durable sale of five lines against its own statements run bare, interleaved."""
    return commit_ratio.measure(300 if quick else 1_500, 2_000)


def _cold_start(ground: Floor, quick: bool) -> Figures:
    """Process start to a usable sell screen, both sizes in turn."""
    homes = {size: ground.enrolled(f"start-{size}", skus) for size, skus in SIZES.items()}
    took = cold_start.started(homes, 3 if quick else cold_start.STARTS)
    figures: Figures = {}
    for size, starts in took.items():
        stages = cold_start.medians(starts)
        figures[f"cold_start_s_{size}"] = stages.pop("sell")
        figures |= {f"cold_start_{stage}_s_{size}": at for stage, at in stages.items()}
    more = figures["cold_start_s_100k"] - figures["cold_start_s_1k"]
    figures["cold_start_more_s_100k"] = round(more, 3)
    return figures


def _replay(ground: Floor, quick: bool) -> Figures:
    """Recorded invoices through the till's services, one by one."""
    return throughput.replayed(ground, 300 if quick else 3_000)


def _push(ground: Floor, quick: bool) -> Figures:
    """Sales to the embedded cloud over HTTP, received, checked and projected."""
    return throughput.pushed(ground, 1_000 if quick else 10_000)


def _proofs(_ground: Floor, quick: bool) -> Figures:
    """A proof of payment on the till, and how dense the QR of an order is that carries its lines."""
    from benchmarks import proofs  # brings the tests' till

    return proofs.measure(200 if quick else 2_000)


def _bootstrap(ground: Floor, quick: bool) -> Figures:
    """A new till filled with 100,000 SKUs and as many members, from a cloud in another process."""
    size = 5_000 if quick else 100_000
    kept = ground.folder / f"cloud-{size}"
    arguments = [str(ground.run / "new"), str(kept), str(size), str(size)]
    return dict(msgspec.json.decode(run_python("benchmarks.bootstrapping", arguments)))


def _decoding(_ground: Floor, quick: bool) -> Figures:
    """Camera frames to codes, and the recorded pictures where they lie beside the checkout."""
    told = run_python("benchmarks.decoding", ["6" if quick else "30"])
    return dict(msgspec.json.decode(told))


def _confirmation(ground: Floor, quick: bool) -> Figures:
    """From the wallet's yes to "paid" on the screen, alone and with 500 tills waiting at the same cloud."""
    from benchmarks import confirmation  # brings the cloud's libraries

    return confirmation.measure(ground, 5 if quick else 60, 20 if quick else confirmation.WAITING)


def _load(quick: bool) -> Figures:
    """Many tills that push for a minute, flat out, and at ten times of what is offered."""
    from benchmarks import cloud_load  # brings the cloud's libraries

    return cloud_load.measure(cloud_load.QUICK if quick else cloud_load.Sizes())


def _drain(quick: bool) -> Figures:
    """One till that comes back with a hundred thousand sales while somebody searches on it."""
    from benchmarks import drain  # brings Qt and the cloud's libraries

    return drain.measure(3_000 if quick else 100_000)


def _reconcile(quick: bool) -> Figures:
    """A bill of a hundred thousand lines compared with the ledger, and how that grows from a tenth of it."""
    from benchmarks import reconciling  # brings the cloud's libraries and the tests' bills

    return reconciling.measure(5_000, 1_000) if quick else reconciling.measure()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


PARTS: dict[str, Callable[[Floor, bool], Figures]] = {
    "frames": _frames,
    "cold_start": _cold_start,
    "commit": _commit,
    "replay": _replay,
    "push": _push,
    "bootstrap": _bootstrap,
    "decoding": _decoding,
    "proofs": _proofs,
    "confirmation": _confirmation,
}
"""What can be measured, by the name `--only` takes."""

CLOUD_PARTS: dict[str, Callable[[bool], Figures]] = {
    "load": _load,
    "drain": _drain,
    "reconcile": _reconcile,
}
"""What can be measured of the cloud on PostgreSQL, by the same."""
