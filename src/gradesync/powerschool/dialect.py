"""Distinguish throttling, failures and answers among PowerSchool's responses (upstream.md PowerSchool §5)."""

import re

from gradesync.upstream.response import DEFAULT_PAUSE, UpstreamResponse, retry_after

MAX_READ_BYTES = 64 * 1024

_TOO_MANY = re.compile(r"too\s+many\s+requests|wait\s+(?:for\s+)?\d+(?:\.\d+)?\s*s", re.IGNORECASE)
_SECONDS = re.compile(r"\b(\d{1,9}(?:\.\d+)?)\s*s(?:ec|\b)", re.IGNORECASE)
# Calls that carry or concern what teachers type: their refusals may quote it.
_TYPED = re.compile(r"assignment|score|teacher_category|schema\.(assignment|teachercategory)")


class PowerSchoolDialect:
    """Recognize throttling, by text only where no teacher's text can be in it (R42)."""

    def throttled(self, response: UpstreamResponse, kind: str) -> float | None:
        status = response.status
        if status < 400 or status == 409:
            return None
        wait = retry_after(response)
        if wait is not None and (status < 500 or status == 503):
            return wait
        seconds = None if _TYPED.match(kind) else _read_seconds(response)
        if seconds is not None:
            return seconds
        return DEFAULT_PAUSE if status == 429 else None

    def is_answer(self, response: UpstreamResponse, kind: str) -> bool:
        # A deleted assignment answers 500, and a row that breaks a batch does: whoever called looks which.
        return kind == "score.write" or (kind == "assignment.get" and response.status == 500)


def _read_seconds(response: UpstreamResponse) -> float | None:
    """Return the seconds that a text asks to wait for; None where it does not ask."""
    text = response.body[:MAX_READ_BYTES].decode(errors="replace")
    if not _TOO_MANY.search(text):
        return None
    seconds = _SECONDS.search(text)
    return float(seconds[1]) if seconds else DEFAULT_PAUSE
