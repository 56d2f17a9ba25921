"""Answer each address (upstream.md Schoology §2.1 to §2.7)."""

from gradesync_sandbox.schoology import matrix, wire
from gradesync_sandbox.schoology.api import ApiRequest, ApiResponse, RefusedError
from gradesync_sandbox.schoology.model import ACTIVE, Item, Role, Section, User
from gradesync_sandbox.schoology.wire import Json

# --- sections and courses


def section(request: ApiRequest, section_id: str) -> Json:
    return wire.section(request.section(section_id), request.state, request.caller, request.base)


def section_by_code(request: ApiRequest, code: str) -> Json:
    for book in request.state.sections.values():
        if book.school_code == code:
            return section(request, str(book.id))
    raise RefusedError(404)


def sections(request: ApiRequest) -> Json:
    """List sections by their school codes, at most 50 at once."""
    codes = [code for code in request.query.get("section_school_codes", "").split(",") if code]
    if not 0 < len(codes) <= 50:
        raise RefusedError(400, "section_school_codes takes 1 to 50 codes")
    found = [b for b in request.state.sections.values() if b.school_code in codes and request.teaches(b)]
    return _section_list(request, found)


def course(request: ApiRequest, course_id: str) -> Json:
    if not request.rules_all:
        raise RefusedError(403)
    if (found := request.state.courses.get(int(course_id))) is None:
        raise RefusedError(404)
    return wire.course(found, request.base)


def course_sections(request: ApiRequest, course_id: str) -> Json:
    course(request, course_id)
    return _section_list(
        request, [b for b in request.state.sections.values() if b.course.id == int(course_id)]
    )


def user_sections(request: ApiRequest, uid: str) -> Json:
    """List the sections of a person: active ones, all with any value of `include_past`."""
    person = _person(request, uid)
    if person.uid != request.caller.uid and not request.rules_all:
        raise RefusedError(403)
    past = "include_past" in request.query
    mine = [b for b in request.state.sections.values() if _attends(b, person) and (b.active or past)]
    return _section_list(request, mine)


def _attends(book: Section, person: User) -> bool:
    return any(e.uid == person.uid and e.status == ACTIVE for e in book.enrollments.values())


def _section_list(request: ApiRequest, found: list[Section]) -> Json:
    rows, links = request.page(found, request.path)
    listed = [wire.section(book, request.state, request.caller, request.base) for book in rows]
    return request.listed("section", listed, {"total": len(found), **links})


# --- people


def user(request: ApiRequest, uid: str) -> Json:
    person = _person(request, uid)
    if request.caller.role is Role.STUDENT and person.uid != request.caller.uid:
        raise RefusedError(403)
    return wire.user(person, request.state, full=request.rules_all or person.uid == request.caller.uid)


def users(request: ApiRequest) -> Json:
    """List people: all, by building and roles, or by at most 50 school ids. `uids` filters nothing."""
    if not request.rules_all:
        raise RefusedError(403)
    wanted = [x for x in request.query.get("school_uids", "").split(",") if x]
    if len(wanted) > 50:
        raise RefusedError(400, "school_uids takes at most 50 ids")
    building = request.number("building_id")
    roles = [int(x) for x in request.query.get("role_ids", "").split(",") if x.isdecimal()]
    found = [
        u
        for u in request.state.users.values()
        if (not wanted or u.school_uid in wanted)
        and building in (None, u.building)
        and (not roles or wire.ROLE_IDS[u.role] in roles)
    ]
    rows, links = request.page(found, request.path)
    listed = [wire.user(person, request.state, full=True) for person in rows]
    return request.listed("user", listed, {"total": str(len(found)), **links})


def me(request: ApiRequest) -> ApiResponse:
    return ApiResponse(303, None, {"location": f"{request.base}/users/{request.caller.uid}"})


def user_by_school_uid(request: ApiRequest, school_uid: str) -> ApiResponse:
    for person in request.state.users.values():
        if person.school_uid == school_uid:
            return ApiResponse(303, None, {"location": f"{request.base}/users/{person.uid}"})
    raise RefusedError(404)


def app_user_info(request: ApiRequest) -> Json:
    return {"api_uid": request.caller.uid, "web_session_timestamp": int(request.state.now())}


def _person(request: ApiRequest, uid: str) -> User:
    if (found := request.state.users.get(int(uid))) is None:
        raise RefusedError(404)
    return found


# --- the roster


def enrollments(request: ApiRequest, section_id: str) -> Json:
    book = request.taught(section_id)
    uids = _list(request, "uid")
    statuses = _list(request, "enrollment_status")
    members = request.query.get("type") == "member"
    found = [
        e
        for e in book.enrollments.values()
        if (not uids or str(e.uid) in uids)
        and (not statuses or str(e.status) in statuses)
        and not (members and e.admin)
    ]
    rows, links = request.page(found, request.path)
    listed = [
        _garble(wire.enrollment(e, request.state.users[e.uid], book, request.base), request) for e in rows
    ]
    return request.listed("enrollment", listed, {"total": str(len(found)), **links})


def enrollment(request: ApiRequest, section_id: str, enrollment_id: str) -> Json:
    book = request.taught(section_id)
    if (found := book.enrollments.get(int(enrollment_id))) is None:
        raise RefusedError(404)
    return wire.enrollment(found, request.state.users[found.uid], book, request.base)


def _garble(row: Json, request: ApiRequest) -> Json:
    """Return an enrollment as the switches have it shown."""
    garbled = request.state.switches.garbled_enrollments.get(int(row["id"]))
    return row if garbled is None else {**row, **garbled}


def _list(request: ApiRequest, name: str) -> list[str]:
    return [value for value in request.query.get(name, "").split(",") if value]


# --- the gradebook


def grade_items(request: ApiRequest, section_id: str) -> Json:
    """List everything gradable."""
    return _items(
        request, request.section(section_id), ("assignment", "discussion", "assessment"), "grade-items"
    )


def assignments(request: ApiRequest, section_id: str) -> Json:
    """List assignments alone."""
    return _items(request, request.section(section_id), ("assignment",), "assignments")


def grade_item(request: ApiRequest, section_id: str, item_id: str) -> Json:
    book = request.section(section_id)
    found = [item for item in _visible(request, book) if item.id == int(item_id)]
    if not found:
        raise RefusedError(404)
    return wire.item(found[0], book, request.state, request.base)


def _items(request: ApiRequest, book: Section, kinds: tuple[str, ...], path: str) -> Json:
    """List items. `limit` counts midterms and finals apart, so that a page may hold twice as many."""
    start, limit = request.window()
    found = [item for item in _visible(request, book) if item.type in kinds]
    groups = [[i for i in found if not i.is_final], [i for i in found if i.is_final]]
    rows = [item for group in groups for item in group[start : start + limit]]
    more = any(start + limit < len(group) for group in groups)
    listed = [wire.item(i, book, request.state, request.base, path=path.replace("-", "_")) for i in rows]
    links = request.links(f"/sections/{book.id}/{path}", more=more)
    return request.listed("assignment", listed, {"total": len(found), **links})


def _visible(request: ApiRequest, book: Section) -> list[Item]:
    return [item for item in book.standing() if item.published or request.teaches(book)]


def discussions(request: ApiRequest, section_id: str) -> Json:
    book = request.section(section_id)
    found = [item for item in _visible(request, book) if item.type == "discussion"]
    rows, links = request.page(found, request.path)
    listed = [wire.discussion(item, book, request.base) for item in rows]
    return request.listed("discussion", listed, {"total": len(found), **links})


def grades(request: ApiRequest, section_id: str) -> Json:
    """Answer the matrix: by default whole, whatever `limit` asks, with neither `total` nor `links`."""
    book = request.taught(section_id)
    wanted = matrix.Wanted(
        request.number("assignment_id"), request.number("enrollment_id"), request.number("timestamp")
    )
    found = list(matrix.rows(book, request.state, wanted, request.base))
    paging: Json = {}
    if request.state.switches.grades_paged:
        total = len(found)
        page, links = request.page(found, request.path)
        found, paging = list(page), {"total": total, **links}
    shown = request.listed("grade", found, paging)
    return {
        "grades": {key: shown.pop(key) for key in ("grade",) if key in shown},
        "period": matrix.periods(book),
        "final_grade": matrix.final_grades(book),
        **shown,
    }


def grading_categories(request: ApiRequest, section_id: str) -> Json:
    book = request.section(section_id)
    full = request.teaches(book)
    rows = [wire.grading_category(c, book, full=full) for c in book.categories.values()]
    cut = "grading_category" in request.state.switches.partial_lists  # unpaged as a rule: no total, no links
    return request.listed("grading_category", rows, {"total": len(rows)} if cut else {})


def grading_category(request: ApiRequest, section_id: str, category_id: str) -> Json:
    book = request.section(section_id)
    if (found := book.categories.get(int(category_id))) is None:
        raise RefusedError(404)
    return wire.grading_category(found, book, full=request.teaches(book))


def grading_periods(request: ApiRequest, section_id: str) -> Json:
    book = request.section(section_id)
    rows = [wire.grading_period(period, book.periods) for period in book.periods]
    return {**request.wrap("grading_period", rows), "links": {"self": f"{request.base}{request.path}"}}


def grading_scales(request: ApiRequest, section_id: str) -> Json:
    request.section(section_id)
    levels = [{"grade": g, "cutoff": c, "average": c} for g, c in (("A", 90), ("B", 80), ("C", 70), ("F", 0))]
    scale = {
        "id": wire.SCALE,
        "title": "Letters",
        "type": 1,
        "auto_averaging": 0,
        "hide_numeric": 0,
        "scale": {"level": levels},
    }
    return request.wrap("grading_scale", [scale])
