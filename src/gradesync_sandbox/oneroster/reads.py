"""Answer reads: classes, terms, students, categories, line items, results."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.oneroster.objects import Object, Shown
from gradesync_sandbox.oneroster.paging import answer_set
from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.oneroster.wire import Refused, answer
from gradesync_sandbox.powerschool.rows import AssignmentSection, School, Section, Term, User


def read_class(face: OneRoster, request: Request, shown: Shown) -> Response:
    return answer({"class": shown.section(find_section(face, request.path_params["id"]))})


def list_classes(face: OneRoster, request: Request, shown: Shown) -> Response:
    rows = [shown.section(section) for section in face.sis.sections.values()]
    return answer_set(face, request, "classes", rows)


def list_teachers(face: OneRoster, request: Request, shown: Shown) -> Response:
    rows = [shown.teacher(user, _school_of(face, user)) for user in face.sis.users.values()]
    return answer_set(face, request, "users", rows)


def list_users(face: OneRoster, request: Request, shown: Shown) -> Response:
    """Answer the teachers and the students of the district."""
    schools = {school.school_number: school for school in face.sis.schools.values()}
    rows = [shown.teacher(user, _school_of(face, user)) for user in face.sis.users.values()]
    rows += [shown.student(one, schools[one.schoolid]) for one in face.sis.students.values()]
    return answer_set(face, request, "users", rows)


def list_class_teachers(face: OneRoster, request: Request, shown: Shown) -> Response:
    section = find_section(face, request.path_params["id"])
    found = [user for user in face.sis.users.values() if face.sis.teaches(user.dcid, section)]
    return answer_set(face, request, "users", [shown.teacher(user, _school_of(face, user)) for user in found])


def list_taught(face: OneRoster, request: Request, shown: Shown) -> Response:
    teacher = int(request.path_params["id"]) if request.path_params["id"].isdecimal() else 0
    taught = [s for s in face.sis.sections.values() if face.sis.teaches(teacher, s)]
    return answer_set(face, request, "classes", [shown.section(section) for section in taught])


def list_students(face: OneRoster, request: Request, shown: Shown) -> Response:
    section = find_section(face, request.path_params["id"])
    school = next(s for s in face.sis.schools.values() if s.school_number == section.schoolid)
    rows = [shown.student(face.sis.students[dcid], school) for dcid in sorted(face.sis.roster(section))]
    return answer_set(face, request, "users", rows)


def read_term(face: OneRoster, request: Request, shown: Shown) -> Response:
    return answer({"academicSession": shown.term(_find_term(face, request.path_params["id"]))})


def list_terms(face: OneRoster, request: Request, shown: Shown) -> Response:
    return answer_set(
        face, request, "academicSessions", [shown.term(term) for term in face.sis.terms.values()]
    )


def list_grading_periods(face: OneRoster, request: Request, shown: Shown) -> Response:
    rows = shown.grading_periods(_find_term(face, request.path_params["id"]))
    return answer_set(face, request, "academicSessions", rows)


def list_categories(face: OneRoster, request: Request, shown: Shown) -> Response:
    """Answer the categories of the whole district, where it has one for many teachers those."""
    if face.demands.categories == "class":
        rows = [shown.category(category) for category in face.sis.categories.values()]
    else:
        alike = face.district_categories().items()
        rows = [
            {**shown.category(next(filter(lambda one: one.isactive, same), same[0])), "sourcedId": key}
            for key, same in alike
        ]
    return answer_set(face, request, "categories", rows)


def list_class_categories(face: OneRoster, request: Request, shown: Shown) -> Response:
    """Answer the categories of a class; a server that lists the district's alone knows no such path."""
    section = find_section(face, request.path_params["id"])
    if face.demands.categories != "class":
        raise Refused(404, "unknownobject", "There is no such path")
    mine = face.sis.categories_of(face.sis.schoolstaff[section.teacher].users_dcid)
    return answer_set(face, request, "categories", [shown.category(category) for category in mine])


def list_line_items(face: OneRoster, request: Request, shown: Shown) -> Response:
    """Answer the line items of a class, or of the district."""
    sections = list(face.sis.sections.values())
    if "id" in request.path_params:
        sections = [find_section(face, request.path_params["id"])]
    rows = [
        shown.line_item(assignment, assignment.section(section.dcid))
        for section in sections
        for assignment in face.sis.gradebook.of_section(section)
        if assignment.assignmentid not in face.sis.gradebook.hidden_from_lists
    ]
    kept = face.kept_deleted({section.dcid for section in sections})
    return answer_set(face, request, "lineItems", [*rows, *kept])


def read_line_item(face: OneRoster, request: Request, shown: Shown) -> Response:
    key = request.path_params["id"]
    assignment = face.find_line_item(key)
    if assignment is not None:
        return answer({"lineItem": shown.line_item(assignment, assignment.sections[0])})
    kept = face.kept_deleted(set(face.sis.sections), key)
    if not kept:
        raise Refused(404, "unknownobject", "There is no such line item")
    return answer({"lineItem": kept[0]})


def list_results(face: OneRoster, request: Request, shown: Shown) -> Response:
    """Answer the results of a class, of one of its line items, or of one of its students."""
    check_readable(face)
    section = find_section(face, request.path_params["id"])
    parts = [assignment.section(section.dcid) for assignment in face.sis.gradebook.of_section(section)]
    if "line_item" in request.path_params:
        parts = _only(face, request.path_params["line_item"], parts)
    rows = shown.results(parts)
    if (student := request.path_params.get("student")) is not None:
        rows = [row for row in rows if row["student"]["sourcedId"] == student]
    return answer_set(face, request, "results", rows)


def _only(face: OneRoster, key: str, parts: Sequence[AssignmentSection]) -> list[AssignmentSection]:
    assignment = face.find_line_item(key)
    if assignment is None:
        raise Refused(404, "unknownobject", "There is no such line item")
    return [part for part in parts if part in assignment.sections]


def check_readable(face: OneRoster) -> None:
    """Require a server that shows results."""
    if not face.demands.reads_scores:
        raise Refused(403, "forbidden", "Results are not shown")


def read_result(face: OneRoster, request: Request, shown: Shown) -> Response:
    check_readable(face)
    found = face.find_result(request.path_params["id"])
    rows: list[Object] = [] if found is None else shown.results([found[0]])
    mine = [row for row in rows if row["sourcedId"] == request.path_params["id"]]
    if not mine:
        raise Refused(404, "unknownobject", "There is no such result")
    return answer({"result": mine[0]})


def find_section(face: OneRoster, key: str) -> Section:
    """Return the section of a class's sourcedId. Raises `Refused` 404."""
    section = face.sis.sections.get(int(key)) if key.isdecimal() else None
    if section is None:
        raise Refused(404, "unknownobject", "There is no such class")
    return section


def _find_term(face: OneRoster, key: str) -> Term:
    term = face.sis.terms.get(int(key)) if key.isdecimal() else None
    if term is None:
        raise Refused(404, "unknownobject", "There is no such term")
    return term


def _school_of(face: OneRoster, user: User) -> School:
    staff = next(s for s in face.sis.schoolstaff.values() if s.users_dcid == user.dcid)
    return next(s for s in face.sis.schools.values() if s.school_number == staff.schoolid)
