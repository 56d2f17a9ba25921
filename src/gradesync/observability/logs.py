"""What operators see: JSON logs and Prometheus metrics. No scores, no names, no secrets in either."""

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

from gradesync.observability.tracing import trace_id

HIDDEN = frozenset(
    {
        *("authorization", "password", "secret", "client_secret", "consumer_secret", "secret_keys", "token"),
        *("id_token", "access_token", "subject_token", "database_url", "migrate_database_url", "redis_url"),
    }
)


def configure_logging(level: str, form: Literal["json", "text"]) -> None:
    """Send every log line, the libraries' included, to standard error in one form."""
    shared: list[Processor] = [
        merge_contextvars,
        _tell_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_where,
        _first_line,
        _hide,
    ]
    stamina.instrumentation.set_on_retry_hooks([_tell_of_retry])
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(pad_event_to=0, colors=sys.stderr.isatty())
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
            # Libraries say what they sign and where they send it, at the levels below.
            "root": {"handlers": ["stderr"], "level": "ERROR" if level == "error" else "WARNING"},
            "loggers": {"gradesync": {"level": level.upper()}},
        }
    )


def _tell_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if found := trace_id():
        event["trace_id"] = found
    return event


def _tell_where(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Tell the type of an exception and where it was raised: what it says may hold anything, also a score."""
    found = event.pop("exc_info", None)
    error = sys.exception() if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = "".join(_account(error))
    return event


def _account(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _account(cause)
        yield "then:\n"
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
    yield from _frames(error.__traceback__)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _account(one)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        yield f"  {frame.filename}:{frame.lineno} {frame.name}\n"


def _first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Libraries put what they were doing into the first line, and what they were doing it with below."""
    event["event"] = str(event.get("event", "")).partition("\n")[0]
    return event


def _tell_of_retry(details: stamina.instrumentation.RetryDetails) -> None:
    """In place of the library's own line, which repeats arguments and what errors say."""
    structlog.get_logger(__name__).info(
        "trying again",
        attempt=details.retry_num,
        error=type(details.caused_by).__name__,
        seconds=round(details.wait_for, 2),
    )


def _hide(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: "[hidden]" if key in HIDDEN else value for key, value in event.items()}


def exposition() -> tuple[bytes, str]:
    """The metrics of this process, and their content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
