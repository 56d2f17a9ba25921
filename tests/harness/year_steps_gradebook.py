"""Grade, and change a gradebook's items and categories in Schoology, as teachers do all year."""

from decimal import Decimal

from gradesync_sandbox.schoology.model import Mark
from harness.year_school import SchoolYear, pick
from harness.year_step import Step

MOST = 4
"""Limit the items of the class."""
MARKS = (Mark.EXCUSED, Mark.INCOMPLETE, Mark.MISSING, 4)


def grade(year: SchoolYear, a: int, b: int) -> None:
    item, uid = pick(year.items, a), pick(year.uids, b)
    if item and uid:
        year.schoology.grade(year.book.id, item.id, uid, Decimal(a * 7 + b) / 4)


def grade_a_row(year: SchoolYear, a: int, b: int) -> None:
    """Grade in one enrollment's row, which may be a former one."""
    item, enrollment = pick(year.items, a), pick(year.enrollments, b)
    if item and enrollment:
        year.schoology.grade_enrollment(year.book.id, item.id, enrollment.id, a + b)


def clear(year: SchoolYear, a: int, b: int) -> None:
    item, uid = pick(year.items, a), pick(year.uids, b)
    if item and uid:
        year.schoology.clear(year.book.id, item.id, uid)


def mark(year: SchoolYear, a: int, b: int) -> None:
    item, uid = pick(year.items, a), pick(year.uids, b)
    if item and uid:
        year.schoology.set_exception(year.book.id, item.id, uid, MARKS[(a + b) % len(MARKS)])


def add_item(year: SchoolYear, a: int, b: int) -> None:
    category = pick(year.categories, a)
    if category and len(year.items) < MOST:
        made = year.schoology.add_assignment(
            year.book.id, year.new_name(), 10, category=category.id, due=year.due(b)
        )
        for uid in year.uids[b % 2 :]:
            year.schoology.grade(year.book.id, made.id, uid, a)


def rename_item(year: SchoolYear, a: int, b: int) -> None:
    if item := pick(year.items, a):
        year.schoology.edit_assignment(year.book.id, item.id, title=year.new_name())


def rescale_item(year: SchoolYear, a: int, b: int) -> None:
    if item := pick(year.items, a):
        year.schoology.edit_assignment(year.book.id, item.id, max_points=10 + b)


def delete_item(year: SchoolYear, a: int, b: int) -> None:
    if (item := pick(year.items, a)) and len(year.items) > 1:
        year.schoology.delete_assignment(year.book.id, item.id)


def restore_item(year: SchoolYear, a: int, b: int) -> None:
    gone = [i for i in year.book.items.values() if i.deleted and i.id not in year.imported]
    if (item := pick(gone, a)) and len(year.items) < MOST:
        year.schoology.restore_assignment(year.book.id, item.id)


def reimport_items(year: SchoolYear, a: int, b: int) -> None:
    """Import every item again under a new id, or one, with or without its grades."""
    chosen = None if b % 2 else [item.id for item in year.items[:1]]
    new = year.schoology.reimport_assignments(year.book.id, chosen, with_grades=bool(a % 2))
    year.imported |= new.keys()


def copy_item(year: SchoolYear, a: int, b: int) -> None:
    """Copy an item without its grades, under its own name or another."""
    if (item := pick(year.items, a)) and len(year.items) < MOST:
        title = year.new_name() if b % 2 else None
        year.schoology.copy_assignment(year.book.id, item.id, title)


def swap_names(year: SchoolYear, a: int, b: int) -> None:
    """Exchange the names and due dates of two items."""
    one, other = pick(year.items, a), pick(year.items, b)
    if one and other and one is not other:
        first = {"title": one.title, "due": one.due}
        year.schoology.edit_assignment(year.book.id, one.id, title=other.title, due=other.due)
        year.schoology.edit_assignment(year.book.id, other.id, **first)


def lengthen_name(year: SchoolYear, a: int, b: int) -> None:
    """Give an item a name of more characters than the SIS takes."""
    if item := pick(year.items, a):
        title = f"{year.new_name()} with a name of many words, more than there is room for"
        year.schoology.edit_assignment(year.book.id, item.id, title=title)


def redate_item(year: SchoolYear, a: int, b: int) -> None:
    if item := pick(year.items, a):
        year.schoology.edit_assignment(year.book.id, item.id, due=year.due(b * 9))


def move_item(year: SchoolYear, a: int, b: int) -> None:
    item, category = pick(year.items, a), pick([0, *year.book.categories], b)
    if item and category is not None:
        year.schoology.move_assignment(year.book.id, item.id, category)


def rename_category(year: SchoolYear, a: int, b: int) -> None:
    if category := pick(year.categories, a):
        year.schoology.rename_category(year.book.id, category.id, f"{category.title.strip()} {b}")


def remake_category(year: SchoolYear, a: int, b: int) -> None:
    if category := pick(year.categories, a):
        year.schoology.remake_category(year.book.id, category.id)


def delete_category(year: SchoolYear, a: int, b: int) -> None:
    category, other = pick(year.categories, a), pick(year.categories, b)
    if category and other and category is not other:
        year.schoology.delete_category(year.book.id, category.id, move_to=other.id)


def reorder_categories(year: SchoolYear, a: int, b: int) -> None:
    year.schoology.reorder_categories(year.book.id, reversed(list(year.book.categories)))


GRADEBOOK = (
    Step("grade", "R1 R26", grade),
    Step("grade a row", "R39", grade_a_row),
    Step("clear", "R6 R36", clear),
    Step("mark", "R2 R3 R4 R5", mark),
    Step("add item", "R18", add_item),
    Step("rename item", "R29 R50", rename_item),
    Step("rescale item", "R1", rescale_item),
    Step("delete item", "R19", delete_item),
    Step("restore item", "R19", restore_item),
    Step("import items again", "R45", reimport_items),
    Step("copy item", "R29", copy_item),
    Step("swap names", "R29 R50", swap_names),
    Step("lengthen name", "R12", lengthen_name),
    Step("redate item", "R1 R14", redate_item),
    Step("move item", "R9 R10", move_item),
    Step("rename category", "R11 R44", rename_category),
    Step("remake category", "R44", remake_category),
    Step("delete category", "R44", delete_category),
    Step("reorder categories", "R11", reorder_categories),
)
