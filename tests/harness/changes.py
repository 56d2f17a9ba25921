"""Change both sides of a district between two syncs, as people do: one small change each, by numbers."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from gradesync_sandbox.powerschool.rows import Category
from gradesync_sandbox.schoology.model import Item
from harness.district import DistrictHarness


class Change(NamedTuple):
    """Name one change of a gradebook; `item`, `student` and `value` are reduced to what there is."""

    kind: str
    item: int = 0
    student: int = 0
    value: int = 0


class Target(NamedTuple):
    """Hold what a change concerns."""

    harness: DistrictHarness
    item: Item
    uid: int
    value: int

    @property
    def section(self) -> int:
        return self.harness.room.section.id

    @property
    def sis_category(self) -> Category:
        sis, teacher = self.harness.world.powerschool, self.harness.room.sis_teacher
        categories = sis.categories_of(teacher.dcid)
        return categories[self.value % len(categories)]


def make_change(harness: DistrictHarness, change: Change) -> None:
    """Make one change, where there is something to change."""
    items = [item for item in harness.items if change.kind == "restore" or not item.deleted]
    if items:
        uid = harness.students[change.student % len(harness.students)]
        CHANGES[change.kind](Target(harness, items[change.item % len(items)], uid, change.value))


def _edit_in_sis(target: Target) -> None:
    there = target.harness.world.powerschool.gradebook.of_section(target.harness.room.sis)
    if there:
        part = there[target.value % len(there)].section(target.harness.room.sis.dcid)
        student, points = target.harness.room.students[target.uid], target.value % 4
        typed = Decimal(points) if points else None
        target.harness.world.powerschool.gradebook.edit_score(part, student, typed)


def _delete_in_sis(target: Target) -> None:
    gradebook = target.harness.world.powerschool.gradebook
    there = gradebook.of_section(target.harness.room.sis)
    if there:
        gradebook.delete_assignment(there[target.value % len(there)].assignmentid)


def _drop_in_sis(target: Target) -> None:
    harness = target.harness
    student = harness.room.students[target.uid]
    if student.dcid in harness.world.powerschool.roster(harness.room.sis):
        harness.world.powerschool.drop(student, harness.room.sis)
    else:
        harness.world.powerschool.enroll(student, harness.room.sis)


def _lock(target: Target) -> None:
    """Lock or open the term, or one assignment of the SIS."""
    sis, harness = target.harness.world.powerschool, target.harness
    there = sis.gradebook.of_section(harness.room.sis)
    if target.value % 3 == 0 or not there:
        sis.lock_term(harness.room.term, locked=not harness.room.term.locked)
        return
    part = there[target.value % len(there)].section(harness.room.sis.dcid)
    sis.gradebook.lock_assignment(part, locked=not part.locked)


def _change_type(target: Target) -> None:
    there = target.harness.world.powerschool.gradebook.of_section(target.harness.room.sis)
    if there:
        part = there[target.value % len(there)].section(target.harness.room.sis.dcid)
        part.scoretype = "PERCENT" if part.scoretype == "POINTS" else "POINTS"


def _reimport(target: Target) -> None:
    schoology, only = target.harness.world.schoology, [target.item.id] if target.value % 2 else None
    schoology.reimport_assignments(target.section, only, with_grades=target.value % 3 > 0)


def _remake_category(target: Target) -> None:
    if target.item.category:
        target.harness.world.schoology.remake_category(target.section, target.item.category)


def _name_as_another(target: Target) -> None:
    """Give an assignment the name and due date of another."""
    other = target.harness.items[target.value % len(target.harness.items)]
    target.harness.edit(target.item, title=other.title, due=other.due)


def _name_in_other_letters(target: Target) -> None:
    """Give an assignment the name of another, or its own, in other letters."""
    other = target.harness.items[target.value % len(target.harness.items)]
    target.harness.edit(target.item, title=other.title.swapcase(), due=other.due)


def _make_in_sis(target: Target) -> None:
    title, due = target.item.title, target.item.due
    names = [name for name in target.harness.table() if name.casefold() == title.casefold()]
    if due is not None and names in ([], [title]):  # nobody can make one whose name differs in case alone
        target.harness.make_in_sis(target.item)


def _move_due_date(target: Target) -> None:
    """Move a due date by up to forty weeks, or take it away."""
    due = target.item.due
    later = None if due is None or target.value % 5 == 0 else due + timedelta(weeks=target.value - 4)
    target.harness.edit(target.item, due=later)


def _move_term(target: Target) -> None:
    sis, term = target.harness.world.powerschool, target.harness.room.term
    sis.move_term(term, last=term.lastday + timedelta(days=7 * (target.value % 9 - 4)))


def _replace_lead(target: Target) -> None:
    """Make somebody else the lead, with categories of the same names."""
    sis, room = target.harness.world.powerschool, target.harness.room
    new = sis.add_teacher(sis.schools[min(sis.schools)])
    sis.copy_categories(target.harness.room.sis_teacher, new)
    sis.replace_lead(room.sis, new)


def _rename_category(target: Target) -> None:
    """Rename a category on one side."""
    schoology, title = target.harness.world.schoology, f"Category {target.value % 3}"
    if target.value % 2 and target.item.category:
        schoology.rename_category(target.section, target.item.category, title)
    else:
        target.harness.world.powerschool.rename_category(target.sis_category, title)


def _shorten_lists(target: Target) -> None:
    switches = target.harness.world.schoology.switches
    switches.partial_once = switches.partial_rest = False
    switches.partial_lists = {("enrollment", "assignment", "grading_category")[target.value % 3]: 1}


def _show_lists(target: Target) -> None:
    target.harness.world.schoology.switches.partial_lists = {}


CHANGES: Mapping[str, Callable[[Target], object]] = {
    "grade": lambda at: at.harness.grade(at.item, at.uid, at.value),
    "clear": lambda at: at.harness.clear(at.item, at.uid),
    "mark": lambda at: at.harness.mark(at.item, at.uid, at.value % 4 + 1),
    "add": lambda at: at.harness.add(f"Added {at.value}"),
    "rename": lambda at: at.harness.edit(at.item, title=f"Renamed {at.value}"),
    "name alike": _name_as_another,
    "name in other letters": _name_in_other_letters,
    "lengthen name": lambda at: at.harness.edit(
        at.item, title=f"Long name {at.value} " + "x" * (30 + at.value)
    ),
    "move due date": _move_due_date,
    "count no more": lambda at: at.harness.edit(at.item, count_in_grade=at.value % 2 == 0),
    "weigh": lambda at: at.harness.edit(at.item, factor=Decimal(at.value % 3)),
    "rename category": _rename_category,
    "make by hand in sis": _make_in_sis,
    "move term in sis": _move_term,
    "replace lead in sis": _replace_lead,
    "rescale": lambda at: at.harness.edit(at.item, max_points=at.value + 1),
    "ungrade": lambda at: at.harness.edit(at.item, category=0),
    "delete": lambda at: at.harness.edit(at.item, deleted=True),
    "restore": lambda at: at.harness.edit(at.item, deleted=False),
    "reimport": _reimport,
    "end enrollment": lambda at: at.harness.world.schoology.drop_student(at.section, at.uid),
    "enroll anew": lambda at: at.harness.world.schoology.enroll_anew(at.section, at.uid),
    "renumber": lambda at: at.harness.world.schoology.renumber_enrollments(at.section),
    "correct id": lambda at: at.harness.world.schoology.swap_school_uids(at.uid, at.harness.students[0]),
    "second account": lambda at: at.harness.world.schoology.add_second_account(at.uid),
    "remake category": _remake_category,
    "shorten lists": _shorten_lists,
    "show lists": _show_lists,
    "edit in sis": _edit_in_sis,
    "delete in sis": _delete_in_sis,
    "lock or open in sis": _lock,
    "change score type": _change_type,
    "drop or enroll in sis": _drop_in_sis,
    "close sis category": lambda at: at.harness.world.powerschool.set_category_active(
        at.sis_category, active=not at.sis_category.isactive
    ),
    "remake sis category": lambda at: at.harness.world.powerschool.remake_category(
        at.sis_category, move=False
    ),
}
