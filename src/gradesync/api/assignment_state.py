"""Where each assignment of a section stands with the SIS, as far as it can be told without reading scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gradesync.api import schemas
from gradesync.api.schemas import render
from gradesync.core.district import District
from gradesync.core.gradebook import Assignment, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook, Verdict, syncable
from gradesync.core.sis import Capabilities
from gradesync.db.links import Pair, SectionLink
from gradesync.sync.link import pair_by_title

MENDED_BY_EDITING = frozenset(
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
"""Problems that the rules would still see if they were there."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a section; `link` is None before its first sync."""

    district: District
    link: SectionLink | None
    pairs: Mapping[str, Pair]
    ledger: Ledger

    @property
    def as_of(self) -> datetime | None:
        """The source's time that the ledger knows of."""
        known = [entry.read_through for entry in self.ledger.values() if entry.read_through]
        return max(known, default=None)


def of_gradebook(
    gradebook: Gradebook, stored: Stored, capabilities: Capabilities
) -> list[schemas.SectionAssignment]:
    """Every gradable item of a section just read, those that were never synced too."""
    verdicts = _verdicts(gradebook, stored, capabilities)
    titles = {category.id: category.title for category in gradebook.categories}
    return [
        _told(
            assignment,
            titles,
            stored.ledger.get(assignment.id) or LedgerAssignment(assignment.id),
            verdicts.get(assignment.id),
        )
        for assignment in gradebook.assignments
    ]


def of_ledger(ledger: Ledger) -> list[schemas.SectionAssignment]:
    """What is known while the source does not answer."""
    return [_remembered(entry) for entry in ledger.values()]


def _verdicts(gradebook: Gradebook, stored: Stored, capabilities: Capabilities) -> Mapping[str, Verdict]:
    """What the rules say; nothing where the section is not linked yet."""
    link, district = stored.link, stored.district
    if link is None or link.sis is None:
        return {}
    kept = {category_id: one.ref for category_id, one in stored.pairs.items()}
    pairing = pair_by_title(district, gradebook.categories, link.sis_categories, kept)
    return syncable(gradebook, stored.ledger, Rulebook(link.sis, pairing, capabilities, district.policy))


def _told(
    assignment: Assignment, titles: Mapping[str, str], entry: LedgerAssignment, verdict: Verdict | None
) -> schemas.SectionAssignment:
    waiting, problem = _waiting(entry, verdict), _problem(entry, verdict)
    category = assignment.category_id
    return schemas.SectionAssignment(
        id=assignment.id,
        title=assignment.title,
        points=None if assignment.max_points is None else render.points(assignment.max_points),
        due=assignment.due,
        category=category and schemas.AssignmentCategory(id=category, title=titles.get(category)),
        sync_to_sis=not entry.opted_out,
        state=_state(entry, waiting, problem),
        last_synced=entry.read_through if entry.ref else None,
        changes_waiting=waiting,
        problem=render.said(problem) if problem else None,
    )


def _remembered(entry: LedgerAssignment) -> schemas.SectionAssignment:
    spec, problem = entry.spec or entry.intent, _problem(entry, None)
    return schemas.SectionAssignment(
        id=entry.id,
        title=spec and spec.name,
        points=spec and render.points(spec.points),
        due=spec and spec.due,
        category=None,
        sync_to_sis=not entry.opted_out,
        state=_state(entry, None, problem),
        last_synced=entry.read_through if entry.ref else None,
        changes_waiting=None,
        problem=render.said(problem) if problem else None,
    )


def _problem(entry: LedgerAssignment, verdict: Verdict | None) -> str | None:
    """What stops it now, or stopped it last time and may still do so. The switch is no problem."""
    if entry.opted_out:
        return None
    if verdict is not None and verdict.stop is not None:
        return verdict.stop.reason
    mended = verdict is not None and entry.problem in MENDED_BY_EDITING
    return None if mended or entry.problem == Reason.OPTED_OUT else entry.problem


def _waiting(entry: LedgerAssignment, verdict: Verdict | None) -> bool | None:
    """Whether the assignment changed since it was sent, or scores are owed. Its scores are not looked at."""
    if verdict is None:
        return None
    return verdict.spec is not None and bool(verdict.spec != entry.spec or entry.owed or entry.doubtful)


def _state(entry: LedgerAssignment, waiting: bool | None, problem: str | None) -> str:
    states = (
        (entry.opted_out, "opted-out"),
        (problem is not None, "problem"),
        (entry.ref is None, "never-synced"),
        (waiting, "changes-waiting"),
    )
    return next((state for applies, state in states if applies), "synced")
