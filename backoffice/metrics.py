"""Figures for Prometheus: what the layers tell of themselves, and how the store stands.

Where several processes serve, as under gunicorn, ``PROMETHEUS_MULTIPROC_DIR`` names the folder in
which each keeps its own, before this is imported; whoever is asked adds them up.
"""

import os
import threading
from collections import Counter as Count
from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit import seals
from audit import settings as archive
from backoffice.jobs.services import open_jobs
from dynamodb import measures
from dynamodb.errors import StoreError
from dynamodb.times import utc_now
from payments.alerts import queries

KEPT = timedelta(minutes=1)
"""How the store stands is read at most so often, in a dozen requests, whoever asks."""
DAYS_LOOKED_BACK = 31

_OPERATION = ["operation"]
_FIGURES: dict[str, Counter | Histogram] = {
    "transfer": Histogram(
        "payments_transfer_seconds", "Transfers by the way in and outcome.", ["way", "outcome"]
    ),
    "page": Histogram("backoffice_page_seconds", "Pages by address.", ["view", "outcome"]),
    "job": Histogram("backoffice_job_seconds", "Background jobs.", ["kind", "outcome"]),
    "call": Histogram(
        "dynamodb_call_seconds", "Calls, repeats included.", ["operation", "outcome"]
    ),
    "requests": Counter("dynamodb_requests", "Requests sent, repeats included.", _OPERATION),
    "capacity": Counter("dynamodb_capacity_units", "Units read or written.", _OPERATION),
    "conflict": Counter("dynamodb_conflicts", "Writes for which others were faster.", _OPERATION),
    "retry": Counter("dynamodb_retries", "Pauses before something was tried again."),
}


class _Store(Collector):
    """How the store stands; read when it is asked for, and kept for a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._found: list[GaugeMetricFamily] = []

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        at = utc_now()
        with self._lock:
            if self._read_at is None or at - self._read_at >= KEPT:
                self._read_at, self._found = at, list(_standing(at))
            yield from self._found


def _standing(at: datetime) -> Iterator[GaugeMetricFamily]:
    is_up = 1
    try:
        alerts = queries.overview(at)
        waiting = {str(state): float(number) for state, number in alerts.by_state.items()}
        yield _gauge("payments_alerts_waiting", "Alerts not resolved, to 500.", waiting)
        yield GaugeMetricFamily("payments_alerts_overdue", "Of those, past due.", alerts.overdue)
        jobs = Count(str(job.state) for job in open_jobs())
        yield _gauge("backoffice_jobs_open", "Jobs that are not over.", jobs)
        if archive.settings().bucket:
            found = seals.recent(last=seals.last_due_day(at), count=DAYS_LOOKED_BACK)
            lag = next((late for late, seal in enumerate(found.values()) if seal), len(found))
            yield GaugeMetricFamily("audit_unsealed_days", "Days due without a seal.", lag)
    except StoreError:
        is_up = 0
    yield GaugeMetricFamily("store_up", "Whether the store could be read.", is_up)


def _gauge(name: str, about: str, values: "dict[str, float] | Count[str]") -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, about, labels=["state"])
    for state, value in values.items():
        gauge.add_metric([state], value)
    return gauge


_store = _Store()


def begin() -> None:
    """Count from now on what this process does."""
    measures.listen(_hear)
    REGISTRY.register(_store)


def serve(address: str) -> None:
    """Count, and answer Prometheus at ``host:port``, in a thread; ``OSError`` if it is taken."""
    begin()
    host, _, port = address.rpartition(":")
    start_http_server(int(port), addr=host)


def exposition() -> bytes:
    """All figures as Prometheus reads them: of every process beside this one, if there are any."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_store)
    return generate_latest(registry)


def _hear(name: str, value: float, of: dict[str, str]) -> None:
    figure = _FIGURES[name]
    child = figure.labels(**of) if of else figure
    if isinstance(child, Histogram):
        child.observe(value)
    else:
        child.inc(value)
