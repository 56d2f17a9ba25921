"""Answer the organization's lists, and the lists beside the gradebook that public clients read.

Source: upstream.md Schoology §2.3, §2.5, §2.8 and §2.9.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from gradesync_sandbox.schoology import wire
from gradesync_sandbox.schoology.api import ApiRequest, RefusedError
from gradesync_sandbox.schoology.model import Period, Role
from gradesync_sandbox.schoology.wire import ROLE_IDS, Json

ROLE_TITLES = {Role.TEACHER: "Teacher", Role.STUDENT: "Student", Role.SYSTEM_ADMIN: "System Admin"}


def _need_admin(request: ApiRequest) -> None:
    if not request.rules_all:
        raise RefusedError(403)


def _paged(request: ApiRequest, key: str, rows: Sequence[Json]) -> Json:
    page, links = request.page(rows, request.path)
    return request.listed(key, list(page), {"total": len(rows), **links})


# --- the organization


def schools(request: ApiRequest) -> Json:
    """List the one school of this organization, which holds all buildings."""
    return _paged(request, "school", [_school(request)])


def school(request: ApiRequest, school_id: str) -> Json:
    if int(school_id) != request.state.school:
        raise RefusedError(404)
    return _school(request)


def buildings(request: ApiRequest, school_id: str) -> Json:
    """List the school's buildings, for administrators."""
    _need_admin(request)
    school(request, school_id)
    rows: list[Json] = [
        {"id": str(key), "title": title, "building_code": ""}
        for key, title in request.state.buildings.items()
    ]
    return _paged(request, "building", rows)


def _school(request: ApiRequest) -> Json:
    blank = dict.fromkeys(("address1", "address2", "city", "state", "postal_code", "phone", "fax"), "")
    key = str(request.state.school)
    links = {"self": f"{request.base}/schools/{key}"}
    return {"id": key, "title": "Riverside Unified (invented)", **blank, "country": "US", "links": links}


def roles(request: ApiRequest) -> Json:
    """List the roles; teacher of a section is a matter of enrollment."""
    return {**_paged(request, "role", [_role(request, role) for role in ROLE_IDS]), "building_role": []}


def role(request: ApiRequest, role_id: str) -> Json:
    found = [role for role, key in ROLE_IDS.items() if key == int(role_id)]
    if not found:
        raise RefusedError(404)
    return _role(request, found[0])


def _role(request: ApiRequest, role: Role) -> Json:
    key = ROLE_IDS[role]
    faculty = int(role is not Role.STUDENT)
    links = {"self": f"{request.base}/roles/{key}"}
    return {"id": key, "title": ROLE_TITLES[role], "faculty": faculty, "role_type": 1, "links": links}


def courses(request: ApiRequest) -> Json:
    """List the courses, of one building where `building_id` asks so; for administrators."""
    _need_admin(request)
    building = request.number("building_id")
    found = [c for c in request.state.courses.values() if building in (None, c.building)]
    return _paged(request, "course", [wire.course(course, request.base) for course in found])


def periods(request: ApiRequest) -> Json:
    """List the school's grading periods, with dates and no times; a student gets 403."""
    if request.caller.role is Role.STUDENT:
        raise RefusedError(403)
    known = request.state.periods.values()
    return _paged(request, "gradingperiods", [_period(request, period) for period in known])


def period(request: ApiRequest, period_id: str) -> Json:
    """Answer one grading period, to students too."""
    if (found := request.state.periods.get(int(period_id))) is None:
        raise RefusedError(404)
    children = any(other.parent == found.id for other in request.state.periods.values())
    return {**_period(request, found), "has_children": children, "parent": found.parent}


def _period(request: ApiRequest, it: Period) -> Json:
    today = datetime.fromtimestamp(request.state.now(), UTC).date()
    return {
        "id": it.id,
        "title": it.title,
        "start": it.first.isoformat(),
        "end": it.last.isoformat(),
        "active": wire.flag(it.first <= today <= it.last),
        "links": {"self": f"{request.base}/gradingperiods/{it.id}"},
    }


# --- a section beside its gradebook


def submissions(request: ApiRequest, section_id: str, item_id: str) -> Json:
    """List one submission for each student whose cell was ever touched, handed in at that moment."""
    book = request.taught(section_id)
    if int(item_id) not in book.items:
        raise RefusedError(404)
    touched = {e: c.timestamp for (i, e), c in book.cells.items() if i == int(item_id) and c.timestamp}
    rows: list[Json] = [
        {"revision_id": 1, "uid": e.uid, "created": touched[e.id], "num_items": 1, "late": 0, "draft": 0}
        for e in book.students()
        if e.id in touched
    ]
    return _paged(request, "revision", rows)


def attendance(request: ApiRequest, section_id: str) -> Json:
    """Answer no attendance: this simulation has none."""
    request.taught(section_id)
    return {"date": [], "totals": {"total": []}}


def updates(request: ApiRequest, section_id: str) -> Json:
    """List no updates: this simulation has none."""
    request.section(section_id)
    return _paged(request, "update", [])


def discussion_comments(request: ApiRequest, section_id: str, discussion_id: str) -> Json:
    """List no comments of a discussion: this simulation has none."""
    book = request.section(section_id)
    if int(discussion_id) not in {item.grade_item_id for item in book.standing()}:
        raise RefusedError(404)
    return _paged(request, "comment", [])
