"""What the API says of things: from what the database and the core hold to what goes out as JSON."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from gradesync.api import schemas
from gradesync.api.paths import section_path, sync_path
from gradesync.core.catalogue import CATALOGUE
from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Mark
from gradesync.core.ledger import Value
from gradesync.core.plan import CATEGORY, Edit
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisCategory, SisSection
from gradesync.db.links import SectionLink
from gradesync.db.outcomes import Outcome
from gradesync.db.syncs import Sync

EXCEPTIONS = {EXCUSED: "excused", INCOMPLETE: "incomplete", MISSING: "missing"}
OF_LATER = "A later release of gradesync tells this, and the one that answers has no words for it."
OF_LATER_FIX = "Look again when gradesync has been upgraded."


def said(code: str) -> schemas.ReasonText:
    """A reason in the words of the catalogue; one that a later release wrote goes by its code."""
    try:
        entry = CATALOGUE[Reason(code)]
    except ValueError:
        return schemas.ReasonText(code=code, title=OF_LATER, fix=OF_LATER_FIX, retryable=False)
    return schemas.ReasonText(code=code, title=entry.title, fix=entry.fix, retryable=entry.retryable)


def sync(one: Sync) -> schemas.Sync:
    path = sync_path(one.section_id, one.id)
    return schemas.Sync(
        id=UUID(one.id),
        section_id=one.section_id,
        status=one.status,
        stage=one.stage,
        applied=one.applied,
        mode=one.mode,
        dry_run=one.dry_run,
        assignments_selected=None if one.selection is None else sorted(one.selection),
        retry_of=one.retry_of and UUID(one.retry_of),
        requested_by=schemas.Requester(kind=one.requested_by_kind, id=one.requested_by_id),
        requested_at=one.requested_at,
        started_at=one.started_at,
        finished_at=one.finished_at,
        settles_by=one.settles_by,
        progress=schemas.Progress(done=one.done, total=one.total),
        assignments=schemas.AssignmentCounts(**one.assignments),
        scores=schemas.ScoreCounts(**one.scores),
        warnings=one.warnings,
        fingerprint=one.fingerprint,
        guard=one.guard and schemas.GuardFigures.model_validate(one.guard, from_attributes=True),
        error=_error(one),
        links=schemas.SyncLinks(self=path, outcomes=f"{path}/outcomes", events=f"{path}/events"),
    )


def _error(one: Sync) -> schemas.SyncError | None:
    if one.error_code is None:
        return None
    return schemas.SyncError(**said(one.error_code).model_dump(), detail=one.error_detail)


def outcome(one: Outcome, names: Mapping[str, str], titles: Mapping[str, str]) -> schemas.Outcome:
    """An outcome with what is known of its people's names, by uid, and of SIS categories' titles, by key."""
    student = None
    if one.student_id:
        student = schemas.OutcomeStudent(id=one.student_id, name=names.get(one.student_id))
    return schemas.Outcome(
        assignment=schemas.OutcomeAssignment(id=one.assignment_id, title=one.title),
        student=student,
        result=one.result.value,
        reason=said(one.reason) if one.reason else None,
        detail=one.detail or None,
        warnings=[said(code) for code in one.warnings],
        before=value(one.before),
        after=value(one.after),
        edits=[_edit(edit, titles) for edit in one.edits],
    )


def _edit(edit: Edit, titles: Mapping[str, str]) -> schemas.Edit:
    known = titles if edit.field == CATEGORY else {}
    joined = {"before_title": known.get(edit.before), "after_title": known.get(edit.after)}
    return schemas.Edit.model_validate({**edit._asdict(), **joined})


def value(score: Value) -> str | None:
    """Points as a decimal string, or the exception by name."""
    if isinstance(score, Mark):
        return EXCEPTIONS.get(score.exception, f"exception {score.exception}")
    return None if score is None else points(score)


def points(number: Decimal) -> str:
    return format(number, "f")


def sis_section(one: SisSection) -> schemas.SisSection:
    return schemas.SisSection(id=one.ref.key, term_first=one.term_first, term_last=one.term_last)


def sis_category(one: SisCategory) -> schemas.SisCategory:
    return schemas.SisCategory(id=one.ref.key, title=one.title, active=one.active)


def section(link: SectionLink) -> schemas.Section:
    path = section_path(link.section_id)
    return schemas.Section(
        id=link.section_id,
        title=link.title or None,
        code=link.code,
        sis_section=link.sis and sis_section(link.sis),
        teacher=link.teacher,
        chosen=link.chosen,
        links={name: f"{path}/{name}" for name in ("syncs", "assignments", "categories")},
    )
