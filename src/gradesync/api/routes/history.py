"""Serve what stood in the SIS at a moment, as far as is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from sqlalchemy import Row

from gradesync.api import pagination
from gradesync.api.auth import CountedSyncReader
from gradesync.api.computing import compute
from gradesync.api.middleware import Router
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.queries import read_query
from gradesync.api.schemas import Moment, OutcomeAssignment, OutcomeStudent, PlainText, SchoologyId
from gradesync.api.schemas import history as schemas
from gradesync.api.schemas.render import render_points, render_value
from gradesync.core.decide import NEVER_SENT
from gradesync.core.history import Cause, CellChange, KnownScore, fold
from gradesync.core.sis import Spec, id_order
from gradesync.db import history, links, sent_specs

router = Router("History")


@dataclass(frozen=True, slots=True)
class Filters:
    """Choose the moment, and filter the scores that stood then."""

    as_of: Annotated[Moment | None, Query(description="The moment; now, if it is not given")] = None
    assignment: Annotated[SchoologyId | None, Query(description="Only scores of this assignment")] = None
    student: Annotated[
        PlainText | None, Query(max_length=200, description="Only scores of this student, by either id")
    ] = None

    def query(self) -> dict[str, str]:
        """Return the filters that are set as query parameters."""
        as_of = self.as_of.isoformat() if self.as_of else None
        values = {"as_of": as_of, "assignment": self.assignment, "student": self.student}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold a score as it stood, with the ids of its place and what is joined to them."""

    assignment_id: str
    sis_student: str
    uid: str | None
    known: KnownScore

    @property
    def position(self) -> tuple[str, str]:
        return self.assignment_id, self.sis_student


@router.get(
    "/sections/{section_id}/history",
    summary="Get what stood in the SIS at a moment",
    responses=problem_responses("section-not-found", "cursor-not-valid", "too-many-requests"),
)
async def get_history(
    *,
    context: CountedSyncReader,
    filters: Annotated[Filters, Depends(read_query(Filters))],
    response: Response,
    limit: pagination.Limit = 100,
    cursor: pagination.Cursor = None,
) -> schemas.SectionHistory:
    """Return the scores that stood in the SIS, each with the sync that made it and who asked for that.

    It is what gradesync sent or found there. What somebody typed into the SIS is in it from when a sync or a
    comparison saw it: the `mode` of such a change is `comparison`, and its `sync_id` that of the comparison.
    Once it is taken back, what stood before it is shown again.
    """
    as_of = filters.as_of or context.runtime.clock()
    listing = context.listing(f"{context.path}/history", filters.query())
    names = await read_names(context)
    async with context.database() as db:
        link = await links.get(db, context.section_id)
        packed = await history.read_packed(db, [context.section_id], until=filters.as_of, sighted=True)
        specs = await sent_specs.get_specs(db, context.section_id)
    holders = {key: uid for uid, key in (link.remembered if link else {}).items()}
    after = listing.position(cursor)
    found = await compute(lambda: _page(_list_standing(packed, holders), filters, after))
    items, next_cursor = listing.paginate(response, found[: limit + 1], limit, lambda one: one.position)
    return schemas.SectionHistory(
        items=[_render(one, specs, names.known) for one in items],
        next_cursor=next_cursor,
        as_of=as_of,
        known_since=packed[0].at if packed else None,
        names_unavailable=names.missing,
    )


def _list_standing(packed: Iterable[Row[Any]], holders: Mapping[str, str]) -> list[Standing]:
    """List the scores that stand after events; `holders` are the uids by SIS student."""
    return [
        Standing(assignment_id, key, holders.get(key), known)
        for assignment_id, cells in fold(event for _, event in history.load(packed)).items()
        for key, known in cells.items()
    ]


def _page(standing: list[Standing], filters: Filters, after: tuple[str, ...] | None) -> list[Standing]:
    """Return the scores that pass the filters, in the order of their ids, after a position."""
    kept = [
        one
        for one in standing
        if filters.assignment in {None, one.assignment_id}
        and filters.student in {None, one.uid, one.sis_student}
    ]
    kept.sort(key=lambda one: tuple(map(id_order, one.position)))
    if after is None:
        return kept
    return [one for one in kept if tuple(map(id_order, one.position)) > tuple(map(id_order, after))]


def _render(one: Standing, specs: Mapping[str, Spec], names: Mapping[str, str]) -> schemas.StandingScore:
    return schemas.StandingScore(
        assignment=render_assignment(one.assignment_id, specs.get(one.assignment_id)),
        student=OutcomeStudent(id=one.uid, name=names.get(one.uid)) if one.uid else None,
        sis_assignment_id=one.known.ref,
        sis_student_id=one.sis_student,
        change=render_change(one.known.change, one.known.at, one.known.cause),
    )


def render_assignment(assignment_id: str, spec: Spec | None) -> OutcomeAssignment:
    """Render an assignment as it was last sent."""
    points = None if spec is None else render_points(spec.points)
    return OutcomeAssignment(id=assignment_id, title=spec.name if spec else None, points=points)


def render_change(change: CellChange, at: datetime, cause: Cause) -> schemas.ScoreChange:
    """Render one change of a score, with its cause."""
    return schemas.ScoreChange(
        at=at,
        value=None if change.after is NEVER_SENT else render_value(change.after),
        before=None if change.before is NEVER_SENT else render_value(change.before),
        first=change.before is NEVER_SENT,
        removed=change.after is NEVER_SENT,
        found=change.found,
        sent_by=change.sent_by or None,
        sync_id=cause.sync_id,
        mode=cause.mode,
        requested_by=cause.requested_by,
        approved_by=cause.approved_by,
        reason=cause.reason,
    )
