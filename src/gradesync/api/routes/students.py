"""Answer a parent's question: what was sent for a student, when, by which sync, and who asked."""

from typing import Annotated, Literal

from fastapi import Header, Path, Query, Response

from gradesync.api import sheet
from gradesync.api.auth import RequestContext, StudentReader
from gradesync.api.live import SectionRef
from gradesync.api.middleware import Router
from gradesync.api.names import distinguish_names
from gradesync.api.negotiation import prefers
from gradesync.api.problems import problem_responses
from gradesync.api.routes.history import render_assignment, render_change
from gradesync.api.schemas import PlainText, SchoologyId
from gradesync.api.schemas import history as schemas
from gradesync.api.schemas.render import render_value
from gradesync.api.student_scores import GatheredScores, SentScore, find_name, gather
from gradesync.core.ledger import holds
from gradesync.db import audit, links
from gradesync.db.links import StudentLink
from gradesync.errors import RequestRefused

router = Router("History", prefix="/students")

IdKind = Literal["schoology", "sis"]
StudentId = Annotated[
    PlainText, Path(min_length=1, max_length=200, description="The id, of the kind that `by` names")
]
By = Annotated[IdKind, Query(description="Whose id it is: a Schoology user id, or the SIS's key")]
SectionFilter = Annotated[SchoologyId | None, Query(alias="section", description="Only this section")]


@router.get(
    "",
    summary="Find students of a section by name",
    responses=problem_responses(
        "section-not-found", "too-many-requests", "upstream-refused", "upstream-unavailable"
    ),
)
async def find_students(
    *,
    context: StudentReader,
    section: Annotated[SchoologyId, Query(description="Schoology section id")],
    name: Annotated[PlainText, Query(min_length=1, max_length=100, description="A part of the name")],
) -> list[schemas.FoundStudent]:
    """Look a name up in Schoology, in one section. The audit log gets the search, and no name is stored."""
    members = await context.live.members(SectionRef(context.caller.district_id, section))
    known = distinguish_names(members)
    wanted = name.casefold()
    matches = [one for one in members if not one.admin and wanted in known.get(one.uid, "").casefold()]
    async with context.database() as db:
        await audit.append(db, context.by.actor, "student.searched", {"section": section}, context.source_ip)
    return [schemas.FoundStudent(student_id=one.uid, name=known[one.uid]) for one in matches]


@router.get(
    "/{student_id}/scores",
    response_model=schemas.StudentScores,
    summary="Get what was sent for a student",
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **problem_responses("student-not-found", "too-many-requests"),
    },
)
async def get_student_scores(
    *,
    context: StudentReader,
    student_id: StudentId,
    by: By = "schoology",
    section: SectionFilter = None,
    live: Annotated[
        bool, Query(description="Also read what the SIS holds now, for ten seconds a section at most")
    ] = False,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response | schemas.StudentScores:
    """Return every score that was sent for a student, newest change first: when, by which sync, who asked.

    With `Accept: text/html` it is a sheet to print. Each reading is in the audit log. The name is looked up
    in Schoology for this response, and stored nowhere.
    """
    async with context.database() as db:
        found = await links.find_student(db, student_id, by_sis=by == "sis")
        found = [one for one in found if section in {None, one.section_id}]
        if not found:
            raise RequestRefused("student-not-found", "No section that was synced has this student.")
        seen = {"student": student_id, "by": by, "sections": len(found)}
        await audit.append(db, context.by.actor, "student.read", seen, context.source_ip)
    answer = await _answer(context, found, live=live)
    if prefers(accept, "text/html"):
        return sheet.render(answer, await context.district())
    return answer


async def _answer(
    context: RequestContext, sections: list[StudentLink], *, live: bool
) -> schemas.StudentScores:
    found = await gather(context, sections, live=live)
    return schemas.StudentScores(
        student_id=sections[-1].student_id,
        sis_student_ids=sorted({one.sis_student for one in sections}),
        name=await find_name(context, sections),
        as_of=context.runtime.clock(),
        known_since=found.known_since,
        sections=len(sections),
        scores=[_render(found, score) for score in found.scores],
    )


def _render(found: GatheredScores, score: SentScore) -> schemas.StudentScore:
    entry = found.ledgers[score.section.section_id].get(score.assignment_id)
    return schemas.StudentScore(
        section_id=score.section.section_id,
        section_title=score.section.title or None,
        assignment=render_assignment(score.assignment_id, entry.spec if entry else None),
        sis_assignment_id=entry.ref.key if entry and entry.ref else None,
        now=_render_now(score),
        changes=[render_change(one.change, one.at, one.cause) for one in reversed(score.changes)],
    )


def _render_now(score: SentScore) -> schemas.StandsNow:
    if score.live is None:
        return schemas.StandsNow(source="last-sent", value=render_value(score.sent), edited=None)
    value = score.live.get(score.section.sis_student)
    return schemas.StandsNow(
        source="read",
        value=render_value(value),
        edited=not holds(value, score.sent) if score.standing else None,
    )
