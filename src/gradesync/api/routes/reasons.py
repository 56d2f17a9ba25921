"""Serve why assignments and scores of a sync need attention, were left out, or are worth knowing of."""

from collections.abc import Mapping

from gradesync.api import schemas
from gradesync.api.auth import SyncReader
from gradesync.api.middleware import Router
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.routes.syncs import SyncId, find_sync
from gradesync.api.schemas.render import render_reason
from gradesync.core.catalog import CATALOG, read_detail
from gradesync.core.reasons import Reason
from gradesync.db import by_reason
from gradesync.db.by_reason import Concerned
from gradesync.db.outcomes import Outcome

router = Router("Syncs")

BY_STUDENT = tuple(code for code, entry in CATALOG.items() if entry.several)
# The fixes name them so: they are for whoever looks after the systems, in the words of those.
DETAILS = "Details"
ORDER: Mapping[str, int] = {code: position for position, code in enumerate(CATALOG)}


@router.get(
    "/sections/{section_id}/syncs/{sync_id}/reasons",
    summary="Group the outcomes of a sync by reason",
    responses=problem_responses("section-not-found", "sync-not-found"),
)
async def list_reasons(*, context: SyncReader, sync_id: SyncId) -> schemas.SyncReasons:
    """List each reason and each warning once, with all students or assignments that it concerns.

    A reason whose cause is a student is by student, any other by assignment. List the outcomes with `reason`,
    and `student` or `assignment`, to see all of one of them. Scores that only share the fate of their
    assignment are left out. Teachers see students' names.
    """
    sync = await find_sync(context, sync_id)
    names = await read_names(context)
    async with context.database() as db:
        found = await by_reason.list_concerned(db, sync.id, BY_STUDENT)
    groups: dict[tuple[str, bool], list[schemas.Concerned]] = {}
    for each in found:
        groups.setdefault((each.code, each.warning), []).append(_render_concerned(each, names.known))
    return schemas.SyncReasons(
        items=[_render_group(group, groups[group]) for group in sorted(groups, key=_place)],
        names_unavailable=names.missing,
        students=names.students,
    )


def _place(group: tuple[str, bool]) -> tuple[int, bool, str]:
    """Return the sort key of a reason: the catalog's order, and codes of a later release last."""
    code, warning = group
    return ORDER.get(code, len(ORDER)), warning, code


def _render_concerned(each: Concerned, names: Mapping[str, str]) -> schemas.Concerned:
    first = [_render_row(each.code, outcome, names) for outcome in each.first]
    return schemas.Concerned(
        student=first[0].student if each.student else None,
        assignment=None if each.student else first[0].assignment,
        assignments=each.assignments,
        scores=each.scores,
        first=first,
    )


def _render_row(code: str, outcome: Outcome, names: Mapping[str, str]) -> schemas.ConcernedRow:
    uid = outcome.student_id if outcome.count is None else ""
    facts = {**read_detail(outcome.detail), **outcome.facts} if outcome.reason == code else outcome.facts
    words = CATALOG[Reason(code)].describe(facts) if code in ORDER else ""
    if not words or words == CATALOG[Reason(code)].title:
        words = f"{DETAILS}: {outcome.detail}" if outcome.detail else ""
    return schemas.ConcernedRow(
        assignment=schemas.OutcomeAssignment(id=outcome.assignment_id, title=outcome.title)
        if outcome.assignment_id
        else None,
        student=schemas.OutcomeStudent(id=uid, name=names.get(uid)) if uid else None,
        about=words or None,
    )


def _render_group(group: tuple[str, bool], concerned: list[schemas.Concerned]) -> schemas.SyncReason:
    code, warning = group
    return schemas.SyncReason(
        reason=render_reason(code),
        warning=warning,
        assignments=sum(each.assignments for each in concerned),
        scores=sum(each.scores for each in concerned),
        concerned=concerned,
    )
