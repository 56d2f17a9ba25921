"""Finds a section, its term, its teacher and its students through the tables that join them (contract 3)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from gradesync.core.gradebook import in_order
from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisSection
from gradesync.errors import SyncStopped
from gradesync.powerschool.calls import Calls, Closed
from gradesync.powerschool.refusals import stop_for_permission
from gradesync.powerschool.wire import Unintelligible, day, decode, key_of, objects, truth

FIRST_YEAR = 1990
"""YEARID counts from it: 34 is the school year 2024-25 (3)."""


async def resolve_section(calls: Calls, key: str, teacher: str | None) -> SisSection:
    """Follow SECTIONS.DCID to term and teacher; `teacher` is a USERS.DCID that must be among the teachers."""
    if not (key.isascii() and key.isdecimal()):
        raise _no_section(key)
    rows = await _needed(calls, "sections", ("dcid", "id", "termid", "schoolid"), {"dcid==": key})
    if not rows or {"id", "termid", "schoolid"} - rows[0].keys():
        raise _no_section(key)
    section = rows[0]
    users_dcid = await _teacher(calls, section["id"], teacher)
    first, last = await _term(calls, key, section["termid"], section["schoolid"])
    value = {
        "section_dcid": key,
        "section_id": section["id"],
        "school": section["schoolid"],
        "term_id": section["termid"],
        "year_id": _year(section["termid"]),
        "users_dcid": users_dcid,
    }
    return SisSection(Ref(key, value), first, last)


def _no_section(key: str) -> SyncStopped:
    return SyncStopped(Reason.SIS_SECTION_NOT_FOUND, f"PowerSchool has no section {key}")


def _year(term_id: str) -> str:
    """TERMS.ID is YEARID * 100 + n (3)."""
    try:
        return str(int(term_id) // 100)
    except ValueError as error:
        raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool's term of the section is no number") from error


async def _needed(
    calls: Calls, table: str, columns: Sequence[str], conditions: Mapping[str, str | int]
) -> list[Mapping[str, str]]:
    """Rows without which there is no sync."""
    try:
        return await calls.table(table, columns, conditions)
    except Closed as closed:
        stop_for_permission(closed.no, table)
        raise SyncStopped(
            Reason.SIS_UNREADABLE, f"PowerSchool answered {closed.no.status} to {table}"
        ) from closed


async def _teacher(calls: Calls, section_id: str, chosen: str | None) -> str:
    """The USERS.DCID of the first teacher by SCHOOLSTAFF.ID, or of the chosen one among all teachers."""
    rows = await _needed(calls, "sectionteacher", ("sectionid", "teacherid"), {"sectionid==": section_id})
    for staff_id in sorted({row["teacherid"] for row in rows if "teacherid" in row}, key=in_order):
        for staff in await _needed(calls, "schoolstaff", ("id", "users_dcid"), {"id==": staff_id}):
            users_dcid = staff.get("users_dcid")
            if users_dcid is not None and chosen in (None, users_dcid):
                return users_dcid
    raise SyncStopped(
        Reason.TEACHER_NOT_IN_SIS_SECTION,
        "PowerSchool knows no teacher of the section"
        if chosen is None
        else "The chosen teacher is not a teacher of the section in PowerSchool",
    )


async def _term(calls: Calls, section_dcid: str, term_id: str, school: str) -> tuple[date, date]:
    """The first and the last day of the section's term, from the best source that this plugin may read.

    The contract's proven grants show of TERMS only YEARID, so each step may be closed. The last one is a
    guess: a school year from July to June, in which PowerSchool itself refuses what lies outside the term.
    """
    return (
        await _term_by_table(calls, term_id, school)
        or await _term_by_v1(calls, section_dcid)
        or _school_year(term_id)
    )


async def _term_by_table(calls: Calls, term_id: str, school: str) -> tuple[date, date] | None:
    """TERMS.ID repeats in every school, so the school decides."""
    conditions = {"id==": term_id, "schoolid==": school}
    try:
        rows = await calls.table("terms", ("id", "schoolid", "firstday", "lastday"), conditions)
    except Closed:
        return None
    bounds = [_bounds(row.get("firstday"), row.get("lastday")) for row in rows]
    return next((found for found in bounds if found), None)


async def _term_by_v1(calls: Calls, section_dcid: str) -> tuple[date, date] | None:
    """`/ws/v1/section` names school and term by DCID; the names of the term's own fields are a guess."""
    section = await _v1(calls, "v1.section", f"/ws/v1/section/{section_dcid}", "section")
    if not section:
        return None
    try:
        school, term = key_of(section[0], "school_id"), key_of(section[0], "term_id")
    except Unintelligible:
        return None
    path = f"/ws/v1/school/{school}/term"
    for found in await _v1(calls, "v1.term", path, "terms", "term"):
        if str(found.get("id")) == term:
            return _bounds(found.get("start_date"), found.get("end_date"))
    return None


async def _v1(calls: Calls, kind: str, path: str, *names: str) -> list[Mapping[str, object]]:
    """The objects under these names; empty where v1 may not be read."""
    answer = await calls.send(kind, "GET", path, {})
    if answer.status != 200:
        return []
    try:
        found = decode(answer.body)
    except Unintelligible:
        return []
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return objects(found)


def _bounds(first: object, last: object) -> tuple[date, date] | None:
    begins, ends = day(first), day(last)
    return (begins, ends) if begins and ends else None


def _school_year(term_id: str) -> tuple[date, date]:
    start = FIRST_YEAR + int(_year(term_id))
    return date(start, 7, 1), date(start + 1, 6, 30)


async def student_keys(calls: Calls, column: str, ids: Sequence[str]) -> Mapping[str, str]:
    """STUDENTS.DCID by `id` or `student_number`; ids that nobody has are left out. Raises `Closed`.

    A query cannot name several ids, so near ones are asked for as a range: never more calls than ids, and
    none for those found lately.
    """
    wanted = {str(int(text)): text for text in ids if text.isascii() and text.isdecimal()}
    known = calls.memory.students()
    unknown = sorted(int(number) for number in wanted if (column, number) not in known)
    for low, high in _ranges(unknown, calls.memory.page_size):
        conditions = {f"{column}==": low} if low == high else {f"{column}=ge=": low, f"{column}=le=": high}
        for row in await calls.table("students", ("dcid", column), conditions):
            if row.get(column) in wanted and "dcid" in row:
                known[column, row[column]] = row["dcid"]
    return {text: known[column, number] for number, text in wanted.items() if (column, number) in known}


def _ranges(numbers: Sequence[int], gap: int) -> Iterator[tuple[int, int]]:
    """Ranges over all numbers in which no two neighbours are further apart than one page of rows."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] - numbers[end - 1] > gap:
            yield numbers[start], numbers[end - 1]
            start = end


async def roster(calls: Calls, section: SisSection) -> frozenset[str] | None:
    """STUDENTS.DCID of all who are in the section now; None where the plugin may not read them."""
    for name, read in (("v1.section_enrollment", _roster_by_v1), ("cc", _roster_by_table)):
        if calls.memory.is_closed(name):
            continue
        try:
            return await read(calls, section)
        except Closed:
            calls.memory.close(name)
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_UNREADABLE:
                raise
    return None


async def _roster_by_v1(calls: Calls, section: SisSection) -> frozenset[str]:
    path = f"/ws/v1/section/{section.ref.key}/section_enrollment"
    students: set[str] = set()
    size = calls.memory.page_size
    async for content in calls.pages("v1.section_enrollment", path, {}, size):
        if "section_enrollments" not in content:
            raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool's v1.section_enrollment is no roster")
        inner = content["section_enrollments"]
        rows = objects(inner.get("section_enrollment") if isinstance(inner, Mapping) else inner)
        students.update(
            str(row["student_id"])
            for row in rows
            if "student_id" in row and not truth(row.get("dropped"), False)
        )
        if len(rows) < size:
            break
    return frozenset(students)


async def _roster_by_table(calls: Calls, section: SisSection) -> frozenset[str]:
    """CC names a section by SECTIONS.ID and a student by STUDENTS.ID (3)."""
    rows = await calls.table(
        "cc", ("sectionid", "studentid"), {"sectionid==": str(section.ref.value["section_id"])}
    )
    ids = sorted({row["studentid"] for row in rows if "studentid" in row})
    return frozenset((await student_keys(calls, "id", ids)).values())
