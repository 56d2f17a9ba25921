"""List the scores that somebody changed in the SIS, and take decisions about them."""

from collections.abc import Mapping

from fastapi import Response

from gradesync.api import pagination
from gradesync.api.auth import SyncReader, SyncWriter
from gradesync.api.middleware import Router
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import OutcomeStudent
from gradesync.api.schemas import drift as schemas
from gradesync.api.schemas.comparisons import ComparedAssignment
from gradesync.api.schemas.render import render_value
from gradesync.sync.decisions import Chosen, SisEdit, list_edits, record_decisions

router = Router("Comparisons", prefix="/sections/{section_id}/drift")


@router.get(
    "",
    summary="List scores that were changed in the SIS",
    responses=problem_responses("section-not-found", "cursor-not-valid"),
)
async def list_drift(
    *,
    context: SyncReader,
    response: Response,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
) -> schemas.DriftList:
    """List what the newest comparison found, what syncs left alone, and what was decided before.

    Teachers see students' names.
    """
    listing = context.listing(f"{context.path}/drift")
    position = listing.position(cursor) or ("", "")
    names = await read_names(context)
    async with context.database() as db:
        edits = await list_edits(db, context.section_id)
    later = [edit for edit in edits.items if _key(edit) > tuple(position)]
    items, next_cursor = listing.paginate(response, later[: limit + 1], limit, _key)
    compared = edits.compared
    return schemas.DriftList.model_validate(
        {
            "items": [_render_edit(edit, edits.titles, names.known) for edit in items],
            "next_cursor": next_cursor,
            "comparison": compared and compared.id,
            "compared_at": compared and compared.started_at,
            "names_unavailable": names.missing,
        }
    )


@router.post(
    "",
    summary="Decide about scores that were changed in the SIS",
    responses=problem_responses(
        "section-not-found", "not-course-admin", "drift-not-found", "upstream-refused", "upstream-unavailable"
    ),
)
async def decide_drift(*, context: SyncWriter, wanted: schemas.DriftDecisions) -> schemas.DriftDecided:
    """Store decisions. The next sync acts on them; until then they can be replaced."""
    if context.caller.kind == "teacher":
        await context.require_course_admin()
    chosen = [Chosen(each.assignment, each.sis_student, each.choice) for each in wanted.decisions]
    async with context.database() as db:
        await record_decisions(db, context.section_id, chosen, context.by)
    return schemas.DriftDecided(decided=len(chosen))


def _key(edit: SisEdit) -> tuple[str, str]:
    return edit.cell.assignment_id, edit.cell.sis_student


def _render_edit(edit: SisEdit, titles: Mapping[str, str], names: Mapping[str, str]) -> schemas.Drift:
    cell = edit.cell
    return schemas.Drift.model_validate(
        {
            "assignment": ComparedAssignment(id=cell.assignment_id, title=titles.get(cell.assignment_id)),
            "student": OutcomeStudent(id=cell.student, name=names.get(cell.student)),
            "sis_student": cell.sis_student,
            "state": cell.state.value,
            "sent": render_value(cell.sent),
            "sis": render_value(cell.live),
            "schoology": render_value(cell.wanted),
            "choice": edit.choice,
        }
    )
