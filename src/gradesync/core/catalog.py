"""Describe every reason: what happened, what to do, who needs to look; and judge what a sync came to."""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import TypeAlias

from gradesync.core import reason_texts, sync_texts
from gradesync.core.district import USUAL_SIS
from gradesync.core.gradebook import Assignment
from gradesync.core.isolation import isolate
from gradesync.core.reason_texts import Texts, Who
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Capabilities, SisSection

# People read the SIS's own name, and texts are made far from where the district is known.
_SIS_NAME: ContextVar[str] = ContextVar("sis_name", default=USUAL_SIS)
ANY_SIS = "the SIS"  # as adapters name it that speak to several


def sis_name() -> str:
    """Return the name of the SIS of the district that is at work in this task."""
    return _SIS_NAME.get()


def use_sis_name(name: str) -> None:
    """Set the name of the SIS for the texts of this task, and of the tasks that it starts."""
    _SIS_NAME.set(name)


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
    `exact` is the title with facts, which it names in braces; empty where there are none. `several` is
    the title for several students, with `{students}` for their number; empty unless a student is the cause.
    `text` and `mend` are the title and the fix. All have `{sis}` for the name of the SIS.
    """

    code: Reason
    kind: Kind
    text: str
    mend: str
    who: Who
    retryable: bool
    needs_attention: bool
    exact: str
    several: str

    @property
    def title(self) -> str:
        """Return what happened, with the name of the SIS."""
        return self.text.format(sis=sis_name())

    @property
    def fix(self) -> str:
        """Return what to do, with the name of the SIS."""
        return self.mend.format(sis=sis_name())

    @property
    def many(self) -> str:
        """Return the title for several students, with the name of the SIS."""
        return self.several.replace("{sis}", sis_name())

    def describe(self, facts: Mapping[str, str]) -> str:
        """Return what happened, with its facts; the title where one of them is not known."""
        named = {name for _, name, _, _ in Formatter().parse(self.exact) if name}
        known = {"sis": sis_name(), **{name: isolate(words) for name, words in facts.items()}}
        return self.exact.format(**known) if self.exact and named <= known.keys() else self.title


def _entries(kind: Kind, texts: Texts) -> dict[Reason, Entry]:
    return {
        reason: Entry(
            code=reason,
            kind=kind,
            text=text.title,
            mend=text.fix,
            who=text.who,
            retryable=reason in _RETRYABLE,
            needs_attention=reason not in _CALM,
            exact=text.exact,
            several=text.many,
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

# Advice before sending: the SIS gets what Schoology has.
ADVICE = frozenset(
    {
        Reason.ALL_ZERO,
        Reason.ALL_EQUAL,
        Reason.ALL_ABOVE_TOTAL,
        Reason.ALL_AT_MOST_ONE,
        Reason.COLUMNS_SWAPPED,
        Reason.MEAN_MOVED,
    }
)

# What a teacher chose, what differs by design, and what another outcome reports already; a code of a later
# release is not among them.
_CALM = frozenset[str](
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
        Reason.LEFT_TO_SIS,
        *ADVICE,
        Reason.ASSIGNMENT_SKIPPED,
        Reason.ASSIGNMENT_FAILED,
    }
)

CATALOG: Mapping[Reason, Entry] = {
    **_entries(Kind.ASSIGNMENT, reason_texts.ASSIGNMENTS),
    **_entries(Kind.SCORE, reason_texts.SCORES),
    **_entries(Kind.ROW, reason_texts.ROWS),
    **_entries(Kind.WARNING, sync_texts.WARNINGS),
    **_entries(Kind.SYNC, sync_texts.SYNCS),
}


_FIELDS = re.compile(r"let the plugin use ([A-Z][A-Z0-9_., ]*) \(")

# Fact -> its words, as sentences of the catalog name them in braces.
Facts: TypeAlias = Mapping[str, str]
SOURCE_NAME = "Schoology"
NO_FACTS: Facts = MappingProxyType({})


def gather_facts(
    assignment: Assignment, due: date | None, category: str, section: SisSection, capabilities: Capabilities
) -> Facts:
    """Return the facts of an assignment that is `due` at that date; leave out what is not known."""
    name = assignment.title.strip()
    points = assignment.max_points
    facts = {
        "name": name,
        "length": str(len(name)),
        "name_max": str(capabilities.name_max),
        "points": _format_points(points) if points is not None and points.is_finite() else "",
        "points_max": _format_points(capabilities.points_max),
        "due": format_date(due) if due else "",
        "first": format_date(section.term_first),
        "last": format_date(section.term_last),
        "category": category.strip(),
    }
    return {fact: words for fact, words in facts.items() if words}


def read_detail(detail: str) -> Facts:
    """Return the facts that a detail of ours names.

    They are the one system that it is about, unless it names none or both, and the fields that the SIS
    doesn't let us use.
    """
    words = detail.replace(ANY_SIS, sis_name()).replace("The SIS", sis_name()).casefold()
    named = [name for name in (SOURCE_NAME, sis_name()) if name.casefold() in words]
    facts = {"system": named[0]} if len(named) == 1 else {}
    if fields := _FIELDS.search(detail):
        facts["permission"] = fields[1]
    return facts


def format_date(day: date) -> str:
    """Format a date as American schools write it: "Nov 28, 2026"."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def word_late(term_ended: date, changes: int) -> str:
    """Return why changes after the last day of a term wait, as one sentence."""
    many = count_of(changes, "change")
    return f"The term ended on {format_date(term_ended)}, so a second person has to review {many}."


def count_of(number: int, noun: str) -> str:
    """Return a number of things: "1 change", "1,200 changes"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _format_points(points: Decimal) -> str:
    whole = points == points.to_integral_value()
    return f"{int(points):,}" if whole else format(points.normalize(), "f")


# Not by the locale of the process.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class SyncResult(StrEnum):
    """Name what a settled sync came to.

    `ALL_SENT`: the SIS holds everything, as far as the teacher wants it there. `NEEDS_ATTENTION`: it holds
    some of it, or something there needs a look. `STOPPED_FOR_REVIEW`: nothing was sent, a person must look
    first. `FAILED`: nothing could be sent.
    """

    ALL_SENT = "all-sent"
    NEEDS_ATTENTION = "needs-attention"
    STOPPED_FOR_REVIEW = "stopped-for-review"
    FAILED = "failed"


REVIEWS = frozenset({Reason.MASS_CHANGE, Reason.LATE_CHANGE, Reason.PLAN_CHANGED})
# What the SIS holds as it should, by this sync or by an earlier one.
IN_PLACE = frozenset(Result) - {Result.SKIPPED, Result.FAILED}


@dataclass(frozen=True, slots=True)
class Attention:
    """Count the assignments and the scores that need attention.

    A score whose assignment needs attention is not counted again.
    """

    assignments: int = 0
    scores: int = 0

    def __bool__(self) -> bool:
        return bool(self.assignments or self.scores)


NO_ATTENTION = Attention()


def needs_attention(result: Result, reason: str | None, warnings: Sequence[str]) -> bool:
    """Return True where the SIS does not hold what Schoology holds, and no teacher chose that.

    A score that only shares the fate of its assignment needs none of its own.
    """
    return bool(select_attention(result, reason, warnings))


def select_attention(result: Result, reason: str | None, warnings: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of an outcome for which it needs attention."""
    stopped = result in {Result.SKIPPED, Result.FAILED}
    codes = (*warnings, reason) if stopped and reason else tuple(warnings)
    return tuple(code for code in codes if code not in _CALM)


def judge_sync(
    error: str | None, counts: Sequence[Mapping[str, int]], attention: Attention, *, wrote: bool
) -> SyncResult:
    """Return what a settled sync came to.

    `error` stopped it. `counts` are those of assignments and of scores, by result. `wrote`: something was
    written to the SIS.
    """
    if error in REVIEWS:
        return SyncResult.STOPPED_FOR_REVIEW
    if error is not None:
        return SyncResult.NEEDS_ATTENTION if wrote else SyncResult.FAILED
    if any(count.get(Result.FAILED) for count in counts):
        held = any(count.get(kind) for count in counts for kind in IN_PLACE)
        return SyncResult.NEEDS_ATTENTION if held else SyncResult.FAILED
    return SyncResult.NEEDS_ATTENTION if attention else SyncResult.ALL_SENT
