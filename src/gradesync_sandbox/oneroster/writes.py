"""Take writes: line items and results, by ids that the client makes, and deletes."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.oneroster.demands import Demands
from gradesync_sandbox.oneroster.objects import Shown
from gradesync_sandbox.oneroster.reads import find_section
from gradesync_sandbox.oneroster.schema import check_object
from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.oneroster.wire import Refused, answer
from gradesync_sandbox.powerschool.bent import is_poisoned
from gradesync_sandbox.powerschool.log import Call, Effect, WrittenScore
from gradesync_sandbox.powerschool.rows import Assignment, AssignmentSection, Category, Score, Section
from gradesync_sandbox.powerschool.words import stored_name

Object = Mapping[str, Any]
# Fields that the gradebook has columns for, or that the server sets itself.
_OF_GRADEBOOK = {
    *("status", "dateLastModified", "title", "resultValueMax", "class", "category", "school", "score"),
    *("lineItem", "student"),
}


def put_line_item(face: OneRoster, request: Request, raw: bytes, shown: Shown, call: Call) -> Response:
    """Create a line item, or replace one."""
    key, sent = request.path_params["id"], _read(face, request, raw, "lineItem")
    section = find_section(face, sent["class"]["sourcedId"])
    category = _category(face, section, sent)
    _check_line_item(face, section, sent)
    found = face.find_line_item(key)
    if found is None and key in face.line_items and face.switches.deleted == "tobedeleted":
        raise Refused(422, "invaliddata", "This line item is to be deleted")
    due = _due(face, sent["dueDate"])
    points, name = Decimal(sent.get("resultValueMax", 0)), stored_name(sent["title"], face.sis.switches)
    created = found is None
    if found is None:
        found = face.sis.gradebook.add_assignment(
            section, name, category, due=due, points=points, by_plugin="oneroster"
        )
        face.line_items[key] = found.assignmentid
        face.item_classes[found.assignmentid] = section.dcid
        call.created.append(found.assignmentid)
    else:
        part = found.section(section.dcid)
        face.sis.gradebook.edit_assignment(part, name=name, due=due, points=points, category=category)
        call.updated.append(found.assignmentid)
    face.item_fields[found.assignmentid] = {
        "sourcedId": key,
        **{name: value for name, value in sent.items() if name not in _OF_GRADEBOOK},
    }
    echo = shown.line_item(found, found.section(section.dcid))
    return _done(face, {"lineItem": echo}, created=created)


def _check_line_item(face: OneRoster, section: Section, sent: Object) -> None:
    """Check what this server demands beyond the schemas."""
    demands, term = face.demands, face.sis.term_of(section)
    if term.locked:
        raise Refused(403, "forbidden", "The grading window is closed")
    if not term.firstday <= _due(face, sent["dueDate"]) <= term.lastday:
        raise Refused(422, "invaliddata", "dueDate is outside the term")
    if demands.title_limit is not None and len(sent["title"]) > demands.title_limit:
        raise Refused(422, "invaliddata", "title is too long")
    points = Decimal(sent.get("resultValueMax", 0))
    if points <= 0 or (demands.whole_points and points != points.to_integral_value()):
        raise Refused(422, "invaliddata", "resultValueMax is not accepted")
    if demands.score_type and sent.get("metadata", {}).get("scoreType") != demands.score_type:
        raise Refused(422, "invaliddata", "metadata.scoreType is not accepted")


def _category(face: OneRoster, section: Section, sent: Object) -> Category:
    mine = face.sis.categories_of(face.sis.schoolstaff[section.teacher].users_dcid)
    asked = sent.get("category", {}).get("sourcedId")
    if face.demands.constant_category is not None or asked is None:
        if asked != face.demands.constant_category:
            raise Refused(422, "invaliddata", "category is not accepted")
        return mine[0]
    found = next((c for c in mine if c.isactive and face.id_of_category(c.teachercategoryid) == asked), None)
    if found is None:
        raise Refused(404, "unknownobject", "There is no such category")
    return found


def _due(face: OneRoster, text: str) -> date:
    """Return the day of a time, in the district."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(face.sis.timezone)).date()


def delete_line_item(face: OneRoster, request: Request, raw: bytes, shown: Shown, call: Call) -> Response:
    found = face.find_line_item(request.path_params["id"])
    if found is None:
        raise Refused(404, "unknownobject", "There is no such line item")
    if face.demands.blank == "cannot":
        raise Refused(403, "forbidden", "Line items are not deleted")
    face.sis.gradebook.delete_assignment(found.assignmentid)
    call.deleted.append(found.assignmentid)
    return Response(status_code=204)


def put_result(face: OneRoster, request: Request, raw: bytes, shown: Shown, call: Call) -> Response:
    """Create a result, or replace one."""
    key, sent = request.path_params["id"], _read(face, request, raw, "result")
    cell = _find_cell(face, key, sent, call)
    created = cell.student not in face.sis.gradebook.scores[cell.part.assignmentsectionid]
    score = _store_result(face, key, sent, cell)
    return _done(face, {"result": shown.result(cell.part, score)}, created=created)


def post_results(face: OneRoster, request: Request, raw: bytes, shown: Shown, call: Call) -> Response:
    """Create results of a line item under ids of the server's own; one that is refused refuses the call."""
    if not face.demands.bulk_post:
        raise Refused(405, "forbidden", "Results are put one by one")
    made = [(f"own-{uuid4()}", each) for each in _read_many(face, request, raw)]
    finding = ((own, each, _find_cell(face, own, each, call)) for own, each in made)
    pairs = []
    for own, each, cell in finding if face.switches.part_posts else list(finding):
        _store_result(face, own, each, cell)
        pairs.append({"suppliedSourcedId": each["sourcedId"], "allocatedSourcedId": own})
    return answer({"sourcedIdPairs": pairs}, 201)


class _Cell(NamedTuple):
    """Name where a result is stored, and the row that logs it."""

    part: AssignmentSection
    student: int
    logged: WrittenScore


def _find_cell(face: OneRoster, key: str, sent: Object, call: Call) -> _Cell:
    """Return where a result goes. Raises `Refused` where it does not."""
    assignment = face.find_line_item(sent["lineItem"]["sourcedId"])
    part = None if assignment is None else assignment.sections[0]
    student = sent["student"]["sourcedId"]
    logged = _logged(assignment, part, student, sent.get("score"), "refused")
    call.rows.append(logged)
    if assignment is None or part is None:
        raise Refused(404, "unknownobject", "There is no such line item")
    section = face.sis.sections[part.sectionsdcid]
    known = face.sis.students.keys() if face.switches.takes_absent else face.sis.roster(section)
    if not student.isdecimal() or int(student) not in known:
        raise Refused(404, "unknownobject", "There is no such student in the class")
    _check_result(face, section, sent)
    pair = part.assignmentsectionid, int(student)
    _check_poison(face, pair)
    _check_cell(face, key, face.sis.gradebook.scores[pair[0]].get(pair[1]))
    return _Cell(part, int(student), logged)


def _check_poison(face: OneRoster, pair: tuple[int, int]) -> None:
    if is_poisoned(face.sis, *pair):
        raise Refused(500, "internal_server_error", "Internal Server Error")


def _store_result(face: OneRoster, key: str, sent: Object, cell: _Cell) -> Score:
    pair = cell.part.assignmentsectionid, cell.student
    score = face.sis.gradebook.score_of(*pair)
    before = score.value
    _store(score, sent)
    cell.logged.effect = "unchanged" if score.value == before else "written"
    face.results[key] = pair
    fields = {name: value for name, value in sent.items() if name not in _OF_GRADEBOOK or name == "score"}
    face.result_fields[pair] = {**fields, "sourcedId": key}
    return score


def _check_result(face: OneRoster, section: Section, sent: Object) -> None:
    demands, status, has_score = face.demands, sent["scoreStatus"], "score" in sent
    if face.sis.term_of(section).locked:
        raise Refused(403, "forbidden", "The grading window is closed")
    if not demands.old and status == "exempt" and has_score != demands.exempt_needs_score:
        raise Refused(422, "invaliddata", "score is not accepted beside exempt")
    if status == "not submitted" and demands.blank != "not-submitted":
        raise Refused(422, "invaliddata", "A result without a score is deleted")
    if status == "fully graded" and not has_score:
        raise Refused(422, "invaliddata", "score is missing")
    score = Decimal(sent.get("score", 0))
    if score != round(score, demands.decimals):
        raise Refused(422, "invaliddata", "score has too many decimals")


def _check_cell(face: OneRoster, key: str, score: Score | None) -> None:
    known = None if score is None else face.id_of_result(score)
    if known is not None and known != key and score is not None and not score.blank:
        raise Refused(422, "invaliddata", "The student has another result in this line item")
    if face.demands.keeps_entries and score is not None and score.by == "sis" and not score.blank:
        raise Refused(403, "forbidden", "A teacher entered this score")


def _store(score: Score, sent: Object) -> None:
    points = sent.get("score") if sent["scoreStatus"] == "fully graded" else None
    score.scorepoints = None if points is None else Decimal(points)
    score.actualscoreentered = None if points is None else f"{Decimal(points).normalize():f}"
    score.actualscorekind = None if points is None else "REAL_SCORE"
    marks = {"isexempt": sent["scoreStatus"] == "exempt", "ismissing": sent.get("missing") == "true"}
    score.flags = frozenset(name for name, stands in marks.items() if stands)
    score.by = "plugin"


def delete_result(face: OneRoster, request: Request, raw: bytes, shown: Shown, call: Call) -> Response:
    key = request.path_params["id"]
    found = face.find_result(key)
    if found is None:
        raise Refused(404, "unknownobject", "There is no such result")
    part, score = found
    assignment = face.sis.gradebook.parts[part.assignmentsectionid][0]
    logged = _logged(assignment, part, str(score.studentsdcid), None, "refused")
    call.rows.append(logged)
    if face.demands.blank != "delete":
        raise Refused(405, "deletefailure", "Results are not deleted")
    if face.sis.term_of(face.sis.sections[part.sectionsdcid]).locked:
        raise Refused(403, "forbidden", "The grading window is closed")
    _check_poison(face, (part.assignmentsectionid, score.studentsdcid))
    logged.effect = "unchanged" if score.blank and not score.flags else "cleared"
    del face.sis.gradebook.scores[part.assignmentsectionid][score.studentsdcid]
    face.results.pop(key, None)
    face.result_fields.pop((part.assignmentsectionid, score.studentsdcid), None)
    return Response(status_code=204)


def _logged(
    assignment: Assignment | None,
    part: AssignmentSection | None,
    student: str,
    score: object,
    effect: Effect,
) -> WrittenScore:
    return WrittenScore(
        assignment.assignmentid if assignment else None,
        part.assignmentsectionid if part else 0,
        int(student) if student.isdecimal() else 0,
        None if score is None else str(score),
        effect,
    )


def _read(face: OneRoster, request: Request, raw: bytes, name: str) -> Object:
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise Refused(422, "invaliddata", "The body is not JSON") from error
    sent = check_object(name, body, face.demands)
    if sent["sourcedId"] != request.path_params["id"]:
        raise Refused(422, "invaliddata", "sourcedId differs from the path")
    check_case(face.demands, request.url.path)
    return sent


def _read_many(face: OneRoster, request: Request, raw: bytes) -> list[Object]:
    """Read the results of one line item that are sent together."""
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise Refused(422, "invaliddata", "The body is not JSON") from error
    listed = body.get("results") if isinstance(body, Mapping) and body.keys() == {"results"} else None
    if not isinstance(listed, list):
        raise Refused(422, "invaliddata", "The body is not a list of results")
    sent = [check_object("result", {"result": each}, face.demands) for each in listed]
    if any(each["lineItem"]["sourcedId"] != request.path_params["id"] for each in sent):
        raise Refused(422, "invaliddata", "lineItem differs from the path")
    check_case(face.demands, request.url.path)
    return sent


def check_case(demands: Demands, path: str) -> None:
    """Require the spelling of the path that this server writes to."""
    if "/lineitems/" in path.lower() and ("/lineitems/" in path) != demands.lower_case:
        raise Refused(404, "unknownobject", "There is no such path")


def _done(face: OneRoster, echo: Object, *, created: bool) -> Response:
    """Answer 201 as the standard declares for every PUT; with 1.1 an update is a 200."""
    status = 200 if face.demands.old and not created else 201
    return answer(echo, status) if face.switches.echo else Response(status_code=status)
