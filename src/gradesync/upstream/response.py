"""Hold the response of an upstream, and distinguish an answer from a failure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx

from gradesync.errors import SyncStopped

DEFAULT_PAUSE = 1.0


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
    """Raised for more bytes than the caller reads. In smaller parts the same may still be read."""


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
