"""What each address answers (contract 2)."""

from gradesync_sandbox.schoology import matrix, wire
from gradesync_sandbox.schoology.ask import Answer, Ask, RefusedError
from gradesync_sandbox.schoology.model import ACTIVE, Item, Role, Section, User
from gradesync_sandbox.schoology.wire import Json

# --- sections and courses


def section(ask: Ask, section_id: str) -> Json:
    return wire.section(ask.section(section_id), ask.state, ask.caller, ask.base)


def section_by_code(ask: Ask, code: str) -> Json:
    for book in ask.state.sections.values():
        if book.school_code == code:
            return section(ask, str(book.id))
    raise RefusedError(404)


def sections(ask: Ask) -> Json:
    """Sections by their school codes, at most 50 at once."""
    codes = [code for code in ask.query.get("section_school_codes", "").split(",") if code]
    if not 0 < len(codes) <= 50:
        raise RefusedError(400, "section_school_codes takes 1 to 50 codes")
    found = [b for b in ask.state.sections.values() if b.school_code in codes and ask.teaches(b)]
    return _section_list(ask, found)


def course(ask: Ask, course_id: str) -> Json:
    if not ask.rules_all:
        raise RefusedError(403)
    if (found := ask.state.courses.get(int(course_id))) is None:
        raise RefusedError(404)
    return wire.course(found, ask.base)


def course_sections(ask: Ask, course_id: str) -> Json:
    course(ask, course_id)
    return _section_list(ask, [b for b in ask.state.sections.values() if b.course.id == int(course_id)])


def user_sections(ask: Ask, uid: str) -> Json:
    """The sections of a person: active ones, all with any value of `include_past`."""
    person = _person(ask, uid)
    if person.uid != ask.caller.uid and not ask.rules_all:
        raise RefusedError(403)
    past = "include_past" in ask.query
    mine = [b for b in ask.state.sections.values() if _attends(b, person) and (b.active or past)]
    return _section_list(ask, mine)


def _attends(book: Section, person: User) -> bool:
    return any(e.uid == person.uid and e.status == ACTIVE for e in book.enrollments.values())


def _section_list(ask: Ask, found: list[Section]) -> Json:
    rows, links = ask.page(found, ask.path)
    listed = [wire.section(book, ask.state, ask.caller, ask.base) for book in rows]
    return {**ask.wrap("section", listed), "total": len(found), **links}


# --- people


def user(ask: Ask, uid: str) -> Json:
    person = _person(ask, uid)
    if ask.caller.role is Role.STUDENT and person.uid != ask.caller.uid:
        raise RefusedError(403)
    return wire.user(person, ask.state, full=ask.rules_all or person.uid == ask.caller.uid)


def users(ask: Ask) -> Json:
    """People by their school ids, at most 50; `uids` is not a filter that works."""
    if not ask.rules_all:
        raise RefusedError(403)
    wanted = [x for x in ask.query.get("school_uids", "").split(",") if x]
    if len(wanted) > 50:
        raise RefusedError(400, "school_uids takes at most 50 ids")
    found = [u for u in ask.state.users.values() if not wanted or u.school_uid in wanted]
    rows, links = ask.page(found, ask.path)
    listed = [wire.user(person, ask.state, full=True) for person in rows]
    return {**ask.wrap("user", listed), "total": str(len(found)), **links}


def me(ask: Ask) -> Answer:
    return Answer(303, None, {"location": f"{ask.base}/users/{ask.caller.uid}"})


def user_by_school_uid(ask: Ask, school_uid: str) -> Answer:
    for person in ask.state.users.values():
        if person.school_uid == school_uid:
            return Answer(303, None, {"location": f"{ask.base}/users/{person.uid}"})
    raise RefusedError(404)


def app_user_info(ask: Ask) -> Json:
    return {"api_uid": ask.caller.uid, "web_session_timestamp": int(ask.state.now())}


def _person(ask: Ask, uid: str) -> User:
    if (found := ask.state.users.get(int(uid))) is None:
        raise RefusedError(404)
    return found


# --- the roster


def enrollments(ask: Ask, section_id: str) -> Json:
    book = ask.taught(section_id)
    uids = _list(ask, "uid")
    statuses = _list(ask, "enrollment_status")
    members = ask.query.get("type") == "member"
    found = [
        e
        for e in book.enrollments.values()
        if (not uids or str(e.uid) in uids)
        and (not statuses or str(e.status) in statuses)
        and not (members and e.admin)
    ]
    rows, links = ask.page(found, ask.path)
    listed = [wire.enrollment(e, ask.state.users[e.uid], book, ask.base) for e in rows]
    return {**ask.wrap("enrollment", listed), "total": str(len(found)), **links}


def enrollment(ask: Ask, section_id: str, enrollment_id: str) -> Json:
    book = ask.taught(section_id)
    if (found := book.enrollments.get(int(enrollment_id))) is None:
        raise RefusedError(404)
    return wire.enrollment(found, ask.state.users[found.uid], book, ask.base)


def _list(ask: Ask, name: str) -> list[str]:
    return [value for value in ask.query.get(name, "").split(",") if value]


# --- the gradebook


def grade_items(ask: Ask, section_id: str) -> Json:
    """Everything gradable."""
    return _items(ask, ask.section(section_id), ("assignment", "discussion", "assessment"), "grade-items")


def assignments(ask: Ask, section_id: str) -> Json:
    """Assignments alone."""
    return _items(ask, ask.section(section_id), ("assignment",), "assignments")


def grade_item(ask: Ask, section_id: str, item_id: str) -> Json:
    book = ask.section(section_id)
    found = [item for item in _visible(ask, book) if item.id == int(item_id)]
    if not found:
        raise RefusedError(404)
    return wire.item(found[0], book, ask.state, ask.base)


def _items(ask: Ask, book: Section, kinds: tuple[str, ...], path: str) -> Json:
    """`limit` counts midterms and finals apart, so that a page may hold twice as many."""
    start, limit = ask.window()
    found = [item for item in _visible(ask, book) if item.type in kinds]
    groups = [[i for i in found if not i.is_final], [i for i in found if i.is_final]]
    rows = [item for group in groups for item in group[start : start + limit]]
    more = any(start + limit < len(group) for group in groups)
    listed = [wire.item(i, book, ask.state, ask.base, path=path.replace("-", "_")) for i in rows]
    links = ask.links(f"/sections/{book.id}/{path}", more=more)
    return {**ask.wrap("assignment", listed), "total": len(found), **links}


def _visible(ask: Ask, book: Section) -> list[Item]:
    return [item for item in book.standing() if item.published or ask.teaches(book)]


def discussions(ask: Ask, section_id: str) -> Json:
    book = ask.section(section_id)
    found = [item for item in _visible(ask, book) if item.type == "discussion"]
    rows, links = ask.page(found, ask.path)
    listed = [wire.discussion(item, book, ask.base) for item in rows]
    return {**ask.wrap("discussion", listed), "total": len(found), **links}


def grades(ask: Ask, section_id: str) -> Json:
    """The matrix: by default all of it, whatever `limit` says, with neither `total` nor `links`."""
    book = ask.taught(section_id)
    wanted = matrix.Wanted(ask.number("assignment_id"), ask.number("enrollment_id"), ask.number("timestamp"))
    found = list(matrix.rows(book, ask.state, wanted, ask.base))
    paging: Json = {}
    if ask.state.switches.grades_paged:
        total = len(found)
        page, links = ask.page(found, ask.path)
        found, paging = list(page), {"total": total, **links}
    return {
        "grades": ask.wrap("grade", found),
        "period": matrix.periods(book),
        "final_grade": matrix.final_grades(book),
        **paging,
    }


def grading_categories(ask: Ask, section_id: str) -> Json:
    book = ask.section(section_id)
    full = ask.teaches(book)
    rows = [wire.grading_category(c, book, full=full) for c in book.categories.values()]
    return ask.wrap("grading_category", rows)


def grading_category(ask: Ask, section_id: str, category_id: str) -> Json:
    book = ask.section(section_id)
    if (found := book.categories.get(int(category_id))) is None:
        raise RefusedError(404)
    return wire.grading_category(found, book, full=ask.teaches(book))


def grading_periods(ask: Ask, section_id: str) -> Json:
    book = ask.section(section_id)
    rows = [wire.grading_period(period, book.periods) for period in book.periods]
    return {**ask.wrap("grading_period", rows), "links": {"self": f"{ask.base}{ask.path}"}}


def grading_scales(ask: Ask, section_id: str) -> Json:
    ask.section(section_id)
    levels = [{"grade": g, "cutoff": c, "average": c} for g, c in (("A", 90), ("B", 80), ("C", 70), ("F", 0))]
    scale = {
        "id": wire.SCALE,
        "title": "Letters",
        "type": 1,
        "auto_averaging": 0,
        "hide_numeric": 0,
        "scale": {"level": levels},
    }
    return ask.wrap("grading_scale", [scale])
