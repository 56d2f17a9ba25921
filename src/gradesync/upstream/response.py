"""Describe a response of an upstream, measure its call, and read and write JSON with exact numbers."""

import asyncio
import json
import re
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any, Final, NoReturn, Protocol, TypeVar

import httpx
import msgspec
import structlog
from prometheus_client import Counter, Histogram

from gradesync.errors import AnswerLost, SyncStopped
from gradesync.observability.tracing import span

DEFAULT_PAUSE = 1.0
MEBIBYTE = 1 << 20
MAX_BYTES = 32 * MEBIBYTE  # of one response

First = TypeVar("First")
Second = TypeVar("Second")


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """Hold a whole response. The body of a refusal (4xx, 5xx) is cut at one mebibyte."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def date(self) -> datetime | None:
        """Return the time on the upstream's own clock, where the response has it."""
        return _http_date(self.headers.get("date", ""))


class ResponseTooLarge(SyncStopped):
    """Report more bytes than the caller reads. In smaller parts the same may still be read."""


async def until_landed(lost: AnswerLost) -> None:
    """Wait until a write that was given up has taken effect, or never will."""
    await asyncio.sleep(max(0.0, lost.lands - time.monotonic()))


async def read_each(reads: Iterable[Coroutine[Any, Any, First]]) -> list[First]:
    """Wait for reads at once, which need nothing of each other; the first failure ends them all."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read) for read in reads]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def read_both(
    first: Coroutine[Any, Any, First], second: Coroutine[Any, Any, Second]
) -> tuple[First, Second]:
    """Wait for two reads at once; the first failure ends both."""
    results: list[Any] = await read_each((first, second))
    return results[0], results[1]


class Dialect(Protocol):
    """Interpret the responses of one kind of upstream, where the status alone is not enough."""

    def throttled(self, response: UpstreamResponse, kind: str) -> float | None:
        """Return the seconds to wait, where the response means one call too many; otherwise None.

        `kind` names the call as in `Upstream.call`.
        """
        ...

    def is_answer(self, response: UpstreamResponse, kind: str) -> bool:
        """Return True for a 5xx that answers this request rather than being a failure."""
        ...


class PlainDialect:
    """Follow RFC 9110: 429 with Retry-After, and a 5xx is a failure."""

    def throttled(self, response: UpstreamResponse, kind: str) -> float | None:
        if response.status != 429:
            return None
        seconds = retry_after(response)
        return DEFAULT_PAUSE if seconds is None else seconds

    def is_answer(self, response: UpstreamResponse, kind: str) -> bool:
        return False


def retry_after(response: UpstreamResponse) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or as a date; None where it is missing."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
        return float(value)
    moment = _http_date(value)
    if moment is None:
        return None
    return max((moment - (response.date or datetime.now(UTC))).total_seconds(), 0.0)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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


# Looking a series up by its labels costs as much as counting in it; all kinds are names of our own.
_calls, _call_seconds = cache(CALLS.labels), cache(CALL_SECONDS.labels)
wait_seconds = cache(WAIT_SECONDS.labels)


def _record(system: str, kind: str, status: str, seconds: float) -> None:
    _calls(system, kind, status).inc()
    _call_seconds(system, kind).observe(seconds)
    log.debug("upstream call", system=system, kind=kind, status=status, seconds=seconds)


_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class MalformedError(Exception):
    """Report a response that is not what docs/upstream.md describes. The message quotes nothing of it."""


def encode(content: object) -> bytes:
    """Return JSON, with every `Decimal` as the literal that it prints as."""
    try:
        return _ENCODER.encode(content)
    except UnicodeEncodeError:
        return _ENCODER.encode(_replace_surrogates(content))


def _replace_surrogates(content: object) -> object:
    """Return a copy without halves of surrogate pairs: JSON can name them, and no UTF-8 can hold them."""
    if isinstance(content, str):
        return content.encode(errors="replace").decode()
    if isinstance(content, Mapping):
        return {_replace_surrogates(key): _replace_surrogates(value) for key, value in content.items()}
    return [_replace_surrogates(each) for each in content] if isinstance(content, list) else content


def decode(body: bytes) -> Any:
    """Return the JSON value, fractions as `Decimal`. Raises `MalformedError`."""
    # The standard library takes what msgspec refuses, such as halves of surrogate pairs, in thrice the time.
    with suppress(ValueError, RecursionError, ArithmeticError):
        return _DECODER.decode(body)
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, ArithmeticError) as error:  # no Decimal has every exponent
        raise MalformedError("the response is not JSON") from error


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


NUMBERS: Final = (Decimal, int)


def read_number(value: object) -> Decimal:
    """Return a JSON number without trailing zeros: 12.0 is 12. Raises `MalformedError`."""
    if not isinstance(value, NUMBERS) or isinstance(value, bool):
        raise MalformedError("a number is missing")
    try:
        return to_plain(Decimal(value))
    except ArithmeticError as error:
        raise MalformedError("a number is too large") from error


def read_day(value: object) -> date | None:
    """Return the day of `YYYY-MM-DD`, whatever time follows; None for anything else."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


# The same few numbers stand in most rows.
@lru_cache(maxsize=4096)
def to_plain(value: Decimal) -> Decimal:
    """Return the number as it is written without an exponent and without trailing zeros."""
    exact = value.normalize()
    exponent = exact.as_tuple().exponent
    return exact.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else exact
