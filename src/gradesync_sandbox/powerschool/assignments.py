"""List, read, create, overwrite and delete assignments.

Serves `/ws/xte/section/assignment/` (upstream.md PowerSchool §4.1 to §4.3).
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.access import (
    ASSIGNMENT_TABLES,
    acting_teacher,
    check_grants,
    check_open,
    taught_section,
)
from gradesync_sandbox.powerschool.bodies import (
    AssignmentBody,
    SectionBody,
    read_body,
    read_new_assignment,
)
from gradesync_sandbox.powerschool.checks import Draft, check, scoring
from gradesync_sandbox.powerschool.gradebook import Gradebook
from gradesync_sandbox.powerschool.log import Call
from gradesync_sandbox.powerschool.rows import Assignment, AssignmentSection, CategoryAssoc
from gradesync_sandbox.powerschool.shapes import assignment_shape
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import (
    SIX_PLACES,
    Problem,
    Refused,
    conflict,
    flag,
    json_response,
    whole_number,
)
from gradesync_sandbox.powerschool.words import stored_name


def list_assignments(sis: PowerSchool, request: Request) -> Response:
    """Answer a plain array of all assignments of the sections; there is no paging."""
    teacher = acting_teacher(request)
    asked = [
        whole_number(key, "section_ids") for key in request.query_params.get("section_ids", "").split(",")
    ]
    sections = [taught_section(sis, teacher, dcid, write=False) for dcid in asked]
    check_grants(sis, ASSIGNMENT_TABLES, write=False)
    found = {a.assignmentid: a for section in sections for a in sis.gradebook.of_section(section)}
    hidden = sis.gradebook.hidden_from_lists
    return json_response([assignment_shape(sis, a) for key, a in found.items() if key not in hidden])


def read_assignment(sis: PowerSchool, request: Request) -> Response:
    """Answer one assignment with all of its sections."""
    assignment = _requested(sis, request, write=False)
    check_grants(sis, ASSIGNMENT_TABLES, write=False)
    return json_response(assignment_shape(sis, assignment))


def create_assignment(sis: PowerSchool, request: Request, raw: bytes, call: Call) -> Response:
    """Create an assignment: 201 with an empty body and the assignment's id in `Location`."""
    teacher = acting_teacher(request)
    body = read_new_assignment(raw)
    drafts = [_draft(sis, teacher, part, None) for part in body.sections]
    _check_change(sis, drafts, body)
    yearid = drafts[0].section.termid // 100
    key = next(sis.gradebook.next_id.assignment)
    parts = [_part(sis, part, None) for part in body.sections]
    made = Assignment(key, yearid, parts, str(sis.plugin.plugin_id))
    _set_head(made, body)
    sis.gradebook.add(made)
    call.created.append(key)
    headers = {"location": f"{request.url.replace(query='', path=request.url.path.rstrip('/'))}/{key}"}
    if sis.switches.assignment_section_ids_header:
        headers["AssignmentSectionIds"] = str([part.assignmentsectionid for part in parts])
    return Response(status_code=201, headers=headers)


def update_assignment(sis: PowerSchool, request: Request, raw: bytes, call: Call) -> Response:
    """Overwrite an assignment with the body; fields that it leaves out fall back to their defaults."""
    teacher, assignment = acting_teacher(request), _requested(sis, request, write=True)
    body = read_body(raw, AssignmentBody)
    _check_identity(assignment, body)
    drafts = [_draft(sis, teacher, part, assignment.assignmentid) for part in body.sections]
    _check_change(sis, drafts, body, assignment.sections)
    rescoring = _rescoring(sis, assignment, body, flag(request, "update_scores"))
    before = {part.sectionsdcid: part for part in assignment.sections}
    parts = [_part(sis, part, before.get(part.sectionsdcid)) for part in body.sections]
    if rescoring and sis.switches.update_scores_does == "scale":
        _scale(sis.gradebook, assignment, parts)
    _set_head(assignment, body)
    assignment.sections = parts
    sis.gradebook.add(assignment)
    call.updated.append(assignment.assignmentid)
    return Response(status_code=sis.switches.update_status)


def delete_assignment(sis: PowerSchool, request: Request, call: Call) -> Response:
    """Delete an assignment: 204; 412 where scores exist and `force` is not true."""
    assignment = _requested(sis, request, write=True)
    check_open(sis, [sis.sections[part.sectionsdcid] for part in assignment.sections], assignment.sections)
    if _scored(sis, assignment) and not flag(request, "force"):
        raise Refused(412, "Assignment has scores")
    sis.gradebook.delete_assignment(assignment.assignmentid)
    call.deleted.append(assignment.assignmentid)
    return Response(status_code=204)


def _requested(sis: PowerSchool, request: Request, *, write: bool) -> Assignment:
    """Return the assignment of the path, if the acting teacher teaches one of its sections."""
    teacher = acting_teacher(request)
    key = whole_number(request.path_params["assignmentid"], "assignmentid")
    assignment = sis.gradebook.assignments.get(key)
    if assignment is None:
        named = "com.pearson.powerschool.xte.model.Assignment"
        raise Refused(sis.switches.gone_status, f"Unable to find {named} with id {key}")
    sections = [sis.sections[part.sectionsdcid] for part in assignment.sections]
    if not any(sis.teaches(teacher, section, write=write) for section in sections):
        taught_section(sis, teacher, sections[0].dcid, write=write)
    return assignment


def _draft(sis: PowerSchool, teacher: int, body: SectionBody, assignmentid: int | None) -> Draft:
    section = taught_section(sis, teacher, body.sectionsdcid, write=True)
    return Draft(sis, teacher, section, body, assignmentid)


def _check_change(
    sis: PowerSchool, drafts: list[Draft], body: AssignmentBody, standing: Sequence[AssignmentSection] = ()
) -> None:
    check_grants(sis, ASSIGNMENT_TABLES, write=True)
    check_open(sis, [draft.section for draft in drafts], standing)
    check(drafts, body)


def _check_identity(assignment: Assignment, body: AssignmentBody) -> None:
    """Require all sections (upstream.md PowerSchool §4.3).

    Raises `Refused` 400 otherwise: the status is a guess.
    """
    if body.assignmentid not in (None, assignment.assignmentid):
        raise Refused(400, "assignmentid differs from the one in the path")
    keys = {part.sectionsdcid: part.assignmentsectionid for part in assignment.sections}
    if missing := keys.keys() - {part.sectionsdcid for part in body.sections}:
        raise Refused(400, f"All sections must be included: {min(missing)} is missing")
    for part in body.sections:
        if part.assignmentsectionid not in (None, keys.get(part.sectionsdcid)):
            raise Refused(400, f"assignmentsectionid {part.assignmentsectionid} is not of this assignment")


def _rescoring(
    sis: PowerSchool, assignment: Assignment, body: AssignmentBody, update_scores: bool | None
) -> bool:
    """Return whether scores follow a new scoring.

    Raises `Refused` 409 where `update_scores` is required (upstream.md PowerSchool §4.3).
    """
    before = {part.sectionsdcid: scoring(part) for part in assignment.sections}
    changed = any(scoring(part) != before.get(part.sectionsdcid) for part in body.sections)
    required = changed and _scored(sis, assignment) and "scores_need_update" in sis.switches.inferred
    if required and update_scores is None:
        raise conflict([Problem("update_scores is required: scores exist", field="update_scores")])
    return changed and bool(update_scores)


def _scored(sis: PowerSchool, assignment: Assignment) -> bool:
    cells = (sis.gradebook.scores[part.assignmentsectionid] for part in assignment.sections)
    return any(not score.blank for part in cells for score in part.values())


def _scale(gradebook: Gradebook, assignment: Assignment, parts: list[AssignmentSection]) -> None:
    """Keep the percentages: one of the two things that `update_scores` may mean."""
    new = {part.assignmentsectionid: part.scoreentrypoints for part in parts}
    for part in assignment.sections:
        ratio = new[part.assignmentsectionid] / part.scoreentrypoints
        for score in gradebook.scores[part.assignmentsectionid].values():
            if score.scorepoints is not None:
                score.scorepoints = (score.scorepoints * ratio).quantize(SIX_PLACES, ROUND_HALF_UP)
                score.actualscoreentered = f"{score.scorepoints.normalize():f}"


def _set_head(assignment: Assignment, body: AssignmentBody) -> None:
    assignment.standardcalcdirection = body.standardcalcdirection
    assignment.standardscoringmethod = body.standardscoringmethod


def _part(sis: PowerSchool, body: SectionBody, kept: AssignmentSection | None) -> AssignmentSection:
    ids = sis.gradebook.next_id
    points, weight = Decimal(body.scoreentrypoints), Decimal(body.weight)
    return AssignmentSection(
        assignmentsectionid=kept.assignmentsectionid if kept else next(ids.assignment_section),
        sectionsdcid=body.sectionsdcid,
        name=stored_name(body.name, sis.switches),
        duedate=body.duedate,
        scoreentrypoints=points,
        totalpointvalue=points * weight,
        categories=[
            CategoryAssoc(next(ids.category_assoc), assoc.teachercategoryid, assoc.isprimary)
            for assoc in body.categories
        ],
        weight=weight,
        extracreditpoints=Decimal(body.extracreditpoints),
        scoretype=body.scoretype,
        description=body.description,
        iscountedinfinalgrade=body.iscountedinfinalgrade,
        isscoringneeded=body.isscoringneeded,
        publishoption=body.publishoption,
        publishdaysbeforedue=body.publishdaysbeforedue,
        publishonspecificdate=body.publishonspecificdate,
        isscorespublish=body.isscorespublish,
        maxretakeallowed=body.maxretakeallowed,
        relatedgradescaleitemdcid=body.relatedgradescaleitemdcid,
        students=[student.studentsdcid for student in body.students or body.students_as_haiku],
    )
