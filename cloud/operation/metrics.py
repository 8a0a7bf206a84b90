"""Figures for Prometheus. Several workers write theirs into one folder, and any of them tells all.

Knows names and kinds of figures only; whoever counts is elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that names the common folder of several workers, for the library."""
CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one worker. Callable from any thread."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._requests = self._histogram(
            "guidepos_request_seconds",
            "Time from a request's first byte to the end of its answer, streams left out",
            ("method", "route", "status"),
        )
        self._pushes = self._counter("guidepos_pushes", "Pushes of journal records", ("outcome",))
        self._records = self._counter("guidepos_records", "Records received", ("verdict",))
        self._refusals = self._counter(
            "guidepos_admission_refusals", "Requests that were asked to come again", ("reason",)
        )
        self._retries = self._counter(
            "guidepos_database_retries",
            "Transactions run again at the engine's wish",
            ("sqlstate",),
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request by the template of its route."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def push(self, outcome: str, verdicts: Iterable[str] = ()) -> None:
        """Count a push: "taken", or the code of its refusal."""
        self._pushes.labels(outcome).inc()
        for verdict in verdicts:
            self._records.labels(verdict).inc()

    def refusal(self, reason: str) -> None:
        """Count a request that was turned away for now."""
        self._refusals.labels(reason).inc()

    def retry(self, sqlstate: str) -> None:
        """Count a transaction that is run again."""
        self._retries.labels(sqlstate).inc()

    def told(self, gauges: dict[str, tuple[str, float]]) -> bytes:
        """Return everything in Prometheus' text form, with the gauges {name: (meaning, value)} of now."""
        everything = CollectorRegistry()
        if os.environ.get(FOLDER):
            MultiProcessCollector(everything)  # type: ignore[no-untyped-call]
        else:
            everything.register(_Told(self._own.collect))
        everything.register(_Told(lambda: _gauges(gauges)))
        return generate_latest(everything)

    def _counter(self, name: str, meaning: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, meaning, labels, registry=self._own)

    def _histogram(self, name: str, meaning: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, meaning, labels, registry=self._own, buckets=_SECONDS)


class _Told:
    """A collector of what a function returns."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.collect = collect


def _gauges(values: dict[str, tuple[str, float]]) -> Iterator[Metric]:
    for name, (meaning, value) in values.items():
        yield GaugeMetricFamily(name, meaning, value=value)
