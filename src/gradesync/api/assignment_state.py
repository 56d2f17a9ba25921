"""Derive the sync state of each assignment of a section without reading scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gradesync.api import schemas
from gradesync.api.live import Outline
from gradesync.api.schemas.render import render_points, render_reason
from gradesync.core.catalog import NO_FACTS, needs_attention
from gradesync.core.district import District
from gradesync.core.gradebook import Assignment, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.reasons import Reason, Result
from gradesync.core.rules import Rulebook, Verdict, judge_assignments
from gradesync.core.sis import Capabilities
from gradesync.core.waiting import Waiting, find_waiting, list_newcomers
from gradesync.db.links import Pair, SectionLink
from gradesync.sync.link import pair_by_title

# Problems that the rules would find again if they persisted.
FIXED_BY_EDITING = frozenset(
    {
        Reason.UNGRADED,
        Reason.CATEGORY_UNMAPPED,
        Reason.CATEGORY_AMBIGUOUS,
        Reason.CATEGORY_TAKEN,
        Reason.TITLE_TOO_LONG,
        Reason.TITLE_NOT_ACCEPTED,
        Reason.POINTS_NOT_ACCEPTED,
        Reason.DUE_DATE_OUTSIDE_TERM,
        Reason.OPTED_OUT,
        Reason.DOES_NOT_COUNT,
        Reason.COLLECTED_ONLY,
        Reason.ROW_UNREADABLE,
    }
)


@dataclass(frozen=True, slots=True)
class SectionRows:
    """Hold the rows of a section; `link` is None before its first sync."""

    district: District
    link: SectionLink | None
    pairs: Mapping[str, Pair]
    ledger: Ledger

    @property
    def as_of(self) -> datetime | None:
        """Return the time at which something of the section was last sent."""
        times = [entry.sent_at for entry in self.ledger.values() if entry.sent_at]
        return max(times, default=None)

    def make_rulebook(self, gradebook: Gradebook, capabilities: Capabilities) -> Rulebook | None:
        """Return what a section just read is judged by; None where it is not linked yet."""
        link, district = self.link, self.district
        if link is None or link.sis is None:
            return None
        kept = {category_id: pair.ref for category_id, pair in self.pairs.items()}
        pairing = pair_by_title(district, gradebook, link.sis_categories, kept)
        return Rulebook(link.sis, pairing, capabilities, district.policy)

    def find_newcomers(self, gradebook: Gradebook) -> Mapping[str, str]:
        """Return the students whom the next sync sees first, with their SIS key, as far as one is known.

        Of the others it is a text that no record of the SIS has: nothing counts as sent to them.
        """
        link = self.link
        if link is None:
            return {}
        newcomers = list_newcomers(gradebook, self.ledger, self.district.match, link.students)
        former = {uid: key for uid, key in link.departed.items() if key not in link.students.values()}
        return {uid: former.get(uid, f"newcomer:{uid}") for uid in newcomers}


class State(NamedTuple):
    """Hold how the rules judge an assignment, and what of it waits; None where that is not known."""

    verdict: Verdict | None
    waiting: Waiting | None


def render_gradebook(
    outline: Outline, stored: SectionRows, capabilities: Capabilities
) -> list[schemas.SectionAssignment]:
    """Render every gradable item of a section just read, including those that never synced."""
    gradebook, ledger = outline.gradebook, stored.ledger
    book = stored.make_rulebook(gradebook, capabilities)
    verdicts = judge_assignments(gradebook, ledger, book) if book else {}
    waiting = find_waiting_scores(outline, stored, capabilities)
    names = _Names(
        {category.id: category.title for category in gradebook.categories}, gradebook.period_titles
    )
    return [
        _render_assignment(
            assignment,
            names,
            ledger.get(assignment.id) or LedgerAssignment(assignment.id),
            State(verdicts.get(assignment.id), waiting.get(assignment.id)),
        )
        for assignment in gradebook.assignments
    ]


def find_waiting_scores(
    outline: Outline, stored: SectionRows, capabilities: Capabilities
) -> Mapping[str, Waiting]:
    """Return what waits by assignment id, where it is known: nothing of what was read in part."""
    book = stored.make_rulebook(outline.gradebook, capabilities)
    gradebook = outline.gradebook
    if not outline.changes or book is None or stored.link is None or gradebook.partial_lists:
        return {}
    newcomers = stored.find_newcomers(gradebook)
    if newcomers and not gradebook.full:  # theirs may be older than the last sync
        return {}
    found = find_waiting(gradebook, stored.ledger, book, {**newcomers, **stored.link.students})
    return {key: waiting for key, waiting in found.items() if key not in gradebook.partial}


def render_ledger(ledger: Ledger) -> list[schemas.SectionAssignment]:
    """Render what the ledger knows, for use while Schoology does not respond."""
    return [_render_entry(entry) for entry in ledger.values()]


class _Names(NamedTuple):
    """Hold the titles of categories and of grading periods, by id."""

    categories: Mapping[str, str]
    periods: Mapping[str, str]


def _render_assignment(
    assignment: Assignment, names: _Names, entry: LedgerAssignment, state: State
) -> schemas.SectionAssignment:
    verdict = state.verdict
    waiting, problem = _waiting(entry, state), _problem(entry, verdict)
    category, period = assignment.category_id, assignment.period_id
    return schemas.SectionAssignment(
        id=assignment.id,
        title=assignment.title,
        points=None if assignment.max_points is None else render_points(assignment.max_points),
        due=assignment.due,
        category=category and schemas.AssignmentCategory(id=category, title=names.categories.get(category)),
        period=period and schemas.GradingPeriod(id=period, title=names.periods.get(period) or None),
        sync_to_sis=not entry.opted_out,
        state=_state(entry, waiting, problem),
        last_sent=entry.sent_at if entry.ref else None,
        changes_waiting=waiting,
        scores_waiting=state.waiting and state.waiting.scores,
        scores_not_sent=_count_not_sent(entry),
        problem=render_reason(problem, verdict.facts if verdict else NO_FACTS) if problem else None,
        url=assignment.url,
    )


def _render_entry(entry: LedgerAssignment) -> schemas.SectionAssignment:
    spec, problem = entry.spec or entry.intent, _problem(entry, None)
    return schemas.SectionAssignment(
        id=entry.id,
        title=spec and spec.name,
        points=spec and render_points(spec.points),
        due=spec and spec.due,
        category=None,
        period=None,
        sync_to_sis=not entry.opted_out,
        state=_state(entry, None, problem),
        last_sent=entry.sent_at if entry.ref else None,
        changes_waiting=None,
        scores_waiting=None,
        scores_not_sent=_count_not_sent(entry),
        problem=render_reason(problem) if problem else None,
        url=None,
    )


def _problem(entry: LedgerAssignment, verdict: Verdict | None) -> str | None:
    """Return what stops it now, or stopped it last time and may do so again. The switch is no problem."""
    if entry.opted_out:
        return None
    if verdict is not None and verdict.stop is not None:
        return verdict.stop.reason
    fixed = verdict is not None and entry.problem in FIXED_BY_EDITING
    return None if fixed or entry.problem == Reason.OPTED_OUT else entry.problem


def _count_not_sent(entry: LedgerAssignment) -> int:
    """Count the scores that are owed, without those that a person chose to leave to the SIS."""
    return sum(needs_attention(Result.FAILED, owed.reason, ()) for owed in entry.owed.values())


def _waiting(entry: LedgerAssignment, state: State) -> bool | None:
    """Return true if the assignment or its scores changed since they were sent, or scores are owed."""
    verdict = state.verdict
    if verdict is None:
        return None
    looks = any(doubt.looks for doubt in entry.doubtful.values())
    scores = state.waiting is not None and state.waiting.scores
    return verdict.spec is not None and bool(
        verdict.spec != entry.spec or _count_not_sent(entry) or looks or scores
    )


def _state(entry: LedgerAssignment, waiting: bool | None, problem: str | None) -> str:
    states = (
        (entry.opted_out, "opted-out"),
        (problem is not None, "problem"),
        (entry.ref is None, "never-synced"),
        (waiting, "changes-waiting"),
    )
    return next((state for applies, state in states if applies), "synced")
