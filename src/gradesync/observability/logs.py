"""Write JSON logs and render Prometheus metrics. No scores, no names, no secrets in either."""

import logging
import logging.config
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Literal

import stamina.instrumentation
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from structlog.contextvars import merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from gradesync.errors import DatabaseAway
from gradesync.observability.tracing import trace_id

HIDDEN = frozenset(
    {
        *("authorization", "password", "secret", "client_secret", "consumer_secret", "secret_keys", "token"),
        *("id_token", "access_token", "subject_token", "database_url", "migrate_database_url", "redis_url"),
    }
)
# Starlette's own words for an error with a handler that comes too late.
BROKEN_OFF = "Caught handled exception, but response already started."


def configure_logging(level: str, form: Literal["json", "text"]) -> None:
    """Send every log line, the libraries' included, to standard error in one form."""
    shared: list[Processor] = [
        merge_contextvars,
        _add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _render_exception,
        _keep_first_line,
        _hide_secrets,
    ]
    stamina.instrumentation.set_on_retry_hooks([_log_retry])
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(pad_event_to=0, colors=sys.stderr.isatty())
    )
    wrap = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, wrap],
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
            # At the levels below, libraries log what they sign and where they send it.
            "root": {"handlers": ["stderr"], "level": "ERROR" if level == "error" else "WARNING"},
            "loggers": {"gradesync": {"level": level.upper()}},
        }
    )


def _add_trace_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if current := trace_id():
        event["trace_id"] = current
    return event


def _render_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Render the type of an exception and where it was raised. Its text may hold anything, also a score.

    Of an outage only the cause: where the code was then is of no use.
    """
    info = event.pop("exc_info", None)
    error = sys.exception() if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        if (outage := _find_outage(error)) is not None:
            event.setdefault("error", outage.cause)
        else:
            event["exception"] = "".join(_exception_lines(error))
    return event


def _find_outage(error: BaseException) -> DatabaseAway | None:
    """Return the outage that an error is, or that broke off a response in its middle."""
    if isinstance(error, RuntimeError) and error.args == (BROKEN_OFF,):
        error = error.__cause__ or error
    return error if isinstance(error, DatabaseAway) else None


def _exception_lines(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _exception_lines(cause)
        yield "then:\n"
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
    yield from _frames(error.__traceback__)
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _exception_lines(member)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        yield f"  {frame.filename}:{frame.lineno} {frame.name}\n"


def _keep_first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep the first line of an event: below it, libraries write the data they were working on."""
    event["event"] = str(event.get("event", "")).partition("\n")[0]
    return event


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    """Log a retry in place of the library's own line, which repeats arguments and the text of errors."""
    structlog.get_logger(__name__).info(
        "trying again",
        attempt=details.retry_num,
        error=type(details.caused_by).__name__,
        seconds=round(details.wait_for, 2),
    )


def _hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: "[hidden]" if key in HIDDEN else value for key, value in event.items()}


def render_metrics() -> tuple[bytes, str]:
    """Return the metrics of this process as Prometheus reads them, and their content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
