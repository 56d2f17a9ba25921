"""Find a section, its term, its teacher and its students (upstream.md PowerSchool §3)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisSection, normalize_number
from gradesync.errors import SyncStopped
from gradesync.powerschool.calls import UNIQUE, Calls, ReadRefused
from gradesync.powerschool.teachers import (
    Teacher,
    find_acting_teacher,
    read_optional,
    read_teachers,
    teaches_alone,
)
from gradesync.powerschool.wire import Object, read_flag, read_key, read_objects
from gradesync.upstream.response import MalformedError, decode, read_both, read_day

# YEARID counts from it: 34 is the school year 2024-25.
FIRST_YEAR = 1990


async def resolve_section(
    calls: Calls,
    key: str,
    teacher: str | None,
    *,
    today: date,
    known: SisSection | None = None,
    term: bool = True,
) -> SisSection:
    """Find a section by SECTIONS.DCID, its term and its acting teacher (R43).

    `teacher` is a USERS.DCID that must be among the current teachers; None takes the lead. `today` is the
    district's. With the section as it was `known` before, only what changed is looked up anew: who teaches
    it, in one call; where several do, the lead; and the rest where the `term` is wanted.
    """
    dcid = normalize_number(key)
    if dcid is None:
        raise _section_not_found(key)
    before = {} if known is None else known.ref.value
    staff = {str(before["staff_id"]): str(before["users_dcid"])} if "staff_id" in before else {}
    rows: Sequence[Mapping[str, str]] = ()
    if known is not None and not term and teacher in (None, *staff.values()):
        for staff_id in staff:
            rows = await read_teachers(calls, str(before["section_id"]), staff_id, today=today)
            until = teaches_alone(rows, staff_id, today=today, page_size=calls.memory.page_size)
            if until is not None:
                return replace(known, teacher_until=until)
    section = await _read_section(calls, dcid)
    lead = section.get("teacher")
    finding = find_acting_teacher(
        calls, section["id"], lead=lead, chosen=teacher, today=today, known=staff, rows=rows
    )
    same_term = (before.get("term_id"), before.get("school")) == (section["termid"], section["schoolid"])
    if known is not None and same_term and not term:
        acting, first, last = await finding, known.term_first, known.term_last
    else:
        days = _find_term(calls, dcid, section["termid"], section["schoolid"])
        acting, (first, last) = await read_both(finding, days)
    return SisSection(_make_ref(dcid, section, acting), first, last, acting.last)


def _make_ref(key: str, section: Mapping[str, str], acting: Teacher) -> Ref:
    return Ref(
        key,
        {
            "section_dcid": key,
            "section_id": section["id"],
            "school": section["schoolid"],
            "term_id": section["termid"],
            "year_id": _parse_year(section["termid"]),
            "users_dcid": acting.users_dcid,
            "staff_id": acting.staff_id,
        },
    )


async def _read_section(calls: Calls, key: str) -> Mapping[str, str]:
    columns = ("dcid", "id", "termid", "schoolid")
    rows = await read_optional(calls, "sections", columns, ("teacher",), {"dcid==": key})
    if not rows or {"id", "termid", "schoolid"} - rows[0].keys():
        raise _section_not_found(key)
    return rows[0]


def _section_not_found(key: str) -> SyncStopped:
    return SyncStopped(Reason.SIS_SECTION_NOT_FOUND, f"PowerSchool has no section {key}")


def _parse_year(term_id: str) -> str:
    """Return the YEARID of a TERMS.ID, which is YEARID * 100 + n."""
    try:
        return str(int(term_id) // 100)
    except ValueError as error:
        raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool's term of the section is no number") from error


async def _find_term(calls: Calls, section_dcid: str, term_id: str, school: str) -> tuple[date, date]:
    """Return the first and the last day of the section's term, from the best source that may be read."""
    # The proven grants include of TERMS only YEARID, so each step may be refused. The last one is a guess: a
    # school year from July to June, in which PowerSchool itself refuses what lies outside the term.
    return (
        await _read_term_from_table(calls, term_id, school)
        or await _read_term_from_v1(calls, section_dcid)
        or _estimate_school_year(term_id)
    )


async def _read_term_from_table(calls: Calls, term_id: str, school: str) -> tuple[date, date] | None:
    # TERMS.ID repeats in every school, so the school decides.
    conditions = {"id==": term_id, "schoolid==": school}
    try:
        rows = await calls.read_table("terms", ("id", "schoolid", "firstday", "lastday"), conditions)
    except ReadRefused:
        return None
    terms = [_parse_days(row.get("firstday"), row.get("lastday")) for row in rows]
    return next((days for days in terms if days), None)


async def _read_term_from_v1(calls: Calls, section_dcid: str) -> tuple[date, date] | None:
    # `/ws/v1/section` names school and term by DCID; the names of the term's own fields are a guess.
    section = await _read_v1(calls, "v1.section", f"/ws/v1/section/{section_dcid}", "section")
    if not section:
        return None
    try:
        school, term = read_key(section[0], "school_id"), read_key(section[0], "term_id")
    except MalformedError:
        return None
    path = f"/ws/v1/school/{school}/term"
    for entry in await _read_v1(calls, "v1.term", path, "terms", "term"):
        if str(entry.get("id")) == term:
            return _parse_days(entry.get("start_date"), entry.get("end_date"))
    return None


async def _read_v1(calls: Calls, kind: str, path: str, *names: str) -> list[Mapping[str, object]]:
    """Return the objects under these names; empty where v1 may not be read."""
    response = await calls.send(kind, "GET", path, {})
    if response.status != 200:
        return []
    try:
        content = decode(response.body)
    except MalformedError:
        return []
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return read_objects(content)


def _parse_days(first: object, last: object) -> tuple[date, date] | None:
    begins, ends = read_day(first), read_day(last)
    return (begins, ends) if begins and ends else None


def _estimate_school_year(term_id: str) -> tuple[date, date]:
    start = FIRST_YEAR + int(_parse_year(term_id))
    return date(start, 7, 1), date(start + 1, 6, 30)


async def find_students(calls: Calls, column: str, ids: Sequence[str]) -> Mapping[str, str]:
    """Return STUDENTS.DCID by `id` or `student_number`; ids that nobody has, or several, are left out.

    Sends at most a call for each id and one for each empty page, and none for ids found lately. Raises
    `ReadRefused`.
    """
    # A query cannot name several ids, so near ones are read as a range.
    wanted = {text: number for text in ids if (number := normalize_number(text)) is not None}
    known = calls.memory.students()
    unknown = sorted({int(number) for number in wanted.values() if (column, number) not in known})
    unique = frozenset({f"{column}=="}) in UNIQUE["students"]
    for low, high in _split_into_ranges(unknown, calls.memory.page_size):
        conditions = {f"{column}==": low} if low == high else {f"{column}=ge=": low, f"{column}=le=": high}
        missing = {str(number) for number in unknown if low <= number <= high}
        found: dict[str, set[str]] = {}
        async for row in calls.read_rows("students", ("dcid", column), conditions):
            number, dcid = normalize_number(row.get(column, "")), normalize_number(row.get("dcid", ""))
            if number in missing and dcid is not None:
                found.setdefault(number, set()).add(dcid)
            if unique and missing <= found.keys():
                break
        known |= {(column, number): dcids.pop() for number, dcids in found.items() if len(dcids) == 1}
    return {text: known[column, number] for text, number in wanted.items() if (column, number) in known}


def _split_into_ranges(numbers: Sequence[int], gap: int) -> Iterator[tuple[int, int]]:
    """Yield ranges over all numbers in which no two neighbors are further apart than one page of rows."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] - numbers[end - 1] > gap:
            yield numbers[start], numbers[end - 1]
            start = end


async def read_roster(calls: Calls, section: SisSection) -> frozenset[str] | None:
    """Return STUDENTS.DCID of all who are in the section now; None where the plugin may not read them."""
    for name, read in (("v1.section_enrollment", _read_roster_from_v1), ("cc", _read_roster_from_table)):
        if calls.memory.is_refused(name):
            continue
        try:
            return await read(calls, section)
        except ReadRefused:
            calls.memory.mark_refused(name)
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_UNREADABLE:
                raise
    return None


async def _read_roster_from_v1(calls: Calls, section: SisSection) -> frozenset[str]:
    path = f"/ws/v1/section/{section.ref.key}/section_enrollment"
    students: set[str] = set()
    async for rows in calls.read_pages("v1.section_enrollment", path, {}, _find_enrollments):
        students.update(
            number
            for row in rows
            if (number := normalize_number(str(row.get("student_id")))) is not None
            and not read_flag(row.get("dropped"), False)
        )
    return frozenset(students)


def _find_enrollments(content: Object) -> list[Object]:
    if "section_enrollments" not in content:
        raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool's v1.section_enrollment is no roster")
    inner = content["section_enrollments"]
    return read_objects(inner.get("section_enrollment") if isinstance(inner, Mapping) else inner)


async def _read_roster_from_table(calls: Calls, section: SisSection) -> frozenset[str]:
    # CC names a section by SECTIONS.ID and a student by STUDENTS.ID (upstream.md PowerSchool §3).
    rows = await calls.read_table(
        "cc", ("sectionid", "studentid"), {"sectionid==": str(section.ref.value["section_id"])}
    )
    ids = sorted({row["studentid"] for row in rows if "studentid" in row})
    return frozenset((await find_students(calls, "id", ids)).values())
