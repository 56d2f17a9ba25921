"""Change the SIS as its teachers and administrators do: who teaches, terms, sections, categories, columns."""

from datetime import timedelta
from decimal import Decimal

from gradesync_sandbox.powerschool import rows as sis
from harness.year_people import acting_teachers
from harness.year_school import SchoolYear, pick
from harness.year_step import Step


def replace_lead(year: SchoolYear, a: int, b: int) -> None:
    """Let another teacher take over today, with categories of the same names; the column may lag behind."""
    giver = year.powerschool.users[year.powerschool.schoolstaff[year.sis.teacher].users_dcid]
    taker = year.powerschool.add_teacher(year.school())
    year.powerschool.copy_categories(giver, taker)
    year.powerschool.replace_lead(year.sis, taker, set_column=bool(a % 2))


def join_teacher(year: SchoolYear, a: int, b: int) -> None:
    """Let a co-teacher join, who has categories of her own."""
    giver = year.powerschool.users[year.powerschool.schoolstaff[year.sis.teacher].users_dcid]
    taker = year.powerschool.add_teacher(year.school())
    year.powerschool.copy_categories(giver, taker)
    year.powerschool.assign_teacher(taker, year.sis, first=year.powerschool.today() if a % 2 else None)


def take_leave(year: SchoolYear, a: int, b: int) -> None:
    """Let whoever acts leave today, or in some days."""
    for dcid in acting_teachers(year.world, year.sis):
        last = year.powerschool.today() + timedelta(days=a % 3 * 5 - 1)
        year.powerschool.end_teaching(year.powerschool.users[dcid], year.sis, last)


def return_from_leave(year: SchoolYear, a: int, b: int) -> None:
    if row := pick(year.powerschool.sectionteachers[year.sis.id], a):
        row.end_date = None


def extend_term(year: SchoolYear, a: int, b: int) -> None:
    """Extend the term by some days, with an item that is due in them."""
    term = year.powerschool.term_of(year.sis)
    year.powerschool.move_term(term, last=term.lastday + timedelta(days=1 + a))
    if item := pick(year.items, b):
        year.schoology.edit_assignment(year.book.id, item.id, due=year.due(1000))


def shorten_term(year: SchoolYear, a: int, b: int) -> None:
    term = year.powerschool.term_of(year.sis)
    year.powerschool.move_term(term, last=term.lastday - timedelta(days=1 + a))


def lock_term(year: SchoolYear, a: int, b: int) -> None:
    year.powerschool.lock_term(year.powerschool.term_of(year.sis))


def open_term(year: SchoolYear, a: int, b: int) -> None:
    year.powerschool.lock_term(year.powerschool.term_of(year.sis), locked=False)


def lock_column(year: SchoolYear, a: int, b: int) -> None:
    if column := pick(year.columns, a):
        year.powerschool.gradebook.lock_assignment(column)


def open_columns(year: SchoolYear, a: int, b: int) -> None:
    for column in year.columns:
        year.powerschool.gradebook.lock_assignment(column, locked=False)


def recode_in_sis(year: SchoolYear, a: int, b: int) -> None:
    """Give the SIS section another DCID; Schoology's code follows at once or later."""
    year.powerschool.recode_section(year.sis, max(year.powerschool.sections) + 1000)
    if a % 2:
        correct_code(year, a, b)


def correct_code(year: SchoolYear, a: int, b: int) -> None:
    year.schoology.recode_section(year.book.id, str(year.sis.dcid))


def split_section(year: SchoolYear, a: int, b: int) -> None:
    """Let the class go on in a new SIS section, with all its students or only some."""
    students = [year.powerschool.students[d] for d in sorted(year.powerschool.roster(year.sis))][b % 2 :]
    year.room.sis = year.powerschool.split_section(year.sis, students)
    correct_code(year, a, b)


def move_section(year: SchoolYear, a: int, b: int) -> None:
    """Put the SIS section into another term of its school."""
    terms = [t for t in year.powerschool.terms.values() if t.schoolid == year.sis.schoolid]
    if term := pick(terms, a):
        year.powerschool.move_section(year.sis, term)


def delete_category(year: SchoolYear, a: int, b: int) -> None:
    if (category := pick(year.sis_categories, a)) and len(year.sis_categories) > 2:
        year.powerschool.delete_category(category)


def reorder_categories(year: SchoolYear, a: int, b: int) -> None:
    if one := pick(year.sis_categories, a):
        teacher = year.powerschool.users[one.usersdcid]
        year.powerschool.reorder_categories(teacher, [one.teachercategoryid])


def rename_category(year: SchoolYear, a: int, b: int) -> None:
    if category := pick(year.sis_categories, a):
        year.powerschool.rename_category(category, f"{category.name.strip()} {b}")


def remake_category(year: SchoolYear, a: int, b: int) -> None:
    if category := pick(year.sis_categories, a):
        year.powerschool.remake_category(category, move=bool(b % 2))


def deactivate_category(year: SchoolYear, a: int, b: int) -> None:
    if category := pick(year.sis_categories, a):
        year.powerschool.set_category_active(category, active=False)


def activate_categories(year: SchoolYear, a: int, b: int) -> None:
    for category in year.sis_categories:
        year.powerschool.set_category_active(category, active=True)


def change_type(year: SchoolYear, a: int, b: int) -> None:
    if column := pick(year.columns, a):
        scoretype = "POINTS" if column.scoretype != "POINTS" else "PERCENT"
        year.powerschool.gradebook.edit_assignment(column, scoretype=scoretype)


def edit_score(year: SchoolYear, a: int, b: int) -> None:
    column, dcid = pick(year.columns, a), pick(sorted(year.powerschool.roster(year.sis)), b)
    if column and dcid:
        student = year.powerschool.students[dcid]
        year.powerschool.gradebook.edit_score(column, student, Decimal(60 + a + b))
        year.edited_cell(column.assignmentsectionid, dcid)


def edit_column(year: SchoolYear, a: int, b: int) -> None:
    if column := pick(year.columns, a):
        year.powerschool.gradebook.edit_assignment(column, name=f"Renamed there {year.new_name()}")
        year.memory.edited.add(column.assignmentsectionid)


def delete_column(year: SchoolYear, a: int, b: int) -> None:
    there: list[sis.Assignment] = year.powerschool.gradebook.of_section(year.sis)
    if one := pick(there, a):
        year.powerschool.gradebook.delete_assignment(one.assignmentid)


SIS = (
    Step("replace lead", "R43 R44", replace_lead),
    Step("join teacher", "R43", join_teacher),
    Step("take leave", "R43", take_leave),
    Step("return from leave", "R43 R37", return_from_leave),
    Step("extend term", "R14 R37", extend_term),
    Step("shorten term", "R14 R37", shorten_term),
    Step("lock term", "R30", lock_term),
    Step("open term", "R30 R37", open_term),
    Step("lock SIS column", "R30", lock_column),
    Step("open SIS columns", "R30 R37", open_columns),
    Step("recode in the SIS", "R37 R40", recode_in_sis),
    Step("correct code", "R37", correct_code),
    Step("split section", "R40", split_section),
    Step("move section", "R14 R37", move_section),
    Step("delete SIS category", "R44", delete_category),
    Step("reorder SIS categories", "R11", reorder_categories),
    Step("rename SIS category", "R11 R44", rename_category),
    Step("remake SIS category", "R44", remake_category),
    Step("deactivate SIS category", "R34 R44", deactivate_category),
    Step("activate SIS categories", "R37 R44", activate_categories),
    Step("change score type", "R46", change_type),
    Step("edit SIS score", "R21", edit_score),
    Step("edit SIS column", "R50", edit_column),
    Step("delete SIS column", "R20", delete_column),
)
