"""What operators see: JSON logs and Prometheus metrics. No scores, no names, no secrets in either."""

import logging
import logging.config
from typing import Literal

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["bound_contextvars"]

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 900)

SYNCS = Counter("gradesync_syncs_total", "Syncs settled.", ["status", "reason"])
SYNC_SECONDS = Histogram("gradesync_sync_seconds", "From request to settled.", buckets=SECONDS)
STAGE_SECONDS = Histogram(
    "gradesync_stage_seconds", "Time in one stage of a sync.", ["stage"], buckets=SECONDS
)
OUTCOMES = Counter("gradesync_outcomes_total", "Assignments and scores by outcome.", ["kind", "result"])
LEASES_LOST = Counter("gradesync_leases_lost_total", "Leases that ended under a working worker.")
SWEEPS = Counter("gradesync_sweeps_total", "Sweeps for lost and overdue syncs.", ["answer"])
WORKING = Gauge("gradesync_syncs_working", "Syncs that this worker carries now.")

HIDDEN = frozenset(
    {"authorization", "password", "client_secret", "consumer_secret", "id_token", "access_token"}
)


def configure_logging(level: str, form: Literal["json", "text"]) -> None:
    """Send every log line, the libraries' included, to standard error in one form."""
    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(pad_event_to=0)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {name: {"level": "WARNING"} for name in ("httpx", "httpcore", "arq", "alembic", "uvicorn")},
        }
    )


def _hide(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: "[hidden]" if key in HIDDEN else value for key, value in event.items()}


def exposition() -> tuple[bytes, str]:
    """The metrics of this process, and their content type."""
    return generate_latest(), CONTENT_TYPE_LATEST


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on a port of their own, for processes without an API."""
    start_http_server(port)
