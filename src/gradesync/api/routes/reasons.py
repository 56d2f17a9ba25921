"""Serve why assignments and scores of a sync need attention, were left out, or are worth knowing of."""

from collections.abc import Mapping

from fastapi import APIRouter

from gradesync.api import schemas
from gradesync.api.auth import SyncReader
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.routes.outcomes import render_all
from gradesync.api.routes.syncs import SyncId, find_sync
from gradesync.api.schemas.render import render_reason
from gradesync.core.catalog import CATALOG
from gradesync.db import by_reason
from gradesync.db.by_reason import Concerned

router = APIRouter(tags=["Syncs"])

BY_STUDENT = tuple(code for code, entry in CATALOG.items() if entry.several)
ORDER: Mapping[str, int] = {code: place for place, code in enumerate(CATALOG)}


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
    rendered = iter(await render_all(context, [row for each in found for row in each.first], names.known))
    groups: dict[tuple[str, bool], list[schemas.Concerned]] = {}
    for each in found:
        first = [next(rendered) for _ in each.first]
        groups.setdefault((each.code, each.warning), []).append(_render_concerned(each, first))
    return schemas.SyncReasons(
        items=[_render_group(group, groups[group]) for group in sorted(groups, key=_place)],
        names_unavailable=names.missing,
        students=names.students,
    )


def _place(group: tuple[str, bool]) -> tuple[int, bool, str]:
    """Return the sort key of a reason: the catalog's order, and codes of a later release last."""
    code, warning = group
    return ORDER.get(code, len(ORDER)), warning, code


def _render_concerned(each: Concerned, first: list[schemas.Outcome]) -> schemas.Concerned:
    return schemas.Concerned(
        student=first[0].student if each.student else None,
        assignment=None if each.student else first[0].assignment,
        assignments=each.assignments,
        scores=each.scores,
        first=first,
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
