"""Check for one section, read-only, that the ids of the source match those of the SIS."""

from collections.abc import AsyncIterator, Mapping

from gradesync.core.catalog import CATALOG
from gradesync.core.district import District
from gradesync.core.gradebook import Gradebook, Student
from gradesync.core.ports import Finding, Source, Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisSection
from gradesync.errors import Retriable, SyncStopped

SECTION = "Section match"
STUDENTS = "Student match"


async def check_match(
    district: District, source: Source, target: Target, section_id: str
) -> tuple[Finding, ...]:
    """Match a section's school code and its students' ids; the first failure ends the findings."""
    findings: list[Finding] = []
    try:
        async for finding in _findings(district, source, target, section_id):
            findings.append(finding)
    except SyncStopped as stopped:
        entry = CATALOG[Reason(stopped.reason)]
        detail = " ".join(filter(None, (entry.title, stopped.detail and f"{stopped.detail}.")))
        findings.append(Finding(STUDENTS if findings else SECTION, False, detail, entry.fix))
    except Retriable as retriable:
        name = STUDENTS if findings else SECTION
        findings.append(Finding(name, False, retriable.detail, "Try again in a few minutes."))
    return tuple(findings)


async def _findings(
    district: District, source: Source, target: Target, section_id: str
) -> AsyncIterator[Finding]:
    book, students = await source.outline(section_id), await source.students(section_id)
    section = await _section(district, target, book)
    code, first, last = book.section_code, section.term_first, section.term_last
    yield Finding(SECTION, True, f"School code {code} is SIS section {section.ref.key}, {first} to {last}.")
    yield await _students(district, target, section, students)


async def _section(district: District, target: Target, book: Gradebook) -> SisSection:
    if not book.from_sis or book.section_code is None:
        raise SyncStopped(Reason.SECTION_NOT_FROM_SIS)
    key = district.match.section_key(book.section_code)
    if key is None:
        raise SyncStopped(
            Reason.SECTION_UNMATCHED, f"match.section does not fit the school code {book.section_code}"
        )
    return await target.resolve_section(key)


async def _students(
    district: District, target: Target, section: SisSection, students: Mapping[str, Student]
) -> Finding:
    from_sis = [student for student in students.values() if student.active and student.school_uid]
    ids = (district.match.student_key(student.school_uid) for student in from_sis)
    keys = {key for key in ids if key is not None}
    if from_sis and not keys:
        fix = "Write match.student so that its group is the SIS's id in the students' school ids."
        return Finding(STUDENTS, False, f"match.student fits none of {len(from_sis)} school ids.", fix)
    known = await target.resolve_students(section, sorted(keys))
    roster = await target.roster(section)
    if roster is None:
        return Finding(STUDENTS, True, f"{len(keys)} of {len(from_sis)} ids fit; the roster cannot be read.")
    enrolled = roster.intersection(known.values())
    detail = f"{len(keys)} of {len(from_sis)} ids fit; {len(enrolled)} of them are in the SIS section."
    if from_sis and not enrolled:
        fix = "Check match.student, and with it match.student_id: which id of a student it is in the SIS."
        return Finding(STUDENTS, False, detail, fix)
    return Finding(STUDENTS, True, detail)
