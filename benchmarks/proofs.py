"""What a proof of payment costs the till: reading, verifying and comparing it, and the whole way from the
scanned text to a durable sale on the real store. And how dense an order's QR is, by its lines."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from app.ports import UnitOfWork
from app.services.proofs import judge_proof
from tests.unit.services.offline import pin, proof_for, shown_offline
from tests.unit.services.till import Till
from tests.unit.wire.test_portable import version_of

LINES = (1, 5, 10, 15, 20, 30, 40)


def measure(times: int) -> dict[str, float]:
    """Return medians and 95th percentiles in milliseconds, and QR versions."""
    with TemporaryDirectory(prefix="guidepos-proofs-") as folder:
        till = Till(Path(folder) / "till.db")
        try:
            pin(till)
            figures = _verifying(till, times) | _whole(till, max(times // 10, 5))
        finally:
            till.close()
    return figures | {f"order_qr_version_{lines}": version_of(lines) for lines in LINES}


def _verifying(till: Till, times: int) -> dict[str, float]:
    attempt = till.attempt(shown_offline(till))
    text = proof_for(till, attempt.attempt_id)
    now = till.clock.now()

    def judged(uow: UnitOfWork) -> tuple[list[float], list[float]]:
        took, worked = [], []
        for _ in range(times):
            started, at_work = time.perf_counter(), time.thread_time()
            judge_proof(uow, attempt, text, now)
            worked.append((time.thread_time() - at_work) * 1e3)
            took.append((time.perf_counter() - started) * 1e3)
        return took, worked

    took, worked = till.do(judged)
    # The processor's own time leaves out what others on the machine took from it.
    return _told("proof_verify", took) | _told("proof_verify_cpu", worked)


def _whole(till: Till, times: int) -> dict[str, float]:
    took = []
    for _ in range(times):
        attempt_id = shown_offline(till)
        text = proof_for(till, attempt_id)
        started = time.perf_counter()
        news = till.payments.prove(text, attempt_id).result()
        took.append((time.perf_counter() - started) * 1e3)
        assert news.sale is not None
    return _told("proof_to_sale", took)


def _told(name: str, took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {
        f"{name}_ms": round(statistics.median(ordered), 3),
        f"{name}_p95_ms": round(ordered[int(len(ordered) * 0.95)], 3),
    }
