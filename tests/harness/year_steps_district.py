"""Link sections, and correct what the district's file sets: the match rule and the policy."""

from dataclasses import replace

from harness.year_school import SchoolYear, pick
from harness.year_step import Step

PATTERNS = (r"^(\d+)$", r"^(\d+)", r"-(\d+)$")
MOST = 6
"""Limit the people of the class."""


def link_section(year: SchoolYear, a: int, b: int) -> None:
    """Link a section of one child and one item to the class; the child's SIS section stays another one."""
    if len(year.uids) >= MOST:
        return
    sis, schoology, known = year.powerschool, year.schoology, year.schoology.users[year.uids[0]]
    other = sis.add_section(year.school(), sis.term_of(year.sis), sis.users[year.room.sis_teacher.dcid])
    student = sis.add_student(year.school())
    sis.enroll(student, other)
    guest = schoology.add_section(year.book.course, "Linked", str(other.dcid), list(year.book.periods))
    user = schoology.add_user("Linked", f"Child {a}", known.role, known.building, year.school_uid(student))
    schoology.enroll(guest.id, user.uid)
    if category := pick(year.categories, a):
        theirs = schoology.add_category(guest.id, category.title)
        item = schoology.add_assignment(guest.id, year.new_name(), 10, category=theirs.id, due=year.due(b))
        schoology.grade(guest.id, item.id, user.uid, b)
    schoology.link_sections(year.book.id, guest.id)


def correct_match(year: SchoolYear, a: int, b: int) -> None:
    """Let school ids name other keys of the SIS's students; the numbers are those of other children."""
    powerschool = year.powerschool
    named = "student_number" if year.memory.student_id == "dcid" else "dcid"
    for each in year.classes:
        each.memory.student_id = named
    if named == "student_number":
        keys = sorted(powerschool.roster(year.sis))
        turned = keys[a % len(keys) :] + keys[: a % len(keys)] if keys else []
        for key, number in zip(keys, turned, strict=True):
            powerschool.students[key].student_number = number
    district = year.harness.district
    match = replace(district.match, student_id=named)
    year.run(year.harness.replace_district(replace(district, match=match)))


def change_codes(year: SchoolYear, a: int, b: int) -> None:
    """Write school codes that name two SIS sections: of them the district's pattern takes one, or none."""
    sections = sorted(year.powerschool.sections)
    year.schoology.recode_section(year.book.id, f"{year.sis.dcid}-{pick(sections, b)}")


def correct_pattern(year: SchoolYear, a: int, b: int) -> None:
    """Let the section pattern take the whole code, its beginning or its end."""
    pattern = PATTERNS[a % len(PATTERNS)]
    for each in year.classes:
        each.memory.section_id = pattern
    district = year.harness.district
    match = replace(district.match, section=pattern)
    year.run(year.harness.replace_district(replace(district, match=match)))


def change_policy(year: SchoolYear, a: int, b: int) -> None:
    """Let the district shorten long names, or not."""
    shortens = not year.memory.shortens
    for each in year.classes:
        each.memory.shortens = shortens
    year.run(year.harness.change_policy(shorten_titles=shortens))


DISTRICT = (
    Step("link section", "R27 R45", link_section),
    Step("correct match", "R40", correct_match),
    Step("change codes", "R37 R40", change_codes),
    Step("correct section pattern", "R37 R40", correct_pattern),
    Step("change policy", "R12", change_policy),
)
