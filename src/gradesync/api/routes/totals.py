"""Explain why the totals of a section differ in Schoology and in the SIS."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from gradesync.api.auth import SectionContext, SyncReader
from gradesync.api.computing import compute
from gradesync.api.middleware import Router
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import GradingPeriod, OutcomeStudent
from gradesync.api.schemas import totals as schemas
from gradesync.api.schemas.render import render_points
from gradesync.core.district import District
from gradesync.core.sis import id_order
from gradesync.core.totals.causes import Cell, Explanation, Share
from gradesync.core.totals.compare import explain_total
from gradesync.core.totals.sides import Sides, SisFormula, SisSetup, choose_period
from gradesync.core.totals.wording import find_assumptions, show, word_assumption, word_cause
from gradesync.db import audit
from gradesync.errors import RequestRefused
from gradesync.sync.totals import read_sides

router = Router("Comparisons")


@router.post(
    "/sections/{section_id}/totals",
    summary="Explain why totals differ",
    responses=problem_responses(
        "section-not-found",
        "student-not-found",
        "period-not-found",
        "not-course-admin",
        "upstream-refused",
        "upstream-unavailable",
    ),
)
async def explain_totals(*, context: SyncReader, request: schemas.TotalsRequest) -> schemas.Totals:
    """Compute a student's grade, or the class's, as Schoology does and as the SIS would, and name each cause.

    Both systems are read, with calls that no sync waits for, and neither is written. It can take a minute.
    Each cause is worth its mean effect over all orders of the causes, so that the worths add up to the
    difference; beyond eight causes, over some of these orders (`exact`). What no system shows is assumed, and
    listed.
    """
    if context.caller.kind == "teacher":  # clients and admins read the whole district
        await context.require_course_admin()
    district = await context.district()
    read = await read_sides(
        context.runtime.context, district, context.section_id, requested_by=context.by.actor
    )
    async with context.database() as db:
        entry = {"section": context.section_id}
        await audit.append(db, context.by.actor, "totals.explained", entry, context.source_ip)
    sides = _narrow(read, request, _today(context, district))
    uids = _choose_students(sides, request.student)
    found = await compute(lambda: _explain(sides, uids, request.sis.formula))
    names = await read_names(context)
    title = sides.gradebook.period_titles.get(sides.period or "")
    return schemas.Totals(
        as_of=context.runtime.clock(),
        period=GradingPeriod(id=sides.period, title=title or None) if sides.period else None,
        first=sides.term.first,
        last=sides.term.last,
        students=[_render_student(uid, found[uid], names.known.get(uid)) for uid in uids],
        assumed=[
            schemas.Assumption(code=each, text=word_assumption(each)) for each in find_assumptions(sides)
        ],
        names_unavailable=names.missing,
    )


def _today(context: SectionContext, district: District) -> date:
    return context.runtime.clock().astimezone(ZoneInfo(district.timezone)).date()


def _narrow(sides: Sides, request: schemas.TotalsRequest, today: date) -> Sides:
    """Return the sides for the grading period and the set-up of a request."""
    period = request.period or choose_period(sides.gradebook, today)
    if period is not None and period not in sides.gradebook.periods:
        raise RequestRefused("period-not-found", "This section has no such grading period.")
    given = request.sis
    setup = SisSetup(given.weights, given.dropped, given.first, given.last, given.decimals)
    return replace(sides, period=period, setup=setup)


def _choose_students(sides: Sides, uid: str | None) -> Sequence[str]:
    active = [student.uid for student in sides.gradebook.students.values() if student.active]
    if uid is None:
        return sorted(active, key=id_order)
    if uid not in active:
        raise RequestRefused("student-not-found", "This section has no such student.")
    return [uid]


def _explain(
    sides: Sides, uids: Sequence[str], formula: str | None
) -> dict[str, dict[SisFormula, Explanation]]:
    kinds = list(SisFormula) if formula is None else [SisFormula(formula)]
    return {uid: {kind: explain_total(sides, uid, kind) for kind in kinds} for uid in uids}


def _render_student(
    uid: str, found: Mapping[SisFormula, Explanation], name: str | None
) -> schemas.StudentTotals:
    return schemas.StudentTotals(
        student=OutcomeStudent(id=uid, name=name),
        totals=[_render_total(kind, explanation) for kind, explanation in found.items()],
    )


def _render_total(kind: SisFormula, explanation: Explanation) -> schemas.FormulaTotal:
    shown = show(explanation)
    return schemas.FormulaTotal(
        formula=kind.value,
        schoology=None if shown.source is None else render_points(shown.source),
        sis=None if shown.sis is None else render_points(shown.sis),
        difference=None if shown.difference is None else render_points(shown.difference),
        causes=[
            _render_cause(share, None if worth is None else render_points(worth))
            for share, worth in zip(explanation.shares, shown.worths, strict=True)
        ],
        exact=explanation.exact,
    )


def _render_cause(share: Share, worth: str | None) -> schemas.TotalCause:
    words = word_cause(share.cause)
    return schemas.TotalCause(
        code=share.cause.value,
        title=words.title,
        fix=words.fix,
        worth=worth,
        cells=[_render_cell(cell) for cell in share.cells],
    )


def _render_cell(cell: Cell) -> schemas.TotalCell:
    return schemas.TotalCell(
        assignment=cell.assignment or None,
        category=cell.category or None,
        title=cell.title,
        schoology=cell.source,
        sis=cell.sis,
        reason=cell.reason,
    )
