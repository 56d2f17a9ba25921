"""Describe every reason: what happened, what to do about it, and whether trying again can help."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gradesync.core import reason_texts
from gradesync.core.reasons import Reason

SIS_NAME = "PowerSchool"  # people read the SIS's own name


class Kind(StrEnum):
    """Name what a reason is about; `ROW` is an assignment, a score, or the sync where it meets them all."""

    ASSIGNMENT = "assignment"
    SCORE = "score"
    ROW = "row"
    WARNING = "warning"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Entry:
    """Describe one reason. `retryable`: the same sync, requested again with nothing fixed, may succeed."""

    code: Reason
    kind: Kind
    title: str
    fix: str
    retryable: bool


def _entries(kind: Kind, texts: Mapping[Reason, tuple[str, str]]) -> dict[Reason, Entry]:
    return {
        reason: Entry(
            reason, kind, title.format(sis=SIS_NAME), fix.format(sis=SIS_NAME), reason in _RETRYABLE
        )
        for reason, (title, fix) in texts.items()
    }


_RETRYABLE = frozenset(
    {
        Reason.ASSIGNMENT_GONE,
        Reason.NOT_ATTEMPTED,
        Reason.UPSTREAM_UNAVAILABLE,
        Reason.UPSTREAM_ANSWER_UNEXPECTED,
        Reason.SIS_UNREADABLE,
        Reason.PARTIAL_READ,
        Reason.TIMED_OUT,
        Reason.INTERNAL_ERROR,
    }
)

CATALOGUE: Mapping[Reason, Entry] = {
    **_entries(Kind.ASSIGNMENT, reason_texts.ASSIGNMENTS),
    **_entries(Kind.SCORE, reason_texts.SCORES),
    **_entries(Kind.ROW, reason_texts.ROWS),
    **_entries(Kind.WARNING, reason_texts.WARNINGS),
    **_entries(Kind.SYNC, reason_texts.SYNCS),
}
