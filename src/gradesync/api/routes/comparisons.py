"""Compare a section in both systems, and serve what was found cell by cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, get_args
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from gradesync.api import pagination
from gradesync.api.auth import SectionContext, SyncReader
from gradesync.api.middleware import Router
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.queries import read_query
from gradesync.api.schemas import OutcomeStudent, Page, PlainText, Requester, SchoologyId
from gradesync.api.schemas import comparisons as schemas
from gradesync.api.schemas.render import render_reason, render_value, section_path
from gradesync.core.catalog import read_detail
from gradesync.core.comparison import ComparedCell, Concentration
from gradesync.db import audit, comparisons
from gradesync.db.comparisons import ComparisonState
from gradesync.errors import RequestRefused
from gradesync.sync.comparison import SETTLES_IN

router = Router("Comparisons", prefix="/sections/{section_id}/comparisons")

STATES = get_args(schemas.CellState)
ComparisonId = Annotated[UUID, Path(description="The id of a comparison")]


@router.post(
    "",
    status_code=202,
    summary="Compare the section in both systems",
    responses={
        202: {"headers": {"Location": {"description": "The comparison", "schema": {"type": "string"}}}},
        **problem_responses(
            "section-not-found", "not-course-admin", "upstream-refused", "upstream-unavailable"
        ),
    },
)
async def start_comparison(*, context: SyncReader, response: Response) -> schemas.Comparison:
    """Compare what was sent, what the SIS holds now, and what Schoology has, for every score and assignment.

    It writes to neither system and keeps no sync waiting. While the section has a comparison in progress,
    that one is returned. Follow `Location` until `status` is `complete` or `failed`.
    """
    if context.caller.kind == "teacher":  # clients and admins read the whole district
        await context.require_course_admin()
    async with context.database() as db:
        state, started = await comparisons.begin(
            db,
            context.section_id,
            requested_by=context.by.actor,
            settles_in=SETTLES_IN.total_seconds(),
        )
        if started:
            entry = {"section": context.section_id, "comparison": state.id}
            await audit.append(db, context.by.actor, "comparison.requested", entry, context.source_ip)
    response.headers["location"] = _path(state)
    return _render_state(state)


@router.get(
    "",
    summary="List the section's comparisons",
    responses=problem_responses("section-not-found", "cursor-not-valid"),
)
async def list_comparisons(
    *, context: SyncReader, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> Page[schemas.Comparison]:
    """List the comparisons of the last 30 days, newest first."""
    listing = context.listing(f"{context.path}/comparisons")
    before = listing.position(cursor)
    async with context.database() as db:
        await comparisons.settle_overdue(db)
        found = await comparisons.page(
            db, context.section_id, before=before[0] if before else None, limit=limit + 1
        )
    items, next_cursor = listing.paginate(response, found, limit, lambda state: (state.id,))
    return Page(items=[_render_state(state) for state in items], next_cursor=next_cursor)


@router.get(
    "/{comparison_id}",
    summary="Get a comparison",
    responses=problem_responses("section-not-found", "comparison-not-found"),
)
async def get_comparison(*, context: SyncReader, comparison_id: ComparisonId) -> schemas.Comparison:
    """Return the progress of a comparison, its counts, and where the edits are."""
    return _render_state(await find_comparison(context, comparison_id))


@dataclass(frozen=True, slots=True)
class Filters:
    """Filter the cells of a comparison."""

    state: Annotated[schemas.CellState | None, Query(description="Only cells in this state")] = None
    assignment: Annotated[SchoologyId | None, Query(description="Only cells of this assignment")] = None
    student: Annotated[
        PlainText | None, Query(max_length=200, description="Only cells of this student, by either id")
    ] = None

    def query(self) -> dict[str, str]:
        """Return the filters that are set as query parameters."""
        values = {"state": self.state, "assignment": self.assignment, "student": self.student}
        return {name: value for name, value in values.items() if value is not None}

    def accept(self, cell: ComparedCell) -> bool:
        """Return True for a cell that passes every filter."""
        return (
            self.state in {None, cell.state.value}
            and self.assignment in {None, cell.assignment_id}
            and self.student in {None, cell.student, cell.sis_student}
        )


@router.get(
    "/{comparison_id}/cells",
    summary="List the cells of a comparison",
    responses=problem_responses("section-not-found", "comparison-not-found", "cursor-not-valid"),
)
async def list_cells(
    *,
    context: SyncReader,
    comparison_id: ComparisonId,
    filters: Annotated[Filters, Depends(read_query(Filters))],
    response: Response,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
) -> schemas.ComparedCells:
    """List the compared scores by assignment and student; none before the comparison is complete.

    Teachers see students' names.
    """
    state = await find_comparison(context, comparison_id)
    listing = context.listing(f"{_path(state)}/cells", filters.query())
    position = listing.position(cursor)
    names = await read_names(context)
    async with context.database() as db:
        found = await comparisons.load_cells(db, state.id)
    # Numbered before they are filtered: a cursor is the number of a cell.
    after = int(position[0]) if position else -1
    cells = [(n, cell) for n, cell in enumerate(found.cells) if n > after and filters.accept(cell)]
    items, next_cursor = listing.paginate(response, cells[: limit + 1], limit, lambda item: (str(item[0]),))
    return schemas.ComparedCells(
        items=[_render_cell(cell, found.titles, names.known) for _, cell in items],
        next_cursor=next_cursor,
        names_unavailable=names.missing,
    )


async def find_comparison(context: SectionContext, comparison_id: UUID) -> ComparisonState:
    """Return a comparison of the section; one past its `settles_by` is ended first."""
    async with context.database() as db:
        await comparisons.settle_overdue(db)
        state = await comparisons.get(db, str(comparison_id))
    if state is None or state.section_id != context.section_id:
        raise RequestRefused("comparison-not-found", "This section has no such comparison.")
    return state


def _path(state: ComparisonState) -> str:
    return f"{section_path(state.section_id)}/comparisons/{state.id}"


def _render_state(state: ComparisonState) -> schemas.Comparison:
    kind, _, requester = state.requested_by.partition(":")
    error = state.error_code and schemas.ComparisonError(
        **render_reason(state.error_code, read_detail(state.error_detail)).model_dump(),
        detail=state.error_detail,
    )
    counts = {name: state.counts.get(name, 0) for name in STATES}
    return schemas.Comparison.model_validate(
        {
            "id": state.id,
            "section_id": state.section_id,
            "status": state.status,
            "requested_by": Requester.model_validate({"kind": kind, "id": requester}),
            "requested_at": state.requested_at,
            "started_at": state.started_at,
            "finished_at": state.finished_at,
            "settles_by": state.settles_by,
            "cells": sum(counts.values()),
            "counts": counts,
            "left_out": state.left_out,
            "edits": _render_edits(state.edits),
            "fields": _render_fields(state.edits),
            "error": error,
            "links": {"self": _path(state), "cells": f"{_path(state)}/cells"},
        }
    )


def _render_edits(edits: Concentration) -> schemas.EditsFound:
    return schemas.EditsFound(
        total=edits.edits,
        summary=edits.summary or None,
        assignments=[
            schemas.EditedAssignment(id=group.id, title=group.title, edits=group.edits)
            for group in edits.assignments
        ],
        students=[schemas.EditedStudent(id=group.id, edits=group.edits) for group in edits.students],
    )


def _render_fields(found: Concentration) -> schemas.FieldsFound:
    counts = {name: found.field_counts.get(name, 0) for name in STATES}
    return schemas.FieldsFound.model_validate(
        {
            "total": sum(counts.values()),
            "counts": counts,
            "differing": [
                {
                    "assignment": {"id": each.assignment_id, "title": each.title or None},
                    "field": each.field,
                    "state": each.state.value,
                    "sent": each.sent,
                    "sis": each.live,
                    "schoology": each.wanted,
                }
                for each in found.fields
            ],
        }
    )


def _render_cell(
    cell: ComparedCell, titles: Mapping[str, str], names: Mapping[str, str]
) -> schemas.ComparedCell:
    student = OutcomeStudent(id=cell.student, name=names.get(cell.student)) if cell.student else None
    return schemas.ComparedCell(
        assignment=schemas.ComparedAssignment(id=cell.assignment_id, title=titles.get(cell.assignment_id)),
        student=student,
        sis_student=cell.sis_student or None,
        state=cell.state.value,
        sent=render_value(cell.sent),
        sis=render_value(cell.live),
        schoology=render_value(cell.wanted),
        reason=render_reason(cell.reason) if cell.reason else None,
    )
