"""Describe every reason: what happened, what to do about it, and whether trying again can help."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter

from gradesync.core import reason_texts, sync_texts
from gradesync.core.reason_texts import Texts, Who
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
    """Describe one reason.

    `who` can apply the fix. `retryable`: the same sync, requested again with nothing fixed, may succeed.
    `needs_attention`: the SIS does not hold what Schoology holds, and the teacher did not choose that.
    `exact` is the title with facts, which it names in braces; empty where there are none.
    """

    code: Reason
    kind: Kind
    title: str
    fix: str
    who: Who
    retryable: bool
    needs_attention: bool
    exact: str

    def describe(self, facts: Mapping[str, str]) -> str:
        """Return what happened, with its facts; the title where one of them is not known."""
        named = {name for _, name, _, _ in Formatter().parse(self.exact) if name}
        known = {"sis": SIS_NAME, **facts}
        return self.exact.format(**known) if self.exact and named <= known.keys() else self.title


def _entries(kind: Kind, texts: Texts) -> dict[Reason, Entry]:
    return {
        reason: Entry(
            code=reason,
            kind=kind,
            title=text.title.format(sis=SIS_NAME),
            fix=text.fix.format(sis=SIS_NAME),
            who=text.who,
            retryable=reason in _RETRYABLE,
            needs_attention=reason not in _CALM,
            exact=text.exact,
        )
        for reason, text in texts.items()
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

# What a teacher chose, what differs by design, and what another outcome reports already.
_CALM = frozenset(
    {
        Reason.UNGRADED,
        Reason.OPTED_OUT,
        Reason.COLLECTED_ONLY,
        Reason.DOES_NOT_COUNT,
        Reason.INCOMPLETE_NOT_SENT,
        Reason.STUDENT_NOT_ENROLLED,
        Reason.EXCEPTION_NOT_SENT,
        Reason.FACTOR_NOT_SENT,
        Reason.TITLE_SHORTENED,
        Reason.DUE_DATE_FILLED,
        Reason.SCORE_ROUNDED,
        Reason.NEVER_SCORED_HERE,
        Reason.TAKEN_FROM_REMOVED,
        Reason.ASSIGNMENT_SKIPPED,
        Reason.ASSIGNMENT_FAILED,
    }
)

CATALOGUE: Mapping[Reason, Entry] = {
    **_entries(Kind.ASSIGNMENT, reason_texts.ASSIGNMENTS),
    **_entries(Kind.SCORE, reason_texts.SCORES),
    **_entries(Kind.ROW, reason_texts.ROWS),
    **_entries(Kind.WARNING, sync_texts.WARNINGS),
    **_entries(Kind.SYNC, sync_texts.SYNCS),
}
