"""Which assignments sync, as what, and if not, why (R9 to R17, R28, R29, R31 to R34).

Needs no answer of the SIS beyond what a section's link keeps, so that a sync knows it before it asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from gradesync.core import fit
from gradesync.core.categories import Pairing
from gradesync.core.gradebook import Assignment, Gradebook, in_order
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.plan import Result
from gradesync.core.reasons import Reason
from gradesync.core.sis import Capabilities, Policy, SisSection, Slot, Spec

_FAILURES = frozenset(
    {
        Reason.ROW_UNREADABLE,
        Reason.TITLE_NOT_ACCEPTED,
        Reason.POINTS_NOT_ACCEPTED,
        Reason.DUE_DATE_OUTSIDE_TERM,
        Reason.DUPLICATE_NAME,
    }
)
"""Rules that stop what should have reached the SIS. The others leave out what was never meant to."""


class Stop(NamedTuple):
    """Why an assignment or a score does not go: left out by rule, or failed."""

    result: Result
    reason: Reason


class Verdict(NamedTuple):
    """What the rules say of one assignment: the `spec` that the SIS should hold, or the `stop`."""

    spec: Spec | None = None
    stop: Stop | None = None
    warnings: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What the assignments of a section are judged by: all of it is known before the SIS is asked."""

    section: SisSection
    pairing: Pairing
    capabilities: Capabilities
    policy: Policy


def syncable(gradebook: Gradebook, ledger: Ledger, book: Rulebook) -> dict[str, Verdict]:
    """Judge every assignment of a gradebook, by assignment id."""
    verdicts = {a.id: judge(a, ledger.get(a.id), gradebook.periods, book) for a in gradebook.assignments}
    return verdicts | _second_of_a_name(verdicts, ledger)


def judge(
    assignment: Assignment, entry: LedgerAssignment | None, periods: Mapping[str, date], book: Rulebook
) -> Verdict:
    """Judge one assignment by itself: the first rule that stops it is the one that is told.

    `periods` maps a grading period to its last date.
    """
    if reason := _left_out(assignment, entry, book):
        return _stopped(reason)
    category = book.pairing.pairs.get(assignment.category_id or "")
    if category is None:
        return _stopped(book.pairing.refused.get(assignment.category_id or "", Reason.CATEGORY_UNMAPPED))
    title = fit.title(assignment.title, book.capabilities, book.policy)
    if title.stop:
        return _stopped(title.stop)
    points = fit.total_points(assignment.max_points, book.capabilities)
    if points is None:
        return _stopped(Reason.POINTS_NOT_ACCEPTED)
    last = book.section.term_last
    due = assignment.due or min(last, periods.get(assignment.period_id or "", last))  # R13
    if not book.section.term_first <= due <= last:
        return _stopped(Reason.DUE_DATE_OUTSIDE_TERM)
    spec = Spec(title.name, points, due, category, assignment.counts or not book.capabilities.has_counts)
    return Verdict(spec, warnings=_warnings(assignment, spec, shortened=title.shortened))


def _left_out(assignment: Assignment, entry: LedgerAssignment | None, book: Rulebook) -> Reason | None:
    if entry is not None and entry.opted_out:
        return Reason.OPTED_OUT
    if assignment.unreadable is not None:
        return Reason.ROW_UNREADABLE
    if assignment.category_id is None:
        return Reason.UNGRADED
    if assignment.collected_only:
        return Reason.COLLECTED_ONLY
    counts = assignment.counts or book.capabilities.has_counts
    return None if counts else Reason.DOES_NOT_COUNT


def _stopped(reason: Reason) -> Verdict:
    return Verdict(stop=Stop(Result.FAILED if reason in _FAILURES else Result.SKIPPED, reason))


def _warnings(assignment: Assignment, spec: Spec, *, shortened: bool) -> tuple[Reason, ...]:
    warnings = []
    if shortened:
        warnings.append(Reason.TITLE_SHORTENED)
    if assignment.due is None:
        warnings.append(Reason.DUE_DATE_FILLED)
    if assignment.factor != 1:
        warnings.append(Reason.FACTOR_NOT_SENT)
    if assignment.max_points != spec.points:
        warnings.append(Reason.SCORE_ROUNDED)
    return tuple(warnings)


def _second_of_a_name(verdicts: Mapping[str, Verdict], ledger: Ledger) -> dict[str, Verdict]:
    """Stop every assignment whose name and due date another one has already (R29)."""
    specs = {assignment_id: verdict.spec for assignment_id, verdict in verdicts.items() if verdict.spec}
    winners: dict[Slot, str] = {}
    for assignment_id in sorted(specs, key=lambda a: _precedence(a, specs[a], ledger.get(a))):
        winners.setdefault(specs[assignment_id].slot, assignment_id)
    return {
        assignment_id: _stopped(Reason.DUPLICATE_NAME)
        for assignment_id, spec in specs.items()
        if winners[spec.slot] != assignment_id
    }


def _precedence(
    assignment_id: str, spec: Spec, entry: LedgerAssignment | None
) -> tuple[bool, bool, tuple[int, str]]:
    """Order claims to a name: who has it in the SIS, who stands there at all, then the lowest id."""
    stands = entry is not None and entry.ref is not None
    has_it = entry is not None and entry.spec is not None and entry.spec.slot == spec.slot
    return not (stands and has_it), not stands, in_order(assignment_id)
