"""Judge which assignments and whose scores sync, and give the reasons of the others.

Assignments: R9 to R17, R28, R29, R31 to R34. Students: R27, R27a, R35. Nothing here needs more of the SIS
than what a section's link keeps, so a sync knows it before it calls the SIS.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from gradesync.core.catalog import NO_FACTS, Facts, format_date, gather_facts
from gradesync.core.fit import Pairing, fill_due, fit_title, fit_total_points
from gradesync.core.gradebook import (
    ANONYMOUS,
    ENROLLMENTS,
    Assignment,
    Gradebook,
    Student,
    may_miss,
)
from gradesync.core.ledger import Ledger, LedgerAssignment, list_left_categories
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Capabilities, Policy, Ref, SisSection, Slot, Spec, fold_slot, id_order

# Rules that stop what should have reached the SIS. The others leave out what was never meant to.
_FAILURES = frozenset(
    {
        Reason.ROW_UNREADABLE,
        Reason.TITLE_NOT_ACCEPTED,
        Reason.POINTS_NOT_ACCEPTED,
        Reason.DUE_DATE_OUTSIDE_TERM,
        Reason.DUPLICATE_NAME,
        Reason.PARTIAL_READ,
    }
)


class Stop(NamedTuple):
    """Hold the reason why an assignment or a score does not go: left out by rule, or failed.

    `detail` names what else the reason is about.
    """

    result: Result
    reason: Reason
    detail: str = ""


class Verdict(NamedTuple):
    """Hold the judgment of one assignment: the `spec` that the SIS should hold, or the `stop`.

    `detail` names what the stop is about, `facts` what the sentences about stop and warnings name.
    """

    spec: Spec | None = None
    stop: Stop | None = None
    warnings: tuple[Reason, ...] = ()
    detail: str = ""
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Hold what a section's assignments are judged by before the SIS is called; `sent_names` are columns'."""

    section: SisSection
    pairing: Pairing
    capabilities: Capabilities
    policy: Policy
    sent_names: Set[str] = frozenset()


def judge_assignments(gradebook: Gradebook, ledger: Ledger, book: Rulebook) -> dict[str, Verdict]:
    """Judge every assignment of a gradebook, by assignment id."""
    left = list_left_categories(gradebook, ledger) if book.pairing.closed else {}
    if book.policy.shorten_titles:
        book = replace(book, sent_names={entry.spec.name for entry in ledger.values() if entry.spec})
    verdicts = {
        a.id: judge(a, ledger.get(a.id), gradebook.periods, book, left) for a in gradebook.assignments
    }
    if gradebook.partial_lists:
        verdicts |= {
            a.id: _stop(Reason.PARTIAL_READ) for a in gradebook.assignments if may_miss(gradebook, a)
        }
    return verdicts | _stop_duplicates(verdicts, ledger)


def stop_closed(verdicts: Mapping[str, Verdict], gradebook: Gradebook, book: Rulebook) -> dict[str, Verdict]:
    """Return stops for what would be created or changed in a SIS category that is inactive or gone (R44)."""
    closed = set(book.pairing.closed.values())
    if not closed:
        return {}
    return {
        a.id: _explain(_stop_for_category(a.category_id or "", book.pairing), a, spec.due, book)
        for a in gradebook.assignments
        if (spec := verdicts[a.id].spec) and spec.category in closed
    }


def judge(
    assignment: Assignment,
    entry: LedgerAssignment | None,
    periods: Mapping[str, date],
    book: Rulebook,
    left: Mapping[Slot, Ref] = MappingProxyType({}),
) -> Verdict:
    """Judge one assignment by itself: the first rule that stops it gives the reason.

    `periods` maps a grading period to its last date. `left`: SIS categories of columns that it may take over.
    """
    due = fill_due(assignment, periods, book.section.term_last)
    stands = entry.spec if entry and entry.ref else entry and entry.intent
    stands_in = stands.category if stands else None
    if left and due and not stands:
        stands_in = left.get(fold_slot(assignment.title, due))
    verdict = _judge(assignment, entry, due, book, stands_in)
    return verdict if verdict.spec and not verdict.warnings else _explain(verdict, assignment, due, book)


def _explain(verdict: Verdict, assignment: Assignment, due: date | None, book: Rulebook) -> Verdict:
    """Add the facts that the sentences about a verdict name."""
    category = book.pairing.titles.get(assignment.category_id or "", "")
    facts = gather_facts(assignment, due, category, book.section, book.capabilities)
    return verdict._replace(facts=facts)


def _judge(
    assignment: Assignment,
    entry: LedgerAssignment | None,
    due: date | None,
    book: Rulebook,
    stands_in: Ref | None,
) -> Verdict:
    if reason := _exclude_assignment(assignment, entry, book):
        return _stop(reason)
    category = _find_category(assignment.category_id or "", stands_in, book.pairing)
    if category is None:
        return _stop_for_category(assignment.category_id or "", book.pairing)
    title = fit_title(assignment.title, book.capabilities, book.policy, book.sent_names)
    if title.stop:
        return _stop(title.stop)
    points = fit_total_points(assignment.max_points, book.capabilities)
    if points is None:
        return _stop(Reason.POINTS_NOT_ACCEPTED)
    if due is None or not book.section.term_first <= due <= book.section.term_last:
        detail = "" if due else f"grading period {assignment.period_id}"
        return _stop(Reason.DUE_DATE_OUTSIDE_TERM if due else Reason.ROW_UNREADABLE)._replace(detail=detail)
    spec = Spec(title.name, points, due, category, assignment.counts or not book.capabilities.has_counts)
    return Verdict(spec, warnings=_warnings(assignment, spec, shortened=title.shortened))


def _exclude_assignment(
    assignment: Assignment, entry: LedgerAssignment | None, book: Rulebook
) -> Reason | None:
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


def _find_category(category_id: str, stands_in: Ref | None, pairing: Pairing) -> Ref | None:
    """Return the SIS category of an assignment; one that is closed keeps what stands in it (R44)."""
    closed = pairing.closed.get(category_id)
    return closed if closed is not None and closed == stands_in else pairing.pairs.get(category_id)


def _stop_for_category(category_id: str, pairing: Pairing) -> Verdict:
    verdict = _stop(pairing.refused.get(category_id, Reason.CATEGORY_UNMAPPED))
    return verdict._replace(detail=pairing.titles.get(category_id, ""))


def _stop(reason: Reason) -> Verdict:
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


def _stop_duplicates(verdicts: Mapping[str, Verdict], ledger: Ledger) -> dict[str, Verdict]:
    """Return stops for the assignments whose name and due date another one has already (R29)."""
    specs = {assignment_id: verdict.spec for assignment_id, verdict in verdicts.items() if verdict.spec}
    slots = {assignment_id: spec.slot for assignment_id, spec in specs.items()}
    if len(set(slots.values())) == len(slots):
        return {}
    winners: dict[Slot, str] = {}
    for assignment_id in sorted(specs, key=lambda a: _precedence(a, specs[a], ledger.get(a))):
        winners.setdefault(slots[assignment_id], assignment_id)
    return {
        assignment_id: _stop(Reason.DUPLICATE_NAME)._replace(
            facts={"name": spec.name, "due": format_date(spec.due)}
        )
        for assignment_id, spec in specs.items()
        if winners[slots[assignment_id]] != assignment_id
    }


def _precedence(
    assignment_id: str, spec: Spec, entry: LedgerAssignment | None
) -> tuple[bool, bool, tuple[int, str]]:
    """Return the sort key of a claim to a name: who has it in the SIS, who stands there, the lowest id."""
    stands = entry is not None and entry.ref is not None
    has_it = entry is not None and entry.spec is not None and entry.spec.slot == spec.slot
    return not (stands and has_it), not stands, id_order(assignment_id)


_NOT_ENROLLED = Stop(Result.SKIPPED, Reason.STUDENT_NOT_ENROLLED)
_NOT_FROM_SIS = Stop(Result.SKIPPED, Reason.STUDENT_NOT_FROM_SIS)
_UNMATCHED = Stop(Result.FAILED, Reason.STUDENT_UNMATCHED)
_PARTIAL = Stop(Result.FAILED, Reason.PARTIAL_READ)
UNREADABLE = Stop(Result.FAILED, Reason.ROW_UNREADABLE)


@dataclass(frozen=True, slots=True)
class Roster:
    """Hold the students of a section, and where their scores are in the SIS.

    `keys`: uid -> SIS key, of those whose scores can go. `holders`: SIS key -> uid; a key that nobody has now
    is still held by the student who had it last, unless that student has another one. `moved`: uid -> former
    key, of students who have another one now. `sharing`: uid -> the uids of other accounts with the same SIS
    key. `partial`: there are more students than these.
    """

    students: Mapping[str, Student]
    keys: Mapping[str, str]
    holders: Mapping[str, str]
    moved: Mapping[str, str]
    sharing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    partial: bool = False

    @classmethod
    def of(
        cls,
        gradebook: Gradebook,
        matched: Mapping[str, str],
        remembered: Mapping[str, str] = MappingProxyType({}),
    ) -> "Roster":
        """Make a roster of matched students who are enrolled. A SIS key that two share matches neither.

        `remembered` are the keys by which earlier syncs knew the students, by uid.
        """
        students = gradebook.students
        keys = {uid: key for uid, key in matched.items() if _exclude_student(students.get(uid)) is None}
        accounts: dict[str, list[str]] = {}
        for uid in sorted(keys, key=id_order):
            accounts.setdefault(keys[uid], []).append(uid)
        unique = {uids[0]: key for key, uids in accounts.items() if len(uids) == 1}
        sharing = {
            uid: [other for other in uids if other != uid]
            for uids in accounts.values()
            if len(uids) > 1
            for uid in uids
        }
        holders = {key: uid for uid, key in remembered.items() if uid not in unique}
        holders |= {key: uid for uid, key in unique.items()}
        moved = {uid: key for uid, key in remembered.items() if unique.get(uid, key) != key}
        partial = ENROLLMENTS in gradebook.partial_lists
        return cls(students, unique, holders, moved, sharing, partial)

    def locate(self, uid: str) -> str:
        """Return the SIS key under which a student's scores stand; an empty text where there is none."""
        key = self.keys.get(uid)
        if key is not None:
            return key
        return next((key for key, holder in self.holders.items() if holder == uid), "")

    def find(self, uid: str) -> str | Stop:
        """Return a student's SIS key, or the reason why the student's scores do not go."""
        if (key := self.keys.get(uid)) is not None:
            return key
        if others := self.sharing.get(uid):
            return Stop(Result.FAILED, Reason.SCHOOL_ID_SHARED, ", ".join(others))
        if uid.startswith(ANONYMOUS):
            return UNREADABLE
        stop = _exclude_student(self.students.get(uid)) or _UNMATCHED
        return _PARTIAL if stop is _NOT_ENROLLED and self.partial else stop


def _exclude_student(student: Student | None) -> Stop | None:
    if student is None or not student.active:
        return UNREADABLE if student and student.unreadable else _NOT_ENROLLED
    return None if student.school_uid else _NOT_FROM_SIS
