"""What operators see of calls to upstream systems. Labels are of closed sets: no address or body is one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from prometheus_client import Counter, Histogram

from gradesync.observability.tracing import span

CALLS = Counter(
    "gradesync_upstream_calls_total", "Calls to upstream systems, by answer.", ["system", "kind", "status"]
)
CALL_SECONDS = Histogram(
    "gradesync_upstream_call_seconds",
    "From sending to the last byte of the answer.",
    ["system", "kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30),
)
RETRIES = Counter("gradesync_upstream_retries_total", "Calls that were sent once more.", ["system", "kind"])
WAIT_SECONDS = Histogram(
    "gradesync_budget_wait_seconds",
    "What a call waits for its place in the budget.",
    ["system"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)
KNOWN = frozenset(HTTPStatus)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class CallResult:
    """What became of one call.

    `status` is the HTTP status of its answer, or `unsent`, `timeout`, `lost` (no whole answer came),
    `too-large`, or `cancelled`.
    """

    status: str = "cancelled"

    @property
    def has_answer(self) -> bool:
        """Whether the upstream answered what a caller can go by."""
        return self.status == "other" or self.status.startswith(("1", "2", "3", "4"))

    def answered(self, code: int) -> None:
        """Upstreams may answer any number, and every one of them would be a series for ever."""
        self.status = str(code) if code in KNOWN else "other"


@contextmanager
def metered(system: str, kind: str) -> Iterator[CallResult]:
    """Measure one call. `kind` is one of the names that our own code gives to calls."""
    told = CallResult()
    started = time.perf_counter()
    facts = {"gradesync.system": system, "gradesync.kind": kind}
    with span(f"{system} {kind}", facts, kind="client") as opened:
        try:
            yield told
        finally:
            opened.tell({"gradesync.status": told.status})
            if not told.has_answer:
                opened.fail()
            _note(system, kind, told.status, time.perf_counter() - started)


def _note(system: str, kind: str, status: str, seconds: float) -> None:
    CALLS.labels(system, kind, status).inc()
    CALL_SECONDS.labels(system, kind).observe(seconds)
    log.debug("upstream call", system=system, kind=kind, status=status, seconds=seconds)
