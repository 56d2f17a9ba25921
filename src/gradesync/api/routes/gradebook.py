"""Serve what became of a section's gradebook in a sync: by assignment in numbers, and cell by cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fastapi import Response

from gradesync.api import pagination, schemas
from gradesync.api.auth import SectionContext, SyncReader
from gradesync.api.cell_states import Column, list_students
from gradesync.api.middleware import Router
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.routes.outcomes import render_all
from gradesync.api.routes.syncs import SyncId, find_sync
from gradesync.api.schemas.gradebook import LETTERS
from gradesync.api.schemas.render import render_points, render_reason, render_value, sync_path
from gradesync.core.reasons import Result
from gradesync.db import by_assignment, ledger, links, sent_specs, syncs
from gradesync.db.by_assignment import AssignmentSummary, CellOutcome
from gradesync.db.outcomes import Outcome
from gradesync.db.syncs import Sync

router = Router("Syncs")
REFUSALS = ("section-not-found", "sync-not-found", "cursor-not-valid")


@router.get(
    "/sections/{section_id}/syncs/{sync_id}/assignments",
    summary="Count the outcomes of a sync by assignment",
    responses=problem_responses(*REFUSALS),
)
async def list_sync_assignments(
    *,
    context: SyncReader,
    sync_id: SyncId,
    response: Response,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
) -> schemas.Page[schemas.AssignmentSummary]:
    """List the assignments of a sync with the results of their scores in numbers.

    Over all pages the counts add up to those of the sync. List the outcomes with `assignment` to see the
    scores of one assignment.
    """
    sync, listing, after = await _find_list(context, sync_id, "assignments", cursor)
    async with context.database() as db:
        found = await by_assignment.summarize_page(db, sync.id, after=after, limit=limit + 1)
        points = await sent_specs.get_points(db, context.section_id)
    items, next_cursor = listing.paginate(response, found, limit, lambda item: (item.assignment_id,))
    own = await render_all(context, [item.own for item in items if item.own], {})
    outcomes = {outcome.assignment.id: outcome for outcome in own if outcome.assignment}
    return schemas.Page(
        items=[_render_summary(item, points, outcomes.get(item.assignment_id)) for item in items],
        next_cursor=next_cursor,
    )


def _render_summary(
    item: AssignmentSummary, points: Mapping[str, Decimal], outcome: schemas.Outcome | None
) -> schemas.AssignmentSummary:
    assignment = _render_assignment(item.assignment_id, item.title, points) if item.assignment_id else None
    return schemas.AssignmentSummary(
        assignment=assignment,
        outcome=outcome,
        assignments=schemas.AssignmentCounts(read=item.assignments.total(), **item.assignments),
        scores=schemas.ScoreCounts(read=item.scores.total(), **item.scores),
        reasons=item.reasons,
        clears=item.clears,
        attention=item.attention,
    )


@router.get(
    "/sections/{section_id}/syncs/{sync_id}/gradebook",
    summary="Show the gradebook as a sync left it",
    responses=problem_responses(*REFUSALS),
)
async def get_gradebook(
    *,
    context: SyncReader,
    sync_id: SyncId,
    response: Response,
    limit: pagination.Limit = 50,
    cursor: pagination.Cursor = None,
) -> schemas.GradebookPage:
    """Show the state of every score, one page of assignments at a time.

    In a preview, what a sync would send is waiting. Values are those that the sync reported. Teachers see
    students' names.
    """
    sync, listing, after = await _find_list(context, sync_id, "gradebook", cursor)
    names = await read_names(context)
    part = await _read_part(context, sync, after, limit + 1)
    ids, next_cursor = listing.paginate(response, list(part.columns), limit, lambda id_: (id_,))
    columns = {id_: part.columns[id_] for id_ in ids}
    students = list_students(columns.values(), part.keys)
    return schemas.GradebookPage(
        items=[_render_column(id_, part, students) for id_ in ids],
        next_cursor=next_cursor,
        students=[schemas.OutcomeStudent(id=uid, name=names.known.get(uid)) for uid in students],
        reasons=_render_reasons(columns.values()),
        whole=part.whole,
        names_unavailable=names.missing,
    )


async def _find_list(
    context: SectionContext, sync_id: SyncId, name: str, cursor: str | None
) -> tuple[Sync, pagination.Listing, str | None]:
    """Return a sync, one of its lists by assignment, and the assignment that the page starts after."""
    sync = await find_sync(context, sync_id)
    listing = context.listing(f"{sync_path(context.section_id, sync.id)}/{name}")
    after = listing.position(cursor)
    return sync, listing, after[0] if after else None


@dataclass(frozen=True, slots=True)
class _Part:
    """Hold columns and total points by assignment id, and the SIS key of each known student, by uid.

    `whole`: the columns include what the sync did not report.
    """

    columns: Mapping[str, Column]
    points: Mapping[str, Decimal]
    keys: Mapping[str, str]
    whole: bool


async def _read_part(context: SectionContext, sync: Sync, after: str | None, limit: int) -> _Part:
    section_id = context.section_id
    async with context.database() as db:
        newest = await syncs.page(db, section_id=section_id, limit=1)
        # The ledger shows what stands now: of an older sync it shows what later ones made of it.
        whole = not any(later.id > sync.id for later in newest)
        ids = await by_assignment.list_columns(
            db, sync.id, section_id=section_id if whole else None, after=after, limit=limit
        )
        own = {outcome.assignment_id: outcome for outcome in await by_assignment.read_own(db, sync.id, ids)}
        cells = await by_assignment.read_cells(db, sync.id, ids)
        entries = (await ledger.read(db, section_id, only=ids)).entries if whole else {}
        points = await sent_specs.get_points(db, section_id)
        link = await links.get(db, section_id)
    groups = _group(cells)
    columns = {id_: Column(own.get(id_), groups.get(id_, {}), entries.get(id_), sync.dry_run) for id_ in ids}
    return _Part(columns, points, link.students if link and whole else {}, whole)


def _group(cells: Iterable[CellOutcome]) -> Mapping[str, Mapping[str, CellOutcome]]:
    groups: dict[str, dict[str, CellOutcome]] = {}
    for cell in cells:
        groups.setdefault(cell.assignment_id, {})[cell.student_id] = cell
    return groups


def _render_column(assignment_id: str, part: _Part, students: Sequence[str]) -> schemas.GradebookColumn:
    column = part.columns[assignment_id]
    cells = [column.cells.get(uid) for uid in students]
    return schemas.GradebookColumn(
        assignment=_render_assignment(assignment_id, column.title, part.points),
        state=column.state,
        reason=_render_own_reason(column.own) if column.own else None,
        cells="".join(LETTERS[column.find_state(uid, part.keys.get(uid))] for uid in students),
        before=_shorten([render_value(cell.before) if cell else None for cell in cells]),
        after=_shorten([render_value(cell.after) if cell else None for cell in cells]),
        reasons=_shorten([_find_reason(cell) if cell else None for cell in cells]),
    )


def _render_assignment(
    assignment_id: str, title: str | None, points: Mapping[str, Decimal]
) -> schemas.OutcomeAssignment:
    known = points.get(assignment_id)
    return schemas.OutcomeAssignment(
        id=assignment_id, title=title, points=None if known is None else render_points(known)
    )


def _shorten(values: list[str | None]) -> list[str | None]:
    return values if any(value is not None for value in values) else []


def _find_reason(outcome: CellOutcome | Outcome) -> str | None:
    """Return the code to explain a state by: why it did not go, else the first warning."""
    stopped = outcome.result in {Result.SKIPPED, Result.FAILED}
    return outcome.reason if stopped else next(iter(outcome.warnings), None)


def _render_own_reason(outcome: Outcome) -> schemas.ReasonText | None:
    code = _find_reason(outcome)
    return render_reason(code, outcome.facts) if code else None


def _render_reasons(columns: Iterable[Column]) -> Mapping[str, schemas.ReasonText]:
    codes = {_find_reason(cell) for column in columns for cell in column.cells.values()}
    return {code: render_reason(code) for code in sorted(filter(None, codes))}
