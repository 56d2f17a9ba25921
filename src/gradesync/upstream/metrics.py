"""Measure the calls to upstream systems. Labels are of closed sets: no address or body is one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from prometheus_client import Counter, Histogram

from gradesync.observability.tracing import span

CALLS = Counter(
    "gradesync_upstream_calls_total", "Calls to upstream systems, by response.", ["system", "kind", "status"]
)
CALL_SECONDS = Histogram(
    "gradesync_upstream_call_seconds",
    "Time from sending to the last byte of the response.",
    ["system", "kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30),
)
RETRIES = Counter("gradesync_upstream_retries_total", "Calls that were sent once more.", ["system", "kind"])
WAIT_SECONDS = Histogram(
    "gradesync_budget_wait_seconds",
    "Time that a call waits for its slot in the call budget.",
    ["system"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)
KNOWN = frozenset(HTTPStatus)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class CallResult:
    """Hold the result of one call.

    `status` is the HTTP status of its response, or `unsent`, `timeout`, `lost` (no whole response came),
    `too-large`, or `cancelled`.
    """

    status: str = "cancelled"

    @property
    def is_answered(self) -> bool:
        """Return whether the upstream gave a response that a caller can use."""
        return self.status == "other" or self.status.startswith(("1", "2", "3", "4"))

    def record_status(self, code: int) -> None:
        """Set the HTTP status of the response."""
        # Upstreams may send any number, and every one of them would be a series for ever.
        self.status = str(code) if code in KNOWN else "other"


@contextmanager
def measure_call(system: str, kind: str) -> Iterator[CallResult]:
    """Measure one call. `kind` is one of the names that our own code gives to calls."""
    result = CallResult()
    started = time.perf_counter()
    attributes = {"gradesync.system": system, "gradesync.kind": kind}
    with span(f"{system} {kind}", attributes, kind="client") as call_span:
        try:
            yield result
        finally:
            call_span.set_attributes({"gradesync.status": result.status})
            if not result.is_answered:
                call_span.fail()
            _record(system, kind, result.status, time.perf_counter() - started)


def _record(system: str, kind: str, status: str, seconds: float) -> None:
    CALLS.labels(system, kind, status).inc()
    CALL_SECONDS.labels(system, kind).observe(seconds)
    log.debug("upstream call", system=system, kind=kind, status=status, seconds=seconds)
