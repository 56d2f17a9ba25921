"""What an upstream answered, and how to tell an answer from a failure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx

from gradesync.errors import SyncStopped

DEFAULT_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. The body of a refusal (4xx, 5xx) is cut at one mebibyte."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def date(self) -> datetime | None:
        """The upstream's own clock, where the answer carries it."""
        return _http_date(self.headers.get("date", ""))


class AnswerTooLarge(SyncStopped):
    """More bytes than the caller reads. Asked for in smaller parts, the same may still be had."""


class Dialect(Protocol):
    """How one kind of upstream says what others say by status alone."""

    def throttled(self, answer: Answer) -> float | None:
        """The seconds to wait, where the answer says that it was one call too many; else None."""
        ...

    def meant(self, answer: Answer) -> bool:
        """True for a 5xx that is an answer to this request rather than a failure."""
        ...


class PlainDialect:
    """RFC 9110: 429 with Retry-After, and a 5xx is a failure."""

    def throttled(self, answer: Answer) -> float | None:
        if answer.status != 429:
            return None
        told = retry_after(answer)
        return DEFAULT_PAUSE if told is None else told

    def meant(self, answer: Answer) -> bool:
        return False


def retry_after(answer: Answer) -> float | None:
    """The seconds that Retry-After asks for, as a number or as a date; None where it asks for nothing."""
    value = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
        return float(value)
    moment = _http_date(value)
    if moment is None:
        return None
    return max((moment - (answer.date or datetime.now(UTC))).total_seconds(), 0.0)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
