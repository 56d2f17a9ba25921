"""Render rows of the database and values of the core as bodies of the API."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from gradesync.access.tokens import Caller, Scope
from gradesync.api import schemas
from gradesync.api.schemas.undo import Undone
from gradesync.core.catalog import CATALOG, NO_FACTS, Facts, SyncResult, read_detail
from gradesync.core.gradebook import EXCEPTION_NAMES, Mark
from gradesync.core.ledger import Value
from gradesync.core.plan import CATEGORY, Edit, Guard
from gradesync.core.reasons import Reason
from gradesync.core.second_person import APPROVABLE, may_approve
from gradesync.core.sis import SisCategory, SisSection
from gradesync.core.sync_texts import ASK_FOR_REVIEW, REVIEW
from gradesync.db.outcomes import Outcome
from gradesync.db.queue import Pause
from gradesync.db.syncs import Sync

NEWER_TITLE = "A newer version of Sync to SIS sent this, and the one that you see can't explain it."
NEWER_FIX = "Open this page again later."


def render_reason(code: str, facts: Facts = NO_FACTS) -> schemas.ReasonText:
    """Render a reason with the texts of the catalog, or only its code if a later release wrote it."""
    try:
        entry = CATALOG[Reason(code)]
    except ValueError:
        return schemas.ReasonText(
            code=code,
            title=NEWER_TITLE,
            explanation=NEWER_TITLE,
            fix=NEWER_FIX,
            who="admin",
            retryable=False,
            needs_attention=True,
        )
    return schemas.ReasonText(
        code=code,
        title=entry.title,
        title_many=entry.many or None,
        explanation=entry.describe(facts),
        fix=entry.fix,
        who=entry.who,
        retryable=entry.retryable,
        needs_attention=entry.needs_attention,
    )


def render_sync(sync: Sync, reader: Caller | None) -> schemas.Sync:
    """Render a sync with its counts, its error and its links; without a `reader`, for whoever may read it."""
    approval = _render_approval(sync, reader)
    path = sync_path(sync.section_id, sync.id)
    return schemas.Sync(
        id=UUID(sync.id),
        section_id=sync.section_id,
        status=sync.status,
        result=sync.result,
        attention=None if sync.attention is None else schemas.Attention(**asdict(sync.attention)),
        stage=sync.stage,
        applied=sync.applied,
        mode=sync.mode,
        dry_run=sync.dry_run,
        assignments_selected=None if sync.selection is None else sorted(sync.selection),
        retry_of=sync.retry_of and UUID(sync.retry_of),
        requested_by=schemas.Requester(
            kind=sync.requested_by_kind, id=sync.requested_by_id, run=sync.run_id and UUID(sync.run_id)
        ),
        requested_at=sync.requested_at,
        started_at=sync.started_at,
        finished_at=sync.finished_at,
        settles_by=sync.settles_by,
        paused=_render_hold(sync),
        progress=schemas.Progress(done=sync.done, total=sync.total),
        assignments=schemas.AssignmentCounts(**sync.assignments),
        scores=schemas.ScoreCounts(**sync.scores),
        warnings=sync.warnings,
        fingerprint=sync.fingerprint,
        approve=sync.approve,
        guard=sync.guard and _render_guard(sync.guard),
        approval=approval,
        error=_render_error(sync, approval),
        undo=None if sync.undo is None else Undone.model_validate(sync.undo),
        reason=sync.reason,
        links=schemas.SyncLinks(self=path, outcomes=f"{path}/outcomes", events=f"{path}/events"),
    )


def _render_hold(sync: Sync) -> schemas.Paused | None:
    if sync.status != "processing" or sync.paused_at is None:
        return None
    return schemas.Paused(reason=sync.pause_reason or "", since=sync.paused_at)


def render_pause(pause: Pause | None) -> schemas.Paused | None:
    """Render what a teacher reads of a pause."""
    return pause and schemas.Paused(reason=pause.reason, since=pause.paused_at)


def _render_guard(guard: Guard) -> schemas.GuardFigures:
    return schemas.GuardFigures(**asdict(guard), explanation=guard.describe() or None)


def _render_approval(sync: Sync, reader: Caller | None) -> schemas.Approval | None:
    if sync.result != SyncResult.STOPPED_FOR_REVIEW or sync.guard is None or sync.fingerprint is None:
        return None
    by_reader = (
        reader is not None
        and reader.may(Scope.SYNCS_WRITE)
        and may_approve(sync.error_code, sync.guard, sync.requester, reader.actor)
    )
    return schemas.Approval(until=sync.requested_at + APPROVABLE, by_caller=by_reader)


def _render_error(sync: Sync, approval: schemas.Approval | None) -> schemas.SyncError | None:
    if sync.error_code is None:
        return None
    change = sync.guard.describe() if sync.guard else ""
    review = "your review" if approval and approval.by_caller else "review"
    facts = {"change": change, "review": review} if change else read_detail(sync.error_detail)
    reason = render_reason(sync.error_code, facts)
    fix = _choose_fix(sync.error_code, approval, reason.fix)
    return schemas.SyncError(**reason.model_dump() | {"fix": fix}, detail=sync.error_detail)


def _choose_fix(code: str, approval: schemas.Approval | None, usual: str) -> str:
    """Return what the reader can do: review a plan that waits, or ask somebody who may."""
    # The usual text of a late change is for those who may not send it, that of others for those who may.
    if approval is None or approval.by_caller is (code != Reason.LATE_CHANGE):
        return usual
    return REVIEW if approval.by_caller else ASK_FOR_REVIEW


class Joined(NamedTuple):
    """Hold what outcomes do not store, as far as it is known.

    `names` of people by uid, `titles` of SIS categories by key, total `points` by assignment id.
    """

    names: Mapping[str, str]
    titles: Mapping[str, str]
    points: Mapping[str, Decimal]


def render_outcome(outcome: Outcome, joined: Joined) -> schemas.Outcome:
    """Render an outcome with what is joined to it."""
    assignment, student = None, None
    if outcome.assignment_id:
        points = joined.points.get(outcome.assignment_id)
        assignment = schemas.OutcomeAssignment(
            id=outcome.assignment_id,
            title=outcome.title,
            points=None if points is None else render_points(points),
        )
    if outcome.student_id and outcome.count is None:
        student = schemas.OutcomeStudent(id=outcome.student_id, name=joined.names.get(outcome.student_id))
    return schemas.Outcome(
        kind=outcome.kind,
        assignment=assignment,
        student=student,
        count=outcome.count or 1,
        result=outcome.result.value,
        reason=_render_outcome_reason(outcome),
        detail=outcome.detail or None,
        warnings=[render_reason(code, outcome.facts) for code in outcome.warnings],
        before=render_value(outcome.before),
        after=render_value(outcome.after),
        edits=[_render_edit(edit, joined.titles) for edit in outcome.edits],
    )


def _render_outcome_reason(outcome: Outcome) -> schemas.ReasonText | None:
    if outcome.reason is None:
        return None
    return render_reason(outcome.reason, {**read_detail(outcome.detail), **outcome.facts})


def _render_edit(edit: Edit, titles: Mapping[str, str]) -> schemas.Edit:
    known = titles if edit.field == CATEGORY else {}
    category_titles = {"before_title": known.get(edit.before), "after_title": known.get(edit.after)}
    return schemas.Edit.model_validate({**edit._asdict(), **category_titles})


def render_value(score: Value) -> str | None:
    """Render points as a decimal string, and an exception by its name."""
    if isinstance(score, Mark):
        return EXCEPTION_NAMES.get(score.exception, f"exception {score.exception}")
    return None if score is None else render_points(score)


def render_points(number: Decimal) -> str:
    """Render points as a decimal string without an exponent."""
    return format(number, "f")


def render_sis_section(section: SisSection) -> schemas.SisSection:
    """Render a section of the SIS."""
    return schemas.SisSection(id=section.ref.key, term_first=section.term_first, term_last=section.term_last)


def render_sis_category(category: SisCategory) -> schemas.SisCategory:
    """Render a category of the SIS."""
    return schemas.SisCategory(id=category.ref.key, title=category.title, active=category.active)


def section_path(section_id: str) -> str:
    """Return the path of a section."""
    return f"/sections/{section_id}"


def sync_path(section_id: str, sync_id: str) -> str:
    """Return the path of a sync."""
    return f"{section_path(section_id)}/syncs/{sync_id}"
